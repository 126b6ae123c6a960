"""The log of an older version moves into the ledger once, whatever stops it; what only reads does not move it."""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from segwarehouse.api import Project
from segwarehouse.errors import ConfigError, WarehouseError
from segwarehouse.ledger.ledger import OF_RUNS
from segwarehouse.warehouse import DuckDB
from segwarehouse.working import locked_warehouse
from tests.conftest import write_project

ARCHIVE = Path(__file__).parents[1] / "fixtures" / "project_of_748d15e.tar.xz"

DYING = """
import os, sys
from segwarehouse.config import load_config
from segwarehouse.ledger import upgrade
from segwarehouse.ledger.ledger import Ledger
from segwarehouse.working import locked_warehouse
points = {"append": (Ledger, "append", 5), "drop": (upgrade, "_drop", 1), "half": (upgrade, "drop_schema", 1)}
owner, name, calls = points[sys.argv[2]]
done = getattr(owner, name)
def dying(*arguments):
    global calls
    calls -= 1
    if not calls:
        os._exit(9)
    return done(*arguments)
setattr(owner, name, dying)
with locked_warehouse(load_config(sys.argv[1]), "refresh"):
    print("not reached")
"""


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as the older version has left it; not to be changed."""
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder / "project"


@pytest.fixture
def project(old: Path, tmp_path: Path) -> Project:
    return Project(shutil.copytree(old, tmp_path / "project", symlinks=True))


def tables(database: Path) -> dict[str, pd.DataFrame]:
    """Return the tables of runs, and the list of what was made, in any order of rows."""
    found = {}
    with duckdb.connect(str(database), read_only=True) as connection:
        for name in (*OF_RUNS, "relations"):
            rows = (
                connection.execute(f"select * from history.{name}").df().drop(columns="database_name", errors="ignore")
            )
            found[name] = rows.sort_values(list(rows.columns), ignore_index=True)
    return found


def do(project: Project, *statements: str) -> None:
    with duckdb.connect(str(project.config.warehouse.url.path)) as connection:
        for statement in statements:
            connection.execute(statement).fetchall()


def schemas(project: Project) -> set[str]:
    with duckdb.connect(str(project.config.warehouse.url.path), read_only=True) as connection:
        return {row[0] for row in connection.execute("select schema_name from duckdb_schemas()").fetchall()}


def upgrade(project: Project) -> None:
    with locked_warehouse(project.config, "refresh"):
        pass


def assert_moved(project: Project, old: Path) -> None:
    expected, found = tables(old / "warehouse.duckdb"), tables(project.config.ledger)
    for name, rows in expected.items():
        pd.testing.assert_frame_equal(found[name][list(rows.columns)], rows, check_dtype=False)
    assert "history" not in schemas(project)


@pytest.mark.parametrize("point", ["append", "drop", "half"])
def test_a_kill_on_the_way_loses_nothing_and_repeats_nothing(project: Project, old: Path, point: str) -> None:
    before = project.runs()
    killed = subprocess.run(
        [sys.executable, "-c", DYING, str(project.config.directory), point], capture_output=True, check=False
    )
    assert (killed.returncode, killed.stdout) == (9, b""), killed.stderr
    assert "history" in schemas(project)
    pd.testing.assert_frame_equal(project.runs(), before)
    upgrade(project)
    assert_moved(project, old)
    upgrade(project)
    assert_moved(project, old)
    pd.testing.assert_frame_equal(project.runs(), before)


def test_what_only_reads_moves_nothing(project: Project) -> None:
    files = [path for path in project.config.directory.iterdir() if path.suffix == ".duckdb"]
    before = [path.read_bytes() for path in files]
    assert len(project.runs()) == 5
    assert project.diff().departments
    assert len(project.changes()) > 0
    assert project.measure(as_planned=True).departments
    assert project.check().departments
    project.status()
    assert [path.read_bytes() for path in files] == before
    assert not project.config.ledger.exists()


def test_rows_that_do_not_arrive_leave_the_log_where_it_was(
    project: Project, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        whole = DuckDB.append
        patch.setattr(DuckDB, "append", lambda engine, target, rows: whole(engine, target, rows.slice(1)))
        with pytest.raises(WarehouseError, match=r"rows of history\.runs were to be copied"):
            upgrade(project)
    assert not tables(project.config.warehouse.url.path)["runs"].empty
    upgrade(project)
    assert_moved(project, old)


def test_a_log_without_a_list_of_what_was_made_counts_all_as_made(project: Project) -> None:
    do(project, "drop table history.relations")
    project.check()
    upgrade(project)
    made = tables(project.config.ledger)["relations"]
    assert {"staging", "features", "learned"} <= set(made["schema_name"])


def test_what_else_is_in_that_schema_stays(project: Project) -> None:
    do(project, "create table history.notes as select 'mine' as note")
    upgrade(project)
    with duckdb.connect(str(project.config.warehouse.url.path), read_only=True) as connection:
        found = connection.execute("select table_name from duckdb_tables() where schema_name = 'history'").fetchall()
    assert found == [("notes",)]


def test_a_table_that_is_only_called_like_the_log_is_left_alone(tmp_path: Path) -> None:
    project = Project(write_project(tmp_path))
    do(project, "create schema history", "create table history.runs as select 5 as kilometres")
    upgrade(project)
    assert project.runs().empty
    with duckdb.connect(str(project.config.warehouse.url.path), read_only=True) as connection:
        assert connection.execute("select * from history.runs").fetchall() == [(5,)]


def test_the_ledger_is_where_it_is_said_to_be(project: Project) -> None:
    config = project.config.directory / "segwarehouse.toml"
    text = config.read_text(encoding="utf-8")
    named = '[warehouse]\nledger = "duckdb:///logs/ledger.duckdb"'
    config.write_text(text.replace("[warehouse]", named), encoding="utf-8")
    moved = Project(config.parent)
    upgrade(moved)
    assert moved.config.ledger == config.parent / "logs" / "ledger.duckdb"
    assert len(moved.runs()) == 5


@pytest.mark.parametrize("url", ["warehouse.duckdb", "published/warehouse.duckdb", "published/ledger.duckdb"])
def test_a_ledger_in_the_place_of_something_else_is_refused(tmp_path: Path, url: str) -> None:
    config = write_project(tmp_path) / "segwarehouse.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[warehouse]", f'[warehouse]\nledger = "duckdb:///{url}"'), encoding="utf-8")
    with pytest.raises(ConfigError, match="ledger"):
        Project(tmp_path)
