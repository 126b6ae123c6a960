"""The entry rule fills the audience up to the share that is asked for, and no further than a whole threshold needs."""

import numpy as np
import pytest

from segwarehouse.domain import Column, Condition, Feature, Operator, Rule
from segwarehouse.learn.entry_rule import EVERYBODY, telling_rules, with_entry_rule
from segwarehouse.table import DepartmentTable

NARROW = Rule((Condition("purchases_a", Operator.AT_LEAST, 5.0),), 4)


def table(seed: int = 3, count: int = 2_000) -> DepartmentTable:
    random = np.random.default_rng(seed)
    values = np.column_stack([random.poisson(1.5, count), random.integers(0, 12, count)]).astype(np.float64)
    features = (
        Feature("purchases_a", "department", "purchases in A", "count", "A"),
        Feature("breadth_count", "behaviour", "departments", "count"),
    )
    return DepartmentTable.of(values, features, random.random(count) < 0.2, np.zeros((count, 0)), ())


def selected_share(rules: tuple[Rule, ...], people: DepartmentTable) -> float:
    candidates = ~people.buyers
    columns = {f.name: Column.complete(people.values[candidates, at]) for at, f in enumerate(people.features)}
    return float(np.logical_or.reduce([rule.matches(columns) for rule in rules]).mean())


@pytest.mark.parametrize("least", [0.3, 0.5, 0.9])
def test_the_audience_reaches_the_share_with_the_highest_threshold_that_does(least: float) -> None:
    people = table()
    narrow, entry = with_entry_rule((NARROW,), people, least)
    assert narrow == NARROW
    assert entry.points == 1
    (condition,) = entry.conditions
    assert condition.feature == "breadth_count"
    assert selected_share((narrow, entry), people) >= least
    stricter = Rule((Condition("breadth_count", Operator.AT_LEAST, condition.threshold + 1.0),), 1)
    assert selected_share((narrow, stricter), people) < least


def test_rules_that_select_enough_stay_alone() -> None:
    wide = Rule((Condition("purchases_a", Operator.AT_LEAST, 1.0),), 4)
    assert with_entry_rule((wide,), table(), 0.5) == (wide,)
    assert with_entry_rule((), table(), 0.5) == ()


def test_a_rule_that_nearly_all_candidates_satisfy_is_no_rule() -> None:
    """Where the budget is for everyone, the entry rule still leaves somebody out, or there is none."""
    people = table()
    for least in (0.99, 1.0):
        _, entry = with_entry_rule((NARROW,), people, least)
        assert 0.5 < selected_share((entry,), people) <= EVERYBODY
    alike = DepartmentTable.of(
        np.column_stack([people.values[:, 0], np.full(len(people.buyers), 3.0)]),
        people.features,
        people.buyers,
        people.activity_values,
        people.activity_features,
    )
    assert with_entry_rule((NARROW,), alike, 1.0) == (NARROW,)


def test_a_rule_of_the_card_that_all_candidates_satisfy_goes() -> None:
    people = table()
    everybody = Rule((Condition("breadth_count", Operator.AT_LEAST, 0.0),), 3)
    assert telling_rules((NARROW, everybody), people) == (NARROW,)
