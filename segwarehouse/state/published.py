"""A published state, as the report reads it: the relations of `targeting` that it has, as plain rows.

In: a warehouse that is open on a state. Out: dictionaries and frames. A relation or a column that the state lacks,
because an older version wrote it, comes back empty: what is to be said of that is left to the caller.
"""

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

import pandas as pd
from sqlglot import exp

from segwarehouse.warehouse import Engine, Relation

Row = dict[str, object]

SCHEMA = "targeting"


class PublishedState:
    """The relations of one published state.

    Parameters
    ----------
    warehouse
        Open on the state; nothing is written to it.
    """

    def __init__(self, warehouse: Engine) -> None:
        self._warehouse = warehouse
        self._columns: dict[str, list[str]] = {}

    def columns(self, name: str) -> list[str]:
        """Return the columns of `targeting.<name>`, in order; empty where there is no such relation."""
        if name not in self._columns:
            self._columns[name] = list(self._warehouse.columns(Relation(SCHEMA, name)))
        return self._columns[name]

    def rows(self, name: str, *order: str, columns: Sequence[str] = ()) -> list[Row]:
        """Return the rows of `targeting.<name>` with plain values, in the order of these columns.

        Parameters
        ----------
        name
            The relation.
        order
            Columns to sort by; those that it lacks are left out.
        columns
            Columns to return, NULL where the relation lacks one; empty: all that it has.
        """
        present = self.columns(name)
        if not present:
            return []
        query = _select([c for c in columns or present if c in present], name)
        table = self._warehouse.fetch(_ordered(query, [c for c in order if c in present]))
        found = [{column: plain(value) for column, value in row.items()} for row in table.to_pylist()]
        return [{column: row.get(column) for column in columns} for row in found] if columns else found

    def by_department(self, name: str, *order: str, columns: Sequence[str] = ()) -> Mapping[str, list[Row]]:
        """Return the same rows by department."""
        wanted = ["department", *columns] if columns else ()
        grouped: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows(name, *order, columns=wanted):
            grouped[str(row.pop("department"))].append(row)
        return grouped

    def frame(self, name: str, columns: Sequence[str], department: str | None = None, *order: str) -> pd.DataFrame:
        """Return columns of `targeting.<name>`, of one department or of all; without rows where there is none."""
        if not set(columns) <= set(self.columns(name)):
            return pd.DataFrame(columns=list(columns))
        query = _select(columns, name)
        if department is not None:
            query = query.where(_column("department").eq(exp.Literal.string(department)))
        frame: pd.DataFrame = self._warehouse.fetch(_ordered(query, order)).to_pandas()
        return frame

    def counts(self, name: str, *keys: str, where: exp.Expr | None = None) -> list[Row]:
        """Return how many rows `targeting.<name>` has for each combination of these columns, as `customers`.

        Columns that it lacks are left out.
        """
        keys = tuple(key for key in keys if key in self.columns(name))
        if not keys:
            return []
        query = exp.select(*(_column(key) for key in keys), exp.alias_(exp.Count(this=exp.Star()), "customers"))
        query = query.from_(Relation(SCHEMA, name).table()).group_by(*(_column(key) for key in keys))
        if where is not None:
            query = query.where(where)
        table = self._warehouse.fetch(_ordered(query, keys))
        return [{column: plain(value) for column, value in row.items()} for row in table.to_pylist()]

    def text(self, statement: exp.Expr) -> str:
        """Return a statement as this engine reads it, over several lines."""
        return statement.sql(self._warehouse.dialect, pretty=True, comments=False)


def plain(value: object) -> object:
    """Return a value as JSON has it: times as text, NaN and infinities as None.

    >>> plain(dt.date(2017, 10, 1)), plain(float("nan")), plain(3)
    ('2017-10-01', None, 3)
    """
    match value:
        case float() if not math.isfinite(value):
            return None
        case Decimal():
            return float(value)
        case dt.datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case dt.date():
            return value.isoformat()
        case _:
            return value


def _column(name: str) -> exp.Column:
    return exp.column(name, quoted=True)


def _select(columns: Sequence[str], name: str) -> exp.Select:
    return exp.select(*(_column(column) for column in columns)).from_(Relation(SCHEMA, name).table())


def _ordered(query: exp.Select, order: Sequence[str]) -> exp.Select:
    return query.order_by(*(_column(column) for column in order)) if order else query
