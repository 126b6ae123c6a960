"""Tables of probabilities and the map to outcomes: monotone, finite, and right on average."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwarehouse.learn.calibrate import OutcomeMap, calibrate, fit_outcome_map
from segwarehouse.learn.log_odds import log_odds_of, probability_of


@given(
    st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=60),
    st.integers(min_value=0, max_value=60),
)
def test_a_table_never_falls_and_stays_inside_0_and_1(rows: list[tuple[int, bool]], highest: int) -> None:
    points = np.array([row[0] for row in rows], dtype=np.int64)
    labels = np.array([row[1] for row in rows])
    table = calibrate(points, labels, highest=highest)
    assert len(table) == highest + 1
    assert all(0.0 < probability < 1.0 for probability in table)
    assert list(table) == sorted(table)


def test_probabilities_are_those_that_made_the_labels() -> None:
    generator = np.random.default_rng(1)
    points = generator.integers(0, 21, size=20_000)
    labels = generator.random(20_000) < probability_of(-3.0 + 0.2 * points.astype(np.float64))
    table = calibrate(points, labels)
    assert len(table) == 21
    np.testing.assert_allclose(log_odds_of(np.array(table)), -3.0 + 0.2 * np.arange(21), atol=0.2)
    assert np.array(table)[points].mean() == pytest.approx(labels.mean(), abs=0.001)


def test_separable_labels_give_a_finite_table() -> None:
    points = np.repeat(np.array([0, 10], dtype=np.int64), 50)
    table = calibrate(points, points > 5)
    assert table[0] < 0.05
    assert table[10] > 0.95


def test_points_that_mislead_give_the_prevalence_to_everybody() -> None:
    points = np.repeat(np.array([0, 10], dtype=np.int64), 50)
    table = calibrate(points, points < 5)
    assert len(set(table)) == 1
    assert table[0] == pytest.approx(0.5)


def test_a_weight_counts_as_that_many_rows() -> None:
    points = np.array([0, 0, 1, 1], dtype=np.int64)
    labels = np.array([True, False, True, False])
    weights = np.array([1.0, 5.0, 4.0, 2.0])
    repeated = np.repeat(np.arange(4), weights.astype(int))
    weighted = calibrate(points, labels, weights=weights)
    np.testing.assert_allclose(weighted, calibrate(points[repeated], labels[repeated]), rtol=1e-9)


def test_outcome_map_recovers_a_line_in_log_odds() -> None:
    generator = np.random.default_rng(2)
    probability = generator.uniform(0.02, 0.9, size=30_000)
    outcomes = generator.random(30_000) < OutcomeMap(intercept=-1.5, slope=0.6).apply(probability)
    found = fit_outcome_map(probability, outcomes)
    assert found.intercept == pytest.approx(-1.5, abs=0.08)
    assert found.slope == pytest.approx(0.6, abs=0.06)


def test_outcome_map_never_turns_the_ranking_round() -> None:
    probability = np.linspace(0.1, 0.9, 200)
    found = fit_outcome_map(probability, probability < 0.5)
    assert found.slope == 0.0
    assert np.ptp(found.apply(probability)) == 0.0
    none = fit_outcome_map(probability, np.zeros(200, dtype=np.bool_))
    assert (none.apply(probability) < 0.01).all()
