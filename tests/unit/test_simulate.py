"""The simulated world: it is the recipe's, its truth is exact, and purchases follow what was planted."""

import operator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification

from segwarehouse import simulate as simulation
from segwarehouse.config import load_config
from segwarehouse.errors import ConfigError, SegwarehouseError
from segwarehouse.simulate import STAPLE, SimulatedWorld, simulate

CUSTOMERS, DEPARTMENTS, SEED, MONTHS = 4_000, 10, 42, 12
TABLES = ("transactions", "customers", "truth", "truth_rules")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> SimulatedWorld:
    folder = tmp_path_factory.mktemp("world")
    return simulate(folder, customers=CUSTOMERS, departments=DEPARTMENTS, seed=SEED, months=MONTHS)


def read(world: SimulatedWorld, table: str) -> pd.DataFrame:
    return pd.read_parquet(world.directory / "data" / f"{table}.parquet")


def purchases(world: SimulatedWorld) -> pd.DataFrame:
    """Return lines a customer (rows, in the order of the truth) and planted department (columns)."""
    lines = read(world, "transactions")
    counted = pd.crosstab(lines["customer_id"], lines["department"])
    return counted.reindex(index=read(world, "truth")["customer_id"], columns=list(world.departments), fill_value=0)


def planted_again(world: SimulatedWorld) -> pd.DataFrame:
    """Return who satisfies the rules of `truth_rules`, worked out from the written tables alone."""
    counted, features = purchases(world), read(world, "customers").set_index("customer_id")
    signs = {">=": operator.ge, "<": operator.lt}
    planted = pd.DataFrame(False, index=counted.index, columns=counted.columns)
    for (department, _), conditions in read(world, "truth_rules").groupby(["department", "rule"]):
        satisfied = np.ones(len(counted), dtype=np.bool_)
        for source, subject, sign, threshold in conditions.iloc[:, 2:].to_numpy():
            column = (features if source == "customers" else counted)[subject]
            satisfied &= signs[sign](column.to_numpy(), threshold)
        planted[department] |= satisfied
    return planted


def assert_truth_is_exact(world: SimulatedWorld) -> None:
    truth = read(world, "truth").set_index("customer_id")[list(world.departments)]
    assert (planted_again(world).to_numpy() == truth.to_numpy()).all()


def test_customers_are_those_of_the_recipe(world: SimulatedWorld) -> None:
    features, classes = make_classification(
        n_samples=CUSTOMERS,
        n_features=8,
        n_informative=8,
        n_redundant=0,
        n_classes=DEPARTMENTS,
        n_clusters_per_class=4,
        class_sep=2,
        random_state=SEED,
    )
    written = read(world, "customers")
    assert (written.drop(columns="customer_id").to_numpy() == features).all()
    assert read(world, "truth")["main_department"].tolist() == [world.departments[label] for label in classes]


def test_the_planted_rules_reproduce_the_planted_customers_exactly(world: SimulatedWorld) -> None:
    assert_truth_is_exact(world)


def test_every_department_has_three_rules_of_two_conditions_on_other_things(world: SimulatedWorld) -> None:
    rules = read(world, "truth_rules")
    assert (rules.groupby(["department", "rule"]).size() == 2).all()
    assert (rules.groupby("department")["rule"].nunique() == 3).all()
    assert set(rules["department"]) == set(world.departments)
    counted = rules[rules["source"] == "purchases"]
    assert (counted["department"] != counted["subject"]).all()
    assert (counted["threshold"] >= 2).all()
    assert set(counted["department"]) == set(world.departments[2:])
    assert (rules["threshold"] * 2 == np.rint(rules["threshold"] * 2)).all()


def test_planted_customers_buy_and_others_seldom_do(world: SimulatedWorld) -> None:
    bought = purchases(world).to_numpy() > 0
    planted = read(world, "truth")[list(world.departments)].to_numpy()
    for department in range(DEPARTMENTS):
        who = planted[:, department]
        assert 0.15 < who.mean() < 0.5
        assert bought[who, department].mean() > 0.76
        assert bought[~who, department].mean() < 0.06


def test_the_mix_follows_the_main_department(world: SimulatedWorld) -> None:
    counted = purchases(world)
    share = counted.div(counted.sum(axis=1), axis=0)
    mains = read(world, "truth")["main_department"].to_numpy()
    for name in world.departments:
        assert share.loc[mains == name, name].mean() > 1.7 * share.loc[mains != name, name].mean()


def test_everybody_buys_staples_and_activity_differs_far_more_than_by_chance(world: SimulatedWorld) -> None:
    lines = read(world, "transactions")
    assert lines.loc[lines["department"] == STAPLE, "customer_id"].nunique() == CUSTOMERS
    assert STAPLE not in world.departments
    each = lines.groupby("customer_id").size()
    assert each.var() > 5 * each.mean()


def test_transactions_are_plausible(world: SimulatedWorld) -> None:
    lines = read(world, "transactions")
    assert len(lines) == world.transactions
    assert not lines.isna().any().any()
    assert not lines.duplicated(["basket_id", "department"]).any()
    assert (lines.groupby("basket_id")[["customer_id", "occurred_at"]].nunique() == 1).all().all()
    assert lines["occurred_at"].min() >= pd.Timestamp(world.first_date)
    assert lines["occurred_at"].max() < pd.Timestamp(world.last_date) + pd.Timedelta(days=1)
    assert (lines["occurred_at"].max() - lines["occurred_at"].min()).days > 355
    assert lines["occurred_at"].dt.hour.between(8, 20).all()
    assert lines["quantity"].min() == 1
    assert lines["amount"].min() > 0
    assert np.allclose(lines["amount"] * 100, np.rint(lines["amount"] * 100))
    assert lines["customer_id"].str.len().eq(4).all()
    assert lines["customer_id"].str.startswith("0").any()


def test_it_is_a_project(world: SimulatedWorld) -> None:
    config = load_config(world.directory)
    assert (config.learning.seed, config.learning.outcome_days) == (SEED, 91)
    source = config.source
    named = [source.customer_id, source.department, source.occurred_at, source.transaction_id, source.quantity]
    assert set(named) | {source.amount} == set(read(world, "transactions").columns)
    assert Path(config.locate(source.transactions)).is_file()
    assert source.customers is not None
    assert Path(config.locate(source.customers)).is_file()


def test_the_same_seed_gives_the_same_world_and_another_seed_another(tmp_path: Path) -> None:
    first, again, other = (
        simulate(tmp_path / name, customers=300, departments=3, seed=seed, months=2)
        for name, seed in (("first", 1), ("again", 1), ("other", 2))
    )
    for table in TABLES:
        pd.testing.assert_frame_equal(read(first, table), read(again, table))
    assert not read(first, "transactions").equals(read(other, "transactions"))
    assert not read(first, "customers").equals(read(other, "customers"))


def test_blocks_of_customers_share_rules_and_never_share_baskets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulation, "_CELLS", 1_600)
    world = simulate(tmp_path, customers=1_000, departments=4, seed=3, months=3)
    assert_truth_is_exact(world)
    lines = read(world, "transactions")
    assert lines["customer_id"].nunique() == 1_000
    assert (lines.groupby("basket_id")["customer_id"].nunique() == 1).all()


def test_two_departments_are_enough(tmp_path: Path) -> None:
    world = simulate(tmp_path, customers=500, departments=2, seed=5, months=1)
    assert_truth_is_exact(world)
    assert load_config(tmp_path).learning.outcome_days == 7


def test_many_departments_get_more_features(tmp_path: Path) -> None:
    world = simulate(tmp_path, customers=2_000, departments=200, seed=1, months=1)
    assert len(world.features) == 10
    assert len(set(world.departments)) == 200
    assert_truth_is_exact(world)


def test_an_existing_project_is_never_overwritten(world: SimulatedWorld) -> None:
    with pytest.raises(ConfigError, match="exists already"):
        simulate(world.directory)


@pytest.mark.parametrize(
    ("customers", "departments", "months"), [(100, 11, 1), (100, 1, 1), (10_000, 501, 1), (100, 2, 0)]
)
def test_sizes_out_of_range_are_refused(tmp_path: Path, customers: int, departments: int, months: int) -> None:
    with pytest.raises(SegwarehouseError, match=r"can't be simulated|too few"):
        simulate(tmp_path / "none", customers=customers, departments=departments, months=months)
    assert not (tmp_path / "none").exists()
