"""A campaign is measured by the transactions that follow the run."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from segwarehouse.api import Project
from segwarehouse.errors import DataError, SourceError, UnknownName, WrongUsage
from segwarehouse.evaluate.campaign import Arm, effect_of, uplift_of
from segwarehouse.refresh import RefreshReport
from tests.engines import LEDGER, WORKING, ask


def members(folder: Path) -> pd.DataFrame:
    return ask(folder / LEDGER, "select * from history.memberships order by department, rank")


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


def campaign(project: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a run's members, and those of them who buy afterwards: more of those whom it wants contacted."""
    everyone = members(project)
    random = np.random.default_rng(5)
    bought = everyone[random.random(len(everyone)) < np.where(everyone["in_budget"], 0.6, 0.3)]
    buy(project, bought, "2026-01-20")
    return everyone, bought


def with_prices(project: Path) -> None:
    path = project / "segwarehouse.toml"
    text = path.read_text(encoding="utf-8")
    prices = "[audience]\ncost_per_contact = 0.5\nvalue_per_conversion = 20.0"
    path.write_text(text.replace("[audience]", prices), encoding="utf-8")


def test_without_a_word_on_who_was_contacted_there_is_no_figure(project: Path) -> None:
    campaign(project)
    with pytest.raises(WrongUsage, match="can't be read off the transactions") as stopped:
        Project(project).measure()
    assert "--contacted contacts.csv" in stopped.value.hint
    assert "--as-planned" in stopped.value.hint
    assert stopped.value.exit_status == 2
    with pytest.raises(WrongUsage, match="contradict each other"):
        Project(project).measure(contacted=members(project), as_planned=True)


def test_those_in_the_budget_are_compared_with_the_control_group(project: Path) -> None:
    files = [project / WORKING, project / LEDGER]
    before = [file.read_bytes() for file in files]
    everyone, bought = campaign(project)
    found = Project(project).measure(as_planned=True)
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
            assert row["uplift"] == uplift_of(*arms).value
            assert f"{arms[1].customers} controls: only an effect of at least" in str(row["remark"])
    assert found.planned == everyone["in_budget"].sum()
    assert found.added_buyers.low <= found.added_buyers.value <= found.added_buyers.high
    assert (found.took_place, found.contacts, found.profit) == (None, None, None)
    text = "\n".join(found.sentences)
    assert f"It is supposed, and not known, that all {found.planned} planned contacts took place" in text
    assert [file.read_bytes() for file in files] == before


def test_what_is_bought_after_the_outcome_window_does_not_count(project: Path) -> None:
    everyone = members(project)
    buy(project, everyone[~everyone["in_budget"]], "2026-01-20")
    buy(project, everyone[everyone["in_budget"]], "2026-06-01")
    found = Project(project).measure(everyone["run_id"].iloc[0], as_planned=True)
    assert found.is_complete
    assert all(row["bought"] == 0 for row in found.departments)
    assert sum(int(str(row["controls_bought"])) for row in found.departments) == (~everyone["in_budget"]).sum()
    assert found.added_buyers.value < 0
    assert found.expected_uplift is None
    assert "no audience.expected_uplift follows from it" in "\n".join(found.sentences)


def test_with_prices_there_is_a_profit_of_what_is_supposed(project: Path) -> None:
    with_prices(project)
    everyone = members(project)
    buy(project, everyone[everyone["in_budget"]], "2026-01-20")
    found = Project(project).measure(as_planned=True)
    assert found.profit is not None
    assert found.profit.value == pytest.approx(20.0 * found.added_buyers.value - 0.5 * found.planned)
    assert f"Profit, with {found.planned} contacts paid for, if all went as planned:" in "\n".join(found.sentences)


def test_a_campaign_that_never_took_place_has_no_profit(project: Path) -> None:
    with_prices(project)
    campaign(project)
    for nobody in (pd.DataFrame({"customer_id": []}, dtype=str), pd.DataFrame({"customer_id": [""]})):
        found = Project(project).measure(contacted=nobody)
        assert (found.took_place, found.paid, found.profit, found.expected_uplift) == (0, 0, None, None)
        text = "\n".join(found.sentences)
        assert f"0 of {found.planned} planned contacts took place (0%)" in text
        assert "No contact took place" in text
        assert "Profit" not in text
        assert "set audience.expected_uplift" not in text


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_list_of_contacts_says_who_was_contacted_and_what_it_cost(project: Path, ending: str) -> None:
    with_prices(project)
    everyone, _ = campaign(project)
    planned, controls = everyone[everyone["in_budget"]], everyone[~everyone["in_budget"]]
    reached, mistaken = planned.iloc[::2], controls.iloc[:3]
    lines = pd.concat([reached, mistaken, reached.head(5)])[["customer_id", "department"]]
    lines["contacted_at"] = "2026-01-05"
    strangers = pd.DataFrame(
        {
            "customer_id": ["nobody", "999999", reached["customer_id"].iloc[0], reached["customer_id"].iloc[1]],
            "department": ["Garden", "Garden", "Hats", "Garden"],
            "contacted_at": ["2026-01-05", "", "2026-01-06", "2024-01-01"],
        }
    )
    path = project / f"contacts.{ending}"
    lines = pd.concat([lines, strangers])
    lines.to_csv(path, index=False) if ending == "csv" else lines.to_parquet(path)
    found = Project(project).measure(contacted=path)
    assert (found.took_place, found.planned) == (len(reached), len(planned))
    assert (found.controls_contacted, found.controls) == (3, len(controls))
    assert found.contacts is not None
    assert (found.contacts.customers, found.contacts.unknown_customers) == (
        pd.concat([reached, mistaken])["customer_id"].nunique() + 2,
        2,
    )
    assert (found.contacts.other_departments, found.contacts.outside_window) == (1, 1)
    assert found.paid == len(reached) + 3
    assert found.profit is not None
    assert found.profit.value == pytest.approx(20.0 * found.added_buyers.value - 0.5 * found.paid)
    assert sum(int(str(row["took_place"])) for row in found.departments) == len(reached)
    assert sum(int(str(row["controls_contacted"])) for row in found.departments) == 3
    assert found.added_buyers == Project(project).measure(as_planned=True).added_buyers  # intention to treat
    text = "\n".join(found.sentences)
    assert f"{len(reached)} of {len(planned)} planned contacts took place" in text
    assert f"3 of {len(controls)} controls were contacted by mistake" in text
    assert "2 of " in text
    assert "are unknown" in text
    assert "Fewer matched than were planned" in text
    assert "before the run or after its outcome window, which do not count: 1." in text
    assert "of departments in which the run has no audience: 1." in text
    assert "whose time can't be read" not in text


def test_ids_are_matched_as_the_transactions_have_them(project: Path) -> None:
    everyone, _ = campaign(project)
    planned = everyone[everyone["in_budget"]]
    written = [f" {int(each):06d}" for each in planned["customer_id"]]
    path = project / "contacts.csv"
    pd.DataFrame({"CUSTOMER_ID": written, "Department": planned["department"]}).to_csv(path, index=False)
    found = Project(project).measure(contacted=path)
    assert (found.took_place, found.paid) == (len(planned), len(planned))
    assert "unknown" not in "\n".join(found.sentences)


def test_without_departments_a_contact_counts_in_all_audiences_and_costs_once(project: Path) -> None:
    everyone, _ = campaign(project)
    planned = everyone[everyone["in_budget"]]
    found = Project(project).measure(contacted=planned[["customer_id"]])
    assert (found.took_place, found.paid) == (len(planned), planned["customer_id"].nunique())
    assert found.controls_contacted == 0
    assert "a contact counts in every audience of its customer" in "\n".join(found.sentences)


def test_a_list_that_can_not_be_used_is_explained(project: Path) -> None:
    campaign(project)
    with pytest.raises(DataError, match="not one of the 2 customers who were contacted has a transaction"):
        Project(project).measure(contacted=pd.DataFrame({"customer_id": ["a", "b"]}))
    with pytest.raises(SourceError, match="has no column 'customer_id'"):
        Project(project).measure(contacted=pd.DataFrame({"custmer_id": ["a", "b"]}))
    with pytest.raises(SourceError, match=r"there is no file .*nothing\.csv"):
        Project(project).measure(contacted=project / "nothing.csv")
    (project / "contacts.parquet").write_text("customer_id\n7\n", encoding="utf-8")
    with pytest.raises(SourceError, match="the list of contacts: the file"):
        Project(project).measure(contacted=project / "contacts.parquet")


def test_an_uplift_that_is_clear_of_zero_says_how_it_is_used(project: Path) -> None:
    everyone = members(project)
    random = np.random.default_rng(2)
    bought = everyone[random.random(len(everyone)) < np.where(everyone["in_budget"], 1.0, 0.4)]
    buy(project, bought, "2026-01-20")
    found = Project(project).measure(as_planned=True)
    assert found.uplift.low > 0.0
    assert found.expected_uplift == found.uplift
    bounds = f"{found.uplift.value:.2f} ({found.uplift.low:.2f} to {found.uplift.high:.2f})"
    assert f"set audience.expected_uplift = {bounds}." in "\n".join(found.sentences)
    assert found.as_dict()["expected_uplift"] == found.uplift.value


def test_nothing_is_said_before_anything_can_be_known(project: Path) -> None:
    with pytest.raises(DataError, match="no transaction since"):
        Project(project).measure(as_planned=True)
    with pytest.raises(UnknownName, match="not kept"):
        Project(project).measure("20200101T000000Z-0000", as_planned=True)
