"""Intervals: they cover the truth as often as they say, differences are paired, and a verdict needs evidence."""

import numpy as np
import pytest

from segwarehouse.domain import BoolArray, FloatArray
from segwarehouse.errors import SegwarehouseError
from segwarehouse.evaluate import bootstrap
from segwarehouse.evaluate.bootstrap import Estimate
from segwarehouse.evaluate.cards import rule_cards
from segwarehouse.evaluate.curves import auc, average_precision, budget_curve
from segwarehouse.evaluate.intervals import Sample, compare, compare_samples, verdict


def world(seed: int, count: int = 500) -> tuple[FloatArray, BoolArray]:
    """Return scores whose true AUC is 0.7602: buyers score one standard deviation higher."""
    generator = np.random.default_rng(seed)
    outcomes = generator.random(count) < 0.2
    return generator.normal(size=count) + outcomes, outcomes


TRUE_AUC = 0.7602


def test_values_are_those_of_the_curves() -> None:
    scores, outcomes = world(1)
    quality = compare({"activity": scores}, outcomes, budgets=[77, 0.5], seed=0, resamples=20).qualities["activity"]
    assert quality.auc.value == auc(scores, outcomes)
    assert quality.average_precision.value == average_precision(scores, outcomes)
    assert [part.share for part in quality.budgets] == pytest.approx([0.05, 0.1, 77 / 500, 0.2, 0.5])
    curve = budget_curve(scores, outcomes, [77 / 500])
    assert quality.at(77).lift.value == pytest.approx(curve.lift[0], abs=1e-12)
    assert quality.at(77).precision.value == pytest.approx(curve.precision[0], abs=1e-12)
    assert quality.at(0.5).count == pytest.approx(250)
    with pytest.raises(SegwarehouseError, match="nothing was measured at a budget of 78"):
        quality.at(78)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    covered = 0
    for seed in range(200):
        scores, outcomes = world(seed, count=300)
        estimate = compare({"activity": scores}, outcomes, seed=seed, resamples=200).qualities["activity"].auc
        covered += estimate.low <= TRUE_AUC <= estimate.high
    assert 0.90 <= covered / 200 <= 0.985


def test_the_same_seed_gives_the_same_intervals_whatever_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    scores, outcomes = world(2)
    first = compare({"activity": scores}, outcomes, seed=7, resamples=50)
    monkeypatch.setattr(bootstrap, "_CELLS", 1300)
    assert compare({"activity": scores}, outcomes, seed=7, resamples=50) == first
    assert compare({"activity": scores}, outcomes, seed=8, resamples=50) != first


def test_differences_are_paired() -> None:
    scores, outcomes = world(3)
    nearly = scores + np.random.default_rng(0).normal(scale=0.05, size=len(scores))
    comparison = compare({"activity": scores, "rules": nearly, "same": scores * 2}, outcomes, seed=0)
    assert comparison.differences["same"].auc == Estimate(0.0, 0.0, 0.0, 0.0)
    assert set(comparison.differences) == {"rules", "same"}
    apart = comparison.qualities["rules"].auc.standard_error
    assert comparison.differences["rules"].auc.standard_error < apart / 5


def test_a_verdict_needs_more_evidence_the_more_departments_are_judged() -> None:
    scores, outcomes = world(4)
    noisy = scores + np.random.default_rng(0).normal(scale=0.8, size=len(scores))
    rankings = {"activity": noisy, "rules": scores}
    comparison = compare(rankings, outcomes, seed=0)
    strength = comparison.differences["rules"].auc
    assert 2.5 < strength.value / strength.standard_error < 4.5
    assert verdict(comparison, 1) == "beats activity"
    assert verdict(comparison, 10**6) == "ties"
    assert verdict(compare({"activity": scores, "rules": noisy}, outcomes, seed=0), 1) == "trails"
    renamed = compare({"breadth": noisy, "card": scores}, outcomes, seed=0, baseline="breadth")
    assert verdict(renamed, 1, ranking="card") == "beats breadth"


def test_equal_rankings_tie() -> None:
    scores, outcomes = world(5)
    assert verdict(compare({"activity": scores, "rules": scores}, outcomes, seed=0, resamples=50), 1) == "ties"


def test_without_buyers_everything_is_nan_and_the_verdict_is_a_tie() -> None:
    scores, _ = world(6, count=50)
    nobody = np.zeros(50, dtype=np.bool_)
    comparison = compare({"activity": scores, "rules": -scores}, nobody, seed=0, resamples=10)
    assert np.isnan(comparison.qualities["rules"].auc.value)
    assert np.isnan(comparison.qualities["rules"].at(0.1).lift.high)
    assert verdict(comparison, 1) == "ties"


def test_rule_cards_hold_the_plain_counts() -> None:
    matched = np.array([[1, 1], [1, 0], [1, 0], [0, 1], [0, 0], [0, 0], [0, 0], [0, 0]], dtype=np.bool_)
    outcomes = np.array([1, 1, 0, 0, 1, 0, 0, 0], dtype=np.bool_)
    first, second = rule_cards(matched, outcomes, seed=0, resamples=200)
    values = (first.support, first.precision, first.recall, first.lift, first.unique_coverage)
    assert first.matched == 3
    assert [item.value for item in values] == pytest.approx([3 / 8, 2 / 3, 2 / 3, (2 / 3) / (3 / 8), 2 / 8])
    assert (second.matched, second.precision.value, second.unique_coverage.value) == (2, 0.5, 1 / 8)


def test_a_rule_interval_agrees_with_the_binomial() -> None:
    generator = np.random.default_rng(0)
    matched = generator.random((4000, 1)) < 0.5
    outcomes = generator.random(4000) < 0.1
    card = rule_cards(matched, outcomes, seed=0)[0]
    expected = np.sqrt(card.precision.value * (1 - card.precision.value) / card.matched)
    assert card.precision.standard_error == pytest.approx(expected, rel=0.12)
    assert card.precision.low < card.precision.value < card.precision.high


def test_a_rule_that_nobody_satisfies_has_no_precision() -> None:
    card = rule_cards(np.zeros((6, 1), dtype=np.bool_), np.array([1, 0, 1, 0, 0, 0], dtype=np.bool_), seed=0)[0]
    assert (card.matched, card.support.value, card.recall.value) == (0, 0.0, 0.0)
    assert np.isnan(card.precision.value)
    assert np.isnan(card.lift.low)


@pytest.mark.parametrize("budget", [0, -3, 0.0, 1.5, float("nan")])
def test_a_budget_that_is_none_is_refused(budget: float) -> None:
    scores, outcomes = world(7, count=40)
    with pytest.raises(SegwarehouseError, match="is not a budget"):
        compare({"activity": scores}, outcomes, budgets=[budget], seed=0, resamples=10)


def test_a_budget_beyond_all_candidates_is_all_of_them() -> None:
    scores, outcomes = world(8, count=40)
    quality = compare({"activity": scores}, outcomes, budgets=[500], seed=0, resamples=10).qualities["activity"]
    assert quality.budgets[-1].share == 1.0
    assert quality.at(500).lift.value == pytest.approx(1.0)


def test_a_missing_baseline_is_named() -> None:
    with pytest.raises(SegwarehouseError, match="no ranking 'activity'"):
        compare({"rules": np.arange(3.0)}, np.array([True, False, True]), seed=0)


def test_a_mean_over_samples_is_the_mean_and_knows_its_customers() -> None:
    scores, outcomes = world(9)
    everyone = np.arange(len(scores))
    single = compare({"activity": scores}, outcomes, budgets=[0.3], seed=0).qualities["activity"]
    sample = Sample({"activity": scores}, outcomes, everyone, [0.3])
    twice = compare_samples([sample, sample], seed=0).qualities["activity"]
    assert twice == single  # the same customers twice are no more evidence
    strangers = Sample({"activity": scores}, outcomes, everyone + len(scores), [0.3])
    apart = compare_samples([sample, strangers], seed=0).qualities["activity"]
    assert apart.auc.value == pytest.approx(single.auc.value)
    assert apart.auc.standard_error == pytest.approx(single.auc.standard_error / np.sqrt(2.0), rel=0.15)


def test_samples_have_budgets_of_their_own() -> None:
    scores, outcomes = world(10)
    half = slice(0, 250)
    samples = [
        Sample({"activity": scores}, outcomes, np.arange(500), [100]),
        Sample({"activity": scores[half]}, outcomes[half], np.arange(250), [100]),
    ]
    compared = compare_samples(samples, seed=0, resamples=20, pairs=[("activity", "activity")])
    quality = compared.qualities["activity"]
    assert [part.share for part in quality.budgets] == pytest.approx([0.05, 0.1, 0.2, 0.3])
    assert quality.budgets[-1].count == 100
    first, second = (budget_curve(s.rankings["activity"], s.outcomes, [100 / len(s.outcomes)]).lift[0] for s in samples)
    assert quality.budgets[-1].lift.value == pytest.approx((first + second) / 2)
    assert compared.pairs["activity", "activity"].auc == Estimate(0.0, 0.0, 0.0, 0.0)
    assert (compared.candidates, compared.buyers) == (375, round((outcomes.sum() + outcomes[half].sum()) / 2))


def test_samples_with_other_rankings_are_refused() -> None:
    scores, outcomes = world(11, count=40)
    samples = [Sample({"activity": scores, name: scores}, outcomes, np.arange(40)) for name in ("rules", "card")]
    with pytest.raises(SegwarehouseError, match="samples differ"):
        compare_samples(samples, seed=0)


def test_shuffled_labels_cover_lift_1_and_tie() -> None:
    """Rankings that know nothing: intervals hold the truth, and with many departments hardly ever a verdict."""
    covered, verdicts = 0, []
    for seed in range(60):
        generator = np.random.default_rng(1000 + seed)
        scores, outcomes = world(seed, count=400)
        shuffled = generator.permutation(outcomes)
        rankings = {"activity": generator.normal(size=400), "rules": scores}
        compared = compare(rankings, shuffled, seed=seed, resamples=200)
        lift = compared.qualities["rules"].at(0.2).lift
        covered += lift.low <= 1.0 <= lift.high
        verdicts.append(verdict(compared, 20))
    assert covered >= 53
    assert verdicts.count("ties") >= 59
