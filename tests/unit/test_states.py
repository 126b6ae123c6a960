"""Putting a state in place: what a crash at each single step leaves is whole, and what it leaves is cleared."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from segwarehouse.config import Config, load_config
from segwarehouse.errors import PublishError
from segwarehouse.state.folders import (
    clear_leavings,
    current_run,
    promote,
    prune,
    require_replaceable,
    staging,
    states_on_disk,
    switch,
)

OLD, NEW = "20260101T000000Z-0001", "20260102T000000Z-0002"

KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from segwarehouse.config import load_config
from segwarehouse.state.folders import promote, prune, require_replaceable, staging
config, fatal = load_config(sys.argv[1]), int(sys.argv[2])
done = 0
def deadly(owner, name):
    honest = getattr(owner, name)
    def step(*arguments, **options):
        global done
        for work in (lambda: None, lambda: honest(*arguments, **options)):
            result = work()
            done += 1
            if done == fatal:
                os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(owner, name, step)
for owner, name in ((os, "fsync"), (Path, "chmod"), (Path, "mkdir"), (Path, "rename"), (Path, "replace"),
                    (Path, "symlink_to"), (Path, "unlink"), (shutil, "rmtree")):
    deadly(owner, name)
require_replaceable(config)
with staging(config, sys.argv[3]) as folder:
    (folder / "warehouse.duckdb").write_text(sys.argv[3])
    promote(config, folder, sys.argv[3])
prune(config)
print(done)
"""


def publish(config: Config, run_id: str) -> None:
    require_replaceable(config)
    with staging(config, run_id) as folder:
        (folder / "warehouse.duckdb").write_text(run_id)
        (folder / "report.html").write_text(run_id)
        promote(config, folder, run_id)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    text = '[source]\ntransactions = "./t.parquet"\ncustomer_id = "c"\ndepartment = "d"\n'
    (tmp_path / "segwarehouse.toml").write_text(f"[publish]\nstates_kept = 2\n{text}", encoding="utf-8")
    return load_config(tmp_path)


def killed_at(config: Config, step: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", KILLED, str(config.directory), str(step), NEW]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_kill_before_or_after_any_step_of_the_promotion_leaves_a_whole_state(config: Config) -> None:
    publish(config, "20250101T000000Z-0000")
    publish(config, OLD)
    before = config.directory / "before"
    seen = set()
    for step in range(1, 200):
        shutil.copytree(config.states, before / "runs", symlinks=True)
        ended = killed_at(config, step)
        if ended.returncode == 0:
            assert int(ended.stdout) == step - 1
            break
        assert ended.returncode == -9, ended.stderr
        run_id = current_run(config)
        assert run_id in {OLD, NEW}
        assert config.publish.url.path.read_text() == run_id
        seen.add(run_id)
        clear_leavings(config, {NEW})
        assert current_run(config) == run_id
        assert {path.name for path in config.states.iterdir()} == set(states_on_disk(config))
        assert not list(config.directory.glob(".published-*"))
        if run_id != NEW:
            assert NEW not in states_on_disk(config)
            publish(config, NEW)
        assert config.publish.url.path.read_text() == NEW
        switch_back(config, before / "runs")
    else:
        pytest.fail("the promotion never came to its end")
    assert seen == {OLD, NEW}
    assert step > 25


def switch_back(config: Config, saved: Path) -> None:
    shutil.rmtree(config.states)
    saved.rename(config.states)
    switch(config, OLD)


def test_all_is_on_disk_before_the_link_leads_there(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(config, OLD)
    done: list[str] = []
    names: dict[int, str] = {}

    honest_open, honest_sync, honest_replace, honest_rename = os.open, os.fsync, Path.replace, Path.rename

    def opened(path: str | Path, *options: int) -> int:
        descriptor = honest_open(path, *options)
        names[descriptor] = Path(path).name
        return descriptor

    def synced(descriptor: int) -> None:
        done.append(names[descriptor])
        honest_sync(descriptor)

    def replaced(path: Path, target: Path) -> Path:
        done.append("link")
        return honest_replace(path, target)

    def renamed(path: Path, target: Path) -> Path:
        done.append("rename")
        return honest_rename(path, target)

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    monkeypatch.setattr(Path, "rename", renamed)
    publish(config, NEW)
    project = config.directory.name
    assert done == ["report.html", "warehouse.duckdb", f".staging-{NEW}", "rename", "runs", project, "link", project]


def test_a_state_with_a_write_ahead_log_beside_it_is_not_put_in_place(config: Config) -> None:
    publish(config, OLD)
    with staging(config, NEW) as folder:
        (folder / "warehouse.duckdb").write_text(NEW)
        (folder / "warehouse.duckdb.wal").write_text("not checkpointed")
        with pytest.raises(PublishError, match=r"warehouse\.duckdb\.wal"):
            promote(config, folder, NEW)
    assert current_run(config) == OLD
    assert states_on_disk(config) == [OLD]


def test_a_link_that_can_not_be_replaced_leaves_nothing_of_the_new_state(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(config, OLD)

    def refuse(link: Path, target: Path) -> None:
        raise OSError(30, "Read-only file system", str(target))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(PublishError, match=r"published: Read-only file system"):
        publish(config, NEW)
    assert current_run(config) == OLD
    assert [path.name for path in config.states.iterdir()] == [OLD]
    assert not list(config.directory.glob(".published-*"))


def test_a_link_of_somebody_else_is_not_replaced(config: Config) -> None:
    elsewhere = config.directory / "disk2"
    elsewhere.mkdir()
    link = config.publish.url.path.parent
    link.symlink_to(elsewhere, target_is_directory=True)
    with pytest.raises(PublishError, match="is a link to"):
        require_replaceable(config)
    assert link.readlink() == elsewhere


def test_the_state_that_was_just_replaced_stays_for_readers_that_are_about_to_open_it(config: Config) -> None:
    runs = [f"2026010{day}T000000Z-0000" for day in range(1, 5)]
    for run_id in runs:
        publish(config, run_id)
    switch(config, runs[0])
    publish(config, "20260105T000000Z-0000")
    prune(config, runs[0])
    assert states_on_disk(config) == [runs[0], runs[3], "20260105T000000Z-0000"]
