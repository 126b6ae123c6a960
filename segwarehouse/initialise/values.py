"""Columns by value: how full they are, how times and numbers are written.

In: a table in the warehouse. Out: counts and formats. Nothing is read into Python but these.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from sqlglot import exp

from segwarehouse.config import UNIX_FORMATS
from segwarehouse.warehouse import Engine, Relation

FILE = Relation("source", "transactions")
"""All rows."""

LOOKED = Relation("source", "looked_at")
"""The rows that are looked at."""

_DAYS = (
    "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%Y", "%m-%d-%Y", "%d-%m-%y",
    "%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d",
)  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S")
STRPTIME_FORMATS = tuple(day + time for day, time in product(_DAYS, _TIMES))
FORMATS = (*STRPTIME_FORMATS, *UNIX_FORMATS)

_DISTINCT_TIMES = 20_000
_FIRST_MS, _LAST_MS = 631_152_000_000, 4_102_444_800_000
_EARLIEST = dt.date(1900, 1, 1)
_DECIMAL_COMMA = r"^\s*-?([0-9]+|[0-9]{1,3}(\.[0-9]{3})+)(,[0-9]+)?\s*$"
_MOSTLY = 0.9


@dataclass(frozen=True)
class SourceColumn:
    """How a column is filled: its type, rows with a value, different values."""

    type_name: str
    filled: int
    different: int


@dataclass(frozen=True)
class Dates:
    """How times are written.

    Attributes
    ----------
    format
        For strptime, or one of `UNIX_FORMATS`; None where they are times already, or written as ISO 8601 has it.
    share
        Of the different values, how many can be read.
    doubt
        Another format that reads them all as well, with day and month changed round.
    """

    format: str | None
    share: float
    doubt: str | None


@dataclass(frozen=True)
class Numbers:
    """How numbers are written: with a decimal comma or not, the share that can be read, the smallest and largest."""

    decimal_comma: bool
    share: float
    least: float | None
    most: float | None


def describe(warehouse: Engine, types: dict[str, str]) -> tuple[int, dict[str, SourceColumn]]:
    """Return the number of rows, and how each column is filled."""
    counts: list[exp.Expr] = [exp.Count(this=exp.Star()).as_("n")]
    for position, name in enumerate(types):
        column = exp.column(name, quoted=True)
        counts.append(exp.Count(this=column).as_(f"filled_{position}"))
        counts.append(exp.Count(this=exp.Distinct(expressions=[column.copy()])).as_(f"different_{position}"))
    row = warehouse.fetch(exp.select(*counts).from_(LOOKED.table())).to_pylist()[0]
    return row["n"], {
        name: SourceColumn(type_name, row[f"filled_{position}"], row[f"different_{position}"])
        for position, (name, type_name) in enumerate(types.items())
    }


def values_for_each(warehouse: Engine, key: str, name: str) -> float:
    """Return how many different values of a column there are on average for each value of another."""
    pairs = exp.select(exp.column(key, quoted=True).as_("key"), exp.column(name, quoted=True).as_("value"))
    pairs = pairs.distinct().from_(LOOKED.table()).where(exp.not_(exp.column(key, quoted=True).is_(exp.null())))
    counted = exp.select(
        exp.Count(this=exp.Star()).as_("pairs"),
        exp.Count(this=exp.Distinct(expressions=[exp.column("key")])).as_("keys"),
    ).from_(pairs.subquery("pairs"))
    row = warehouse.fetch(counted).to_pylist()[0]
    return float(row["pairs"] / row["keys"]) if row["keys"] else 0.0


def most_frequent(warehouse: Engine, name: str, limit: int) -> list[str]:
    """Return the most frequent values of a column as text."""
    value = exp.cast(exp.column(name, quoted=True), "text")
    query = (
        exp.select(value.as_("value"))
        .from_(LOOKED.table())
        .where(exp.not_(exp.column(name, quoted=True).is_(exp.null())))
    )
    query = (
        query.group_by("value").order_by(exp.Ordered(this=exp.Count(this=exp.Star()), desc=True), "value").limit(limit)
    )
    return [str(found) for found in warehouse.fetch(query)["value"].to_pylist()]


def read_dates(warehouse: Engine, name: str, formats: Sequence[str] = FORMATS) -> Dates:
    """Find out how a column's times are written, from its different values."""
    values = _texts(name, _DISTINCT_TIMES)
    tries = [_plausible(_iso()), *(_plausible(_parsed(written)) for written in formats)]
    counted = exp.select(
        exp.Count(this=exp.Star()).as_("n"), *(exp.Count(this=tried).as_(f"f{i}") for i, tried in enumerate(tries))
    ).from_(values.subquery("texts"))
    row = warehouse.fetch(counted).to_pylist()[0]
    counts = [row[f"f{i}"] for i in range(len(tries))]
    best = max(range(len(tries)), key=lambda i: (counts[i], -i))
    written = formats[best - 1] if best else None
    other = _changed_round(written) if written else None
    tied = other in formats and counts[formats.index(other) + 1] == counts[best] if other else False
    return Dates(
        format=written,
        share=counts[best] / row["n"] if row["n"] else 0.0,
        doubt=other if tied else None,
    )


def extent(warehouse: Engine, name: str, written: str | None) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Return the first and the last time in a column of the whole file; None where none can be read.

    Parameters
    ----------
    written
        `Dates.format`.
    """
    time = _plausible(_parsed(written) if written else _iso())
    query = exp.select(exp.Min(this=time).as_("first"), exp.Max(this=time.copy()).as_("last"))
    value = exp.select(_text(name).as_("value")).from_(FILE.table())
    row = warehouse.fetch(query.from_(value.subquery("texts"))).to_pylist()[0]
    return row["first"], row["last"]


def read_numbers(warehouse: Engine, name: str) -> Numbers:
    """Find out whether a column of text holds numbers, and with which decimal sign."""
    values = _texts(name, None)
    value = exp.column("value")
    plain = exp.TryCast(this=value, to=exp.DataType.build("double"))
    without_dots = exp.func("REPLACE", value.copy(), exp.Literal.string("."), exp.Literal.string(""))
    pointed = exp.func("REPLACE", without_dots, exp.Literal.string(","), exp.Literal.string("."))
    like_comma = exp.RegexpLike(this=value.copy(), expression=exp.Literal.string(_DECIMAL_COMMA))
    comma = exp.Case().when(like_comma, exp.TryCast(this=pointed, to=exp.DataType.build("double")))
    measures: list[exp.Expr] = [exp.Count(this=exp.Star()).as_("n")]
    for label, number in (("plain", plain), ("comma", comma)):
        measures += [
            exp.Count(this=number.copy()).as_(label),
            exp.Min(this=number.copy()).as_(f"{label}_least"),
            exp.Max(this=number.copy()).as_(f"{label}_most"),
        ]
    row = warehouse.fetch(exp.select(*measures).from_(values.subquery("texts"))).to_pylist()[0]
    best = "comma" if row["comma"] > row["plain"] else "plain"
    share = row[best] / row["n"] if row["n"] else 0.0
    return Numbers(best == "comma", share, row[f"{best}_least"], row[f"{best}_most"])


def mostly(share: float) -> bool:
    """Return whether so many values can be read that the others are faults of the data."""
    return share >= _MOSTLY


def _texts(name: str, limit: int | None) -> exp.Select:
    """Return the query of a column's different values as text, in the column `value`."""
    query = exp.select(_text(name).as_("value")).distinct().from_(LOOKED.table())
    query = query.where(exp.not_(exp.column(name, quoted=True).is_(exp.null())))
    return query.limit(limit) if limit else query


def _text(name: str) -> exp.Expr:
    return exp.func("TRIM", exp.cast(exp.column(name, quoted=True), "text"))


def _iso() -> exp.Expr:
    return exp.TryCast(this=exp.column("value"), to=exp.DataType.build("timestamp"))


def _plausible(time: exp.Expr) -> exp.Expr:
    """Return the time, or NULL for a year that nobody bought in: a year of two digits reads as one of four, too."""
    earliest = exp.cast(exp.Literal.string(f"{_EARLIEST:%Y-%m-%d}"), "timestamp")
    return exp.Case().when(exp.GTE(this=time, expression=earliest), time.copy())


def _parsed(written: str) -> exp.Expr:
    """Return the value as a time; NULL where it is none, and where a number is none from 1990 to 2100."""
    if written in UNIX_FORMATS:
        factor = exp.Literal.number(UNIX_FORMATS[written])
        number = exp.TryCast(this=exp.column("value"), to=exp.DataType.build("double")) * factor
        usual = exp.Between(this=number, low=exp.Literal.number(_FIRST_MS), high=exp.Literal.number(_LAST_MS))
        return exp.Case().when(usual, exp.func("EPOCH_MS", exp.cast(number.copy(), "bigint"), dialect="duckdb"))
    return exp.func("TRY_STRPTIME", exp.column("value"), exp.Literal.string(written))


def _changed_round(written: str) -> str:
    """Return the format with day and month changed round.

    >>> _changed_round("%d/%m/%Y %H:%M")
    '%m/%d/%Y %H:%M'
    """
    return written.translate(str.maketrans("dm", "md")) if "%m" in written else written
