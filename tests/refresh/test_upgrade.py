"""A project that an older version has published is looked at, refreshed, compared and rolled back by this one.

The project is described in tests/fixtures/README.md. All that changes it is done once, in the order in which a user
would: half a refresh, back to the older version's state, a whole refresh.
"""

import shutil
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlglot import exp

from segwarehouse.api import Project
from segwarehouse.refresh import RefreshReport, RollbackReport
from segwarehouse.state.folders import current_run, states_on_disk
from segwarehouse.warehouse import connect, frame_of, relation

ARCHIVE = Path(__file__).parents[1] / "fixtures" / "project_of_748d15e.tar.xz"
LEARNED, CARRIED = "Bread", ("Fish & Chips", "海鲜")
OLD_BUDGET, BUDGET = 30, 20
OLD_STATUSES = ["published", "failed", "published", "rollback", "rollback"]
AS_IT_WAS = ("cards", "rules", "segments", "mixtures", "department_maps", "shap_values", "stability", "confusions")


def unpack(folder: Path) -> Project:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return Project(folder / "project")


def rows_of(project: Project, run_id: str, table: str) -> pd.DataFrame:
    """Return a table of schema `targeting` in the state of a run."""
    with connect(project.config.states / run_id / "warehouse.duckdb", read_only=True) as state:
        return frame_of(state.fetch(exp.select("*").from_(relation(f"targeting.{table}").table())))


def log_of(project: Project) -> pd.DataFrame:
    """Return the runs that the project knows, the first one first."""
    return project.runs()[::-1].reset_index(drop=True)


def assert_same(new: pd.DataFrame, old: pd.DataFrame) -> None:
    """Demand the same rows in whatever order, exactly, in all columns that the older version has."""
    columns = list(old.columns)
    found, expected = (rows[columns].sort_values(columns, ignore_index=True) for rows in (new, old))
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=0, atol=0)


@dataclass(frozen=True)
class Upgraded:
    """The project after all that is done to it, and what was found in between.

    Attributes
    ----------
    log_before
        The runs that it knew before anything was done.
    earlier, later
        The runs of the older version whose states are on disk.
    partly, back, whole
        The refresh of one department, the rollback to the state of `later`, the refresh of all after that.
    proofs
        Of the state that the rollback has put in place.
    """

    project: Project
    log_before: pd.DataFrame
    earlier: str
    later: str
    partly: RefreshReport
    back: RollbackReport
    proofs: Sequence[dict[str, Any]]
    whole: RefreshReport


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project as the older version leaves it."""
    return unpack(tmp_path_factory.mktemp("found"))


@pytest.fixture(scope="module")
def upgraded(found: Project, tmp_path_factory: pytest.TempPathFactory) -> Upgraded:
    """A copy of it that this version has refreshed, with a smaller budget."""
    folder = shutil.copytree(found.config.directory, tmp_path_factory.mktemp("upgraded") / "project", symlinks=True)
    config = folder / "segwarehouse.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace(f"budget = {OLD_BUDGET}", f"budget = {BUDGET}"), encoding="utf-8")
    project = Project(folder)
    earlier, later = states_on_disk(project.config)
    log_before = log_of(project)
    partly = project.refresh(departments=[LEARNED])
    back = project.rollback(later)
    proofs = project.verify()
    whole = project.refresh()
    return Upgraded(project, log_before, earlier, later, partly, back, proofs, whole)


def test_it_is_read_as_it_stands(found: Project) -> None:
    log = log_of(found)
    assert log["status"].tolist() == OLD_STATUSES
    assert log["state"].dropna().tolist() == ["kept", "current"]
    assert log["run_id"][2] == current_run(found.config)
    assert log["restored_run_id"].dropna().tolist() == [log["run_id"][0], log["run_id"][2]]
    assert found.departments()["department"].tolist() == [LEARNED, *CARRIED]
    assert {proof["department"]: proof["proved"] for proof in found.verify()} == dict.fromkeys(
        [LEARNED, *CARRIED], True
    )
    assert found.status().state is None  # that version left no word on how its last run ended
    moved = found.diff().as_dict()
    assert (moved["before"], moved["after"]) == (log["run_id"][0], log["run_id"][2])
    assert sum(row["entered_by_data"] for row in moved["departments"]) == 18
    assert len(found.audience(LEARNED)) == OLD_BUDGET
    assert [row["name"] for row in found.summary()["departments"]] == [LEARNED, *CARRIED]


def test_its_history_is_kept(upgraded: Upgraded) -> None:
    log = log_of(upgraded.project)
    known = len(upgraded.log_before)
    assert log["status"].tolist() == [*OLD_STATUSES, "published", "rollback", "published"]
    columns = [name for name in upgraded.log_before.columns if name != "state"]
    assert_same(log[columns][:known], upgraded.log_before[columns])
    assert log["run_id"][known:].tolist() == [upgraded.partly.run_id, upgraded.back.run_id, upgraded.whole.run_id]
    assert log["is_comparable"].tolist() == [True, False, True, False, False, True, False, True]
    assert upgraded.project.status().run_id == upgraded.whole.run_id


@pytest.mark.parametrize("table", ["runs", "run_steps", "cleaning"])
def test_its_history_is_in_the_new_states(found: Project, upgraded: Upgraded, table: str) -> None:
    with connect(found.config.warehouse.url.path, read_only=True) as log:
        old = frame_of(log.fetch(exp.select("*").from_(relation(f"history.{table}").table())))
    assert {upgraded.earlier, upgraded.later} <= set(old["run_id"])
    for report in (upgraded.partly, upgraded.whole):
        new = rows_of(upgraded.project, report.run_id, table)
        assert report.run_id in set(new["run_id"])
        assert_same(new[new["run_id"].isin(old["run_id"])], old)


@pytest.mark.parametrize("table", AS_IT_WAS)
def test_departments_that_are_carried_over_have_their_rows(upgraded: Upgraded, table: str) -> None:
    old, new = (rows_of(upgraded.project, run, table) for run in (upgraded.later, upgraded.partly.run_id))
    assert LEARNED in set(new["department"])
    then, now = (rows[rows["department"].isin(CARRIED)] for rows in (old, new))
    assert set(then["department"]) == set(CARRIED)
    assert_same(now, then)


def test_what_was_measured_of_them_is_still_said(upgraded: Upgraded) -> None:
    measured = ["department", "auc", "auc_low", "auc_high", "lift_at_budget", "calibration_error", "verdict", "remark"]
    old, new = (rows_of(upgraded.project, run, "departments") for run in (upgraded.later, upgraded.partly.run_id))
    then, now = (rows.loc[rows["department"].isin(CARRIED), [*measured, "budget"]] for rows in (old, new))
    assert_same(now, then)
    for table in ("evaluation", "evaluated_rules", "curves", "differences", "reliability", "cluster_scores"):
        old, new = (rows_of(upgraded.project, run, table) for run in (upgraded.later, upgraded.partly.run_id))
        assert set(new["department"]) & set(CARRIED) == set(old["department"]) & set(CARRIED)


def test_runs_of_both_versions_are_compared(upgraded: Upgraded) -> None:
    first = upgraded.project.diff(upgraded.later, upgraded.partly.run_id).as_dict()
    rows = {row["department"]: row for row in first["departments"]}
    assert set(rows) == {LEARNED, *CARRIED}
    for name in CARRIED:
        assert (rows[name]["before"], rows[name]["after"]) == (OLD_BUDGET, OLD_BUDGET)
        assert (rows[name]["entered"], rows[name]["left"]) == (0, 0)
    last = upgraded.project.diff().as_dict()
    assert (last["before"], last["after"]) == (upgraded.later, upgraded.whole.run_id)
    far = upgraded.project.diff(upgraded.earlier, upgraded.whole.run_id).as_dict()
    for row in (*last["departments"], *far["departments"], rows[LEARNED]):
        assert (row["before"], row["after"]) == (OLD_BUDGET, BUDGET)
        assert row["before"] + row["entered"] - row["left"] == row["after"]
        assert row.get("entered_by_unknown", 0) == row.get("left_by_unknown", 0) == 0
    assert sum(row["entered_by_data"] for row in far["departments"]) > 0


def test_it_is_rolled_back_to_and_refreshed_from_there(upgraded: Upgraded) -> None:
    assert (upgraded.back.restored_run_id, upgraded.back.replaced_run_id) == (upgraded.later, upgraded.partly.run_id)
    assert [proof["proved"] for proof in upgraded.proofs] == [True] * 3
    assert current_run(upgraded.project.config) == upgraded.whole.run_id
    assert [proof["proved"] for proof in upgraded.project.verify()] == [True] * 3
    log = log_of(upgraded.project).set_index("run_id")
    assert log.loc[upgraded.whole.run_id, "compared_with"] == upgraded.later
    assert {*states_on_disk(upgraded.project.config)} >= {upgraded.later, upgraded.partly.run_id, upgraded.whole.run_id}
