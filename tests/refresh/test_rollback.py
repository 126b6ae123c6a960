"""A previous state can be put back, is proved before, and the next refresh goes on from there."""

from pathlib import Path

import duckdb
import pytest

from segwarehouse.api import Project
from segwarehouse.errors import ProofFailed, PublishError, SegwarehouseError, UnknownName
from segwarehouse.state.folders import current_run, states_on_disk


def first_run(project: Project) -> str:
    run_id = current_run(project.config)
    assert run_id is not None
    return run_id


def ask(project: Project, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(project.config.publish.url.path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_previous_state_is_put_back_proved_and_recorded(project: Project) -> None:
    first, second = first_run(project), project.refresh()
    bytes_of_first = (project.config.states / first / "warehouse.duckdb").read_bytes()
    report = project.rollback(first)
    assert (report.restored_run_id, report.replaced_run_id) == (first, second.run_id)
    assert ask(project, "select run_id from targeting.run") == [(first,)]
    assert project.config.publish.url.path.read_bytes() == bytes_of_first
    assert all(proof["proved"] for proof in project.verify())
    runs = project.runs().set_index("run_id")
    assert list(runs.index) == [report.run_id, second.run_id, first]
    assert runs["status"].tolist() == ["rollback", "published", "published"]
    assert runs["state"].tolist() == [None, "kept", "current"]
    assert runs.loc[report.run_id, "restored_run_id"] == first
    assert project.rollback(second.run_id).replaced_run_id == first
    assert ask(project, "select run_id from targeting.run") == [(second.run_id,)]


def test_the_refresh_after_a_rollback_compares_with_the_state_that_is_current(project: Project) -> None:
    first = first_run(project)
    config = project.config.directory / "segwarehouse.toml"
    config.write_text(config.read_text(encoding="utf-8").replace("budget = 30", "budget = 20"), encoding="utf-8")
    shrunk = Project(config.parent)
    shrunk.refresh()
    assert shrunk.rollback().restored_run_id == first
    third = shrunk.refresh()
    assert ask(shrunk, "select change, count(*) from targeting.changes group by all") == [("left", 20)]
    assert shrunk.rollback().restored_run_id < third.run_id
    assert all(proof["proved"] for proof in shrunk.verify())


def test_what_can_not_be_put_back_is_said_with_what_can(project: Project) -> None:
    first = first_run(project)
    with pytest.raises(PublishError, match="older than the current one"):
        project.rollback()
    second = project.refresh().run_id
    for wanted in ("yesterday", second, "../../elsewhere"):
        with pytest.raises(UnknownName) as told:
            project.rollback(wanted)
        assert first in told.value.hint
    assert current_run(project.config) == second


def test_before_the_first_refresh_there_is_nothing_to_go_back_to(unpublished: Project) -> None:
    with pytest.raises(PublishError, match="nothing is published"):
        unpublished.rollback()


def test_a_state_that_was_tampered_with_is_not_put_back(project: Project) -> None:
    first, second = first_run(project), project.refresh()
    file = project.config.states / first / "warehouse.duckdb"
    file.chmod(0o644)
    with duckdb.connect(str(file)) as connection:
        text = connection.execute("select sql from duckdb_views() where view_name = 'garden'").fetchall()[0][0]
        connection.execute("drop view targeting.garden").fetchall()
        connection.execute(text.replace("rank_in_arm <= 30", "rank_in_arm <= 31")).fetchall()
    with pytest.raises(ProofFailed):
        project.rollback()
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:4000])
    with pytest.raises(SegwarehouseError, match=r"warehouse\.duckdb"):
        project.rollback()
    assert ask(project, "select run_id from targeting.run") == [(second.run_id,)]
    assert project.runs()["status"].tolist() == ["failed", "failed", "published", "published"]


def test_so_many_states_are_kept_as_configured_and_never_less_than_the_current_and_the_one_before(
    project: Project,
) -> None:
    config = project.config.directory / "segwarehouse.toml"
    text = config.read_text(encoding="utf-8").replace("[source]", "states_kept = 2\n[source]")
    config.write_text(text, encoding="utf-8")
    kept = Project(config.parent)
    mine = kept.config.states / "2025-archive"
    mine.mkdir(parents=True)
    first, second = first_run(kept), kept.refresh().run_id
    assert states_on_disk(kept.config) == [first, second]
    kept.rollback(first)
    third = kept.refresh().run_id
    assert states_on_disk(kept.config) == [first, second, third]
    fourth = kept.refresh().run_id
    assert states_on_disk(kept.config) == [third, fourth]
    assert mine.is_dir()
    assert sorted(path.name for path in kept.config.states.iterdir()) == sorted([mine.name, third, fourth])


def test_views_published_in_place_have_no_previous_states(project: Project) -> None:
    config = project.config.directory / "segwarehouse.toml"
    text = config.read_text(encoding="utf-8").replace("published/warehouse.duckdb", "warehouse.duckdb")
    config.write_text(text, encoding="utf-8")
    with pytest.raises(PublishError, match="no previous states"):
        Project(config.parent).rollback()


def test_two_projects_may_publish_side_by_side(project: Project, tmp_path: Path) -> None:
    folders = []
    for name in ("published", "fashion"):
        config = project.config.directory / "segwarehouse.toml"
        text = config.read_text(encoding="utf-8")
        shared = f'url = "duckdb:///{tmp_path / "shared" / name / "warehouse.duckdb"}"'
        config.write_text(text.replace('url = "duckdb:///published/warehouse.duckdb"', shared), encoding="utf-8")
        folders.append(Project(config.parent).config.states)
        config.write_text(text, encoding="utf-8")
    assert folders == [tmp_path / "shared" / "runs", tmp_path / "shared" / "fashion-runs"]
