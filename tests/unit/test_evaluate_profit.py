"""Profit is what counting money by hand gives, and the best number of contacts is where it is highest."""

import numpy as np
import pytest

from segwarehouse.domain import BoolArray, FloatArray
from segwarehouse.evaluate.profit import SHARES, profit_curve

COST, VALUE = 2.0, 9.0


def world(seed: int, count: int = 300) -> tuple[FloatArray, BoolArray]:
    generator = np.random.default_rng(seed)
    outcomes = generator.random(count) < 0.25
    return generator.normal(size=count) + outcomes, outcomes


@pytest.mark.parametrize("count", [1, 7, 40])
def test_profit_is_that_of_counting_by_hand(count: int) -> None:
    scores, outcomes = world(count, count)
    shares = [(at + 1) / count for at in range(count)]
    curve = profit_curve(scores, outcomes, cost=COST, value=VALUE, seed=0, shares=shares, resamples=10)
    best_first = outcomes[np.argsort(-scores)]
    by_hand = [VALUE * best_first[:contacts].sum() - COST * contacts for contacts in range(count + 1)]
    assert [point.profit.value for point in curve.points] == pytest.approx(by_hand)
    assert [point.contacts for point in curve.points] == pytest.approx(range(count + 1))
    assert curve.best.profit.value == pytest.approx(max(by_hand))
    assert curve.best_contacts.value == curve.best.contacts


def test_ties_are_taken_in_expectation() -> None:
    _, outcomes = world(1)
    curve = profit_curve(np.zeros(300), outcomes, cost=COST, value=VALUE, seed=0, resamples=10)
    whole = VALUE * outcomes.sum() - COST * 300
    assert [point.profit.value for point in curve.points[1:]] == pytest.approx([share * whole for share in SHARES])


def test_nobody_is_contacted_where_every_contact_loses() -> None:
    scores, outcomes = world(2)
    curve = profit_curve(scores, outcomes, cost=10.0, value=1.0, seed=0, resamples=20)
    assert (curve.best.contacts, curve.best.profit.value) == (0.0, 0.0)
    assert (curve.best_contacts.low, curve.best_contacts.high) == (0.0, 0.0)


def test_a_sample_stands_for_all_candidates() -> None:
    scores, outcomes = world(3)
    sample = profit_curve(scores, outcomes, cost=COST, value=VALUE, seed=0, resamples=20)
    everyone = profit_curve(scores, outcomes, cost=COST, value=VALUE, seed=0, resamples=20, candidates=3000)
    assert everyone.best.profit.value == pytest.approx(10.0 * sample.best.profit.value)
    assert everyone.best_contacts.high == pytest.approx(10.0 * sample.best_contacts.high)


def test_intervals_cover_the_profit_of_the_world() -> None:
    """At half of the candidates the true profit comes from a world of 200,000."""
    truth = profit_curve(*world(4, 200_000), cost=COST, value=VALUE, seed=0, shares=[0.5], resamples=2, candidates=300)
    covered = 0
    for seed in range(100):
        curve = profit_curve(*world(100 + seed), cost=COST, value=VALUE, seed=seed, shares=[0.5], resamples=100)
        profit = curve.points[1].profit
        covered += profit.low <= truth.points[1].profit.value <= profit.high
    assert covered >= 88
