"""Thresholds that a person would say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwarehouse.domain import Condition, Feature, Operator
from segwarehouse.learn.pool import merged
from segwarehouse.learn.thresholds import Split, complement, grain_of, round_neighbours, rounded_conditions

UNITS = ("count", "days", "amount", "number")


@pytest.mark.parametrize(
    ("threshold", "unit", "expected"),
    [
        (0.2, "count", (1.0,)),
        (4.0, "count", (3.0, 5.0)),
        (60.0, "count", (50.0, 75.0)),
        (80.0, "count", (75.0, 100.0)),
        (1234.0, "count", (1000.0, 1500.0)),
        (10.0, "days", (7.0, 14.0)),
        (400.0, "days", (365.0, 545.0)),
        (5000.0, "days", (5000.0,)),
        (17.0, "amount", (15.0, 20.0)),
        (0.0, "amount", (0.0,)),
        (0.987, "amount", (0.8, 1.0)),
        (9.9, "amount", (8.0, 10.0)),
        (0.12345, "number", (0.12, 0.13)),
        (99.7, "number", (99.0, 100.0)),
        (-0.333, "number", (-0.34, -0.33)),
        (123.0, "flag", (1.0,)),
    ],
)
def test_neighbours_are_numbers_that_a_person_would_say(
    threshold: float, unit: str, expected: tuple[float, ...]
) -> None:
    assert round_neighbours(threshold, unit) == expected


@given(st.floats(min_value=1e-6, max_value=1e12), st.sampled_from(UNITS))
def test_neighbours_enclose_the_threshold_and_stay_where_they_are(threshold: float, unit: str) -> None:
    neighbours = round_neighbours(threshold, unit)
    whole = unit in {"count", "days"}
    assert list(neighbours) == sorted(set(neighbours))
    assert neighbours[-1] >= min(threshold, neighbours[-1]) > 0.0
    if not (whole and threshold <= 1.0):
        assert neighbours[0] * (1 - 1e-9) <= threshold <= neighbours[-1] * (1 + 1e-9)
        assert neighbours[-1] <= 2.4 * threshold
    for value in neighbours:
        assert round_neighbours(value, unit) == (value,)
        assert not whole or value == int(value)


def test_a_split_of_whole_numbers_keeps_its_customers() -> None:
    visits = Feature("frequency", "behaviour", "baskets", "count")
    assert rounded_conditions(Split(0, above=True, threshold=2.5), visits) == (
        Condition("frequency", Operator.AT_LEAST, 3.0),
    )
    assert rounded_conditions(Split(0, above=False, threshold=2.0), visits) == (
        Condition("frequency", Operator.BELOW, 3.0),
    )


def test_complement_is_its_own_inverse() -> None:
    condition = Condition("x", Operator.BELOW, 3.0)
    assert complement(condition) == Condition("x", Operator.AT_LEAST, 3.0)
    assert complement(complement(condition)) == condition


def test_merging_keeps_the_narrower_condition_of_each_side() -> None:
    conditions = [
        Condition("x", Operator.BELOW, 9.0),
        Condition("x", Operator.AT_LEAST, 2.0),
        Condition("x", Operator.BELOW, 7.0),
        Condition("a", Operator.AT_LEAST, 1.0),
        Condition("x", Operator.AT_LEAST, 3.0),
    ]
    assert merged(conditions) == (
        Condition("a", Operator.AT_LEAST, 1.0),
        Condition("x", Operator.BELOW, 7.0),
        Condition("x", Operator.AT_LEAST, 3.0),
    )


def test_a_number_is_not_split_finer_than_a_person_would() -> None:
    feature = Feature("customer_x", "customer", "x", "number")
    conditions = rounded_conditions(Split(0, True, -0.00029), feature, grain_of(2.0))
    assert [condition.threshold for condition in conditions] == [-0.1, 0.0]
    far = rounded_conditions(Split(0, True, 12.345), feature, grain_of(2.0))
    assert [condition.threshold for condition in far] == [12.0, 13.0]
