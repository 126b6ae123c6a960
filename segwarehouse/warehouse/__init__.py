"""The only place that talks to an engine: one small protocol, and an adapter for each engine.

In: sqlglot expressions, never text. Out: Arrow tables. Every statement runs through `Engine.execute` or
`Engine.fetch`, which render it for the engine with quoted identifiers, and wrap a failure with the statement.
"""

from segwarehouse.warehouse.duckdb import DuckDB, connect
from segwarehouse.warehouse.engine import Capabilities, Engine, SourceEngine
from segwarehouse.warehouse.frame import frame_of
from segwarehouse.warehouse.place import AS_NAMED, Place, Places, Relation, SchemaPlace, relation

__all__ = [
    "AS_NAMED", "Capabilities", "DuckDB", "Engine", "Place", "Places", "Relation", "SchemaPlace", "SourceEngine",
    "connect", "frame_of", "relation",
]  # fmt: skip
