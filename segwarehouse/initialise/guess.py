"""Which column plays which part: by name, then compared with its values.

In: rows in the warehouse. Out: a `Guess` for each key of `[source]` that has a plausible column, with how sure it is
and what was seen, and the settings that say how times and numbers are written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from segwarehouse.initialise.names import KEYLIKE, KEYS, NUMERIC, TEMPORAL, TEXTUAL, candidates
from segwarehouse.initialise.values import (
    FORMATS,
    STRPTIME_FORMATS,
    SourceColumn,
    describe,
    extent,
    most_frequent,
    mostly,
    read_dates,
    read_numbers,
    values_for_each,
)
from segwarehouse.warehouse import Engine

SURE, LIKELY, DOUBTFUL, GIVEN = "sure", "likely", "please check", "as you said"

_MOST_DEPARTMENTS = 2000
_FEWEST_CUSTOMERS = 20
_SEVERAL = 1.2
"""A column has several values for each of another if it has more than so many on average."""

_SHOWN = 4
_LONGEST = 40


@dataclass(frozen=True)
class Guess:
    """One part: the key of `[source]`, the column, how sure it is, and what was seen in it."""

    key: str
    column: str
    sure: str
    seen: str


@dataclass(frozen=True)
class Guesses:
    """What was found.

    Attributes
    ----------
    parts
        Which column plays which part.
    written
        Settings of `[source]` that say how values are written.
    unreadable
        For a part, why a column of a fitting name does not play it.
    rows, columns
        What was looked at.
    history_days
        Whole days from the first to the last time in the file; None without times.
    """

    parts: tuple[Guess, ...]
    written: Mapping[str, object]
    unreadable: Mapping[str, str]
    rows: int
    columns: Mapping[str, SourceColumn]
    history_days: int | None

    def of(self, key: str) -> Guess | None:
        """Return the guess for a key."""
        return next((part for part in self.parts if part.key == key), None)


@dataclass
class _Look:
    """What is known while the parts are guessed one after the other."""

    warehouse: Engine
    types: dict[str, str]
    given: Mapping[str, str]
    rows: int
    columns: dict[str, SourceColumn]
    parts: dict[str, Guess] = field(default_factory=dict)
    written: dict[str, object] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    history_days: int | None = None

    def refuse(self, key: str, name: str, what: str) -> None:
        """Note that a column of a fitting name does not hold what it should."""
        such = ", ".join(repr(value[:_LONGEST]) for value in most_frequent(self.warehouse, name, 2))
        self.unreadable.setdefault(key, f"{name} holds {such}, … which can't be read as {what}")

    @property
    def free(self) -> dict[str, SourceColumn]:
        """The columns with values that play no part yet."""
        taken = {part.column for part in self.parts.values()} | set(self.given.values())
        return {name: column for name, column in self.columns.items() if name not in taken and column.filled}

    def candidates(self, key: str) -> list[tuple[str, str]]:
        """Return the columns that may play a part, with how sure their names are."""
        if key in self.given:
            return [(self.given[key], GIVEN)]
        free = {name: self.types[name] for name in self.free}
        return [(name, SURE if exact else LIKELY) for name, exact in candidates(key, free)]


def guess(warehouse: Engine, types: dict[str, str], given: Mapping[str, str]) -> Guesses:
    """Guess the parts of the columns of `LOOKED`.

    Parameters
    ----------
    types
        Its columns with the engine's types.
    given
        Parts that the user has named: key of `[source]` to column.
    """
    rows, columns = describe(warehouse, types)
    look = _Look(warehouse, types, given, rows, columns)
    for key in KEYS:
        part = _PARTS[key](look, key)
        if part is not None:
            look.parts[key] = part
    if "customer_id" not in look.parts and "department" not in look.parts:
        part = _department_without_customers(look)
        if part is not None:
            look.parts["department"] = part
    for key, by_values in _BY_VALUES.items():
        part = None if key in look.parts or key in given else by_values(look)
        if part is not None:
            look.parts[key] = part
    _settle_price(look)
    ordered = tuple(look.parts[key] for key in KEYS if key in look.parts)
    return Guesses(ordered, look.written, look.unreadable, rows, columns, look.history_days)


def _key(look: _Look, key: str) -> Guess | None:
    """Guess who bought, or which basket: the first column of a fitting name."""
    for name, sure in look.candidates(key):
        column = look.columns[name]
        seen = f"{column.different:,} different values"
        if missing := look.rows - column.filled:
            seen += f"; {missing:,} rows without one"
        if key == "customer_id" and column.different == look.rows:
            return Guess(key, name, sure if sure == GIVEN else DOUBTFUL, f"{seen}; no value is there twice")
        return Guess(key, name, sure, seen)
    return None


def _department(look: _Look, key: str) -> Guess | None:
    """Guess where it was bought: the first column of a fitting name, the fewer than 2,000 values the better."""
    found = look.candidates(key)
    small = [item for item in found if 2 <= look.columns[item[0]].different <= _MOST_DEPARTMENTS]
    for name, sure in [*small, *found]:
        different = look.columns[name].different
        fits = 2 <= different <= _MOST_DEPARTMENTS
        return Guess(key, name, sure if fits or sure == GIVEN else DOUBTFUL, _examples(look, name))
    return None


def _customer_by_values(look: _Look) -> Guess | None:
    """Guess a column of keys that are there again and again, and that neither a product nor a basket has.

    A product belongs to one department, and a basket to one day: without a department nothing is guessed.
    """
    department, time = look.parts.get("department"), look.parts.get("occurred_at")
    if department is None:
        return None
    keys = [
        name
        for name, column in look.free.items()
        if any(kind in column.type_name.casefold() for kind in KEYLIKE)
        and _FEWEST_CUSTOMERS <= column.different <= look.rows / 2
        and values_for_each(look.warehouse, name, department.column) > _SEVERAL
        and (time is None or values_for_each(look.warehouse, name, time.column) > _SEVERAL)
    ]
    if not keys:
        return None
    best = max(keys, key=lambda name: look.columns[name].different)
    return Guess("customer_id", best, DOUBTFUL, f"no name says so; {look.columns[best].different:,} different values")


def _department_by_values(look: _Look) -> Guess | None:
    """Guess a column of text with few values that is no property of the customer."""
    if "customer_id" not in look.parts:
        return None
    customer_id = look.parts["customer_id"].column
    texts = [
        name
        for name, column in look.free.items()
        if any(kind in column.type_name.casefold() for kind in TEXTUAL)
        and 2 <= column.different <= _MOST_DEPARTMENTS // 2
        and values_for_each(look.warehouse, customer_id, name) > _SEVERAL
        and not mostly(read_dates(look.warehouse, name).share)
    ]
    if not texts:
        return None
    best = min(texts, key=lambda name: (not 4 <= look.columns[name].different <= 300, -look.columns[name].different))
    return Guess("department", best, DOUBTFUL, f"no name says so; {_examples(look, best)}")


def _department_without_customers(look: _Look) -> Guess | None:
    """Guess a column of text with few values where no heading says anything: of several the one with the most."""
    texts = [
        name
        for name, column in look.free.items()
        if any(kind in column.type_name.casefold() for kind in TEXTUAL)
        and 2 <= column.different <= min(_MOST_DEPARTMENTS // 2, look.rows / 10)
        and not mostly(read_dates(look.warehouse, name).share)
        and not mostly(read_numbers(look.warehouse, name).share)
    ]
    if not texts:
        return None
    best = max(texts, key=lambda name: look.columns[name].different)
    return Guess("department", best, DOUBTFUL, f"no name says so; {_examples(look, best)}")


def _time_by_values(look: _Look) -> Guess | None:
    """Guess a column of times, or of text that reads as times, that is no property of the customer.

    Of several the one with the most different values: an hour says more than a day. Whole numbers may be times by
    name only, since any number of eight or ten digits can be read as one.
    """
    if "customer_id" not in look.parts:
        return None
    customer_id = look.parts["customer_id"].column
    kinds = (*TEMPORAL, *TEXTUAL)
    names = [
        name
        for name, column in look.free.items()
        if any(kind in column.type_name.casefold() for kind in kinds)
        and values_for_each(look.warehouse, customer_id, name) > _SEVERAL
    ]
    for name in sorted(names, key=lambda name: -look.columns[name].different):
        part = _as_time(
            look, name, DOUBTFUL, [written for written in STRPTIME_FORMATS if not written.startswith("%Y%m%d")]
        )
        if part is not None:
            return replace(part, seen=f"no name says so; {part.seen}")
    return None


def _examples(look: _Look, name: str) -> str:
    values = most_frequent(look.warehouse, name, _SHOWN)
    shown = ", ".join(value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…" for value in values)
    more = ", …" if look.columns[name].different > _SHOWN else ""
    return f"{look.columns[name].different:,} different values: {shown}{more}"


def _time(look: _Look, key: str) -> Guess | None:
    """Guess when it was bought: the first column of a fitting name whose values can be read as times."""
    for name, sure in look.candidates(key):
        part = _as_time(look, name, sure, FORMATS)
        if part is not None:
            return part
        look.refuse(key, name, "times")
    return None


def _as_time(look: _Look, name: str, sure: str, formats: Sequence[str]) -> Guess | None:
    """Return the column as when it was bought; None where most of its values can't be read as times."""
    dates = read_dates(look.warehouse, name, formats)
    if not mostly(dates.share):
        return None
    first, last = extent(look.warehouse, name, dates.format)
    if first is None or last is None:
        return None
    look.history_days = (last - first).days
    seen = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
    if dates.format:
        look.written["date_format"] = dates.format
        seen += f", written as {dates.format}"
    if dates.share < 1.0:
        seen += f"; {1 - dates.share:.1%} can't be read"
    if dates.doubt:
        return Guess("occurred_at", name, DOUBTFUL, f"{seen}; it could be {dates.doubt} just as well")
    return Guess("occurred_at", name, sure, seen)


def _number(look: _Look, key: str) -> Guess | None:
    """Guess how many, or how much: the first column of a fitting name that holds numbers."""
    for name, sure in look.candidates(key):
        numbers = read_numbers(look.warehouse, name)
        if not mostly(numbers.share) or numbers.least is None or numbers.most is None:
            look.refuse(key, name, "numbers")
            continue
        seen = f"{numbers.least:,.6g} to {numbers.most:,.6g}"
        is_text = not any(kind in look.types[name].casefold() for kind in NUMERIC)
        if numbers.decimal_comma and is_text:
            look.written["decimal_comma"] = True
            seen += ", with a decimal comma"
        if numbers.share < 1.0:
            seen += f"; {1 - numbers.share:.1%} of the values can't be read"
        return Guess(key, name, sure, seen)
    return None


def _settle_price(look: _Look) -> None:
    """Keep a price only where it makes the amount: there is none of its own, and a quantity to multiply by."""
    price = look.parts.get("unit_price")
    if price is None:
        return
    if "amount" in look.parts:
        del look.parts["unit_price"]
    elif "quantity" in look.parts:
        look.parts["unit_price"] = Guess(
            price.key, price.column, price.sure, f"{price.seen}; amount = quantity x price"
        )
    else:
        del look.parts["unit_price"]
        look.parts["amount"] = Guess("amount", price.column, LIKELY, f"{price.seen}; a price, and there is no quantity")


_PARTS = {
    "customer_id": _key,
    "department": _department,
    "occurred_at": _time,
    "transaction_id": _key,
    "quantity": _number,
    "amount": _number,
    "unit_price": _number,
    "category": _department,
}
_BY_VALUES = {
    "customer_id": _customer_by_values,
    "department": _department_by_values,
    "occurred_at": _time_by_values,
}
