"""Ibis lists the schema and builds a query on a view. It pins DuckDB 1.x."""

import duckdb
import ibis
from expected import read

expected = read()
state = ibis.duckdb.connect(expected.file, read_only=True)
names = set(state.list_tables(database="targeting"))
expected.require("missing views", sorted(set(expected.views) - names), [])
view = state.table(expected.view, database="targeting")
frame = view.order_by("rank").execute()
expected.hold(list(frame.columns), frame.values.tolist())
counted = view.filter(view.in_budget).count().execute()
expected.require("customers within the budget", counted, int(frame["in_budget"].sum()))
print(f"ibis {ibis.__version__}, duckdb {duckdb.__version__}, {expected.rows} rows")
