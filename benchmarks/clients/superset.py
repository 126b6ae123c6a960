"""SQLAlchemy 2.0 with duckdb-engine, the other dialect that Superset uses, lists and reads."""

from importlib.metadata import version

from expected import read
from sqlalchemy import create_engine, inspect

expected = read()
engine = create_engine(f"duckdb:///{expected.file}", connect_args={"read_only": True})
inspector = inspect(engine)
schemas = [name for name in inspector.get_schema_names() if name.split(".")[-1].strip('"') == "targeting"]
expected.require("schemas called targeting", len(schemas), 1)
expected.require("missing views", sorted(set(expected.views) - set(inspector.get_view_names(schema="targeting"))), [])
columns = [column["name"] for column in inspector.get_columns(expected.view, schema="targeting")]
with engine.connect() as connection:
    expected.hold(columns, [tuple(row) for row in connection.exec_driver_sql(expected.query)])
versions = ", ".join(f"{name} {version(name)}" for name in ("duckdb-engine", "sqlalchemy", "duckdb"))
print(f"{versions}, {expected.rows} rows")
