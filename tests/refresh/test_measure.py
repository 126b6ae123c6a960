"""A campaign is measured by the transactions that follow the run."""

import shutil
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from segwarehouse.api import Project
from segwarehouse.errors import DataError, UnknownName
from segwarehouse.evaluate.campaign import Arm, effect_of
from segwarehouse.refresh import RefreshReport


def members(folder: Path) -> pd.DataFrame:
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        rows: pd.DataFrame = connection.sql("select * from history.memberships order by department, rank").df()
    return rows


@pytest.fixture
def project(published: tuple[Path, RefreshReport], tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(published[0], folder, symlinks=True)
    return folder


def buy(folder: Path, who: pd.DataFrame, day: str) -> None:
    """Let members buy one thing each in their department."""
    path = folder / "data" / "transactions.parquet"
    known = pd.read_parquet(path)
    times = pd.to_datetime(pd.Series(day, index=who.index)).astype(known["occurred_at"].dtype)
    more = pd.DataFrame({"department": who["department"], "occurred_at": times})
    more["customer_id"] = who["customer_id"].astype(known["customer_id"].dtype)
    for column in known.columns.difference(more.columns):
        more[column] = known[column].iloc[0]
    pd.concat([known, more[known.columns]]).to_parquet(path)


def test_those_contacted_are_held_against_the_control_group(project: Path) -> None:
    before = (project / "warehouse.duckdb").read_bytes()
    everyone = members(project)
    random = np.random.default_rng(5)
    bought = everyone[random.random(len(everyone)) < np.where(everyone["in_budget"], 0.6, 0.3)]
    buy(project, bought, "2026-01-20")
    found = Project(project).measure()
    assert found.run_id == everyone["run_id"].iloc[0]
    assert (found.since.isoformat(), found.until.isoformat(), found.is_complete) == ("2026-01-01", "2026-01-21", False)
    assert {row["department"] for row in found.departments} == set(everyone["department"])
    for row in found.departments:
        here = everyone[everyone["department"] == row["department"]]
        target, control = here[here["in_budget"]], here[~here["in_budget"]]
        arms = [Arm(len(arm), int(arm.index.isin(bought.index).sum())) for arm in (target, control)]
        counts = [row[name] for name in ("contacts", "bought", "controls", "controls_bought")]
        assert counts == [arms[0].customers, arms[0].buyers, arms[1].customers, arms[1].buyers]
        if arms[1].customers < 20:
            assert "difference" not in row
        else:
            assert row["difference"] == effect_of(*arms).value
    assert found.contacts == everyone["in_budget"].sum()
    assert found.added_buyers.low <= found.added_buyers.value <= found.added_buyers.high
    assert found.profit is None
    assert (project / "warehouse.duckdb").read_bytes() == before


def test_what_is_bought_after_the_outcome_window_does_not_count(project: Path) -> None:
    everyone = members(project)
    buy(project, everyone[~everyone["in_budget"]], "2026-01-20")
    buy(project, everyone[everyone["in_budget"]], "2026-06-01")
    found = Project(project).measure(everyone["run_id"].iloc[0])
    assert found.is_complete
    assert all(row["bought"] == 0 for row in found.departments)
    assert sum(int(str(row["controls_bought"])) for row in found.departments) == (~everyone["in_budget"]).sum()
    assert found.added_buyers.value < 0


def test_with_prices_there_is_a_profit(project: Path) -> None:
    path = project / "segwarehouse.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("[audience]", "[audience]\ncost_per_contact = 0.5\nvalue_per_conversion = 20.0"), "utf-8"
    )
    everyone = members(project)
    buy(project, everyone[everyone["in_budget"]], "2026-01-20")
    found = Project(project).measure()
    assert found.profit is not None
    assert found.profit.value == pytest.approx(20.0 * found.added_buyers.value - 0.5 * found.contacts)


def test_nothing_is_said_before_anything_can_be_known(project: Path) -> None:
    with pytest.raises(DataError, match="no transaction since"):
        Project(project).measure()
    with pytest.raises(UnknownName, match="not kept"):
        Project(project).measure("20200101T000000Z-0000")
