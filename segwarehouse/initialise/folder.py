"""Look, guess, write `segwarehouse.toml`, and say what was seen.

In: a file of transactions and what the user has said of its columns. Out: a configuration that `segwarehouse check` can
try, with the guesses as remarks beside the settings.
"""

import codecs
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from sqlglot import exp

from segwarehouse import display
from segwarehouse.config import CONFIG_NAME, LearningConfig, render_config
from segwarehouse.errors import ConfigError, SourceError, did_you_mean
from segwarehouse.initialise.guess import Guess, Guesses, guess
from segwarehouse.initialise.names import KEYS, TEMPORAL, candidates
from segwarehouse.initialise.values import FILE, LOOKED
from segwarehouse.project import create_schema
from segwarehouse.warehouse import SourceEngine, connect

PREVIEW_ROWS = 5
MOST_ROWS = 1_000_000
"""So many of the first rows are looked at."""

_READ_AS_TEXT = ("customer_id", "department", "transaction_id", "occurred_at")
_SPREADSHEETS = {".xlsx", ".xls", ".xlsm", ".ods", ".numbers"}
_NEEDED = ("customer_id", "department")
_WHY_SHORTER = "a third of the history, so that quality can be measured on a later period"


@dataclass(frozen=True)
class Initialised:
    """What was written, and what was seen.

    Attributes
    ----------
    path
        The configuration.
    parts
        Which column plays which part, how sure that is, and what was seen in it.
    missing
        Parts that no column plays, with the reason where a column looked like it.
    written
        Settings that say how times, numbers and the file are written.
    learning
        Settings of `[learning]` that the history asks for: a shorter outcome window where it is short.
    rows
        How many rows were looked at, at most `MOST_ROWS`.
    preview
        The first rows, as they stand in the file.
    """

    path: Path
    parts: tuple[Guess, ...]
    missing: Mapping[str, str]
    written: Mapping[str, object]
    learning: Mapping[str, int]
    rows: int
    preview: pd.DataFrame

    def __repr__(self) -> str:
        return display.brief(self, path=str(self.path), guesses=self.guesses, rows=self.rows)

    @property
    def guesses(self) -> dict[str, str]:
        """Key of `[source]` to column."""
        return {part.key: part.column for part in self.parts}

    def as_dict(self) -> dict[str, Any]:
        """Return the same as plain values."""
        return {
            "path": str(self.path),
            "guesses": self.guesses,
            "parts": [
                {"key": part.key, "column": part.column, "how_sure": part.sure, "seen": part.seen}
                for part in self.parts
            ],
            "missing": dict(self.missing),
            "written": dict(self.written),
            "learning": dict(self.learning),
            "rows": self.rows,
            "preview": self.preview.to_dict(orient="records"),
        }

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        found = self.as_dict()
        return display.page(
            display.table(f"Columns, from {self.rows:,} rows", found["parts"]),
            display.facts("Written", {"configuration": self.path, **self.written, **self.learning}),
        )


def initialise(
    directory: str | Path, transactions: str | Path, columns: Mapping[str, str] | None = None
) -> Initialised:
    """Look at a transactions file, guess its columns, and write a commented `segwarehouse.toml`.

    Parameters
    ----------
    directory
        Where to write it.
    transactions
        The file, relative to the current folder.
    columns
        Parts that are known: key of `[source]` to column.

    Raises
    ------
    ConfigError
        If there is a configuration already, or none can be written there.
    SourceError
        If the file can't be read, or no column can be who bought or where.
    """
    path = Path(directory) / CONFIG_NAME
    if os.path.lexists(path):
        raise ConfigError(f"{path} exists already", "edit it, or move it away", key="", value=str(path))
    source = Path(transactions)
    _require_file(source)
    with connect(None) as warehouse:
        types, encoding = _attach(warehouse, source)
        given = _given(columns or {}, types)
        first_rows = exp.select("*").from_(FILE.table()).limit(MOST_ROWS)
        warehouse.execute(exp.Create(this=LOOKED.table(), kind="TABLE", expression=first_rows))
        preview = warehouse.fetch(exp.select("*").from_(LOOKED.table()).limit(PREVIEW_ROWS)).to_pandas()
        found = guess(warehouse, types, given)
    if not found.rows:
        raise SourceError(f"{source} holds no rows", "is it the right file, and was it written completely?")
    for key in _NEEDED:
        if found.of(key) is None:
            raise _nothing_for(key, source, found)
    written = {**found.written, **({"encoding": encoding} if encoding else {})}
    names = {part.key: part.column for part in found.parts}
    notes = {f"source.{part.key}": f"{part.sure}: {part.seen}" for part in found.parts}
    learning = _learning(found)
    notes |= {f"learning.{key}": _WHY_SHORTER for key in learning}
    settings = {"transactions": _location(source, Path(directory)), **names, **written}
    text = render_config({"source": settings, "learning": learning}, notes)
    _write(path, text)
    return Initialised(path, found.parts, _missing(found), written, learning, found.rows, preview)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{path} can't be written: {error.strerror or error}",
            "name a folder that you may write to: segwarehouse init TRANSACTIONS --project FOLDER",
            key="",
            value=str(path),
        ) from error


def _require_file(source: Path) -> None:
    """Refuse what can't be a file of transactions before an engine says it in its own words."""
    if source.suffix.casefold() in _SPREADSHEETS:
        raise SourceError(f"{source} is a spreadsheet", "save the sheet as CSV, in UTF-8 if you are asked")
    try:
        source.stat()
    except PermissionError as error:
        raise _unreadable(source, error) from error
    except OSError:
        pass  # a glob, or nothing: that is said below
    if source.is_dir():
        raise SourceError(f"{source} is a folder", f"name a file in it, or all of them: '{source}/*.parquet'")
    if not source.exists() and not any(mark in str(source) for mark in "*?["):
        raise SourceError(f"there is no file {source}", f"the path starts from {Path.cwd()}")


def _attach(warehouse: SourceEngine, source: Path) -> tuple[dict[str, str], str | None]:
    """Make the file readable; return its columns with their types, and its encoding if unusual.

    What may be an id or a time is read as text, as it stands. What the engine takes for times keeps that type here.
    """
    warehouse.execute(create_schema("source"))
    location = str(source.absolute())
    encoding = _utf_16(source)
    try:
        warehouse.attach_source("transactions", location, encoding=encoding)
    except SourceError as error:
        if "encoding" not in error.facts:
            raise
        encoding = "latin-1"
        warehouse.attach_source("transactions", location, encoding=encoding)
    types = warehouse.columns(FILE)
    times = {name: kind for name, kind in types.items() if any(time in kind.casefold() for time in TEMPORAL)}
    texts = [name for key in _READ_AS_TEXT for name, _ in candidates(key, types)]
    warehouse.attach_source("transactions", location, [*texts, *times], encoding=encoding)
    return {**warehouse.columns(FILE), **times}, encoding


def _utf_16(source: Path) -> str | None:
    """Return the encoding of a file that begins as spreadsheets begin "Unicode text", else None."""
    if not source.is_file():
        return None
    try:
        with source.open("rb") as file:
            return "utf-16" if file.read(2) in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE} else None
    except OSError as error:
        raise _unreadable(source, error) from error


def _unreadable(source: Path, error: OSError) -> SourceError:
    return SourceError(f"{source} can't be read: {error.strerror or error}", "may you read it, and its folder?")


def _given(columns: Mapping[str, str], types: Mapping[str, str]) -> dict[str, str]:
    """Return the user's own parts, with the columns' names as they stand in the file."""
    known = {name.casefold(): name for name in types}
    for key, name in columns.items():
        if key not in KEYS:
            raise ConfigError(f"there is no source.{key}", did_you_mean(key, KEYS), key=f"source.{key}", value=name)
        if name.casefold() not in known:
            raise SourceError(f"there is no column {name!r}", did_you_mean(name, types), column=name)
    return {key: known[name.casefold()] for key, name in columns.items()}


def _nothing_for(key: str, source: Path, found: Guesses) -> SourceError:
    listed = ", ".join(f"{name} ({column.different:,})" for name, column in found.columns.items())
    what = "who bought" if key == "customer_id" else "a department or any other category of what was bought"
    return SourceError(
        f"{source}: no column looks like {what}; the columns, with the number of their different values: {listed}",
        f"name it: segwarehouse init {source} --column {key}=COLUMN",
        column=key,
    )


def _missing(found: Guesses) -> dict[str, str]:
    has = {part.key for part in found.parts}
    wanted = [key for key in KEYS if key != "unit_price"]
    return {
        key: found.unreadable.get(key, "")
        for key in wanted
        if key not in has and not (key == "amount" and "unit_price" in has)
    }


def _learning(found: Guesses) -> dict[str, int]:
    """Return the outcome window where the history is too short to step back by the default one."""
    if found.history_days is None:
        return {}
    usual = LearningConfig()
    fitting = usual.fitting_outcome_days(found.history_days)
    return {} if fitting == usual.outcome_days else {"outcome_days": fitting}


def _location(source: Path, directory: Path) -> str:
    """Return where the file is, relative to the configuration if it is below it, in a form that can only be a file."""
    here = directory.absolute()
    inside = source.absolute().is_relative_to(here)
    location = source.absolute().relative_to(here).as_posix() if inside else str(source.absolute())
    return location if "/" in location else f"./{location}"
