"""Results in files: CSV that a spreadsheet may open, and files that appear only when they are complete.

Values stay true in a file and in a pipe. On a terminal, CSV has what could steer it written out; Parquet is refused.
"""

import contextlib
import csv
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from segwarehouse.cli.render import say
from segwarehouse.errors import SegwarehouseError
from segwarehouse.outgoing import visible

if TYPE_CHECKING:
    import pandas as pd


CSV, PARQUET, HTML = "CSV", "Parquet", "HTML"

_FORMATS: Mapping[str, str] = {
    ".csv": CSV, ".txt": CSV, ".parquet": PARQUET, ".parq": PARQUET, ".html": HTML, ".htm": HTML,
    ".tsv": "tab-separated text", ".json": "JSON", ".jsonl": "JSON", ".ndjson": "JSON", ".xlsx": "a workbook",
    ".xls": "a workbook", ".xlsm": "a workbook", ".ods": "a workbook", ".numbers": "a workbook", ".pdf": "PDF",
    ".docx": "a document", ".md": "Markdown", ".xml": "XML", ".sql": "SQL", ".feather": "Arrow", ".arrow": "Arrow",
    ".duckdb": "a database", ".db": "a database", ".sqlite": "a database", ".gz": "a packed file",
    ".zst": "a packed file", ".bz2": "a packed file", ".xz": "a packed file", ".zip": "a packed file",
}  # fmt: skip
"""What the ending of a file's name says that is in it; others say nothing."""

_FIRST: Mapping[str, str] = {"a workbook": "spreadsheets open CSV too: ", "a packed file": "pack it afterwards: "}


def require_ending(name: str | None, written: str) -> None:
    """Refuse a file whose ending says that it holds something else than what would be `written` into it.

    Raises
    ------
    click.UsageError
        With what to do instead.
    """
    if name is None:
        return
    ending = Path(name).suffix
    expected = _FORMATS.get(ending.casefold(), written)
    if expected != written:
        plain = Path(name).with_suffix(f".{written.casefold()}").name
        raise click.UsageError(
            f"{name}: {ending} says {expected}, and {written} is written; {_FIRST.get(expected, '')}name it {plain}"
        )


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


def write_csv(name: str, frame: "pd.DataFrame") -> None:
    """Write guarded CSV; on a terminal with control characters written out."""
    text = guarded_csv(frame)
    if name == "-" and sys.stdout.isatty():
        text = visible(text, kept="\r\n")
    write_file(name, lambda stream: stream.write(text.encode()))


def write_parquet(name: str, frame: "pd.DataFrame") -> None:
    """Write Parquet; not onto a terminal."""
    if name == "-" and sys.stdout.isatty():
        raise click.UsageError("Parquet is no text: send it to a file or a program, or name one with --parquet FILE")
    write_file(name, lambda stream: frame.to_parquet(stream, index=False))


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
    say(f"Wrote {name}", aside=True)
