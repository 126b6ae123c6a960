"""The only place that talks to an engine: one small protocol, and an adapter for each engine.

In: sqlglot expressions, never text. Out: Arrow tables. Every statement runs through `Warehouse.execute` or
`Warehouse.fetch`, which render it for the engine with quoted identifiers, and wrap a failure with the statement.
"""

from segwarehouse.warehouse.duckdb import DuckDBWarehouse, connect
from segwarehouse.warehouse.engine import Relation, Warehouse, relation
from segwarehouse.warehouse.frame import frame_of

__all__ = ["DuckDBWarehouse", "Relation", "Warehouse", "connect", "frame_of", "relation"]
