"""Results on standard output: tables, facts and JSON.

In: rows and values of the Python API. Out: text that no data can turn against the terminal.
"""

import datetime as dt
import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, object]

SCREEN_ROWS = 20


def printable(text: str) -> str:
    r"""Return text on one line, with control characters written out: text from data must not steer a terminal.

    >>> printable("SEA\x1b[2J\nFOOD")
    'SEA\\x1b[2J FOOD'
    """
    line = " ".join(text.splitlines())
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in line)


def print_json(value: object) -> None:
    """Print a value of the Python API as JSON."""
    click.echo(json.dumps(_plain(value), ensure_ascii=False, indent=2, allow_nan=False))


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


def records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return the frame's rows as dicts; what is missing is None."""
    objects = frame.astype(object)
    present = objects.where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in present.to_dict("records")]


def print_facts(facts: Row) -> None:
    """Print named values, a line each."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        click.echo(f"{name.replace('_', ' '):<{width}}  {_cell(value)}")


def print_table(rows: Sequence[Row], columns: Sequence[str] = (), *, title: str = "") -> None:
    """Print those of `columns` that the rows have, or all; nothing for an empty list with a title."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        if not title:
            click.echo("Nothing to show.")
        return
    present = list(dict.fromkeys(name for row in rows for name in row))
    names = [name for name in columns if name in present] or present
    table = Table(box=SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for name in names:
        numeric = all(isinstance(row.get(name), int | float) or row.get(name) is None for row in rows)
        table.add_column(Text(printable(name.replace("_", " "))), justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(Text(_cell(row.get(name))) for name in names))
    wide = None if sys.stdout.isatty() else 4096
    Console(file=sys.stdout, width=wide, highlight=False).print(table)


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.3f}" if math.isfinite(value) else ""
        case list() | tuple():
            return printable(", ".join(map(str, value)))
    return printable(str(value))
