"""The newest DuckDB 1.x reads a state that DuckDB 2 wrote."""

import duckdb
from expected import read

expected = read()
with duckdb.connect(expected.file, read_only=True) as state:
    found = state.execute(expected.query)
    names = [column[0] for column in found.description or []]
    expected.hold(names, found.fetchall())
    comments = state.execute(
        "select count(*), count(comment) from duckdb_columns() where schema_name = 'targeting'"
    ).fetchone()
    expected.require("columns without a comment", comments and comments[0] - comments[1], 0)
print(f"duckdb {duckdb.__version__}, {expected.rows} rows, comments included")
