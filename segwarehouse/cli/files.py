"""Results in files: CSV that a spreadsheet may open, and files that appear only when they are complete."""

import contextlib
import csv
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from segwarehouse.cli.session import current_session
from segwarehouse.errors import SegwarehouseError

if TYPE_CHECKING:
    import pandas as pd


def guarded_csv(frame: "pd.DataFrame") -> str:
    """Return CSV, texts quoted, with an apostrophe before every text that a spreadsheet takes for a formula.

    The signs are those of the OWASP page "CSV Injection": ``= + - @``, tab, carriage return, line feed, and the
    full-width forms of the first four.
    """

    def guard(value: object) -> object:
        return f"'{value}" if isinstance(value, str) and value.startswith(tuple("=+-@\t\r\n＝＋－＠")) else value

    safe = frame.map(guard)
    safe.columns = [guard(str(name)) for name in frame.columns]
    return safe.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC)


def write_file(name: str, write: Callable[[IO[bytes]], object]) -> None:
    """Write to standard output (`-`), or to a file that appears only when it is complete."""
    if name == "-":
        sys.stdout.flush()
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    target = Path(name)
    aside = target.with_name(f".{target.name}.part")
    try:
        with aside.open("wb") as stream:
            write(stream)
        aside.replace(target)
    except OSError as error:
        raise SegwarehouseError(
            f"can't write {name}: {error.strerror or error}", hint="name a file in a folder that may be written to"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
    if not current_session().quiet:
        click.echo(f"Wrote {name}", err=True)
