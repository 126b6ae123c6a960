"""What would make a figure too good to be true is caught, and where there is nothing to find, nothing is found."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from segwarehouse.api import Project
from segwarehouse.domain import Department, Feature
from segwarehouse.errors import CheckFailed
from segwarehouse.evaluate.intervals import verdict
from segwarehouse.features import DepartmentTable
from segwarehouse.learn.department import DepartmentParameters
from segwarehouse.refresh.evaluation import Past, Settings, step_back
from segwarehouse.templates import TemplateFolder
from tests.conftest import write_project

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
