"""A refresh publishes what the design promises, the same each time, and never half of it."""

import math
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from sqlglot import exp

from segwarehouse.api import Project
from segwarehouse.domain import Condition
from segwarehouse.errors import ProofFailed, PublishError, UnknownName
from segwarehouse.ledger.status import Moment
from segwarehouse.refresh import RefreshReport, verify
from segwarehouse.refresh import run as refresh_run
from segwarehouse.rules import compile as rules_compile
from tests.conftest import DEPARTMENTS, Rehearsal, write_project

Published = tuple[Path, RefreshReport]

VIEW_COLUMNS = [
    "customer_id", "score", "rank", "in_budget", "arm", "rules_matched", "reasons", "nearest_missed", "as_of", "run_id",
]  # fmt: skip
BUDGET = 30


def ask(folder: Path, query: str) -> pd.DataFrame:
    with duckdb.connect(str(folder / "published" / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(query).df()


def view_of(folder: Path, department: str) -> str:
    names = ask(folder, "select department, view_name from targeting.departments").set_index("department")["view_name"]
    return f'targeting."{names[department]}"'


@pytest.mark.parametrize("department", DEPARTMENTS)
def test_a_view_ranks_those_who_do_not_buy_there_and_says_why(
    published: Published, transactions: pd.DataFrame, department: str
) -> None:
    folder, report = published
    rows = ask(folder, f"select * from {view_of(folder, department)} order by rank")
    assert list(rows.columns) == VIEW_COLUMNS
    buyers = set(transactions.loc[transactions["department"] == department, "customer_id"])
    assert len(rows) > 0
    assert not set(rows["customer_id"]) & buyers
    assert rows["rank"].tolist() == list(range(1, len(rows) + 1))
    assert rows["score"].is_monotonic_decreasing
    assert rows["score"].between(0, 1).all()
    assert (rows["reasons"] != "").all()
    assert (rows["rules_matched"].str.match(r"R\d+(, R\d+)*$")).all()
    target = rows[rows["arm"] == "target"]
    assert rows["in_budget"].sum() == BUDGET
    assert (target["in_budget"].to_numpy() == (np.arange(len(target)) < BUDGET)).all()
    assert set(rows["run_id"]) == {report.run_id}
    assert set(rows["as_of"].dt.date) == {report.as_of}


def test_every_result_table_of_the_recipe_is_there_and_consistent(published: Published) -> None:
    folder, _ = published
    confusions = ask(folder, "select * from targeting.confusions")
    totals = confusions[["true_negatives", "false_positives", "false_negatives", "true_positives"]].sum(axis=1)
    assert len(confusions) == 2 * len(DEPARTMENTS)
    assert (totals <= 500).all()
    assert (totals > 400).all()
    mixtures = ask(folder, "select department, sum(weight) as weight, count(*) as n from targeting.mixtures group by 1")
    assert np.allclose(mixtures["weight"], 1.0)
    chosen = ask(
        folder, "select department, number from targeting.cluster_scores where kind = 'mixture' and is_chosen = 1"
    )
    assert dict(chosen.to_numpy()) == dict(mixtures[["department", "n"]].to_numpy())
    sums = ask(
        folder,
        "select s.department, s.customer_id, any_value(m.probability) as p, "
        "any_value(s.base_value) + sum(s.shap_value) as log_odds from targeting.shap_values s "
        "join targeting.department_maps m using (department, customer_id) group by all",
    )
    assert np.allclose(1.0 / (1.0 + np.exp(-sums["log_odds"])), sums["p"])
    correlations = ask(folder, "select * from targeting.correlations")
    assert correlations["correlation"].between(-1.0000001, 1.0000001).all()
    assert ask(folder, "select count(*) as n from targeting.customers_map")["n"][0] == 500
    personas = ask(folder, "select * from targeting.segments where kind = 'persona'")
    assert (personas.groupby("department")["size"].sum() <= 500).all()
    assert (personas["size"] >= 10).all()
    segments = ask(folder, "select * from targeting.segments")
    assert segments.loc[segments["drivers"] != "", "typical"].str.startswith("typically ").any()
    assert set(segments["since"].dt.date) == {published[1].as_of}
    assert segments.loc[segments["kind"] == "mixture", "weight"].between(0.0, 1.0).all()
    scores = ask(folder, "select * from targeting.cluster_scores where number > 1")
    assert scores["stability"].between(-0.5, 1.0).all()
    mapped = ask(
        folder,
        "select department, segment_id, count(*) as size from targeting.department_maps group by all",
    )
    both = personas.merge(mapped, on=["department", "segment_id"], suffixes=("", "_mapped"))
    assert len(both) == len(personas)
    assert (both["size"] == both["size_mapped"]).all()


def test_the_audiences_table_is_the_views_down_to_the_budget(published: Published) -> None:
    folder, _ = published
    for department in DEPARTMENTS:
        view = view_of(folder, department)
        upto = f"select * from {view} where rank <= (select max(rank) from {view} where in_budget)"
        mine = f"select * exclude (department) from targeting.audiences where department = '{department}'"
        assert len(ask(folder, mine)) >= BUDGET
        assert ask(folder, f"({upto}) except ({mine})").empty
        assert ask(folder, f"({mine}) except ({upto})").empty


def test_rules_say_in_sql_what_they_count(published: Published) -> None:
    folder, _ = published
    rules = ask(folder, "select * from targeting.rules")
    assert len(rules) > 0
    for row in rules.itertuples():
        counted = ask(
            folder,
            f"select count(*) as n from features.customers f where {row.condition_sql} and not exists (select 1 from "
            "features.department_counts c where c.customer_id = f.customer_id "
            f"and c.department_key = {row.department_key})",
        )
        assert counted["n"][0] == row.candidates


def test_the_published_state_is_read_only_complete_and_commented(published: Published) -> None:
    folder, report = published
    file = folder / "published" / "warehouse.duckdb"
    assert (folder / "published").is_symlink()
    assert (folder / "published").readlink().name == report.run_id
    assert stat.S_IMODE(file.stat().st_mode) == 0o444
    assert sorted(path.name for path in file.parent.iterdir()) == ["report.html", "warehouse.duckdb"]
    comments = ask(folder, "select view_name, comment from duckdb_views() where schema_name = 'targeting'")
    assert len(comments) == len(DEPARTMENTS)
    assert comments["comment"].str.contains("do not buy").all()
    columns = ask(folder, "select comment from duckdb_columns() where table_name = 'rules' and column_name = 'points'")
    assert len(columns) == 1


@pytest.fixture(scope="module")
def twin(published: Published, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same project refreshed again, by two processes instead of one, in another folder."""
    folder = tmp_path_factory.mktemp("twin") / "project"
    shutil.copytree(published[0], folder, symlinks=True)
    config = folder / "segwarehouse.toml"
    config.write_text(config.read_text(encoding="utf-8").replace("jobs = 1", "jobs = 2"), encoding="utf-8")
    Project(folder).refresh()
    return folder


def test_the_same_data_and_seed_publish_the_same(published: Published, twin: Path) -> None:
    folder, _ = published
    for table in (
        "rules",
        "cards",
        "evaluated_rules",
        "evaluation",
        "departments",
        "segments",
        "mixtures",
        "cluster_scores",
    ):
        query = f"select * from targeting.{table}"
        pd.testing.assert_frame_equal(ask(folder, query), ask(twin, query), check_exact=True)
    definitions = "select view_name, sql from duckdb_views() where schema_name = 'targeting' order by view_name"
    assert ask(folder, definitions).equals(ask(twin, definitions))
    for department in DEPARTMENTS:
        query = f"select * exclude (run_id) from {view_of(folder, department)} order by rank"
        pd.testing.assert_frame_equal(ask(folder, query), ask(twin, query), check_exact=True)


def test_a_second_run_is_logged_and_changes_nobody(twin: Path) -> None:
    runs = ask(twin, "select status from targeting.runs order by started_at")
    assert runs["status"].tolist() == ["published", "published"]
    assert ask(twin, "select * from targeting.changes").empty
    assert len(list((twin / "runs").iterdir())) == 2


def test_every_view_is_proved_at_any_time(published: Published) -> None:
    proofs = Project(published[0]).verify()
    assert [proof.department for proof in proofs] == sorted(DEPARTMENTS, key=lambda name: name.encode())
    assert all(proof.proved for proof in proofs)
    assert all(proof.customers.rows == 500 and proof.boundaries.rows > 1000 for proof in proofs)


def test_a_view_that_was_tampered_with_is_not_proved(published: Published, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(published[0], folder, symlinks=True)
    file = folder / "published" / "warehouse.duckdb"
    file.chmod(0o644)
    view = view_of(folder, "Garden")
    with duckdb.connect(str(file)) as connection:
        text = connection.execute("select sql from duckdb_views() where view_name = 'garden'").fetchall()[0][0]
        connection.execute(f"drop view {view}").fetchall()
        connection.execute(text.replace("rank_in_arm <= 30", "rank_in_arm <= 31")).fetchall()
    proofs = {proof.department: proof for proof in Project(folder).verify()}
    assert not proofs["Garden"].proved
    assert "in_budget" in {item.aspect for item in proofs["Garden"].differences}
    assert all(proof.proved for name, proof in proofs.items() if name != "Garden")


def test_sql_that_disagrees_with_python_is_never_published(
    published: Published, rehearsal: Rehearsal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearsal.play(monkeypatch)
    folder = tmp_path / "project"
    shutil.copytree(published[0], folder, symlinks=True)
    before = (folder / "published").readlink()

    def off_by_a_hair(condition: Condition) -> exp.Expr:
        return honest(replace(condition, threshold=math.nextafter(condition.threshold, math.inf)))

    honest = rules_compile.compile_condition
    monkeypatch.setattr(rules_compile, "compile_condition", off_by_a_hair)
    with pytest.raises(ProofFailed, match="SQL and Python disagree"):
        Project(folder).refresh()
    assert (folder / "published").readlink() == before
    monkeypatch.undo()
    assert all(proof.proved for proof in Project(folder).verify())
    status = Project(folder).runs().set_index("status").loc["failed", "message"]
    assert "disagree" in str(status)


def test_a_reader_keeps_its_state_while_the_next_is_published(
    published: Published, rehearsal: Rehearsal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearsal.play(monkeypatch)
    folder = tmp_path / "project"
    shutil.copytree(published[0], folder, symlinks=True)
    with duckdb.connect(str(folder / "published" / "warehouse.duckdb"), read_only=True) as reader:
        first = reader.execute("select run_id from targeting.run").fetchall()
        report = Project(folder).refresh(departments=["Toys"])
        assert reader.execute("select run_id from targeting.run").fetchall() == first
        assert reader.execute("select count(*) > 0 from targeting.toys").fetchall() == [(True,)]
    assert ask(folder, "select run_id from targeting.run")["run_id"].tolist() == [report.run_id]
    assert {str(row["department"]) for row in report.departments} == set(DEPARTMENTS)
    for department in DEPARTMENTS:
        query = f"select * exclude (run_id) from {view_of(folder, department)} order by rank"
        pd.testing.assert_frame_equal(ask(folder, query), ask(published[0], query), check_exact=True)


def test_a_run_that_fails_while_publishing_leaves_the_former_state(
    published: Published, rehearsal: Rehearsal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearsal.play(monkeypatch)
    folder = tmp_path / "project"
    shutil.copytree(published[0], folder, symlinks=True)
    before = (folder / "published").readlink()

    def no_room(*_: object) -> None:
        raise PublishError("the disk is full")

    monkeypatch.setattr(refresh_run, "audit", no_room)
    with pytest.raises(PublishError):
        Project(folder).refresh(departments=["Toys"])
    assert (folder / "published").readlink() == before
    assert [path.name for path in (folder / "runs").iterdir()] == [published[1].run_id]


def test_views_can_be_published_in_the_working_database_itself(
    rehearsal: Rehearsal, tmp_path: Path, transactions: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_project(tmp_path, transactions, learning='departments = ["Toys", "Garden"]')
    config = folder / "segwarehouse.toml"
    text = config.read_text(encoding="utf-8").replace(
        "duckdb:///published/warehouse.duckdb", "duckdb:///warehouse.duckdb"
    )
    config.write_text(text, encoding="utf-8")
    with monkeypatch.context() as patch:
        rehearsal.play(patch)
        Project(folder).refresh()
    assert all(proof.proved for proof in Project(folder).verify())
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute("update targeting.department_maps set segment_id = 9 - segment_id").fetchall()
    again = Project(folder).refresh()
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        numbers = "select distinct segment_id from targeting.segments where kind = 'persona'"
        assert all(number >= 5 for (number,) in connection.execute(numbers).fetchall())
        assert connection.execute("select run_id from targeting.run").fetchall() == [(again.run_id,)]
        assert connection.execute("select count(*) from targeting.runs").fetchall() == [(2,)]
        assert connection.execute("select count(*) from targeting.toys where in_budget").fetchall() == [(BUDGET,)]
    assert not (folder / "published").exists()


def test_customers_are_held_out_where_there_are_no_times(tmp_path: Path, transactions: pd.DataFrame) -> None:
    plain = transactions[["customer_id", "department"]].assign(
        customer_id=transactions["customer_id"].map("{:05d}".format)
    )
    folder = write_project(
        tmp_path, plain, learning='departments = ["Toys"]', drop=("occurred_at", "transaction_id", "quantity", "amount")
    )
    report = Project(folder).refresh()
    assert report.protocol == "held-out customers"
    row = ask(folder, "select * from targeting.departments where department = 'Toys'").iloc[0]
    assert 0.0 <= row["auc_low"] <= row["auc"] <= row["auc_high"] <= 1.0
    assert ask(folder, "select customer_id from targeting.toys")["customer_id"].str.fullmatch(r"\d{5}").all()


def test_a_dry_run_shows_the_sql_and_touches_nothing(tmp_path: Path, transactions: pd.DataFrame) -> None:
    folder = write_project(tmp_path, transactions)
    planned = {item.relation: item.statement for item in Project(folder).plan()}
    assert {"staging.lines", "features.customers", "checks.left_out_departments_leave_no_trace"} <= set(planned)
    assert planned["features.customers"].startswith('CREATE SCHEMA IF NOT EXISTS "features"')
    assert not (folder / "warehouse.duckdb").exists()
    assert not (folder / "published").exists()


def test_the_report_is_published_with_its_state(published: Published) -> None:
    folder, report = published
    state = (folder / "published").resolve()
    assert report.report == folder / "published" / "report.html"
    assert report.report_failure == ""
    assert report.report.resolve() == state / "report.html"
    assert report.run_id in report.report.read_text(encoding="utf-8")


def test_the_state_says_when_its_own_run_wrote_it(project: Project) -> None:
    for _ in range(2):
        run_id = project.refresh().run_id
        rows = ask(project.config.directory, "select * from targeting.runs order by run_id")
        own = rows[rows["run_id"] == run_id].iloc[0]
        logged = project.runs().set_index("run_id")
        assert rows["finished_at"].notna().all()
        assert own["started_at"] < own["finished_at"] <= logged.loc[run_id, "finished_at"]
        others = rows[rows["run_id"] != run_id].set_index("run_id")["finished_at"]
        assert (others == logged.loc[others.index, "finished_at"]).all()


@pytest.mark.parametrize("key", ["option", "configuration"])
def test_a_wrong_department_is_refused_as_soon_as_departments_are_named(
    project: Project, tmp_path: Path, key: str
) -> None:
    steps: list[str] = []
    asked = ["Toyz"] if key == "option" else []
    if key == "configuration":
        config = project.config.directory / "segwarehouse.toml"
        config.write_text(config.read_text(encoding="utf-8").replace('"Toys"', '"Toyz"'), encoding="utf-8")
        project = Project(project.config.directory)

    def note(moment: Moment) -> None:
        steps.append(moment.step)

    with pytest.raises(UnknownName, match="there is no department 'Toyz'") as refused:
        project.refresh(departments=asked, progress=note)
    assert refused.value.hint == "did you mean 'Toys'?"
    assert list(dict.fromkeys(steps)) == ["read transactions", "name departments"]


def test_names_are_taken_in_any_case_wherever_one_is_named(project: Project, tmp_path: Path) -> None:
    assert set(project.rules("GARDEN")["department"]) == {"Garden"}
    assert project.audience("toys").equals(project.audience("Toys"))
    assert [item.department for item in project.export(["TOYS"])] == ["Toys"]
    assert [part["name"] for part in project.summary(["garden"])["departments"]] == ["Garden"]
    assert project.report(tmp_path / "r.html", ["GARDEN"]).departments == 1
    assert [item.department for item in verify(project.config, ["garden"])] == ["Garden"]
    report = project.refresh(departments=["tOYS"])
    assert {row["department"] for row in report.departments} == {"Toys", "Garden"}
    with pytest.raises(UnknownName, match="'Bread' has no view: not asked for"):
        project.rules("bread")
    for call in (project.rules, project.audience, lambda name: verify(project.config, [name])):
        with pytest.raises(UnknownName, match="there is no department 'Gardn'"):
            call("Gardn")
