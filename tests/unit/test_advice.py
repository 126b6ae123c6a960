"""What `check` advises: each sentence where there is cause for it, with the figure, and none where there is not."""

import re
from pathlib import Path

import pandas as pd
import pytest

from segwarehouse.api import Project
from segwarehouse.ledger import forecast
from segwarehouse.refresh import advice
from tests.conftest import write_project


def advised(folder: Path) -> str:
    return "\n".join(Project(folder).check().advice)


def test_a_department_of_few_buyers_is_named_with_what_to_expect(tmp_path: Path, transactions: pd.DataFrame) -> None:
    text = advised(write_project(tmp_path, transactions))
    assert "5 departments of 5 would be learned from fewer than 400 buyers" in text
    assert "verdict 'ties'" in text


def test_where_nothing_would_be_learned_the_nearest_department_is_named(
    tmp_path: Path, transactions: pd.DataFrame
) -> None:
    folder = write_project(tmp_path, transactions[transactions["customer_id"] < 30])
    text = advised(folder)
    assert "No department would be learned" in text
    assert "learning.min_buyers is 40" in text


def test_too_few_days_come_with_a_window_that_fits(tmp_path: Path, transactions: pd.DataFrame) -> None:
    early = transactions[transactions["occurred_at"] < transactions["occurred_at"].min() + pd.Timedelta(days=90)]
    text = advised(write_project(tmp_path, early))
    assert "days of transactions are too few to step back by learning.outcome_days = 60" in text
    assert "With outcome_days = 30 it would be measured" in text


def test_lines_that_are_left_out_are_told_by_their_share(tmp_path: Path, transactions: pd.DataFrame) -> None:
    missing = transactions.copy()
    missing.loc[missing.index[::10], "department"] = None
    assert "10% of the lines have no department" in advised(write_project(tmp_path, missing))


def test_departments_that_differ_only_in_case_or_spaces_are_pointed_out(
    tmp_path: Path, transactions: pd.DataFrame
) -> None:
    assert "differ only in case" not in advised(write_project(tmp_path / "plain", transactions))
    names = transactions["department"].where(transactions["transaction_id"] % 3 > 0, "bread ")
    text = advised(write_project(tmp_path / "messy", transactions.assign(department=names)))
    assert "2 departments differ only in case, spaces or forms of letters, such as 'Bread' and 'bread '" in text


def test_a_budget_for_everyone_is_pointed_out(tmp_path: Path, transactions: pd.DataFrame) -> None:
    folder = write_project(tmp_path, transactions)
    config = folder / "segwarehouse.toml"
    config.write_text(config.read_text(encoding="utf-8").replace("budget = 30", "budget = 450"), encoding="utf-8")
    assert "audience.budget = 450 takes in everyone in 5 departments" in advised(folder)


def test_learning_that_takes_long_comes_with_what_makes_it_shorter(
    tmp_path: Path, transactions: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_project(tmp_path, transactions)
    text = advised(folder)
    assert re.search(r"A refresh would take [^:]+ minutes?( or less)?: 5 departments from 500 customers and ", text)
    assert "on 1 core." in text
    assert "Shorter:" not in text
    monkeypatch.setattr(advice, "LONG_SECONDS", 20.0)
    assert "Shorter: a smaller learning.max_customers, rules.refits = 0" in advised(folder)


@pytest.mark.parametrize(("less", "more"), [((5_000, 250), (50_000, 250)), ((50_000, 60), (50_000, 250))])
def test_more_customers_and_more_features_take_longer(less: tuple[int, int], more: tuple[int, int]) -> None:
    assert forecast.seconds_of_learning(*less) < forecast.seconds_of_learning(*more)


def test_lists_of_a_fixed_length_are_pointed_out(tmp_path: Path, transactions: pd.DataFrame) -> None:
    first = transactions.drop_duplicates(["customer_id", "department"]).groupby("customer_id").head(2)
    whole = first.groupby("customer_id").filter(lambda lines: len(lines) == 2)
    assert "100% of the customers have bought in exactly 2 departments" in advised(write_project(tmp_path, whole))
    assert "lists of a fixed length" not in advised(write_project(tmp_path / "free", transactions))
