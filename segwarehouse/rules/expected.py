"""Python's half of the proof: whom a view must select, in which order, with which scores and words.

In: cards, and features as they are fetched. Out: an `Expected` a department. It shares nothing with the compiled SQL
but the card: `Card.apply`, buyers fetched on their own, order, ranks and budget worked out in numpy, arms in hashlib
(`identities.py`). Comparing it with what SQL answers is left to `prove.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from sqlglot import exp

from segwarehouse.domain import BoolArray, Card, Column, IntArray, Scored
from segwarehouse.errors import DataError, StatementRefused
from segwarehouse.rules.compile import CUSTOMERS, DEPARTMENT_COUNTS, ViewSpec, control_limit
from segwarehouse.rules.identities import BATCH_ROWS, CustomerIds, id_column, joined, plain_ids
from segwarehouse.rules.simplify import stricter_rules
from segwarehouse.warehouse import Engine, Place, Places


@dataclass(frozen=True, slots=True)
class Expected:
    """Python's half, for all n customers in the order of their ids."""

    scored: Scored
    selected: BoolArray
    control: BoolArray
    rank: IntArray
    in_budget: BoolArray


def expect(warehouse: Engine, specs: Sequence[ViewSpec], everyone: CustomerIds, places: Places) -> Iterator[Expected]:
    """Yield Python's half for each department."""
    scored = _score(warehouse, [spec.card for spec in specs], everyone, places.of(CUSTOMERS))
    keys = [spec.department_key for spec in specs]
    buyers = _buyers(warehouse, keys, everyone, places.of(DEPARTMENT_COUNTS))
    for spec, found, buyer in zip(specs, scored, buyers, strict=True):
        yield _ranked(spec, found, buyer, everyone)


def _ranked(spec: ViewSpec, scored: Scored, buyer: BoolArray, everyone: CustomerIds) -> Expected:
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
    return Expected(scored, selected, control, rank, in_budget)


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
    order = _order_of(joined(ids, everyone.ids.type), everyone, customers)
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


class Texts(NamedTuple):
    """The three texts for customers who match the same rules."""

    rules_matched: str
    reasons: str
    nearest_missed: str | None

    @classmethod
    def of(cls, spec: ViewSpec, matched: BoolArray) -> "Texts":
        """Return what a view says of whoever matches these rules, bool (rules,)."""
        rules, words = spec.card.rules, spec.words
        best_first = sorted(range(len(rules)), key=lambda position: (-rules[position].points, position))
        stricter = stricter_rules(rules)
        shown = [
            matched[position] and not any(matched[other] for other in stricter[position])
            for position in range(len(rules))
        ]
        reasons = [words[position] for position in best_first if shown[position]]
        missed = [words[position] for position in best_first if not matched[position]]
        names = [f"R{position}" for position, holds in enumerate(matched, start=1) if holds]
        return cls(", ".join(names), "; ".join(reasons[:3]), missed[0] if missed else None)


def patterns(matched: BoolArray) -> tuple[IntArray, IntArray]:
    """Return a number for each row of (n, rules), equal for equal rows, and one row for each number."""
    number = np.zeros(len(matched), dtype=np.int64)
    example = np.zeros(min(len(matched), 1), dtype=np.int64)
    for start in range(0, matched.shape[1], 32):
        part = matched[:, start : start + 32].astype(np.int64)
        key = (number << 32) | (part @ (np.int64(1) << np.arange(part.shape[1], dtype=np.int64)))
        _, example, number = np.unique(key, return_index=True, return_inverse=True)
    return number, example
