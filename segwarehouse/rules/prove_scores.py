"""The proof of a card's query over a table: SQL and Python give every row the same points, probability and membership.

In: an engine that may be written to, a card and the columns that it reads. Out: a `Proof`. The rows are those that are
given and the table of boundary values (`boundaries.py`); what runs is the text for that engine, parsed again. Python's
half is `Card.apply`, which shares nothing with the SQL but the card. Stopping is left to the caller: `Proof.require`.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import sqlglot
from sqlglot import exp

from segwarehouse.domain import Card, Column, Columns, IntArray, Scored
from segwarehouse.rules.answered import bits_of, numbers_of
from segwarehouse.rules.boundaries import boundary_columns
from segwarehouse.rules.prove import Discrepancy, Proof
from segwarehouse.rules.render import render
from segwarehouse.rules.scores import POINTS, PROBABILITY, SELECTED, scores_query
from segwarehouse.warehouse.engine import Engine
from segwarehouse.warehouse.place import Relation

_TABLE = Relation("proof", "rows")
_KEY = "row_number"


def prove_scores(warehouse: Engine, card: Card, columns: Columns, count: int, *, seed: int = 0) -> Proof:
    """Compare a card's query with Python, on n rows and on boundary values.

    Parameters
    ----------
    warehouse
        Any engine that may be written to; it gets a table of its own, which is dropped again.
    card
        The card.
    columns, count
        The columns that the card reads, or more, and their length n.
    seed
        Of the random part of the boundary values.

    Raises
    ------
    StatementRefused
        If the query is not what may run.
    WarehouseError
        If it does not run.
    """
    edges, rows = boundary_columns([card], seed)
    asked = {name: _stacked(columns[name], edges[name]) for name in card.features}
    scored = card.apply(asked, count + rows)
    schema = exp.Table(db=exp.to_identifier(_TABLE.schema, quoted=True))
    warehouse.execute(exp.Create(this=schema, kind="SCHEMA", exists=True))
    warehouse.load(_TABLE, _table(asked, count + rows))
    query = scores_query(card, table=str(_TABLE), key=_KEY, columns=card.features)
    text = render(query, warehouse.dialect)
    answer = warehouse.fetch(sqlglot.parse_one(text, read=warehouse.dialect, into=exp.Select))
    warehouse.execute(exp.Drop(tables=[_TABLE.table()], kind="TABLE", exists=True))
    found = tuple(_differences(scored, answer))
    return Proof(count + rows, int(scored.selected.sum()), found)


def _stacked(above: Column, below: Column) -> Column:
    return Column(np.concatenate([above.values, below.values]), np.concatenate([above.missing, below.missing]))


def _table(columns: Columns, count: int) -> pa.Table:
    arrays = {_KEY: pa.array(np.arange(count, dtype=np.int64))}
    for name, (values, missing) in columns.items():
        arrays[name] = pa.array(values, pa.float64(), mask=missing, from_pandas=False)
    return pa.table(arrays)


def _differences(scored: Scored, answer: pa.Table) -> Iterator[Discrepancy]:
    """Yield every respect in which SQL's answer differs from what Python expects."""
    place = numbers_of(answer[_KEY].combine_chunks())
    seen = np.bincount(place, minlength=len(scored.points))
    expected: dict[str, IntArray] = {
        POINTS: scored.points,
        PROBABILITY: bits_of(scored.score),
        SELECTED: scored.selected.astype(np.int64),
    }
    counts = {
        "rows that SQL misses": int((seen == 0).sum()),
        "rows that SQL repeats": int((seen > 1).sum()),
    }
    for name, wanted in expected.items():
        counts[name] = int((numbers_of(answer[name].combine_chunks()) != wanted[place]).sum())
    yield from (Discrepancy(aspect, rows) for aspect, rows in counts.items() if rows)
