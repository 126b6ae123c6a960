"""The top level: what can be imported from `segwarehouse`, and what its objects say of themselves."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest

import segwarehouse
from segwarehouse import api, errors
from segwarehouse.errors import NothingPublished, ProofFailed
from segwarehouse.ledger.difference import Difference
from segwarehouse.refresh import PlannedRelation, RefreshReport
from segwarehouse.rules.prove import Discrepancy, Proof
from segwarehouse.state.export import TRANSPILED, Exported
from segwarehouse.state.folders import switch
from segwarehouse.state.proof import Verified
from tests.conftest import write_project

EVERY_ERROR = {
    name for name, item in vars(errors).items() if isinstance(item, type) and issubclass(item, errors.SegwarehouseError)
}
RUN = "20250101T000000Z-0a1b"


def test_the_top_level_has_the_api_the_errors_and_the_estimator() -> None:
    assert set(segwarehouse.__all__) == EVERY_ERROR | {"CardClassifier", "Project", "__version__", "init"}
    assert set(segwarehouse.__all__) <= set(dir(segwarehouse))
    assert segwarehouse.Project is api.Project
    assert segwarehouse.init is api.init
    assert segwarehouse.CardClassifier.__module__ == "segwarehouse.estimator"
    assert all(getattr(segwarehouse, name) is getattr(errors, name) for name in EVERY_ERROR)
    with pytest.raises(AttributeError, match="no attribute 'Projekt'"):
        _ = segwarehouse.Projekt


def test_importing_it_imports_nothing_heavy() -> None:
    heavy = "{'numpy', 'pandas', 'sklearn', 'duckdb'}"
    probe = f"import sys, segwarehouse; dir(segwarehouse); print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_project_says_where_it_is_and_what_is_published(tmp_path: Path) -> None:
    project = segwarehouse.Project(write_project(tmp_path))
    assert repr(project) == f"<Project {str(tmp_path)!r}, nothing published>"
    folder = project.config.states / RUN
    folder.mkdir(parents=True)
    (folder / project.config.publish.url.path.name).touch()
    switch(project.config, RUN)
    assert repr(project) == f"<Project {str(tmp_path)!r}, published run {RUN}>"


def test_a_project_that_publishes_in_place_says_so(tmp_path: Path) -> None:
    file = write_project(tmp_path) / "segwarehouse.toml"
    text = file.read_text(encoding="utf-8").replace("published/warehouse.duckdb", "warehouse.duckdb")
    file.write_text(text, encoding="utf-8")
    assert repr(segwarehouse.Project(tmp_path)) == f"<Project {str(tmp_path)!r}, published in warehouse.duckdb>"


def test_results_are_shown_on_one_short_line() -> None:
    rows: list[dict[str, object]] = [{"department": f"D{at}", "remark": "x" * 100} for at in range(50)]
    report = RefreshReport(RUN, dt.date(2025, 1, 2), Path("p.duckdb"), "times", rows, rows[:2], [], {}, 3.0)
    assert repr(report) == (
        f"<RefreshReport run_id='{RUN}', as_of='2025-01-02', departments=50, refused=2, held_back=0, "
        "published='p.duckdb'>"
    )
    assert repr(Difference("a", "b", rows, [], [])) == "<Difference before='a', after='b', departments=50>"
    assert repr(PlannedRelation("a.b", "SELECT\n1")) == "<PlannedRelation relation='a.b', lines=2>"
    exported = Exported("FISH", "fish", "spark", TRANSPILED, "x" * 1000)
    assert repr(exported) == "<Exported department='FISH', dialect='spark', label='transpiled, not executed'>"


def test_a_view_is_proved_where_both_proofs_hold() -> None:
    holds, fails = Proof(9, 4), Proof(2000, 900, (Discrepancy("rank", 3),))
    assert Verified("FISH", "fish", holds, holds).proved
    verified = Verified("FISH", "fish", holds, fails)
    assert repr(verified) == "<Verified department='FISH', customers=9, proved=False>"
    assert verified.differences == fails.differences
    assert verified.as_dict()["differences"] == ["rank (3)"]
    with pytest.raises(ProofFailed, match=r"fish: SQL and Python disagree on 2,000 customers: rank \(3\)"):
        fails.require("fish")


def test_a_plan_is_relations_with_the_sql_that_makes_them(tmp_path: Path) -> None:
    project = segwarehouse.Project(write_project(tmp_path))
    planned = project.plan()
    assert all(isinstance(item, PlannedRelation) for item in planned)
    assert "features.customers" in {item.relation for item in planned}
    with pytest.raises(NothingPublished):
        project.verify()
