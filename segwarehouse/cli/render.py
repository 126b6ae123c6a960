"""Results on standard output: tables, facts, sentences and JSON.

In: rows and values of the Python API. Out: text that no data can turn against the terminal (`segwarehouse.outgoing`).
"""

import datetime as dt
import math
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import click

from segwarehouse.cli.session import current_session, may_colour
from segwarehouse.display import plain
from segwarehouse.outgoing import as_json, printable, visible

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, object]
Marks = Mapping[str, str]

SCREEN_ROWS = 20

NO_MARKS: Marks = MappingProxyType({})
VERDICTS: Marks = MappingProxyType({"beats activity": "green", "trails": "red"})

_LOG_WIDTH = 4096
_NARROWEST = 18
_BETWEEN = 3


def print_json(value: object) -> None:
    """Print a value of the Python API as JSON."""
    click.echo(as_json(_plain(value), indent=2))


def _plain(value: object) -> Any:
    """Return the value as JSON knows it: NaN and infinities are null, times are ISO texts."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case dt.date():
            return value.isoformat()
    unboxed = getattr(value, "tolist", None)
    return _plain(unboxed()) if callable(unboxed) else str(value)


def print_sql(text: str) -> None:
    """Print SQL; on a terminal with control characters in its literals written out, so that it steers nothing."""
    click.echo(visible(text, kept="\n\t") if sys.stdout.isatty() else text)


def records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return the frame's rows as dicts; what is missing is None."""
    objects = frame.astype(object)
    present = objects.where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in present.to_dict("records")]


def say(text: str, *, aside: bool = False) -> None:
    """Print a line for people: what was done, what to do next; `aside` on standard error."""
    if not current_session().quiet:
        click.echo(printable(text), err=aside)


def warn(text: str) -> None:
    """Print what went wrong, and stopped nothing, on standard error."""
    click.echo(printable(text), err=True)


def print_facts(facts: Row) -> None:
    """Print named values, a line each."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        say(f"{_heading(name):<{width}}  {_cell(value)}")


def print_table(rows: Sequence[Row], columns: Sequence[str] = (), *, title: str = "", marks: Marks = NO_MARKS) -> None:
    """Print those of `columns` that the rows have, or all; nothing for an empty list with a title.

    On a terminal, the last columns are left out where the width does not hold all, and a line says which. `marks`
    gives colours to values that mean good or bad news; there are no others.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if current_session().quiet:
        return
    if not rows:
        if not title:
            click.echo("Nothing to show.")
        return
    present = list(dict.fromkeys(name for row in rows for name in row))
    names = [name for name in columns if name in present] or present
    cells = {name: [_cell(row.get(name)) for row in rows] for name in names}
    console = Console(file=sys.stdout, highlight=False, no_color=not may_colour(sys.stdout))
    if sys.stdout.isatty():
        shown = _fitting(cells, console.width)
    else:
        console.width, shown = _LOG_WIDTH, names
    table = Table(
        box=SIMPLE_HEAD,
        title=Text(printable(title), "table.title") if title else None,
        title_justify="left",
        pad_edge=False,
    )
    for name in shown:
        numeric = all(_is_number(row.get(name)) for row in rows)
        side: Literal["left", "right"] = "right" if numeric else "left"
        heading = "\n".join(_heading(name).split()) if numeric and sys.stdout.isatty() else _heading(name)
        table.add_column(Text(heading), justify=side, overflow="fold", no_wrap=numeric)
    for position in range(len(rows)):
        texts = [cells[name][position] for name in shown]
        table.add_row(*(Text(text, style=marks.get(text, "")) for text in texts))
    console.print(table)
    if left_out := [_heading(name) for name in names if name not in shown]:
        click.echo(f"Not shown for want of width: {', '.join(left_out)}; --json has all.")


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _heading(name: str) -> str:
    return printable(name.replace("_", " "))


def _least_width(name: str, texts: Sequence[str]) -> int:
    """Return the width that a column can't go below: its heading's longest word, and `_NARROWEST` signs of its text."""
    from rich.cells import cell_len

    heading = max(map(cell_len, _heading(name).split()), default=1)
    return max(heading, min(max(map(cell_len, texts), default=0), _NARROWEST))


def _fitting(cells: Mapping[str, Sequence[str]], width: int) -> list[str]:
    """Return the first columns that fit side by side; text may be folded down to `_NARROWEST` signs."""
    fitting: list[str] = []
    used = 0
    for name, texts in cells.items():
        used += _least_width(name, texts) + _BETWEEN
        if fitting and used > width:
            break
        fitting.append(name)
    return fitting


def _cell(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else plain(value)
    return printable(text)
