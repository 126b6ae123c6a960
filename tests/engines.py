"""The engines that tests run on, and databases that are asked in SQL without a word of their driver.

Another engine is another line in `ENGINES`: all tests that take the fixture `engine` or `open_engine` run on it too.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import sqlglot
from sqlglot import exp

from segwarehouse.api import Project
from segwarehouse.warehouse import DuckDB, Engine, SourceEngine, connect

OpenEngine = Callable[[], SourceEngine]


ENGINES: dict[str, OpenEngine] = {"DuckDB": partial(DuckDB, None, threads=1)}
"""What opens an empty engine, by the name of the engine; what it can do, it says itself in its `capabilities`."""

LOCAL = DuckDB
"""The engine of working databases, ledgers and states, for tests that put something in the place of its methods."""

DIALECT = LOCAL.dialect
"""In it are written the golden files, the SQL in tests, and the views of a state."""

WORKING, LEDGER = "warehouse.duckdb", "warehouse.ledger.duckdb"
PUBLISHED = Path("published") / WORKING
"""Where a project's databases are, below its folder, unless its configuration says otherwise."""


def open_file(path: Path) -> DuckDB:
    """Open the database in a file to write to it; one that is not there is made."""
    return connect(path)


def parse(text: str) -> exp.Query:
    """Return a query that is written in `DIALECT`."""
    query = sqlglot.parse_one(text, dialect=DIALECT)
    assert isinstance(query, exp.Query)
    return query


def fetch_rows(engine: Engine, query: str | exp.Query) -> list[tuple[Any, ...]]:
    """Return the rows of a query as tuples of plain values."""
    found = engine.fetch(parse(query) if isinstance(query, str) else query)
    return list(zip(*(column.to_pylist() for column in found.columns), strict=True))


def ask(where: Project | Path, query: str) -> pd.DataFrame:
    """Return what a database answers: a project's published state, or the database in a file."""
    return _frame(_answer(where, query))


def ask_rows(where: Project | Path, query: str) -> list[tuple[Any, ...]]:
    """Return the same as tuples of plain values."""
    with connect(_file_of(where), read_only=True) as engine:
        return fetch_rows(engine, query)


def change(where: Project | Path, *statements: str | exp.Expr) -> None:
    """Run statements in a database, each on its own; a file that is not there is made."""
    with connect(_file_of(where)) as engine:
        for statement in statements:
            parsed = sqlglot.parse_one(statement, dialect=DIALECT) if isinstance(statement, str) else statement
            engine.execute(parsed)


def _answer(where: Project | Path, query: str) -> pa.Table:
    with connect(_file_of(where), read_only=True) as engine:
        return engine.fetch(parse(query))


def _file_of(where: Project | Path) -> Path:
    if isinstance(where, Project):
        return where.config.publish.url.path
    return where / PUBLISHED if where.is_dir() else where


def _frame(table: pa.Table) -> pd.DataFrame:
    """Return a table as a DataFrame in which dates are timestamps, and decimals are floats."""
    decimals = {field.name: pa.float64() for field in table.schema if pa.types.is_decimal(field.type)}
    schema = pa.schema([pa.field(field.name, decimals.get(field.name, field.type)) for field in table.schema])
    frame: pd.DataFrame = table.cast(schema).to_pandas(date_as_object=False)
    return frame
