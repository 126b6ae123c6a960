"""What a setting accepts, in words, and how it is read from TOML.

In: a value as TOML has it. Out: the value as the program has it, or a ValueError with the reason. Which setting is of
which kind is left to `tables.py`.
"""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

SCHEMAS = (
    "source", "staging", "features", "cutoffs", "truncated", "learned", "logged", "history", "targeting", "checks",
    "main", "memory", "system", "temp",
)  # fmt: skip
"""Schemas and catalogues that a database file must not be called like: two-part names would be ambiguous."""

_URL_FORMS = "duckdb:///relative/path.duckdb or duckdb:////absolute/path.duckdb"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a setting accepts, in words, and how it is read: `read` raises ValueError with a reason ("" for none)."""

    accepts: str
    read: Callable[[object], object]
    choices: tuple[str, ...] = ()


def read_text(value: object) -> str:
    """Return a text that says something. Raises ValueError for anything else."""
    if not isinstance(value, str):
        raise ValueError("")
    if not value.strip():
        raise ValueError("it is empty")
    if "\0" in value:
        raise ValueError("it contains a NUL character")
    return value


def _read_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("")
    return value


def whole(low: int, high: int | None = None) -> Kind:
    """Return the kind of whole numbers from `low` to `high`."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
            raise ValueError("")
        return value

    return Kind(f"a whole number from {low} to {high}" if high is not None else f"a whole number, {low} or more", read)


def share(high: float) -> Kind:
    """Return the kind of numbers from 0 to `high`."""

    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("")
        if not math.isfinite(value) or not 0.0 <= value <= high:
            raise ValueError("")
        return float(value)

    return Kind(f"a number from 0 to {high:g}", read)


def _read_money(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0.0:
        raise ValueError("")
    return float(value)


def choice(*choices: str) -> Kind:
    """Return the kind of a text that is one of these."""

    def read(value: object) -> str:
        if value not in choices:
            raise ValueError("")
        return str(value)

    return Kind(" or ".join(f'"{choice}"' for choice in choices), read, choices)


def _read_names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("")
    names = tuple(read_text(name) for name in value)
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name!r} is there twice")
    return names


TEXT = Kind("a text", read_text)
FLAG = Kind("true or false", _read_flag)
NAMES = Kind("a list of texts", _read_names)
MONEY = Kind("a number, 0 or more", _read_money)


UNIX_FORMATS: Mapping[str, int] = MappingProxyType({"unix seconds": 1000, "unix milliseconds": 1})
"""Forms of `source.date_format` for times as numbers since 1970, with the milliseconds that one counts."""


def _read_date_format(value: object) -> str:
    text = read_text(value)
    if text in UNIX_FORMATS:
        return text
    named = set(re.findall(r"%-?([A-Za-z])", text))
    if not (named & {"d", "j"} and named & {"y", "Y"}):
        raise ValueError("it names no day and no year")
    return text


DATE_FORMAT = Kind("a format of strptime such as %d.%m.%Y %H:%M, unix seconds, or unix milliseconds", _read_date_format)


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """An engine's sqlglot name and the path of its database file."""

    engine: str
    path: Path

    @classmethod
    def parse(cls, text: str) -> "DatabaseUrl":
        """Return the URL's parts. The path is taken as it is written, without percent-decoding.

        Raises
        ------
        ValueError
            With the reason, if the form is not supported or the file is called like a schema.

        >>> DatabaseUrl.parse("duckdb:///published/warehouse.duckdb").path.as_posix()
        'published/warehouse.duckdb'
        >>> DatabaseUrl.parse("duckdb:////srv/warehouse.duckdb").path.as_posix()
        '/srv/warehouse.duckdb'
        """
        scheme, separator, rest = text.partition(":///")
        if not separator or scheme != "duckdb":
            raise ValueError(f"supported is {_URL_FORMS}")
        name = rest.rpartition("/")[2]
        catalogue = name.split(".")[0]
        if not catalogue or "?" in rest or ":" in name:
            raise ValueError(f"it names no database file; supported is {_URL_FORMS}")
        if catalogue.casefold() in SCHEMAS:
            raise ValueError(
                f"a database called {catalogue!r} makes every name in the schema {catalogue.casefold()!r} ambiguous; "
                "call the file warehouse.duckdb, for instance"
            )
        return cls(scheme, Path(rest))

    def under(self, directory: Path) -> "DatabaseUrl":
        """Return the URL with its path made absolute from `directory`; symbolic links stay as they are."""
        return replace(self, path=Path(os.path.normpath(directory / self.path)))


def _read_url(value: object) -> DatabaseUrl:
    return DatabaseUrl.parse(read_text(value))


URL = Kind(f"a database URL ({_URL_FORMS})", _read_url)
