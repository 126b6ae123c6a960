"""Scores are the chance to buy in the window everywhere: thin departments lean on the others, thick ones do not."""

import numpy as np
import pytest
from numpy.random import Generator

from segwarehouse.learn.conversion import OWN, POOLED, Conversions, fit_conversions
from segwarehouse.learn.log_odds import log_odds_of, probability_of

SLOPE = 0.6
"""Of the world's departments, in log-odds."""


def window(
    random: Generator, count: int, share: float, *, slope: float = SLOPE, foreseen: float | None = None
) -> Conversions:
    """Return a window in which about a share of `count` candidates buys, the likelier ones more."""
    probability = np.round(random.beta(2.0, 4.0, count), 2)
    log_odds = slope * log_odds_of(probability)
    moved = log_odds - log_odds.mean() + float(log_odds_of(np.array([share]))[0])
    outcomes = random.random(count) < probability_of(moved)
    return Conversions.of(probability, outcomes, random.integers(0, 2, count), foreseen)


def test_counts_lose_nothing() -> None:
    random = np.random.default_rng(1)
    probability = np.array([0.2, 0.4, 0.2, 0.9, 0.4])
    outcomes = np.array([True, False, False, True, True])
    found = Conversions.of(probability, outcomes, random.integers(0, 2, 5), None)
    levels, bought = found.expanded()
    assert sorted(zip(levels, bought, strict=True)) == sorted(zip(probability, outcomes, strict=True))
    halves = [found.of_half(half) for half in (0, 1)]
    assert sum(half.total for half in halves) == found.total == 5
    assert sum(half.bought for half in halves) == found.bought == 3


def test_a_department_of_few_outcomes_is_scored_like_the_others() -> None:
    """Three of 151 bought: the score is their kind of share, not the chance of having bought (0.77 once)."""
    random = np.random.default_rng(2)
    pasts = {f"d{number}": [window(random, 800, 0.05)] for number in range(8)}
    thin = window(random, 151, 0.02)
    pasts["thin"] = [thin]
    conversion = fit_conversions(pasts)["thin"]
    probability = np.full(200, 0.77)
    scores = conversion.outcome_map(probability, None).apply(probability)
    assert conversion.basis == POOLED
    assert conversion.slope == pytest.approx(SLOPE, abs=0.15)
    assert scores.mean() < 0.15
    ours = conversion.expected_share(thin.expanded()[0], None)
    assert ours.value < 0.06
    assert 0.0 < ours.low < ours.value < min(ours.high, 0.06)


def test_a_department_without_any_card_in_the_past_is_scored_too() -> None:
    random = np.random.default_rng(3)
    outcomes = np.arange(400) < 12
    pasts = {"new": [Conversions.unscored(outcomes, None)], "old": [window(random, 2_000, 0.04)]}
    found = fit_conversions(pasts)["new"]
    share = found.expected_share(np.full(400, 0.5), None)
    assert 0.0 < share.value < 0.2
    alone = fit_conversions({"new": pasts["new"]})["new"]
    assert alone.expected_share(np.full(400, 0.5), None).value == pytest.approx(0.03, abs=0.01)


def test_with_many_outcomes_a_department_keeps_its_own_level_and_slope() -> None:
    random = np.random.default_rng(4)
    pasts = {f"d{number}": [window(random, 500, 0.05)] for number in range(5)}
    pasts["steep"] = [window(random, 40_000, 0.2, slope=1.5)]
    found = fit_conversions(pasts)["steep"]
    assert found.basis == OWN
    assert found.slope == pytest.approx(1.5, abs=0.1)
    probability, outcomes = pasts["steep"][0].expanded()
    assert found.expected_share(probability, None).value == pytest.approx(outcomes.mean(), rel=0.05)


def test_the_level_is_what_waiting_times_foresee() -> None:
    """What the last window had more than foreseen does not come again, so it only makes the interval wider."""
    random = np.random.default_rng(5)
    surprised = {f"d{n}": [window(random, 2_000, share, foreseen=0.1)] for n, share in enumerate((0.03, 0.3, 0.1))}
    expected = {f"d{n}": [window(random, 2_000, 0.1, foreseen=0.1)] for n in range(3)}
    probability = np.linspace(0.05, 0.9, 50)
    wide, narrow = (fit_conversions(pasts)["d0"].expected_share(probability, 0.08) for pasts in (surprised, expected))
    assert wide.value == narrow.value == 0.08
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)
    mapped = fit_conversions(expected)["d0"].outcome_map(probability, 0.08).apply(probability)
    assert mapped.mean() == pytest.approx(0.08)
    assert (np.diff(mapped) > 0.0).all()


def test_scores_of_thin_departments_hold_over_many_worlds() -> None:
    """Predicted over actual buyers, summed over 200 departments with fewer than 50 outcome buyers each."""
    random = np.random.default_rng(6)
    predicted, actual, held = 0.0, 0, 0
    for _ in range(20):
        shares = random.gamma(8.0, 0.04 / 8.0, 10)
        pasts = {f"d{n}": [window(random, 300, share)] for n, share in enumerate(shares)}
        for name, conversion in fit_conversions(pasts).items():
            later = window(random, 300, shares[int(name[1:])] * random.gamma(20.0, 1.0 / 20.0))
            share = conversion.expected_share(later.expanded()[0], None)
            predicted += 300 * share.value
            actual += later.bought
            noise = 2.0 * np.sqrt(share.value / 300)
            held += share.low - noise <= later.bought / 300 <= share.high + noise
    assert predicted == pytest.approx(actual, rel=0.1)
    assert held >= 180
