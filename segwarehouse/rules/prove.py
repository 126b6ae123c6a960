"""The proof: SQL and Python select the identical customers, in the identical order, with identical scores.

In: a warehouse and an `ViewSpec`. Out: a `Proof`, which lists by how many customers the two differ in each respect,
and never who they are. Python's half, which shares nothing with the compiled SQL but the card, is left to
`expected.py`; SQL's half to `answered.py`.

`prove_all` asks about every customer of the feature relation, department by department; `prove_on_boundaries` about
fuzzed tables (`boundaries.py`) through the same compiler. Both refuse SQL that `validate.py` does not let through.
Stopping what depends on it is left to the caller, by `Proof.require`.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from sqlglot import exp

from segwarehouse.domain import Columns, IntArray
from segwarehouse.errors import ProofFailed
from segwarehouse.rules.answered import Answer, ask, bits_of, code_of
from segwarehouse.rules.boundaries import boundary_columns
from segwarehouse.rules.compile import CUSTOMERS, DEPARTMENT_COUNTS, ViewSpec, department_view
from segwarehouse.rules.expected import Expected, Texts, expect, patterns
from segwarehouse.rules.identities import CustomerIds
from segwarehouse.rules.validate import validate_view
from segwarehouse.warehouse import AS_NAMED, Engine, Place, Places

__all__ = [
    "Asked",
    "CustomerIds",
    "Discrepancy",
    "Proof",
    "prove_all",
    "prove_on_boundaries",
    "prove_on_customers",
]

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
        expectations = expect(warehouse, [each.spec for each in group], everyone, places)
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


def _prove(warehouse: Engine, spec: ViewSpec, view: exp.Query, expected: Expected, everyone: CustomerIds) -> Proof:
    """Ask about one view."""
    answer = ask(warehouse, view, everyone)
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


def _differences(spec: ViewSpec, expected: Expected, answer: Answer) -> Iterator[Discrepancy]:
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


def _wanted(spec: ViewSpec, expected: Expected, customer: IntArray, texts: Mapping[str, int]) -> dict[str, IntArray]:
    """Return what Python expects of these customers, coded as `Answer.values` is."""
    pattern, example = patterns(expected.scored.matched[customer])
    matched = expected.scored.matched[customer[example]]
    words = [Texts.of(spec, row) for row in matched]
    arms = np.array([code_of("target", texts), code_of("control", texts)])
    return {
        "score": bits_of(expected.scored.score[customer]),
        "rank": expected.rank[customer],
        "in_budget": expected.in_budget[customer].astype(np.int64),
        "arm": arms[expected.control[customer].astype(np.int64)],
        "rules_matched": np.array([code_of(each.rules_matched, texts) for each in words], dtype=np.int64)[pattern],
        "reasons": np.array([code_of(each.reasons, texts) for each in words], dtype=np.int64)[pattern],
        "nearest_missed": np.array([code_of(each.nearest_missed, texts) for each in words], dtype=np.int64)[pattern],
        "as_of": np.full(len(customer), (spec.as_of - dt.date(1970, 1, 1)).days),
        "run_id": np.full(len(customer), code_of(spec.run_id, texts)),
        "points": expected.scored.points[customer],
        "activity": expected.scored.activity[customer],
    }
