"""One writer at a time: the lock is the system's, the file only says who; a killed owner leaves nothing locked."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from segwarehouse.api import Project
from segwarehouse.config import Config, load_config
from segwarehouse.errors import WarehouseError, WarehouseLocked
from segwarehouse.ledger.lock import exclusive
from segwarehouse.ledger.status import Owner, lock_path, read_owner
from tests.conftest import write_project

HOLDER = """
import sys
from segwarehouse.config import load_config
from segwarehouse.ledger.lock import exclusive
with exclusive(load_config(sys.argv[1]), "refresh"):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config(write_project(tmp_path / "project"))


@contextmanager
def held(config: Config) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(config.directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_run_is_refused_with_the_owner_its_start_and_age(config: Config) -> None:
    with held(config) as process:
        for work in (Project(config.directory).refresh, Project(config.directory).rollback):
            with pytest.raises(WarehouseLocked) as told:
                work()
            assert told.value.exit_status == 11
            assert f"a refresh, process {process.pid} on " in told.value.message
            assert "UTC (0 minutes)" in told.value.message
            assert "--wait" in told.value.hint
    assert not config.warehouse.url.path.exists()
    assert not config.states.exists()


def test_a_run_waits_for_another_as_long_as_it_is_told(config: Config) -> None:
    with held(config) as process:
        with pytest.raises(WarehouseLocked), exclusive(config, "refresh", 0.5):
            pass
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        with exclusive(config, "refresh", 60.0):
            assert read_owner(lock_path(config)) == replace(
                Owner.this("refresh"), started_at=json.loads(lock_path(config).read_text())["started_at"]
            )
    assert lock_path(config).read_text() == ""


def test_a_killed_owner_leaves_its_name_but_no_lock(config: Config) -> None:
    with held(config) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert json.loads(lock_path(config).read_text())["pid"] == process.pid
    assert read_owner(lock_path(config)) is None
    with exclusive(config, "refresh"):
        owner = read_owner(lock_path(config))
        assert owner is not None
        assert owner.pid == os.getpid()


def test_a_pid_that_was_given_to_another_process_is_not_taken_for_the_owner(config: Config) -> None:
    mine = Owner.this("refresh")
    path = lock_path(config)
    for former, is_named in ((mine, True), (replace(mine, process_started="boot 1"), False)):
        path.write_text(json.dumps(asdict(former)))
        assert (read_owner(path) is not None) is is_named
    path.write_text(json.dumps(asdict(replace(mine, process_started="boot 1", host="elsewhere"))))
    assert read_owner(path) is not None
    for text in ("", "{", "[]", '{"pid": 1}', json.dumps({**asdict(mine), "started_at": "soon"})):
        path.write_text(text)
        assert read_owner(path) is None


def test_two_threads_exclude_each_other_too(config: Config) -> None:
    with exclusive(config, "refresh"), pytest.raises(WarehouseLocked), exclusive(config, "rollback"):
        pass


def test_a_run_waits_for_another_program_that_has_the_database_open(config: Config, tmp_path: Path) -> None:
    attempts = []

    def third_time() -> str:
        attempts.append(1)
        if len(attempts) < 3:
            raise WarehouseLocked("held")
        return "open"

    with exclusive(config, "refresh", 60.0) as lock:
        assert lock.patiently(third_time) == "open"
    attempts.clear()
    with exclusive(config, "refresh") as lock, pytest.raises(WarehouseLocked):
        lock.patiently(third_time)


def test_a_folder_that_can_not_hold_the_lock_is_said(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "project")
    text = (folder / "segwarehouse.toml").read_text(encoding="utf-8")
    (folder / "segwarehouse.toml").write_text(
        text.replace('"duckdb:///warehouse.duckdb"', '"duckdb:///data/transactions.parquet/warehouse.duckdb"'),
        encoding="utf-8",
    )
    with pytest.raises(WarehouseError, match="can't be locked"):
        Project(folder).refresh()
