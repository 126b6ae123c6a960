"""How far a run is, from a small file: while it works, when it has ended, and when it has died."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from segwarehouse import api
from segwarehouse.api import Project
from segwarehouse.cli import main
from segwarehouse.errors import SegwarehouseError, WarehouseLocked
from segwarehouse.features import FeatureTable
from segwarehouse.ledger.status import Moment, lock_path, read_status, status_path
from segwarehouse.refresh import refresh
from segwarehouse.refresh.task import Worker
from segwarehouse.results.maps import CustomersMap
from tests.conftest import write_project

WORKING = """
import sys, time
from segwarehouse.config import load_config
from segwarehouse.ledger.history import recorded
from segwarehouse.working import working_warehouse
config = load_config(sys.argv[1])
with working_warehouse(config) as (warehouse, ledger), recorded(ledger, warehouse, config, None) as run:
    run.tell("learn", "Fish & Chips", 0.5)
    print("working", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def working(project: Project) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds lock and database, as a refresh does while it learns."""
    command = [sys.executable, "-c", WORKING, str(project.config.directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "working\n"
        try:
            yield process
        finally:
            process.kill()


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    captured = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, captured.out, captured.err


def test_while_a_refresh_works_its_step_department_and_share_are_said(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(project.config.directory)
    with working(project) as process:
        status, out, err = called(capsys, "status", "--project", folder)
        assert (status, err) == (11, "")
        assert "running" in out
        assert "learn Fish & Chips, since 20" in out
        assert f"{process.pid} on " in out
        found = json.loads(called(capsys, "status", "--json", "--project", folder)[1])
    assert (found["state"], found["work"], found["step"], found["subject"]) == (
        "running",
        "refresh",
        "learn",
        "Fish & Chips",
    )
    assert 0.0 < found["share"] < 1.0
    assert found["seconds_left"] >= 0  # a number: what is left here takes less than a second
    assert found["finished_at"] is None


def test_reading_goes_on_while_a_refresh_holds_lock_and_database(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(project.config.directory)
    known = project.runs()["run_id"].tolist()
    checked = project.check().as_dict()
    with working(project):
        with pytest.raises(WarehouseLocked):
            project.refresh()
        assert project.check().as_dict() == checked
        assert project.plan()
        frame = project.runs()
        assert frame["run_id"].tolist() == known
        assert frame["state"].tolist() == ["current"]
        status, out, err = called(capsys, "runs", "--project", folder)
        assert status == 0
        assert known[0] in out
        assert "another run holds the working database" in err
    assert [path.name for path in project.config.directory.glob(".segwarehouse-look-*")] == []


def test_before_the_first_state_a_running_refresh_does_not_stop_a_look(
    unpublished: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    with working(unpublished):
        assert unpublished.check().departments
        assert unpublished.runs().empty
        assert called(capsys, "status", "--project", str(unpublished.config.directory))[0] == 11


def test_check_takes_no_lock_and_leaves_the_database_as_it_was(project: Project) -> None:
    database = project.config.warehouse.url.path
    before = database.read_bytes()
    lock_path(project.config).unlink()
    project.check()
    assert database.read_bytes() == before
    assert not lock_path(project.config).exists()


def test_a_look_that_was_killed_leaves_nothing_behind_for_long(project: Project) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    left = project.config.directory / f".segwarehouse-look-{gone.pid}-abc"
    mine = project.config.directory / f".segwarehouse-look-{os.getpid()}-abc"
    for folder in (left, mine):
        folder.mkdir()
        (folder / "warehouse.duckdb").write_text("x", encoding="utf-8")
    project.check()
    assert not left.exists()
    assert mine.exists()


def test_check_reads_a_relation_of_the_working_database(project: Project) -> None:
    folder = project.config.directory
    config = folder / "segwarehouse.toml"
    import duckdb

    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute(f"create table main.sales as from '{folder / 'data' / 'transactions.parquet'}'").fetchall()
    expected = project.check().as_dict()["departments"]
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('"data/transactions.parquet"', '"main.sales"'), encoding="utf-8")
    assert Project(folder).check().as_dict()["departments"] == expected
    config.write_text(text, encoding="utf-8")
    own = folder / "models" / "staging"
    own.mkdir(parents=True)
    (own / "transactions.sql").write_text("select * from main.sales\n", encoding="utf-8")
    assert Project(folder).check().as_dict()["departments"] == expected


def test_when_a_run_has_ended_it_is_said_what_it_did(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(project.config.directory)
    run_id = project.refresh().run_id
    status, out, _ = called(capsys, "status", "--project", folder)
    assert status == 0
    assert run_id in out
    assert "published" in out
    found = project.status()
    assert (found.state, found.share, found.facts) == (
        "published",
        1.0,
        {"departments_published": 2, "departments_kept": 0},
    )
    assert found.finished_at >= found.started_at
    project.rollback()
    assert (project.status().state, project.status().work) == ("rollback", "rollback")


def test_a_run_that_failed_was_stopped_or_died_has_a_status_of_its_own(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(project.config.directory)

    def ends(error: BaseException) -> None:
        class Failing(Worker):
            def map_customers(self, table: FeatureTable, seed: int) -> CustomersMap:
                raise error

        with monkeypatch.context() as patch:
            patch.setattr(api, "refresh", partial(refresh, worker=Failing()))
            with pytest.raises(type(error)):
                project.refresh()

    ends(SegwarehouseError("no luck"))
    status, out, err = called(capsys, "status", "--project", folder)
    assert status == 13
    assert "no luck" in out
    assert "map customers" in out
    assert "error: the last run, " in err
    ends(KeyboardInterrupt())
    assert project.status().state == "stopped"
    with working(project) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert project.status().state == "died"
        assert called(capsys, "status", "--project", folder)[0] == 13
    project.refresh()
    assert called(capsys, "status", "--project", folder)[0] == 0


def test_where_no_run_is_known_it_is_said(unpublished: Project, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = called(capsys, "status", "--project", str(unpublished.config.directory))
    assert (status, out) == (12, "")
    assert "no run is known" in err
    status, out, _ = called(capsys, "status", "--json", "--project", str(unpublished.config.directory))
    assert status == 12
    assert json.loads(out)["state"] is None


@pytest.mark.parametrize("content", ["", "{", "[]", "7", '{"state": "running"}', '{"pid": "x", "unknown": 1}'])
def test_a_file_that_says_nothing_stops_nothing(unpublished: Project, content: str) -> None:
    status_path(unpublished.config).write_text(content, encoding="utf-8")
    assert read_status(unpublished.config).state in {None, "died"}
    unpublished.refresh()
    assert unpublished.status().state == "published"


def test_a_status_that_can_not_be_written_stops_nothing(unpublished: Project) -> None:
    status_path(unpublished.config).mkdir()
    assert unpublished.refresh().run_id


def test_shares_of_the_whole_never_go_back_and_move_through_building_features(unpublished: Project) -> None:
    for run in (1, 2):
        seen: list[Moment] = []
        unpublished.refresh(progress=seen.append)
        shares = [moment.share for moment in seen]
        assert shares == sorted(shares)
        assert (shares[0], shares[-1]) == (0.0, 1.0)
        building = [moment for moment in seen if moment.step == "build features"]
        assert len({moment.step_share for moment in building}) > 8
        assert len({moment.share for moment in building}) > 8
        assert len({moment.step_share for moment in seen if moment.step == "read transactions"}) > 4
        assert len([moment for moment in seen if moment.note]) == 1
        assert ("by the run before" in next(moment.note for moment in seen if moment.note)) == (run == 2)
        assert (seen[0].seconds_left is None) == (run == 1)


def test_the_status_holds_no_id_and_is_always_whole(project: Project, transactions: Any) -> None:
    texts: list[str] = []

    def look(_moment: Moment) -> None:
        texts.append(status_path(project.config).read_text(encoding="utf-8"))

    project.refresh(progress=look)
    found = [json.loads(text) for text in texts]
    assert len({each["step"] for each in found}) > 8
    assert all(each["state"] == "running" for each in found)
    assert set(found[0]) == set(found[-1])


def test_status_imports_nothing_heavy(tmp_path: Path) -> None:
    folder = write_project(tmp_path)
    probe = (
        "import contextlib, json, sys\nfrom segwarehouse.cli import main\n"
        f"with contextlib.suppress(SystemExit): main(['status', '--project', {str(folder)!r}])\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    shown = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert not {"duckdb", "numpy", "pandas", "pyarrow", "sqlglot", "sklearn"} & set(json.loads(shown.stdout))
    assert "no run is known" in shown.stderr
