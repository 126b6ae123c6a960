"""The activity measure: whole weights, points of a known worth, and nothing where there is nothing."""

import numpy as np
import pytest

from segwarehouse.domain import ACTIVITY_LIMIT, Activity, BoolArray, FloatArray
from segwarehouse.learn.activity import VALUE_PER_LOG_ODDS, activity_columns, fit_activity, with_points

NAMES = ("departments_log", "amount_log", "recency_log")


def customers(count: int = 3000) -> tuple[FloatArray, BoolArray]:
    generator = np.random.default_rng(5)
    level = generator.normal(size=count)
    raw = np.column_stack([3.0 * np.exp(0.5 * level), 200.0 * np.exp(level), 20.0 * np.exp(-0.5 * level)])
    values = np.floor(1000.0 * np.log1p(raw * np.exp(0.3 * generator.normal(size=raw.shape))))
    return values, generator.random(count) < 1.0 / (1.0 + np.exp(1.0 - 1.2 * level))


def test_value_is_the_log_odds_up_to_a_constant() -> None:
    values, labels = customers()
    activity, held_out = fit_activity(values, NAMES, labels, seed=1)
    value = activity.value(activity_columns(values, NAMES), len(labels)) / VALUE_PER_LOG_ODDS
    difference = value - held_out
    assert [term.feature for term in activity.terms] == list(NAMES)
    assert float(np.std(difference)) < 0.1 * float(np.std(held_out))
    probability = 1.0 / (1.0 + np.exp(-held_out))
    assert probability.mean() == pytest.approx(labels.mean(), abs=0.01)


def test_one_point_is_worth_what_was_asked_and_the_cap_bounds_points() -> None:
    values, labels = customers()
    activity, _ = fit_activity(values, NAMES, labels, seed=1, point=0.25)
    assert activity.unit == 250_000
    points = activity.points(activity.value(activity_columns(values, NAMES), len(labels)))
    assert points.min() == 0
    assert points.max() == activity.cap
    assert 5 < activity.cap < 40
    wide = with_points(activity, values, NAMES, point=1000.0)
    assert wide.cap == 0
    assert wide.terms == activity.terms


def test_the_sum_stays_inside_64_bits_at_the_limits() -> None:
    values, labels = customers(400)
    values[:, 0] = labels * 1.0  # tells buyers apart by one thousandth: the steepest weight there can be
    activity, _ = fit_activity(values, NAMES, labels, seed=1)
    extreme = activity_columns(np.full((2, 3), ACTIVITY_LIMIT), NAMES)
    exact = sum(term.weight * int(ACTIVITY_LIMIT) for term in activity.terms)
    assert activity.value(extreme, 2).tolist() == [exact, exact]
    assert abs(exact) < 2**53


@pytest.mark.parametrize(
    ("values", "names"),
    [(np.zeros((300, 0)), ()), (np.full((300, 3), 700.0), NAMES)],
    ids=["no features", "constant features"],
)
def test_without_anything_to_measure_activity_is_empty(values: FloatArray, names: tuple[str, ...]) -> None:
    labels = np.arange(300) % 3 == 0
    activity, held_out = fit_activity(values, names, labels, seed=1)
    assert activity == Activity()
    np.testing.assert_allclose(held_out, np.log(1.0 / 2.0))


def test_held_out_log_odds_do_not_know_their_own_label() -> None:
    values, labels = customers(400)
    _, held_out = fit_activity(values, NAMES, labels, seed=1)
    _, again = fit_activity(values, NAMES, labels, seed=1)
    assert held_out.tobytes() == again.tobytes()
    noise = np.random.default_rng(2).integers(0, 5000, size=(400, 30)).astype(np.float64)
    _, guess = fit_activity(noise, tuple(f"n{at}" for at in range(30)), labels, seed=1)
    difference = guess[labels][:, None] - guess[~labels][None, :]
    assert abs(float((difference > 0.0).mean()) - 0.5) < 0.08
