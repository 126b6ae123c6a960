"""What would make a figure too good to be true is caught, and where there is nothing to find, nothing is found."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from segwarehouse.api import Project
from segwarehouse.domain import Department, Feature
from segwarehouse.errors import CheckFailed
from segwarehouse.evaluate.intervals import verdict
from segwarehouse.evaluate.judge import Past, step_back
from segwarehouse.evaluate.settings import Settings
from segwarehouse.learn.department import DepartmentParameters
from segwarehouse.table import DepartmentTable
from segwarehouse.templates import TemplateFolder
from tests.conftest import write_project
from tests.engines import ask_rows

CUSTOMERS = 1_200
READS_WHAT_IS_KNOWN = "from features.department_counts"
READS_ALL = """
from (
    select p.customer_id, d.department_key, count(distinct p.purchase_id) as purchase_count
    from staging.purchases as p
    inner join staging.departments as d on d.department = p.department
    group by p.customer_id, d.department_key
) as counted
"""


def test_a_feature_that_reads_later_data_stops_the_run(tmp_path: Path, transactions: pd.DataFrame) -> None:
    folder = write_project(tmp_path, transactions)
    honest = TemplateFolder.of("models").file("features/department_counts_wide.sql").read_text(encoding="utf-8")
    assert honest.count(READS_WHAT_IS_KNOWN) == 1
    own = folder / "models" / "features"
    own.mkdir(parents=True)
    leaking = honest.replace(READS_WHAT_IS_KNOWN, READS_ALL)
    (own / "department_counts_wide.sql").write_text(leaking, encoding="utf-8")
    with pytest.raises(CheckFailed, match=r"on or after .*, the cut-off"):
        Project(folder).refresh()
    assert not (folder / "published").exists()


def shuffled_past(seed: int) -> Past:
    """A department whose buyers and outcomes are drawn by lot."""
    random = np.random.default_rng(seed)
    values = random.poisson(2.0, (CUSTOMERS, 8)).astype(np.float64)
    names = ("breadth_count", "frequency_count", "monetary_amount", *(f"purchases_{letter}" for letter in "abcde"))
    features = tuple(Feature(name, "behaviour", name, "count") for name in names)
    activity = np.floor(1000.0 * np.log1p(values[:, :2]))
    table = DepartmentTable(
        department=Department(1, "Lot", "lot", 300, CUSTOMERS, None, 300),
        rows=np.arange(CUSTOMERS, dtype=np.int64),
        features=features,
        values=values,
        activity_features=("breadth_log", "frequency_log"),
        activity_values=activity,
        buyers=random.random(CUSTOMERS) < 0.25,
        outcomes=random.random(CUSTOMERS) < 0.15,
        waited_days=np.zeros(CUSTOMERS),
    )
    settings = Settings(
        seed=seed,
        outcome_days=60,
        budget=200,
        control_share=0.1,
        population=CUSTOMERS,
        sampled=CUSTOMERS,
        min_cell=10,
        parameters=DepartmentParameters(),
    )
    return Past(table, np.arange(CUSTOMERS, dtype=np.int64), settings)


def test_shuffled_labels_tie_with_activity_and_lift_nothing() -> None:
    covered = []
    for seed in range(5):
        comparison = step_back([shuffled_past(seed)]).comparison
        assert comparison is not None
        assert verdict(comparison, trials=5) == "ties"
        lift = comparison.qualities["rules"].at(0.1).lift
        covered.append(lift.low <= 1.0 <= lift.high)
    assert sum(covered) >= 4  # each interval misses in one case of twenty


def test_lists_of_a_fixed_length_give_nobody_away(tmp_path: Path) -> None:
    """Ten of thirty items at random: who has one less elsewhere has this one. No ranking may look good by that."""
    random = np.random.default_rng(5)
    items = [f"Item {number:02}" for number in range(30)]
    lines = pd.DataFrame(
        [(customer, item) for customer in range(500) for item in random.choice(items, 10, replace=False)],
        columns=["customer_id", "department"],
    )
    timeless = ("occurred_at", "transaction_id", "quantity", "amount")
    folder = write_project(tmp_path, lines, learning='departments = ["Item 03", "Item 07"]', drop=timeless)
    Project(folder).refresh()
    rows = ask_rows(
        folder,
        "select auc_low, verdict, verdict_at_budget, remark, expected_buyers, score_basis "
        "from targeting.departments where view_name is not null",
    )
    rules = [words for (words,) in ask_rows(folder, "select words from targeting.rules")]
    assert rows
    for auc_low, verdict_, at_budget, remark, expected, basis in rows:
        assert auc_low is None or auc_low < 0.6
        assert "nearly all customers have as many" in remark
        assert {verdict_, at_budget} <= {"look-alike only", "not evaluated"}
        assert (expected, basis) == (None, "look-alike")
    assert not [words for words in rules if "departments" in words]


def _baskets(random: np.random.Generator) -> list[tuple[str, int]]:
    """Return what a customer buys in a year, and on which day."""
    return [(str(random.choice(["Bread", "Fish", "Wine"])), int(random.integers(0, 360))) for _ in range(12)]


def test_a_score_is_the_chance_to_buy_in_the_window_where_few_bought_too(tmp_path: Path) -> None:
    """Where 40 of 300 have bought and hardly anybody new did lately, scores are of the few, not of the 40."""
    random = np.random.default_rng(11)
    others = [(customer, name, day) for customer in range(300) for name, day in _baskets(random)]
    early = [(customer, "Toys", int(random.integers(0, 200))) for customer in range(120)]
    late = [(customer, "Toys", int(random.integers(302, 358))) for customer in range(120, 134)]
    frame = pd.DataFrame([*others, *early, *late], columns=["customer_id", "department", "day"])
    frame["occurred_at"] = pd.Timestamp("2025-01-01") + pd.to_timedelta(frame.pop("day"), unit="D")
    frame["transaction_id"] = np.arange(len(frame))
    frame = frame.assign(quantity=1, amount=1.0)
    folder = write_project(tmp_path, frame, learning='departments = ["Toys"]\ncutoffs = 1')
    Project(folder).refresh()
    ((mean,),) = ask_rows(folder, "select avg(score) from targeting.toys")
    ((share, low, high, basis, bought),) = ask_rows(
        folder,
        "select expected_share, expected_share_low, expected_share_high, score_basis, outcome_buyers "
        "from targeting.departments where department = 'Toys'",
    )
    ((predicted, observed),) = ask_rows(
        folder, "select sum(candidates * predicted), sum(candidates * observed) from targeting.reliability"
    )
    assert (bought, basis) == (14, "all departments")
    assert 0.03 < share < 0.15
    assert low < share < high
    assert mean == pytest.approx(share, abs=0.05)
    assert predicted == pytest.approx(observed, rel=0.5)
