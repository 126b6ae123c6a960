"""The measures of a ranking: against scikit-learn, against every order of the ties, and against repeated rows."""

from itertools import permutations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from segwarehouse.domain import BoolArray, FloatArray
from segwarehouse.errors import SegwarehouseError
from segwarehouse.evaluate.curves import Ranking, Tally, auc, average_precision, budget_curve, lexicographic

TIED = np.array([3.0, 2.0, 2.0, 2.0, 1.0, 1.0, 0.0])
BOUGHT = np.array([False, True, False, True, True, False, False])


def world(seed: int, count: int = 400, levels: int | None = None) -> tuple[FloatArray, BoolArray]:
    generator = np.random.default_rng(seed)
    scores = generator.normal(size=count)
    outcomes = generator.random(count) < 1.0 / (1.0 + np.exp(2.0 - scores))
    return (scores if levels is None else np.floor(scores * levels)), outcomes


def over_all_orders(scores: FloatArray, outcomes: BoolArray, measure: str) -> float:
    """Return the mean of a measure over every order of the candidates that the scores allow."""
    values = []
    for order in permutations(range(len(scores))):
        placed = scores[list(order)]
        if (np.diff(placed) > 0).any():
            continue
        bought = outcomes[list(order)].astype(float)
        if measure == "average precision":
            precision = np.cumsum(bought) / np.arange(1, len(bought) + 1)
            values.append((precision * bought).sum() / bought.sum())
        else:
            values.append(bought[:3].sum())
    return float(np.mean(values))


@pytest.mark.parametrize("levels", [None, 1, 3])
def test_auc_equals_scikit_learn_with_and_without_ties(levels: int | None) -> None:
    scores, outcomes = world(1, levels=levels)
    assert auc(scores, outcomes) == pytest.approx(roc_auc_score(outcomes, scores), abs=1e-12)


def test_average_precision_equals_scikit_learn_without_ties() -> None:
    scores, outcomes = world(2)
    expected = average_precision_score(outcomes, scores)
    assert average_precision(scores, outcomes) == pytest.approx(expected, abs=1e-12)


def test_average_precision_is_the_mean_over_all_orders_of_ties() -> None:
    expected = over_all_orders(TIED, BOUGHT, "average precision")
    assert average_precision(TIED, BOUGHT) == pytest.approx(expected, abs=1e-12)
    assert average_precision_score(BOUGHT, TIED) != pytest.approx(expected, abs=1e-3)


def test_hits_within_a_tie_group_are_the_mean_over_all_orders() -> None:
    hits = Tally.of(Ranking.of(TIED), BOUGHT).hits(np.array([3 / 7]))
    assert hits[0, 0] == pytest.approx(over_all_orders(TIED, BOUGHT, "hits"), abs=1e-12)


def test_the_order_of_rows_changes_nothing() -> None:
    scores, outcomes = world(3, levels=1)
    shuffled = np.random.default_rng(0).permutation(len(scores))
    assert auc(scores, outcomes) == auc(scores[shuffled], outcomes[shuffled])
    assert average_precision(scores, outcomes) == average_precision(scores[shuffled], outcomes[shuffled])
    before, after = (budget_curve(scores[rows], outcomes[rows], [0.05, 0.5]) for rows in (slice(None), shuffled))
    assert before.lift.tolist() == after.lift.tolist()


def test_a_constant_ranking_is_no_better_than_chance() -> None:
    _, outcomes = world(4)
    flat = np.zeros(len(outcomes))
    assert auc(flat, outcomes) == 0.5
    assert budget_curve(flat, outcomes, [0.1, 0.9]).lift == pytest.approx([1.0, 1.0], abs=1e-12)


def test_the_budget_curve_counts_the_first_candidates() -> None:
    scores, outcomes = world(5)
    best = outcomes[np.argsort(-scores)]
    curve = budget_curve(scores, outcomes, [0.1, 1.0])
    assert curve.precision[0] == pytest.approx(best[:40].mean())
    assert curve.recall[0] == pytest.approx(best[:40].sum() / best.sum())
    assert curve.lift[0] == pytest.approx(best[:40].mean() / best.mean())
    assert (curve.precision[1], curve.recall[1], curve.lift[1]) == pytest.approx((best.mean(), 1.0, 1.0))


def test_a_weight_counts_like_repeated_rows() -> None:
    scores, outcomes = world(6, count=60, levels=2)
    weights = np.random.default_rng(1).integers(0, 4, size=60)
    repeated = np.repeat(np.arange(60), weights)
    tally = Tally.of(Ranking.of(scores), outcomes, weights[None, :].astype(np.float64))
    assert tally.auc()[0] == pytest.approx(auc(scores[repeated], outcomes[repeated]), abs=1e-12)
    expected = average_precision(scores[repeated], outcomes[repeated])
    assert tally.average_precision()[0] == pytest.approx(expected, abs=1e-12)
    shares = np.array([0.1, 0.35])
    curve = budget_curve(scores[repeated], outcomes[repeated], shares)
    assert tally.at(shares).lift[0] == pytest.approx(curve.lift, abs=1e-12)


def test_without_buyers_or_without_others_measures_are_nan() -> None:
    scores = np.arange(5.0)
    nobody, everybody = np.zeros(5, dtype=np.bool_), np.ones(5, dtype=np.bool_)
    assert np.isnan([auc(scores, nobody), auc(scores, everybody), average_precision(scores, nobody)]).all()
    assert np.isnan(budget_curve(scores, nobody, [0.5]).lift).all()
    assert average_precision(scores, everybody) == pytest.approx(1.0)


def test_keys_rank_one_after_the_other() -> None:
    points, activity = np.array([1, 3, 3, 1, 2]), np.array([9.5, 1.0, 2.0, 9.5, 0.0])
    score = lexicographic(points, activity)
    assert np.argsort(-score, kind="stable").tolist() == [2, 1, 4, 0, 3]
    assert score[0] == score[3]


def test_scores_that_can_not_rank_are_refused() -> None:
    with pytest.raises(SegwarehouseError, match="1 of 3 scores are NaN"):
        auc(np.array([1.0, np.nan, 0.0]), np.array([True, False, True]))
    with pytest.raises(SegwarehouseError, match="3 scores but 2 outcomes"):
        auc(np.array([1.0, 2.0, 0.0]), np.array([True, False]))
    with pytest.raises(SegwarehouseError, match="shape"):
        auc(np.empty(0), np.empty(0, dtype=np.bool_))
