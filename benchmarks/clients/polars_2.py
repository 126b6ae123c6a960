"""Polars reads a view through DuckDB's connection."""

import duckdb
import polars as pl
from expected import read

expected = read()
with duckdb.connect(expected.file, read_only=True) as state:
    frame = pl.read_database(expected.query, connection=state)
expected.hold(frame.columns, frame.rows())
print(f"polars {pl.__version__}, duckdb {duckdb.__version__}, {frame.height} rows")
