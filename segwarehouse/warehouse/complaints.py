"""What DuckDB complains of, as errors that say what to do.

In: an error of the driver. Out: one of ours, with its facts and a hint, and without values of the data or credentials.
"""

import re
from pathlib import Path

import duckdb

from segwarehouse.errors import SourceError, WarehouseError, WarehouseLocked
from segwarehouse.outgoing import masked
from segwarehouse.warehouse.ragged import first_odd_line

_ABOUT_VALUES = (
    duckdb.ConversionException,
    duckdb.ConstraintException,
    duckdb.InvalidInputException,
    duckdb.OutOfRangeException,
)
"""The engine complains of a value in the data, and quotes it: it may be a customer's id."""

_NOT_UTF_8 = "not utf-8 encoded"
"""What DuckDB says, below its first line, of a file in another encoding."""


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]


def connect_error(error: duckdb.Error, path: Path | None) -> WarehouseError:
    """Return why a database can't be opened: another program holds it, or what the engine says."""
    message = _first_line(error)
    if "lock" in message.lower():
        holder = re.search(r"PID (\d+)", message)
        who = f" by process {holder.group(1)}" if holder else ""
        return WarehouseLocked(
            f"{path} is held{who}", "wait until it has finished, or close the program that has the file open", path=path
        )
    return WarehouseError(
        f"{path} can't be opened: {message}", "is it a DuckDB database, in a folder you may write to?"
    )


def statement_error(error: duckdb.Error, text: str) -> WarehouseError:
    """Return why a statement failed, without values of the data."""
    message = _first_line(error)
    if _NOT_UTF_8 in str(error):
        return WarehouseError(_NOT_UTF_8, statement=text)
    failed_to_write = "could not write" in message.casefold() or isinstance(error, duckdb.FatalException)
    if isinstance(error, _ABOUT_VALUES):
        message = re.sub(r"""(['"]).*\1""", "'…'", message)
        if not isinstance(error, duckdb.InvalidInputException):
            message = re.sub(r"\b\d[\d.:-]*\b", "…", message)
    return WarehouseError(message, "is there room on the disk?" if failed_to_write else "", statement=text)


def interruption(error: RuntimeError) -> BaseException:
    """Return what stopped a query: DuckDB says of a signal that arrives while it works "Query interrupted"."""
    return KeyboardInterrupt() if "interrupted" in str(error).casefold() else error


def cause_of(error: duckdb.Error) -> duckdb.Error | None:
    """Return the engine's own error for the traceback, unless it quotes a value or a password."""
    return None if isinstance(error, _ABOUT_VALUES) or masked(str(error)) != str(error) else error


def ragged_error(name: str, location: str, path: Path, separator: str, encoding: str) -> SourceError:
    """Return which line of a CSV file has another number of fields than its heading."""
    odd = first_odd_line(path, separator, encoding)
    where = (
        f"line {odd.line:,} has {odd.fields} fields and the heading {odd.expected}" if odd else "lines differ in length"
    )
    return SourceError(
        f"source.{name}: the file {location!r} does not read as a table: {where}",
        f"mend the line, or put quotes around fields that hold {separator!r}",
        source=name,
    )


def source_error(error: Exception, name: str, location: str, *, is_file: bool) -> SourceError:
    """Return why a source can't be read, and what to do."""
    kind = "file" if is_file else "relation"
    if is_file and "No files found" in str(error):
        return SourceError(
            f"source.{name}: no file matches {location!r}",
            "is the path right, relative to segwarehouse.toml?",
            source=name,
        )
    if _NOT_UTF_8 in str(error):
        return SourceError(
            f"source.{name}: the file {location!r} is not written in utf-8",
            'write encoding = "latin-1" under [source], or convert the file: iconv -f cp1252 -t utf-8',
            source=name,
            encoding="utf-8",
        )
    hint = (
        "is it a complete Parquet, CSV or JSON file, and named so (.parquet, .csv, .json)?"
        if is_file
        else "write a file with its ending, or schema.table"
    )
    return SourceError(f"source.{name}: the {kind} {location!r} can't be read: {_first_line(error)}", hint, source=name)
