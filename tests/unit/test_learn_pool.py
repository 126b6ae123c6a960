"""Where candidate rules come from, and what a pool never holds."""

import numpy as np
import pytest

from segwarehouse.domain import Column, Condition, Feature, FloatArray, Operator
from segwarehouse.errors import SegwarehouseError
from segwarehouse.learn import rulefit
from segwarehouse.learn.pool import LEAST_SUPPORT, MOST_SUPPORT, boosted_paths, build_pool
from segwarehouse.learn.rulefit import rulefit_paths
from segwarehouse.learn.thresholds import Path, Split

FEATURES = (
    Feature("purchases of a, b", "department", "purchases in A", "count"),
    Feature("days since", "behaviour", "days since the last purchase", "days"),
    Feature("spend <= 3", "behaviour", "spend", "amount"),
)
COUNT = 800


def values() -> FloatArray:
    generator = np.random.default_rng(11)
    return np.column_stack(
        [
            np.floor(generator.exponential(4.0, COUNT)),
            np.floor(generator.exponential(30.0, COUNT)),
            generator.exponential(80.0, COUNT),
        ]
    )


def target(matrix: FloatArray) -> FloatArray:
    """A step of the first feature, among customers who came within 30 days."""
    return np.where((matrix[:, 0] >= 5.0) & (matrix[:, 1] < 30.0), 1.0, 0.0)


def test_pool_holds_distinct_rules_of_the_right_support_and_length() -> None:
    matrix = values()
    paths = boosted_paths(matrix, target(matrix), leaves=4, seed=1) + rulefit_paths(matrix, target(matrix), seed=1)
    pool = build_pool(matrix, FEATURES, paths, most_conditions=2)
    columns = {feature.name: Column.complete(matrix[:, at]) for at, feature in enumerate(FEATURES)}
    assert len(pool.rules) == len(pool.masks) > 50
    assert len({mask.tobytes() for mask in pool.masks}) == len(pool.masks)
    for rule, mask in zip(pool.rules, pool.masks, strict=True):
        held = np.logical_and.reduce([condition.matches(columns) for condition in rule])
        assert np.array_equal(held, mask)
        assert LEAST_SUPPORT <= mask.mean() <= MOST_SUPPORT
        assert len(rule) <= 2
        assert len({(condition.feature, condition.operator) for condition in rule}) == len(rule)
    wanted = (Condition("days since", Operator.BELOW, 30.0), Condition("purchases of a, b", Operator.AT_LEAST, 5.0))
    assert wanted in pool.rules


def test_a_condition_that_changes_nothing_is_left_out() -> None:
    matrix = values()
    matrix[:, 2] = matrix[:, 0] * 10.0
    path = Path((Split(0, above=True, threshold=4.5), Split(2, above=True, threshold=10.0)), 1.0)
    pool = build_pool(matrix, FEATURES, [path], most_conditions=3)
    mask = matrix[:, 0] >= 5.0
    found = [rule for rule, held in zip(pool.rules, pool.masks, strict=True) if np.array_equal(held, mask)]
    assert [len(rule) for rule in found] == [1]


def test_a_negative_path_gives_the_complements_of_its_conditions() -> None:
    matrix = values()
    rare = Path((Split(0, above=True, threshold=6.5), Split(1, above=True, threshold=50.0)), -1.0)
    with_path = set(build_pool(matrix, FEATURES, [rare], most_conditions=2).rules)
    without = set(build_pool(matrix, FEATURES, [], most_conditions=2).rules)
    assert all(len(rule) == 1 for rule in with_path)
    added = with_path | without
    assert (Condition("purchases of a, b", Operator.BELOW, 5.0),) in added
    positive = set(build_pool(matrix, FEATURES, [rare._replace(effect=1.0)], most_conditions=2).rules)
    assert any(len(rule) == 2 for rule in positive)


def test_rulefit_finds_the_step_despite_odd_column_names() -> None:
    matrix = values()
    paths = rulefit_paths(matrix, target(matrix), seed=1)
    columns = {split.column for path in paths for split in path.splits}
    assert {0, 1} <= columns
    assert all(len(path.splits) <= 2 for path in paths)
    strongest = max(paths, key=lambda path: abs(path.effect))
    assert {split.column for split in strongest.splits} <= {0, 1}


def test_rulefit_leaves_numpys_global_generator_as_it_was() -> None:
    matrix = values()
    np.random.seed(99)
    before = np.random.get_state(legacy=False)["state"]
    first = rulefit_paths(matrix, target(matrix), seed=1)
    np.testing.assert_equal(np.random.get_state(legacy=False)["state"], before)
    assert rulefit_paths(matrix, target(matrix), seed=1) == first


def test_a_rule_that_selects_everyone_is_not_a_path_and_an_unknown_form_is_an_error() -> None:
    assert rulefit._splits_of({("X_0", "=="): "X_0"}) == ()
    assert rulefit._splits_of({("X_12", ">"): "2.5", ("X_3", "<="): "1e-05"}) == (
        Split(12, above=True, threshold=2.5),
        Split(3, above=False, threshold=1e-05),
    )
    with pytest.raises(SegwarehouseError, match="imodels states a condition"):
        rulefit._splits_of({("X_0", "!="): "3"})


def test_a_constant_target_gives_no_paths() -> None:
    matrix = values()
    assert boosted_paths(matrix, np.zeros(COUNT), leaves=4, seed=1) == []
    assert rulefit_paths(matrix, np.zeros(COUNT), seed=1) == []


def test_constant_features_give_an_empty_pool() -> None:
    pool = build_pool(np.zeros((COUNT, 3)), FEATURES, [], most_conditions=2)
    assert pool.rules == ()
    assert pool.masks.shape == (0, COUNT)
