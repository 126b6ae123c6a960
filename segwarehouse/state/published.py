"""A published state, read in the one way in which everybody reads it.

In: a configuration, or the file of a state. Out: a `PublishedState`: which run it is of, with which settings, whom its
views select and from which cards, and the relations of `targeting` as rows, frames or Arrow tables. A relation or a
column that the state lacks, because an older version wrote it, comes back empty: what is to be said of that is left to
the caller. The views are proved in `proof.py`.
"""

import datetime as dt
import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from sqlglot import exp

from segwarehouse.config import Config
from segwarehouse.domain import Feature
from segwarehouse.errors import NothingPublished, UnknownName, WarehouseError
from segwarehouse.features.catalogue import RECENT
from segwarehouse.lookup import find_name
from segwarehouse.rules.compile import ViewSpec
from segwarehouse.rules.stored import card_from_json
from segwarehouse.warehouse import Engine, Relation, connect

Row = dict[str, object]

SCHEMA = "targeting"


@dataclass(frozen=True)
class PublishedRun:
    """The run that a state comes from.

    Attributes
    ----------
    run_id
        Its name.
    as_of
        Everything before this day was known.
    score_pool
        What the scores of all departments have in common, as JSON; None where there are no times, or an older version
        wrote the state.
    """

    run_id: str
    as_of: dt.date
    score_pool: str | None = None


class PublishedState:
    """One published state, open to be read.

    Parameters
    ----------
    engine
        Open on the state; nothing is written to it.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._columns: dict[str, list[str]] = {}

    @classmethod
    @contextmanager
    def open(cls, config: Config) -> "Iterator[PublishedState]":
        """Open the current state of a project.

        Raises
        ------
        NothingPublished
            If nothing has been published.
        """
        path = config.publish.url.path
        if not path.exists():
            raise NothingPublished(f"nothing is published at {path}", "run: segwarehouse refresh", path=path)
        with cls.of_file(path) as state:
            if not state.is_whole:
                raise NothingPublished(f"{path} holds no published state", "run: segwarehouse refresh", path=path)
            yield state

    @classmethod
    @contextmanager
    def of_file(cls, path: Path) -> "Iterator[PublishedState]":
        """Open the file of a state."""
        with connect(path, read_only=True) as engine:
            yield cls(engine)

    @classmethod
    @contextmanager
    def previous(cls, config: Config, working: Engine) -> "Iterator[PublishedState | None]":
        """Open the state that is published while a new one is made; None where there is none.

        Where views are published in the working database itself, `working` holds that state.
        """
        if config.in_place:
            state = cls(working)
            yield state if state.is_whole else None
        elif config.publish.url.path.exists():
            with cls.of_file(config.publish.url.path) as state:
                yield state if state.is_whole else None
        else:
            yield None

    @property
    def is_whole(self) -> bool:
        """Whether it is a state at all: one without cards can't be proved."""
        return bool(self.columns("cards"))

    @cached_property
    def run(self) -> PublishedRun:
        """The run that the state comes from.

        Raises
        ------
        WarehouseError
            If it does not say.
        """
        rows = self.table("run", columns=("run_id", "as_of", "score_pool")).to_pylist()
        if len(rows) != 1:
            raise WarehouseError(f"the state comes from {len(rows)} runs, where there must be one")
        return PublishedRun(**rows[0])

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """What the run was configured with, by table; empty where the state does not say."""
        own = _column("run_id").eq(exp.Literal.string(self.run.run_id))
        texts = self.table("runs", columns=("settings",), where=own)["settings"].to_pylist()
        return json.loads(texts[0]) if texts and texts[0] else {}

    @cached_property
    def departments(self) -> Mapping[str, dict[str, Any]]:
        """The rows of `targeting.departments` by department, in the order of their keys."""
        return {row["department"]: row for row in self.table("departments", "department_key").to_pylist()}

    @cached_property
    def views(self) -> Mapping[str, str]:
        """The name of each department's view, by department."""
        rows = self.table("cards", "department_key", columns=("department", "view_name")).to_pylist()
        return {row["department"]: row["view_name"] for row in rows}

    @cached_property
    def specs(self) -> Mapping[str, ViewSpec]:
        """What each department's view is compiled from, by department."""
        described = self.table("features").to_pylist()
        features = {row["name"]: Feature(**{"recent_days": _older_days(row["name"]), **row}) for row in described}
        return {
            row["department"]: ViewSpec(
                card=card_from_json(row["card"]),
                features=features,
                department_key=row["department_key"],
                budget=row["budget"],
                control_share=row["control_share"],
                salt=row["salt"],
                as_of=self.run.as_of,
                run_id=self.run.run_id,
            )
            for row in self.table("cards", "department_key").to_pylist()
        }

    @property
    def members(self) -> pa.Table:
        """Who is in which audience: ``department``, ``customer_id`` as text, ``rank`` and ``in_budget``."""
        text = exp.cast(_column("customer_id"), "varchar").as_("customer_id")
        query = exp.select(_column("department"), text, _column("rank"), _column("in_budget"))
        return self.engine.fetch(query.from_(Relation(SCHEMA, "audiences").table()))

    def view_of(self, department: str) -> tuple[str, str]:
        """Return the name of a department as it stands in the data, and that of its view.

        Parameters
        ----------
        department
            As it was typed; its case does not matter where one alone can be meant.

        Raises
        ------
        UnknownName
            If there is no such department, or if it has no view.
        """
        views = {name: str(row["view_name"]) for name, row in self.departments.items() if row["view_name"]}
        left_out = {name: row["remark"] for name, row in self.departments.items() if name not in views}
        alike = [name for name in left_out if name.casefold() == department.casefold()]
        if department not in left_out:
            try:
                name = find_name(department, views)
                return name, views[name]
            except UnknownName:
                if not alike:
                    raise
        name = department if department in left_out else alike[0]
        raise UnknownName(f"{name!r} has no view: {left_out[name]}", "targeting.departments lists all", name=name)

    def columns(self, name: str) -> list[str]:
        """Return the columns of `targeting.<name>`, in order; empty where there is no such relation."""
        if name not in self._columns:
            self._columns[name] = list(self.engine.columns(Relation(SCHEMA, name)))
        return self._columns[name]

    def table(
        self,
        name: str,
        *order: str,
        columns: Sequence[str] = (),
        where: exp.Expr | None = None,
        limit: int | None = None,
    ) -> pa.Table:
        """Return `targeting.<name>`, in the order of these columns; without rows where there is no such relation.

        Parameters
        ----------
        name
            The relation.
        order
            Columns to sort by; those that it lacks are left out.
        columns
            Columns to return, NULL where the relation lacks one; empty: all that it has.
        where
            Which rows; None: all.
        limit
            At most so many.
        """
        present = self.columns(name)
        known = [column for column in columns or present if column in present]
        if not known:
            return pa.table({column: pa.array([], pa.null()) for column in columns})
        query = _ordered(_select(known, name), [column for column in order if column in present])
        if where is not None:
            query = query.where(where)
        found = self.engine.fetch(query if limit is None else query.limit(limit))
        for column in columns:
            if column not in known:
                found = found.append_column(column, pa.nulls(found.num_rows))
        return found.select(list(columns)) if columns else found

    def rows(self, name: str, *order: str, columns: Sequence[str] = ()) -> list[Row]:
        """Return the same as rows of plain values."""
        table = self.table(name, *order, columns=columns)
        return [{column: plain(value) for column, value in row.items()} for row in table.to_pylist()]

    def by_department(self, name: str, *order: str, columns: Sequence[str] = ()) -> Mapping[str, list[Row]]:
        """Return the same rows by department, which is not among their columns."""
        wanted = ["department", *columns] if columns else ()
        grouped: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows(name, *order, columns=wanted):
            grouped[str(row.pop("department"))].append(row)
        return grouped

    def frame(self, name: str, columns: Sequence[str], department: str | None = None, *order: str) -> pd.DataFrame:
        """Return columns of `targeting.<name>`, of one department or of all; without rows where there is none."""
        if not set(columns) <= set(self.columns(name)):
            return pd.DataFrame(columns=list(columns))
        own = None if department is None else _column("department").eq(exp.Literal.string(department))
        frame: pd.DataFrame = self.table(name, *order, columns=columns, where=own).to_pandas()
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
        table = self.engine.fetch(_ordered(query, keys))
        return [{column: plain(value) for column, value in row.items()} for row in table.to_pylist()]

    def text(self, statement: exp.Expr) -> str:
        """Return a statement as this engine reads it, over several lines."""
        return statement.sql(self.engine.dialect, pretty=True, comments=False)


def _older_days(feature: str) -> int:
    """Return how far a feature looks back in a state that does not say so: 28 days, whatever was set."""
    return 28 if feature in RECENT else 0


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
