"""The tables of schema `learned`, put together and loaded, which `models/targeting/` shapes for analysts.

In: rows, or tables of several departments. Out: Arrow tables with the columns that `tables.py` has, each loaded once.
What a row says is left to the family of its table, what is too small to be published to `suppress.py`.
"""

from collections.abc import Iterable, Mapping

import pyarrow as pa

from segwarehouse.features import FeatureTable
from segwarehouse.project import create_schema
from segwarehouse.results.explanations import correlation_rows, feature_rows
from segwarehouse.results.groups import customers_map_table
from segwarehouse.results.maps import CustomersMap
from segwarehouse.results.tables import TABLES, arrow
from segwarehouse.warehouse import Engine, Relation


def run_tables(table: FeatureTable, customers_map: CustomersMap) -> dict[str, pa.Table]:
    """Return the tables that tell of no department: features, their correlations, and the map of all customers."""
    ids = pa.array(table.customer_ids.take(customers_map.rows))
    return {
        "features": arrow("features", feature_rows(table)),
        "correlations": arrow("correlations", correlation_rows(table)),
        "customers_map": arrow("customers_map", customers_map_table(ids, customers_map)),
    }


def merged(parts: Iterable[Mapping[str, pa.Table]]) -> dict[str, pa.Table]:
    """Return the rows of all parts, by table, in the order of the parts.

    A part may lack a table, or columns of it that an older version did not publish: they are NULL. The columns are
    those of the part that has a table first.
    """
    found: dict[str, list[pa.Table]] = {}
    for part in parts:
        for name, rows in part.items():
            found[name] = [*found[name], shaped(rows, found[name][0].schema)] if name in found else [rows]
    return {name: pa.concat_tables(tables).combine_chunks() for name, tables in found.items()}


def shaped(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return rows with the columns of a schema; one that they lack is NULL."""
    columns = [
        rows[field.name].cast(field.type) if field.name in rows.column_names else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def store(warehouse: Engine, tables: Mapping[str, pa.Table]) -> None:
    """Load every table of schema `learned`; those that nothing is known for are made too, without rows."""
    warehouse.execute(create_schema("learned"))
    for name, table in TABLES.items():
        if name in tables or not table.has_customers:  # an id's type is that of the data
            warehouse.load(Relation("learned", name), tables[name] if name in tables else arrow(name, ()))
