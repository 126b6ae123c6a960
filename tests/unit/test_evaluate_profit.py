"""Profit is what counting money by hand gives, against not contacting, and the best share is where it is highest."""

import numpy as np
import pytest

from segwarehouse.evaluate.intervals import Sample, compare_samples
from segwarehouse.evaluate.profit import ProfitCurve, profit_curve

COST, VALUE, UPLIFT = 2.0, 90.0, 0.1
SHARES = tuple(percent / 100.0 for percent in range(1, 101))


def world(seed: int, count: int = 300) -> Sample:
    generator = np.random.default_rng(seed)
    outcomes = generator.random(count) < 0.25
    scores = generator.normal(size=count) + outcomes
    return Sample({"rules": scores, "activity": generator.normal(size=count)}, outcomes, np.arange(count), SHARES)


def curve_of(
    *samples: Sample,
    shares: tuple[float, ...] = SHARES,
    cost: float = COST,
    value: float = VALUE,
    uplift: float = UPLIFT,
    seed: int = 0,
    resamples: int = 10,
) -> ProfitCurve:
    return profit_curve(
        samples,
        ranking="rules",
        shares=shares,
        cost=cost,
        value=value,
        uplift=uplift,
        seed=seed,
        resamples=resamples,
    )


@pytest.mark.parametrize("count", [1, 7, 40])
def test_profit_is_that_of_counting_by_hand(count: int) -> None:
    sample = world(count, count)
    curve = curve_of(sample, shares=tuple((at + 1) / count for at in range(count)))
    best_first = sample.outcomes[np.argsort(-sample.rankings["rules"])]
    by_hand = [VALUE * UPLIFT * best_first[:contacts].sum() - COST * contacts for contacts in range(count + 1)]
    assert [count * point.profit.value for point in curve.points] == pytest.approx(by_hand)
    assert [count * point.share for point in curve.points] == pytest.approx(range(count + 1))
    assert count * curve.best.profit.value == pytest.approx(max(by_hand))
    assert curve.best_share.value == curve.best.share


def test_those_who_would_buy_anyway_are_not_paid_for() -> None:
    """A contact that moves nobody only costs, however well the ranking finds buyers."""
    curve = curve_of(world(1), uplift=0.0)
    assert curve.best.share == 0.0
    assert [point.profit.value for point in curve.points] == pytest.approx(
        [-COST * point.share for point in curve.points]
    )


def test_profit_is_what_precision_comes_to_in_money() -> None:
    """Over two samples too, and to the bounds of the interval: both come from the same resamples."""
    samples = [world(5), world(6)]
    quality = compare_samples(samples, seed=3, resamples=40).qualities["rules"]
    curve = curve_of(*samples, seed=3, resamples=40)
    for point in curve.points[1:]:
        precision = quality.at(point.share).precision
        for bound in ("value", "low", "high"):
            money = point.share * (VALUE * UPLIFT * getattr(precision, bound) - COST)
            assert getattr(point.profit, bound) == pytest.approx(money)


def test_ties_are_taken_in_expectation() -> None:
    sample = world(1)
    curve = curve_of(Sample({"rules": np.zeros(300)}, sample.outcomes, sample.customers))
    whole = VALUE * UPLIFT * sample.outcomes.mean() - COST
    assert [point.profit.value for point in curve.points[1:]] == pytest.approx([share * whole for share in SHARES])


def test_nobody_is_contacted_where_every_contact_loses() -> None:
    curve = curve_of(world(2), cost=10.0, value=1.0, resamples=20)
    assert (curve.best.share, curve.best.profit.value) == (0.0, 0.0)
    assert (curve.best_share.low, curve.best_share.high) == (0.0, 0.0)


def test_intervals_cover_the_profit_of_the_world() -> None:
    """At half of the candidates the true profit comes from a world of 200,000."""
    truth = curve_of(world(4, 200_000), shares=(0.5,), resamples=2)
    covered = 0
    for seed in range(100):
        profit = curve_of(world(100 + seed), shares=(0.5,), seed=seed, resamples=100).points[1].profit
        covered += profit.low <= truth.points[1].profit.value <= profit.high
    assert covered >= 88
