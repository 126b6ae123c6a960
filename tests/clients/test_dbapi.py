"""A published state is read by SQLAlchemy, the way of Apache Superset, and by ADBC; they see what DuckDB itself sees.

Clients that need an environment of their own are tried by `make clients`.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from adbc_driver_duckdb import dbapi
from sqlalchemy import Engine, MetaData, Table, create_engine, func, inspect, select

from segwarehouse.refresh import RefreshReport
from segwarehouse.rules.compile import VIEW_COLUMNS

QUERY = "select customer_id, score, rank, reasons from targeting.fish_chips where in_budget order by rank"


@pytest.fixture
def file(published: tuple[Path, RefreshReport]) -> Path:
    """The file that clients open."""
    return published[1].published


@pytest.fixture
def expected(file: Path) -> list[tuple[object, ...]]:
    """What DuckDB answers."""
    with duckdb.connect(str(file), read_only=True) as state:
        rows: list[tuple[object, ...]] = state.execute(QUERY).fetchall()
    assert len(rows) == 30
    return rows


@pytest.fixture
def engine(file: Path) -> Iterator[Engine]:
    """SQLAlchemy's engine."""
    engine = create_engine(f"duckdb:///{file}", connect_args={"read_only": True})
    yield engine
    engine.dispose()


def test_sqlalchemy_reads_what_duckdb_reads(engine: Engine, expected: list[tuple[object, ...]]) -> None:
    with engine.connect() as connection:
        assert [tuple(row) for row in connection.exec_driver_sql(QUERY)] == expected


def test_sqlalchemys_inspector_lists_schemas_views_tables_and_columns(engine: Engine) -> None:
    inspector = inspect(engine)
    assert any(name.endswith("targeting") for name in inspector.get_schema_names())
    assert {"bread", "fish_chips", "garden", "toys", "海鲜"} <= set(inspector.get_view_names(schema="targeting"))
    assert {"departments", "rules", "audiences"} <= set(inspector.get_table_names(schema="targeting"))
    columns = inspector.get_columns("fish_chips", schema="targeting")
    assert [column["name"] for column in columns] == list(VIEW_COLUMNS)


def test_sqlalchemy_reflects_a_view_and_queries_it_as_a_chart_does(engine: Engine) -> None:
    view = Table("fish_chips", MetaData(schema="targeting"), autoload_with=engine)
    chart = select(view.c.arm, func.count().label("customers"), func.avg(view.c.score)).group_by(view.c.arm)
    with engine.connect() as connection:
        arms = {row[0]: row[1] for row in connection.execute(chart.order_by(view.c.arm).limit(100))}
    assert set(arms) == {"control", "target"}
    assert arms["target"] >= 30


def test_adbc_reads_arrow(file: Path, expected: list[tuple[object, ...]], tmp_path: Path) -> None:
    copy = tmp_path / "warehouse.duckdb"
    shutil.copyfile(file, copy)
    with dbapi.connect(str(copy)) as connection, connection.cursor() as cursor:
        cursor.execute(QUERY)
        table = cursor.fetch_arrow_table()
    assert [tuple(row.values()) for row in table.to_pylist()] == expected
