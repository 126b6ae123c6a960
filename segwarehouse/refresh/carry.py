"""Departments that a refresh was not asked to learn keep the cards of the published state.

In: the published state and the new catalogue. Out: `Carried`: what to compile their views from, and their rows of the
result tables. The views are compiled and proved anew, over the new features; only what was learned is carried over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from segwarehouse.config import Config
from segwarehouse.domain import Department
from segwarehouse.features import Catalogue, Staged
from segwarehouse.refresh.verify import open_published, stored_audiences
from segwarehouse.rules.compile import Audience
from segwarehouse.warehouse import Relation, Warehouse

TABLES = (
    "cards", "confusions", "cluster_scores", "curves", "department_maps", "departments", "differences",
    "evaluated_rules", "evaluation", "mixtures", "profit", "reliability", "rules", "segments", "shap_values",
    "stability",
)  # fmt: skip
"""The tables that hold a department's rows, in schema `targeting` as in schema `learned`."""


@dataclass(frozen=True)
class Carried:
    """Departments with their former cards.

    Attributes
    ----------
    departments
        As the new data has them.
    audiences
        What each one's view is compiled from, by department.
    tables
        Their rows, by table.
    """

    departments: Sequence[Department] = ()
    audiences: Mapping[str, Audience] = field(default_factory=dict)
    tables: Mapping[str, pa.Table] = field(default_factory=dict)


def carry_over(
    config: Config, catalogue: Catalogue, staged: Staged, run_id: str, learned: Sequence[Department]
) -> Carried:
    """Return the departments of the published state that are not learned now and can still be scored.

    A card that reads a feature which the new data does not have can't be carried over.
    """
    if not config.publish.url.path.exists():
        return Carried()
    features = {feature.name: feature for feature in catalogue.features}
    known = {*features, *catalogue.activity}
    named = {department.name: department for department in catalogue.departments}
    again = {department.name for department in learned}
    with open_published(config) as state:
        audiences = {
            name: replace(
                audience,
                features=features,
                department_key=named[name].key,
                as_of=staged.as_of.date(),
                run_id=run_id,
            )
            for name, (_, audience) in stored_audiences(state).items()
            if name in named and name not in again and set(audience.rule_set.features) <= known
        }
        departments = [named[name] for name in audiences]
        return Carried(departments, audiences, {name: _rows(state, name, departments) for name in TABLES})


def _rows(state: Warehouse, name: str, departments: Sequence[Department]) -> pa.Table:
    """Return a result table's rows of these departments, under their new keys and view names."""
    table = state.fetch(exp.select("*").from_(Relation("targeting", name).table()))
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


def append(warehouse: Warehouse, carried: Carried) -> None:
    """Add the carried rows to the tables of schema `learned`."""
    for name, rows in carried.tables.items():
        target = Relation("learned", name)
        present = warehouse.fetch(exp.select("*").from_(target.table()))
        added = shaped(rows, present.schema)
        warehouse.load(target, pa.concat_tables([present, added]).combine_chunks())


def shaped(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return rows with the columns of a schema; one that an older version did not publish is NULL."""
    columns = [
        rows[field.name].cast(field.type) if field.name in rows.column_names else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
