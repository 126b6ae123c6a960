"""The proof: SQL and Python select the identical customers, in the identical order, with identical scores.

In: a warehouse and an `ViewSpec`. Out: a `Proof`, which lists by how many customers the two differ in each respect,
and never who they are. Python's half shares nothing with the compiled SQL but the card: `Card.apply` on features
as they are fetched, buyers fetched on their own, order, ranks and budget worked out in numpy, arms in hashlib
(`identities.py`).

`prove_all` asks about every customer of the feature relation, department by department; `prove_on_boundaries` about
fuzzed tables (`boundaries.py`) through the same compiler. Both refuse SQL that `validate.py` does not let through.
Stopping what depends on it is left to the caller, by `Proof.require`.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from sqlglot import exp

from segwarehouse.domain import BoolArray, Card, Column, Columns, FloatArray, IntArray, Scored
from segwarehouse.errors import DataError, ProofFailed, StatementRefused
from segwarehouse.rules.boundaries import boundary_columns
from segwarehouse.rules.compile import (
    CUSTOMERS,
    DEPARTMENT_COUNTS,
    VIEW_COLUMNS,
    ViewSpec,
    control_limit,
    department_view,
)
from segwarehouse.rules.identities import CustomerIds, id_column, is_text, plain_ids
from segwarehouse.rules.simplify import stricter_rules
from segwarehouse.rules.validate import validate_view
from segwarehouse.warehouse import AS_NAMED, Engine, Place, Places

__all__ = [
    "Asked",
    "CustomerIds",
    "Discrepancy",
    "Proof",
    "bits_of",
    "numbers_of",
    "prove_all",
    "prove_on_boundaries",
    "prove_on_customers",
]

BATCH_ROWS = 100_000

_GROUP_BYTES, _BYTES_A_CUSTOMER = 2**28, 24
"""Departments are proved together as far as their scores, of so many bytes a customer beside a mask a rule, fit."""

_CARDS_A_TABLE = 8
"""Boundaries of so many cards are put into one table; each of them is asked about all of it."""


class Discrepancy(NamedTuple):
    """One respect in which SQL and Python differ, and for how many customers."""

    aspect: str
    rows: int


@dataclass(frozen=True, slots=True)
class Proof:
    """The outcome of comparing a view with Python.

    Attributes
    ----------
    rows
        How many customers were asked about.
    selected
        How many of them Python selects.
    differences
        Empty when the proof holds.
    """

    rows: int
    selected: int
    differences: tuple[Discrepancy, ...] = ()

    @property
    def holds(self) -> bool:
        """Tell whether SQL and Python agree in everything."""
        return not self.differences

    def require(
        self, name: str, hint: str = "nothing was published; please report this with the department's SQL"
    ) -> None:
        """Stop here if the proof does not hold.

        Parameters
        ----------
        name
            What was proved, for instance a department.
        hint
            What to do next.

        Raises
        ------
        ProofFailed
            With the name and the first respects in which SQL and Python differ. It names no customer.
        """
        if self.holds:
            return
        shown = ", ".join(f"{aspect} ({rows:,})" for aspect, rows in self.differences[:4])
        raise ProofFailed(
            f"{name}: SQL and Python disagree on {self.rows:,} customers: {shown}",
            hint,
            department=name,
            differences=self.differences,
        )


@dataclass(frozen=True, slots=True)
class _Expected:
    """Python's half, for all n customers in the order of their ids."""

    scored: Scored
    selected: BoolArray
    control: BoolArray
    rank: IntArray
    in_budget: BoolArray


class _Answer(NamedTuple):
    """SQL's half, for all rows in the order they came.

    `customer` is the place among all customers, -1 for a stranger. `values` is int64 for every other column: doubles by
    their bits, text as a code into `texts`.
    """

    customer: IntArray
    values: Mapping[str, IntArray]
    texts: Mapping[str, int]


class Asked(NamedTuple):
    """A department whose views are to be proved.

    `views` are queries, for instance one that reads a published view: the columns of a view, with or without `points`
    and `activity`. None is what the compiler makes of `spec`, validated.
    """

    spec: ViewSpec
    views: tuple[exp.Query | None, ...] = (None,)


def prove_all(
    warehouse: Engine, asked: Sequence[Asked], *, everyone: CustomerIds | None = None, places: Places = AS_NAMED
) -> Iterator[tuple[Proof, ...]]:
    """Compare departments' views with Python for every customer; features are read once for many departments.

    Parameters
    ----------
    warehouse
        Where the feature relations are.
    asked
        The departments.
    everyone
        The customers, read before; fetched when left out.
    places
        Where the feature relations are. A compiled view is checked as it is published, and run as it reads there.

    Yields
    ------
    tuple of Proof
        Of the views of each department, in the order given.

    Raises
    ------
    StatementRefused
        If a compiled view is not what may run, or a feature is not DOUBLE.
    WarehouseError, DataError
        If a view does not run, or customers are not there once each.
    """
    everyone = everyone or CustomerIds.read(warehouse, places)
    known = warehouse.columns(places.of(CUSTOMERS))
    for group in _grouped(asked, len(everyone.ids)):
        views = [
            [_compiled(each.spec, known, warehouse.dialect, places) if view is None else view for view in each.views]
            for each in group
        ]
        expectations = _expect(warehouse, [each.spec for each in group], everyone, places)
        for each, queries, expected in zip(group, views, expectations, strict=True):
            yield tuple(_prove(warehouse, each.spec, view, expected, everyone) for view in queries)


def prove_on_customers(
    warehouse: Engine,
    spec: ViewSpec,
    *,
    everyone: CustomerIds | None = None,
    view: exp.Query | None = None,
    places: Places = AS_NAMED,
) -> Proof:
    """Compare one department's view with Python for every customer. See `prove_all`."""
    return next(prove_all(warehouse, [Asked(spec, (view,))], everyone=everyone, places=places))[0]


def prove_on_boundaries(
    warehouse: Engine, specs: Sequence[ViewSpec], *, scratch_schema: str = "proof", seed: int = 0
) -> list[Proof]:
    """Compare what the compiler makes of cards with Python on fuzzed tables of boundary values.

    A table holds the boundaries of several cards, and each of these is asked about all of it. It gets text ids in
    several scripts, a tenth of its customers as buyers, and budgets that about half of those selected fit in, so that
    every part of a view is put to the test. The tables are dropped again.

    Parameters
    ----------
    warehouse
        Any engine that may be written to.
    specs
        What the views are compiled from; their budgets are replaced.
    scratch_schema
        Schema for the two tables, created where there is none.
    seed
        Of the random part of the table.

    Returns
    -------
    list of Proof
        Of each, in the order given.

    Raises
    ------
    StatementRefused
        If a compiled view is not what may run.
    WarehouseError
        If a view or the tables fail.
    """
    customers = Place(scratch_schema, "boundary_customers")
    counts = Place(scratch_schema, "boundary_department_counts")
    schema = exp.Table(db=exp.to_identifier(scratch_schema, quoted=True))
    warehouse.execute(exp.Create(this=schema, kind="SCHEMA", exists=True))
    found: list[Proof] = []
    for start in range(0, len(specs), _CARDS_A_TABLE):
        part = specs[start : start + _CARDS_A_TABLE]
        columns, rows = boundary_columns([spec.card for spec in part], seed)
        selected = [int(spec.card.apply(columns, rows).selected.sum()) for spec in part]
        tested = [replace(spec, budget=count * 2 // 5) for spec, count in zip(part, selected, strict=True)]
        warehouse.load(customers, _boundary_customers(columns, rows))
        warehouse.load(counts, _boundary_counts(rows, [spec.department_key for spec in part]))
        places = Places({CUSTOMERS: customers, DEPARTMENT_COUNTS: counts})
        found += [proofs[0] for proofs in prove_all(warehouse, [Asked(spec) for spec in tested], places=places)]
        for table in (customers, counts):
            warehouse.execute(exp.Drop(tables=[table.table()], kind="TABLE", exists=True))
    return found


def _grouped(asked: Sequence[Asked], customers: int) -> Iterator[list[Asked]]:
    """Yield departments in groups whose scores fit in `_GROUP_BYTES`, one at least in each."""
    group: list[Asked] = []
    size = 0
    for each in asked:
        needed = customers * (len(each.spec.card.rules) + _BYTES_A_CUSTOMER)
        if group and size + needed > _GROUP_BYTES:
            yield group
            group, size = [], 0
        group.append(each)
        size += needed
    if group:
        yield group


def _compiled(spec: ViewSpec, columns: Mapping[str, str], dialect: str, places: Places) -> exp.Query:
    compiled = department_view(spec, with_points=True)
    validate_view(compiled, columns, dialect=dialect)
    return places.moved(compiled)


def _prove(warehouse: Engine, spec: ViewSpec, view: exp.Query, expected: _Expected, everyone: CustomerIds) -> Proof:
    """Ask about one view."""
    answer = _ask(warehouse, view, everyone)
    if isinstance(answer, str):
        selected = int(expected.selected.sum())
        return Proof(len(everyone.ids), selected, (Discrepancy(f"columns: {answer}", selected),))
    return Proof(len(everyone.ids), int(expected.selected.sum()), tuple(_differences(spec, expected, answer)))


_SCRIPTS = ("", "0", "00", "é", "ß", "漢", "🙂", "a'b", 'a"b', "A", " ")


def _boundary_ids(rows: int) -> list[str]:
    return [f"{_SCRIPTS[row % len(_SCRIPTS)]}{row}" for row in range(rows)]


def _boundary_customers(columns: Columns, rows: int) -> pa.Table:
    arrays = {"customer_id": pa.array(_boundary_ids(rows), pa.string())}
    for name, (values, missing) in columns.items():
        arrays[name] = pa.array(values, pa.float64(), mask=missing, from_pandas=False)
    return pa.table(arrays)


def _boundary_counts(rows: int, departments: Sequence[int]) -> pa.Table:
    """Return a tenth of the customers as buyers of each department, and half of all as buyers of another one."""
    ids = _boundary_ids(rows)
    here, elsewhere = ids[5::10], ids[::2]
    keys = [key for key in departments for _ in here] + [max(departments) + 1] * len(elsewhere)
    return pa.table({"customer_id": pa.array(here * len(departments) + elsewhere, pa.string()), "department_key": keys})


def _expect(warehouse: Engine, specs: Sequence[ViewSpec], everyone: CustomerIds, places: Places) -> Iterator[_Expected]:
    """Yield Python's half for each department."""
    scored = _score(warehouse, [spec.card for spec in specs], everyone, places.of(CUSTOMERS))
    keys = [spec.department_key for spec in specs]
    buyers = _buyers(warehouse, keys, everyone, places.of(DEPARTMENT_COUNTS))
    for spec, found, buyer in zip(specs, scored, buyers, strict=True):
        yield _ranked(spec, found, buyer, everyone)


def _ranked(spec: ViewSpec, scored: Scored, buyer: BoolArray, everyone: CustomerIds) -> _Expected:
    selected = scored.selected & ~buyer
    control = everyone.draws(spec.salt) < control_limit(spec.control_share)
    members = np.flatnonzero(selected)
    best_first = np.lexsort((everyone.position[members], -scored.activity[members], -scored.points[members]))
    members = members[best_first]
    rank = np.zeros(len(selected), dtype=np.int64)
    rank[members] = np.arange(1, len(members) + 1)
    target = ~control[members]
    in_budget = np.zeros(len(selected), dtype=np.bool_)
    in_budget[members] = target & (np.cumsum(target) <= spec.budget)
    return _Expected(scored, selected, control, rank, in_budget)


def _score(warehouse: Engine, cards: Sequence[Card], everyone: CustomerIds, customers: Place) -> list[Scored]:
    """Apply cards in Python to features fetched in batches, once for all; outcomes in the order of the customers."""
    names = sorted({name for card in cards for name in card.features})
    features = [exp.Column(this=exp.to_identifier(name, quoted=True)) for name in names]
    query = exp.select(id_column(as_text=everyone.as_text), *features).from_(customers.table())
    ids: list[pa.Array] = []
    parts: list[list[Scored]] = [[] for _ in cards]
    for batch in warehouse.batches(query, BATCH_ROWS):
        ids.append(plain_ids(batch.column(0)))
        columns = {name: _column(batch, position, name) for position, name in enumerate(names, start=1)}
        for card, found in zip(cards, parts, strict=True):
            found.append(card.apply(columns, batch.num_rows))
    order = _order_of(_joined(ids, everyone.ids.type), everyone, customers)
    return [_rearranged(found, order, len(card.rules)) for card, found in zip(cards, parts, strict=True)]


def _order_of(ids: pa.Array, everyone: CustomerIds, customers: Place) -> IntArray | slice:
    """Return how rows that came with these ids are put into the order of all customers."""
    found, places = everyone.find(ids), np.arange(len(everyone.ids))
    if np.array_equal(found, places):
        return slice(None)  # a slice copies nothing
    order = np.argsort(found)
    if not np.array_equal(found[order], places):
        raise DataError(f"{customers} changed while it was read", "let nothing else write to it meanwhile")
    return order


def _rearranged(parts: list[Scored], pick: IntArray | slice, rules: int) -> Scored:
    if not parts:
        nobody = np.zeros(0, dtype=np.int64)
        return Scored(np.zeros((0, rules), dtype=np.bool_), nobody, nobody, nobody.astype(np.float64))
    return Scored(
        matched=np.concatenate([part.matched for part in parts])[pick],
        activity=np.concatenate([part.activity for part in parts])[pick],
        points=np.concatenate([part.points for part in parts])[pick],
        score=np.concatenate([part.score for part in parts])[pick],
    )


def _column(batch: pa.RecordBatch, position: int, name: str) -> Column:
    values = batch.column(position)
    if values.type != pa.float64():
        raise StatementRefused(f"feature {name!r} is {values.type}, not DOUBLE", "cast it to DOUBLE in its model")
    missing = values.is_null().to_numpy(zero_copy_only=False)
    return Column(values.fill_null(0.0).to_numpy(zero_copy_only=False), missing)


def _buyers(warehouse: Engine, keys: Sequence[int], everyone: CustomerIds, counts: Place) -> list[BoolArray]:
    """Return who buys in each department, bool (n,)."""
    department = exp.column("department_key", quoted=True)
    query = (
        exp.select(id_column(as_text=everyone.as_text), department)
        .distinct()
        .from_(counts.table())
        .where(department.copy().isin(*keys))
    )
    rows = warehouse.fetch(query)
    found = everyone.find(plain_ids(rows["customer_id"]))
    bought_in = np.asarray(rows["department_key"].to_numpy(), dtype=np.int64)
    masks = []
    for key in keys:
        buyer = np.zeros(len(everyone.ids), dtype=np.bool_)
        buyer[found[(bought_in == key) & (found >= 0)]] = True
        masks.append(buyer)
    return masks


def _misfit(schema: pa.Schema) -> str:
    """Return what is wrong with the names, order and types of the columns; empty when nothing is."""
    extra = tuple(name for name in _OPTIONAL if name in schema.names)
    if tuple(schema.names) != VIEW_COLUMNS + extra:
        return ", ".join(schema.names)
    wrong = [name for name, fits in _FITS.items() if name in schema.names and not fits(schema.field(name).type)]
    return ", ".join(f"{name} is {schema.field(name).type}" for name in wrong)


def _ask(warehouse: Engine, view: exp.Query, everyone: CustomerIds) -> _Answer | str:
    """Fetch a view in batches, text as codes, and find its customers; or say what is wrong with its columns."""
    columns: list[exp.Expr] = [exp.Star()]
    if everyone.as_text:
        names = warehouse.fetch(_over(view, exp.Star()).limit(0, copy=False)).column_names
        columns = [id_column(as_text=True), *(exp.column(name, quoted=True) for name in names[1:])]
    answer = warehouse.batches(_over(view, *columns), BATCH_ROWS)
    if misfit := _misfit(answer.schema):
        for _ in answer:
            continue  # an engine may not be asked anything else before the rows end
        return misfit
    texts: dict[str, int] = {}
    ids: list[pa.Array] = []
    parts: dict[str, list[IntArray]] = {name: [] for name in answer.schema.names[1:]}
    for batch in answer:
        ids.append(plain_ids(batch.column(0)))
        for name, column in zip(parts, batch.columns[1:], strict=True):
            parts[name].append(_codes(column, texts) if name in _TEXTS else numbers_of(column))
    customer = everyone.find(_joined(ids, everyone.ids.type))
    none = np.zeros(0, dtype=np.int64)
    values = {name: np.concatenate([none, *found]) for name, found in parts.items()}
    return _Answer(customer, values, texts)


def _differences(spec: ViewSpec, expected: _Expected, answer: _Answer) -> Iterator[Discrepancy]:
    """Yield every respect in which SQL's answer differs from what Python expects."""
    known = answer.customer[answer.customer >= 0]
    seen = np.bincount(known, minlength=len(expected.selected))
    counts = {
        "customers that SQL misses": int((expected.selected & (seen == 0)).sum()),
        "customers that only SQL selects": int((~expected.selected & (seen > 0)).sum()),
        "customers that SQL repeats": int((seen > 1).sum()),
        "ids that no customer has": len(answer.customer) - len(known),
    }
    both = answer.customer >= 0
    both[both] = expected.selected[known]
    customer = answer.customer[both]
    wanted = _wanted(spec, expected, customer, answer.texts)
    for name, values in answer.values.items():
        counts[name] = int((values[both] != wanted[name]).sum())
    yield from (Discrepancy(aspect, rows) for aspect, rows in counts.items() if rows)


def _wanted(spec: ViewSpec, expected: _Expected, customer: IntArray, texts: Mapping[str, int]) -> dict[str, IntArray]:
    """Return what Python expects of these customers, coded as `_Answer.values` is."""
    pattern, example = _patterns(expected.scored.matched[customer])
    matched = expected.scored.matched[customer[example]]
    said = [_Said.of(spec, row) for row in matched]
    arms = np.array([_code("target", texts), _code("control", texts)])
    return {
        "score": bits_of(expected.scored.score[customer]),
        "rank": expected.rank[customer],
        "in_budget": expected.in_budget[customer].astype(np.int64),
        "arm": arms[expected.control[customer].astype(np.int64)],
        "rules_matched": np.array([_code(each.rules_matched, texts) for each in said], dtype=np.int64)[pattern],
        "reasons": np.array([_code(each.reasons, texts) for each in said], dtype=np.int64)[pattern],
        "nearest_missed": np.array([_code(each.nearest_missed, texts) for each in said], dtype=np.int64)[pattern],
        "as_of": np.full(len(customer), (spec.as_of - dt.date(1970, 1, 1)).days),
        "run_id": np.full(len(customer), _code(spec.run_id, texts)),
        "points": expected.scored.points[customer],
        "activity": expected.scored.activity[customer],
    }


class _Said(NamedTuple):
    """The three texts for customers who match the same rules."""

    rules_matched: str
    reasons: str
    nearest_missed: str | None

    @classmethod
    def of(cls, spec: ViewSpec, matched: BoolArray) -> "_Said":
        rules, words = spec.card.rules, spec.words
        best_first = sorted(range(len(rules)), key=lambda position: (-rules[position].points, position))
        stricter = stricter_rules(rules)
        told = [
            matched[position] and not any(matched[other] for other in stricter[position])
            for position in range(len(rules))
        ]
        reasons = [words[position] for position in best_first if told[position]]
        missed = [words[position] for position in best_first if not matched[position]]
        names = [f"R{position}" for position, holds in enumerate(matched, start=1) if holds]
        return cls(", ".join(names), "; ".join(reasons[:3]), missed[0] if missed else None)


def _patterns(matched: BoolArray) -> tuple[IntArray, IntArray]:
    """Return a number for each row of (n, rules), equal for equal rows, and one row for each number."""
    number = np.zeros(len(matched), dtype=np.int64)
    example = np.zeros(min(len(matched), 1), dtype=np.int64)
    for start in range(0, matched.shape[1], 32):
        part = matched[:, start : start + 32].astype(np.int64)
        key = (number << 32) | (part @ (np.int64(1) << np.arange(part.shape[1], dtype=np.int64)))
        _, example, number = np.unique(key, return_index=True, return_inverse=True)
    return number, example


def _over(view: exp.Query, *columns: exp.Expr) -> exp.Select:
    """Return a SELECT of these columns from the view's query."""
    return exp.select(*columns).from_(view.copy().subquery("v", copy=False), copy=False)


def _joined(arrays: list[pa.Array], kind: pa.DataType) -> pa.Array:
    return pa.concat_arrays(arrays) if arrays else pa.array([], kind)


def bits_of(values: FloatArray) -> IntArray:
    """Return the bits of doubles; minus zero as zero."""
    return (values + 0.0).view(np.int64)


def numbers_of(column: pa.Array) -> IntArray:
    """Return numbers, dates and booleans as int64, doubles by their bits; NULL becomes a value that nothing has."""
    if column.type == pa.float64():
        return bits_of(column.fill_null(float("nan")).to_numpy(zero_copy_only=False))
    if pa.types.is_date32(column.type):
        column = column.cast(pa.int32())
    whole = column.cast(pa.int64()).fill_null(np.iinfo(np.int64).min)
    return np.asarray(whole.to_numpy(zero_copy_only=False), dtype=np.int64)


def _codes(column: pa.Array, texts: dict[str, int]) -> IntArray:
    """Return text as codes, new texts added to `texts`; NULL as -1."""
    encoded = column.dictionary_encode()
    code = np.array([texts.setdefault(text, len(texts)) for text in encoded.dictionary.to_pylist()] + [-1])
    indices = encoded.indices.fill_null(len(code) - 1).to_numpy(zero_copy_only=False)
    return np.asarray(code[indices], dtype=np.int64)


def _code(text: str | None, texts: Mapping[str, int]) -> int:
    """Return the code of an expected text; -2 for one that SQL never said."""
    return -1 if text is None else texts.get(text, -2)


_OPTIONAL = ("points", "activity")
_TEXTS = ("arm", "rules_matched", "reasons", "nearest_missed", "run_id")
_FITS: Mapping[str, Callable[[pa.DataType], bool]] = {
    "score": pa.types.is_float64,
    "in_budget": pa.types.is_boolean,
    "as_of": pa.types.is_date32,
    **dict.fromkeys(("rank", *_OPTIONAL), pa.types.is_integer),
    **dict.fromkeys(_TEXTS, is_text),
}
