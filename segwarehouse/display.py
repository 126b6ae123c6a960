"""What a notebook or a prompt shows of a result: one line, or small HTML tables, everything in them escaped.

In: named values and rows of plain values. Out: HTML without style or script of its own, so that it looks like the
notebook around it, and without characters that turn the reading direction. What is worth showing is left to the object
that is shown.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from segwarehouse.outgoing import printable

MOST_ROWS = 50


def brief(value: object, **facts: object) -> str:
    """Return a `repr` on one line: the type, and the facts that tell a value from another.

    >>> brief(1.5, run_id="r1", departments=20)
    "<float run_id='r1', departments=20>"
    """
    return f"<{type(value).__name__} {', '.join(f'{name}={fact!r}' for name, fact in facts.items())}>"


def page(*parts: str) -> str:
    """Return the parts as one piece of HTML."""
    return f"<div>{''.join(parts)}</div>"


def facts(title: str, values: Mapping[str, object]) -> str:
    """Return named values below a title, a line each."""
    lines = "".join(
        f"<tr><th>{_html(name.replace('_', ' '))}</th><td>{_html(plain(v))}</td></tr>" for name, v in values.items()
    )
    return f"<h4>{_html(title)}</h4><table>{lines}</table>"


def table(title: str, rows: Sequence[Mapping[str, object]], columns: Sequence[str] = ()) -> str:
    """Return rows as a table, nothing where there are none; a line says how many are left out of a long one.

    >>> table("Left out", [{"department": "<b>"}])
    '<h4>Left out</h4><table><tr><th>department</th></tr><tr><td>&lt;b&gt;</td></tr></table>'
    """
    if not rows:
        return ""
    names = list(columns) or list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{_html(name.replace('_', ' '))}</th>" for name in names)
    cells = ("".join(f"<td>{_html(plain(row.get(name)))}</td>" for name in names) for row in rows[:MOST_ROWS])
    body = "".join(f"<tr>{each}</tr>" for each in cells)
    more = f"<p>… and {len(rows) - MOST_ROWS:,} more</p>" if len(rows) > MOST_ROWS else ""
    return f"<h4>{_html(title)}</h4><table><tr>{head}</tr>{body}</table>{more}"


def sentences(items: Iterable[str]) -> str:
    """Return sentences as a list."""
    listed = "".join(f"<li>{_html(item)}</li>" for item in items)
    return f"<ul>{listed}</ul>" if listed else ""


def _html(text: str) -> str:
    return escape(printable(text))


def plain(value: object) -> str:
    """Return a value as it stands in a table: three decimals, yes and no, nothing for what is not known.

    >>> plain(0.5), plain(True), plain(None), plain(float("nan")), plain(7)
    ('0.500', 'yes', '', '', '7')
    """
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.3f}" if math.isfinite(value) else ""
    return str(value)


def days_in_words(number: int) -> str:
    """Return what follows "in the last"; 0 is a number that is not known.

    >>> days_in_words(28), days_in_words(1), days_in_words(1_000), days_in_words(0)
    ('28 days', 'day', '1,000 days', 'days')
    """
    return "day" if number == 1 else f"{number:,} days" if number else "days"
