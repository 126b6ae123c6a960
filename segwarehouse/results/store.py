"""From what was learned to the tables of schema `learned`, which `models/targeting/` shapes for analysts.

In: departments, their audiences and the map of customers. Out: nothing; tables with the columns that `tables.py` has,
in which small counts are left out. What a row says is left to `rows.py` and `quality.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from segwarehouse.config import Config
from segwarehouse.domain import Department
from segwarehouse.features import FeatureTable
from segwarehouse.project import create_schema
from segwarehouse.results.learned import CustomersMap, Learned
from segwarehouse.results.reach import Reach
from segwarehouse.results.rows import (
    Facts,
    correlation_rows,
    customers_map_table,
    refused_row,
    rows_of_department,
    totals_of,
)
from segwarehouse.results.suppress import Totals
from segwarehouse.results.tables import OF_DEPARTMENTS, TABLES, arrow, hide, publishable
from segwarehouse.rules.compile import ViewSpec
from segwarehouse.warehouse import Relation, Warehouse


def store(
    config: Config,
    warehouse: Warehouse,
    table: FeatureTable,
    learned: Sequence[Learned],
    specs: Mapping[str, ViewSpec],
    reach: Mapping[str, Reach],
    refused: Sequence[tuple[Department, str]],
    customers_map: CustomersMap,
) -> None:
    """Write every table of schema `learned`."""
    warehouse.execute(create_schema("learned"))
    trials = sum(item.evaluation.comparison is not None for item in learned)
    parts: dict[str, list[pa.Table]] = {name: [] for name in OF_DEPARTMENTS}
    for item in learned:
        name = item.department.name
        facts = Facts(config, table, customers_map, item, specs[name], reach[name], trials)
        for made, rows in department_tables(facts).items():
            parts[made].append(rows)
    left_out = [row for each in refused for row in _refused_rows(*each, config.audience.min_cell)]
    parts["departments"].append(arrow("departments", left_out))
    for name, found in parts.items():
        if found or not TABLES[name].has_customers:  # without any, the rows of those that are carried over make it
            warehouse.load(Relation("learned", name), pa.concat_tables(found or [arrow(name, ())]))
    others: Mapping[str, pa.Table | Iterable[dict[str, Any]]] = {
        "features": (asdict(feature) for feature in table.catalogue.features),
        "correlations": correlation_rows(table),
        "customers_map": customers_map_table(pa.array(table.customer_ids.take(customers_map.rows)), customers_map),
    }
    for name, rest in others.items():
        warehouse.load(Relation("learned", name), arrow(name, rest))


def department_tables(facts: Facts) -> dict[str, pa.Table]:
    """Return the tables of one department, without what is too small, by name."""
    least = facts.config.audience.min_cell
    shown = publishable(rows_of_department(facts), totals_of(facts.item), least)
    return {name: arrow(name, made) for name, made in shown.items()}


def _refused_rows(department: Department, why: str, least: int) -> Iterable[dict[str, Any]]:
    rows: Iterable[dict[str, Any]] = hide("departments", [refused_row(department, why)], Totals(), least)
    return rows
