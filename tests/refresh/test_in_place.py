"""Views published in the user's own database: one transaction, and nothing of hers is touched."""

from dataclasses import replace

import pytest

from segwarehouse.api import Project
from segwarehouse.errors import PublishError, WarehouseError
from segwarehouse.refresh import run as refresh_run
from tests.conftest import publish_in_place
from tests.engines import LOCAL, ask_rows, change

OWN = (
    "create table main.notes as select 'mine' as note",
    "create schema crm",
    "create table crm.calls as select 7 as n",
)


@pytest.fixture
def own(unpublished: Project) -> Project:
    """A project that publishes in the database that its user works in."""
    publish_in_place(unpublished.config.directory)
    found = Project(unpublished.config.directory)
    change(found, *OWN)
    return found


def statuses(project: Project) -> list[str]:
    """Return how the runs ended, the first one first."""
    return [str(status) for status in project.runs()["status"][::-1]]


def test_a_refresh_that_fails_takes_all_of_it_back_and_the_next_one_succeeds(
    own: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = own.refresh().run_id
    everything = "select schema_name, table_name, estimated_size from duckdb_tables() order by schema_name, table_name"
    before = ask_rows(own, everything)

    def fail(*_: object) -> None:
        raise PublishError("it is not as it should be")

    ended = ["published"]
    for error, failing, status in ((PublishError, fail, "failed"), (KeyboardInterrupt, _interrupt, "stopped")):
        with monkeypatch.context() as patch:
            patch.setattr(refresh_run, "audit", failing)
            with pytest.raises(error):
                own.refresh()
        assert ask_rows(own, "select run_id from targeting.run") == [(run_id,)]
        ended.append(status)
        assert statuses(own) == ended
        assert ask_rows(own, everything) == before
        assert all(proof.proved for proof in own.verify())
    _forget_the_end(own, run_id)
    _forget_the_end(own, str(own.runs()["run_id"][0]))
    after = own.refresh().run_id
    assert statuses(own) == ["published", "failed", "died", "published"]  # as the database says, not the log
    assert ask_rows(own, "select distinct run_id from targeting.toys") == [(after,)]
    assert ask_rows(own, "select note, (select n from crm.calls) from notes") == [("mine", 7)]


def _forget_the_end(project: Project, run_id: str) -> None:
    """Leave a run in the log as a process does that is killed before it can write down how the run ended."""
    change(project.config.ledger, f"update history.runs set status = 'running' where run_id = '{run_id}'")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_an_engine_without_transactions_does_not_publish_in_place(
    own: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LOCAL, "capabilities", replace(LOCAL.capabilities, transactions=False))
    with pytest.raises(PublishError, match="no transactions"):
        own.refresh()
    assert statuses(own) == ["failed"]
    assert ask_rows(own, "select note, (select n from crm.calls) from notes") == [("mine", 7)]


@pytest.mark.parametrize("schema", ["staging", "targeting"])
def test_a_schema_that_holds_what_segwarehouse_did_not_make_is_never_dropped(own: Project, schema: str) -> None:
    for made in (f"create schema {schema}", f"create schema if not exists {schema}"):
        change(own, made, f"create table {schema}.hers as select 42 as answer")
        for work in (own.refresh, own.check):
            with pytest.raises(WarehouseError, match=rf"{schema}\.hers, which segwarehouse did not make"):
                work()
        assert ask_rows(own, f"select answer from {schema}.hers") == [(42,)]
        change(own, f"create table if not exists crm.{schema} as from {schema}.hers", f"drop table {schema}.hers")
        own.refresh()
    assert ask_rows(own, f"select answer from crm.{schema}") == [(42,)]


def test_a_working_database_beside_the_published_one_is_guarded_too(unpublished: Project) -> None:
    working = unpublished.config.warehouse.url.path
    change(working, "create schema staging", "create table staging.hers as select 42 as answer")
    with pytest.raises(WarehouseError, match=r"staging\.hers"):
        unpublished.refresh()
    assert ask_rows(working, "select answer from staging.hers") == [(42,)]
    assert not unpublished.config.publish.url.path.exists()
