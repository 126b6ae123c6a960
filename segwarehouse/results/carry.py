"""Departments that a refresh was not asked to learn, or whose new rules are held back, keep the cards that they have.

In: the previous cards over the new data, and the published state. Out: `Carried`: what to compile their views from, and
their rows of the result tables. The views are compiled and proved anew, over the new features; only what was learned is
carried over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from segwarehouse.config import Config
from segwarehouse.domain import Department, is_small
from segwarehouse.results.declaration import OnToday
from segwarehouse.results.quality import EXPECTED_BUYERS
from segwarehouse.results.reach import Reach
from segwarehouse.results.tables import OF_DEPARTMENTS, TABLES
from segwarehouse.rules.compile import ViewSpec
from segwarehouse.state.published import PublishedState
from segwarehouse.warehouse import Engine

HELD_BACK = "keeps the rules of the run before: "
"""How the remark of a department begins whose new rules were held back."""


@dataclass(frozen=True)
class Carried:
    """Departments with their previous cards.

    Attributes
    ----------
    departments
        As the new data has them.
    specs
        What each one's view is compiled from, by department.
    tables
        Their rows, by table.
    """

    departments: Sequence[Department] = ()
    specs: Mapping[str, ViewSpec] = field(default_factory=dict)
    tables: Mapping[str, pa.Table] = field(default_factory=dict)


def carry_over(
    config: Config,
    warehouse: Engine,
    specs: Mapping[str, ViewSpec],
    departments: Iterable[Department],
    remarks: Mapping[str, str],
) -> Carried:
    """Return those of the departments whose previous cards can still be scored, with their rows.

    Parameters
    ----------
    specs
        What views of previous cards are compiled from over the new data, by department. A card that reads a feature
        which the new data does not have, or has under another name, can't be carried over and is not among them.
    departments
        Which ones to carry over, as the new data has them.
    remarks
        What is to be said of a department in `targeting.departments`, by department.
    """
    found = [each for each in departments if each.name in specs]
    if not found:
        return Carried()
    with PublishedState.previous(config, warehouse) as state:
        if state is None:
            return Carried()
        tables = {name: _rows(state, name, found) for name in OF_DEPARTMENTS if state.columns(name)}
    tables["departments"] = _remarked(tables["departments"], remarks)
    return Carried(found, {each.name: specs[each.name] for each in found}, tables)


def _remarked(rows: pa.Table, remarks: Mapping[str, str]) -> pa.Table:
    """Return rows of departments with new remarks first; what was said of an older hold goes."""
    remarked = []
    for department, remark in zip(rows["department"].to_pylist(), rows["remark"].to_pylist(), strict=True):
        parts = [part for part in (remark or "").split("; ") if part and not part.startswith(HELD_BACK)]
        if department in remarks:
            parts.insert(0, f"{HELD_BACK}{remarks[department].replace('; ', ', and ')}")
        remarked.append("; ".join(parts) or None)
    return rows.set_column(rows.column_names.index("remark"), "remark", pa.array(remarked, pa.string()))


def _rows(state: PublishedState, name: str, departments: Sequence[Department]) -> pa.Table:
    """Return a result table's rows of these departments, under their new keys and view names."""
    table = state.table(name)
    table = table.filter(pc.is_in(table["department"], pa.array([d.name for d in departments], pa.string())))
    place = pc.index_in(table["department"], pa.array([d.name for d in departments], pa.string()))
    for column, values in {
        "department_key": np.array([d.key for d in departments], dtype=np.int64),
        "view_name": np.array([d.slug for d in departments], dtype=object),
        "buyers": np.array([d.buyers for d in departments], dtype=np.int64),
        "candidates": np.array([d.candidates for d in departments], dtype=np.int64),
    }.items():
        if column in table.column_names and (name != "rules" or column == "department_key"):
            renewed = pa.array(values).take(place)
            table = table.set_column(table.column_names.index(column), column, renewed)
    return table


def on_today(carried: Carried, reach: Mapping[str, Reach], least: int) -> Carried:
    """Return the rows with contacts and buyers counted on today's candidates.

    Quality was measured at shares of the candidates, and stays; what a share comes to in customers changes with them.
    """
    tables = dict(carried.tables)
    for name, rows in carried.tables.items():
        if columns := TABLES[name].on_today:
            tables[name] = _scaled(rows, columns, reach)
    if "departments" in tables:
        tables["departments"] = _counted(tables["departments"], reach, least)
    return replace(carried, tables=tables)


def _scaled(table: pa.Table, columns: OnToday, reach: Mapping[str, Reach]) -> pa.Table:
    """Return rows in which every share of the candidates stands beside the customers that it comes to today.

    Of shares that come to the same number of customers the first stays.
    """
    share, contacts = columns.share, columns.contacts
    found: dict[tuple[object, ...], dict[str, Any]] = {}
    for row in table.to_pylist():
        then = row.get(contacts)
        if row.get(share) is not None and then:
            row[contacts] = reach[row["department"]].contacts_at(row[share])
            if row.get("metric", EXPECTED_BUYERS) == EXPECTED_BUYERS:
                _scale(row, columns.in_proportion, row[contacts] / then)
        key = tuple(row.get(name) for name in ("department", "ranking", "minus", "evaluated_at", "metric", contacts))
        found.setdefault(key, row)
    return pa.Table.from_pylist(list(found.values()), schema=table.schema)


def _scale(row: dict[str, Any], columns: Sequence[str], factor: float) -> None:
    for column in columns:
        if row.get(column) is not None:
            row[column] = round(row[column] * factor) if isinstance(row[column], int) else row[column] * factor


def _counted(table: pa.Table, reach: Mapping[str, Reach], least: int) -> pa.Table:
    """Return rows of departments with the customers who are in the view today; what was kept back stays so."""
    names = ("selected", "contactable", "contacts")
    rows = table.to_pylist()
    for row in rows:
        hidden = row["selected"] is None
        for name in names:
            count = getattr(reach[row["department"]], name)
            row[name] = None if is_small(count, least) or (hidden and name == "selected") else count
    fields = [*table.schema, *(pa.field(name, pa.int64()) for name in names if name not in table.column_names)]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))
