"""Whatever happens to a refresh, the last published state is whole and proved, and the next refresh succeeds."""

import datetime as dt
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from sqlglot import exp, parse_one

from segwarehouse.api import Project
from segwarehouse.cli import main
from segwarehouse.errors import PublishError, SegwarehouseError, WarehouseLocked
from segwarehouse.ledger import history
from segwarehouse.ledger.status import Moment
from segwarehouse.refresh import run as refresh_run
from segwarehouse.state import publish
from segwarehouse.state.folders import current_run, states_on_disk
from segwarehouse.warehouse import connect


def require_as_it_was(project: Project, run_id: str) -> None:
    """The state of this run is current, says so everywhere, is proved, and nothing is left of any other."""
    assert current_run(project.config) == run_id
    with duckdb.connect(str(project.config.publish.url.path), read_only=True) as state:
        assert state.execute("select run_id from targeting.run").fetchall() == [(run_id,)]
        assert state.execute("select distinct run_id from targeting.audiences").fetchall() == [(run_id,)]
    assert all(proof.proved for proof in project.verify())
    assert {path.name for path in project.config.states.iterdir()} == set(states_on_disk(project.config))
    assert not list(project.config.directory.glob(".published-*"))


def first_run(project: Project) -> str:
    run_id = current_run(project.config)
    assert run_id is not None
    return run_id


def require_next_refresh_succeeds(project: Project) -> None:
    run_id = project.refresh().run_id
    require_as_it_was(project, run_id)
    assert project.runs().iloc[0][["run_id", "status", "state"]].tolist() == [run_id, "published", "current"]


def status_of_last(project: Project) -> tuple[str, str]:
    last = project.runs().iloc[0]
    return last["status"], str(last["message"])


@contextmanager
def replaced(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, work: Callable[..., object]) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, work)
        yield


# -- stopped ----------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def listening() -> Iterator[None]:
    """Take Ctrl-C as Python does: what a shell runs in the background ignores it, and hands that on."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


@pytest.mark.parametrize(
    ("number", "status", "place"), [(signal.SIGINT, 130, "audit"), (signal.SIGTERM, 143, "store")], ids=["INT", "TERM"]
)
def test_a_refresh_that_is_told_to_stop_ends_cleanly(
    project: Project, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, status: int, place: str
) -> None:
    run_id = first_run(project)

    def told_to_stop(*_: object) -> None:
        os.kill(os.getpid(), number)
        time.sleep(10)

    with replaced(monkeypatch, refresh_run, place, told_to_stop), pytest.raises(SystemExit) as ended:
        main(["refresh", "--project", str(project.config.directory)])
    assert ended.value.code == status
    require_as_it_was(project, run_id)
    assert status_of_last(project) == ("stopped", "by a signal")
    require_next_refresh_succeeds(project)


def test_a_signal_while_the_engine_works_is_no_fault_of_the_engine(tmp_path: Path) -> None:
    slow = parse_one("create table t as select sum(a.range * b.range) as s from range(300000) a, range(2000) b")
    assert isinstance(slow, exp.Create)
    with connect(tmp_path / "w.duckdb") as warehouse:
        timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt), warehouse.transaction():
            warehouse.execute(slow)
        timer.join()
        warehouse.execute(exp.Create(this=exp.to_table("u"), kind="TABLE", expression=exp.select("1 as one")))


def test_a_run_that_is_stopped_after_its_state_is_in_place_is_logged_as_published(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = first_run(project)

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with replaced(monkeypatch, publish, "prune", stopped), pytest.raises(KeyboardInterrupt):
        project.refresh()
    run_id = current_run(project.config)
    assert run_id is not None
    assert run_id > first
    require_as_it_was(project, run_id)
    assert status_of_last(project) == ("published", "by a signal")


# -- the disk ---------------------------------------------------------------------------------------------------------


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes: writing fails as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("share", [0.0, 0.6])
def test_a_full_disk_leaves_the_last_state(project: Project, share: float) -> None:
    run_id = first_run(project)
    size = int(project.config.publish.url.path.stat().st_size * share)
    with largest_file(size), pytest.raises(SegwarehouseError) as told:
        project.refresh()
    assert told.value.exit_status in {6, 9}
    assert told.value.hint
    require_as_it_was(project, run_id)
    require_next_refresh_succeeds(project)
    assert project.runs()["status"].isin(["published", "failed", "died"]).all()


def _a_file_for_the_states(project: Project) -> Path:
    project.config.states.touch()
    return project.config.states


def _a_folder_for_the_temporary_link(project: Project) -> Path:
    folder = project.config.directory / f".published-{os.getpid()}"
    folder.mkdir()
    return folder


def _a_folder_for_the_lock(project: Project) -> Path:
    folder = project.config.directory / "warehouse.duckdb.lock"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    "spoil",
    [_a_file_for_the_states, _a_folder_for_the_temporary_link, _a_folder_for_the_lock],
    ids=lambda one: one.__name__,
)
def test_a_place_that_can_not_be_written_to_is_said_before_anything_is_learned(
    unpublished: Project, spoil: Callable[[Project], Path]
) -> None:
    spoilt = spoil(unpublished)
    steps: list[str] = []
    with pytest.raises(SegwarehouseError) as told:
        unpublished.refresh(progress=lambda moment: steps.append(moment.step))
    assert str(spoilt.relative_to(unpublished.config.directory)) in told.value.message
    assert told.value.hint
    assert steps == []
    assert not unpublished.config.publish.url.path.exists()
    spoilt.unlink() if spoilt.is_file() else spoilt.rmdir()
    require_as_it_was(unpublished, unpublished.refresh().run_id)


def test_a_link_that_can_no_more_be_replaced_stays_as_it_is(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = first_run(project)

    def refuse(link: Path, target: Path) -> None:
        raise OSError(30, "Read-only file system", str(target))

    with replaced(monkeypatch, Path, "replace", refuse), pytest.raises(PublishError, match="Read-only file system"):
        project.refresh()
    require_as_it_was(project, run_id)
    assert status_of_last(project)[0] == "failed"
    require_next_refresh_succeeds(project)


# -- the clock, and others --------------------------------------------------------------------------------------------


def test_runs_keep_their_order_when_the_clock_goes_backwards(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first = first_run(project)
    monkeypatch.setattr(history, "now", lambda: dt.datetime(2001, 2, 3, 4, 5, 6))
    second, third = project.refresh().run_id, project.refresh().run_id
    assert first < second < third
    assert states_on_disk(project.config) == [first, second, third]
    assert project.runs()["run_id"].tolist() == [third, second, first]
    assert project.rollback().restored_run_id == second
    require_next_refresh_succeeds(project)


def test_a_refresh_within_a_refresh_is_refused_and_the_first_one_publishes(project: Project) -> None:
    refused: list[WarehouseLocked] = []

    def another(moment: Moment) -> None:
        if moment.step == "publish" and moment.step_share == 0.0:
            with pytest.raises(WarehouseLocked) as told:
                Project(project.config.directory).refresh()
            refused.append(told.value)

    run_id = project.refresh(progress=another).run_id
    assert len(refused) == 1
    assert f"process {os.getpid()} on " in refused[0].message
    require_as_it_was(project, run_id)


# -- what a dead run left behind --------------------------------------------------------------------------------------


def test_what_dead_runs_left_behind_is_cleared_and_they_get_their_end_in_the_log(project: Project) -> None:
    first, second = first_run(project), project.refresh().run_id
    states = project.config.states
    finished = "20990101T000000Z-0000"
    (states / finished).mkdir()
    (states / finished / "warehouse.duckdb").write_bytes(project.config.publish.url.path.read_bytes())
    (states / ".staging-20990101T000000Z-1111").mkdir()
    (project.config.directory / ".published-4711").symlink_to("nowhere")
    spill = project.config.directory / "warehouse.duckdb.tmp"
    spill.mkdir(exist_ok=True)
    (spill / "duckdb_temp_storage-0.tmp").write_bytes(b"x")
    with duckdb.connect(str(project.config.ledger)) as ledger:
        ledger.execute(f"update history.runs set status = 'running' where run_id = '{second}'").fetchall()
        ledger.execute(
            f"insert into history.runs (run_id, started_at, status, seed, settings, versions) "
            f"values ('{finished}', now()::timestamp, 'running', 1, '', '')"
        ).fetchall()
    with duckdb.connect(str(project.config.warehouse.url.path)) as working:
        working.execute("create schema if not exists learned").fetchall()
        working.execute("create table learned.half_written as select 1 as one").fetchall()
    rollback = project.rollback(first)
    assert rollback.run_id > finished
    assert states_on_disk(project.config) == [first, second]
    require_as_it_was(project, first)
    assert not list(spill.glob("*"))
    runs = project.runs().set_index("run_id")
    assert runs["status"].to_dict() == {
        rollback.run_id: "rollback", finished: "died", second: "published", first: "published"
    }  # fmt: skip
    require_next_refresh_succeeds(project)


def test_a_rollback_that_died_after_the_link_was_replaced_is_logged_as_done(project: Project) -> None:
    first = first_run(project)
    project.refresh()
    done = project.rollback().run_id
    with duckdb.connect(str(project.config.ledger)) as ledger:
        ledger.execute(f"update history.runs set status = 'running' where run_id = '{done}'").fetchall()
    require_as_it_was(project, first)
    require_next_refresh_succeeds(project)
    assert project.runs().set_index("run_id").loc[done, "status"] == "rollback"


def test_a_first_refresh_that_fails_is_logged_as_such(unpublished: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise PublishError("it is not as it should be")

    with replaced(monkeypatch, refresh_run, "audit", fail), pytest.raises(PublishError):
        unpublished.refresh()
    assert status_of_last(unpublished) == ("failed", "it is not as it should be")
    assert not unpublished.config.publish.url.path.exists()
