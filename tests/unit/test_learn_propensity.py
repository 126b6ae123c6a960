"""Out-of-fold propensity: what it may know, what adds up, and what balancing must not change."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from segwarehouse.domain import BoolArray, FloatArray
from segwarehouse.errors import TooFewBuyers
from segwarehouse.learn.explain import explain
from segwarehouse.learn.log_odds import log_odds_of
from segwarehouse.learn.propensity import LightGBMParameters, confusion_matrices, fit_propensity

QUICK = LightGBMParameters(trees=40, repeats=2)


def customers(count: int = 900, signal: float = 2.0, base: float = -1.5) -> tuple[FloatArray, BoolArray]:
    generator = np.random.default_rng(7)
    values = np.floor(generator.exponential(3.0, size=(count, 6)))
    log_odds = base + signal * (values[:, 0] >= 4.0)
    return values, generator.random(count) < 1.0 / (1.0 + np.exp(-log_odds))


def area_under_curve(score: FloatArray, labels: BoolArray) -> float:
    difference = score[labels][:, None] - score[~labels][None, :]
    return float((difference > 0.0).mean() + 0.5 * (difference == 0.0).mean())


def test_shap_values_and_base_add_up_to_the_log_odds() -> None:
    values, labels = customers()
    learned = fit_propensity(values, labels, seed=1, parameters=QUICK)
    total = learned.explanation.base + learned.explanation.shap.sum(axis=1)
    np.testing.assert_allclose(total, learned.log_odds, rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(log_odds_of(learned.probability), learned.log_odds, atol=1e-6)
    assert int(np.argmax(learned.importance)) == 0


def test_labels_without_a_pattern_can_not_be_predicted_out_of_fold() -> None:
    values, labels = customers()
    shuffled = np.random.default_rng(3).permutation(labels)
    learned = fit_propensity(values, shuffled, seed=1, parameters=LightGBMParameters(repeats=1))
    assert abs(area_under_curve(learned.log_odds, shuffled) - 0.5) < 0.06


def test_a_pattern_is_found_and_the_mean_probability_is_the_prevalence() -> None:
    values, labels = customers()
    learned = fit_propensity(values, labels, seed=1, parameters=QUICK)
    assert area_under_curve(learned.log_odds, labels) > 0.65
    assert learned.probability.mean() == pytest.approx(labels.mean(), abs=0.01)


@pytest.mark.parametrize("base", [-2.5, 1.0], ids=["few buyers", "mostly buyers"])
def test_balancing_keeps_the_ranking_and_puts_the_prior_back(base: float) -> None:
    values, labels = customers(base=base)
    natural = fit_propensity(values, labels, seed=1, parameters=QUICK)
    balanced = fit_propensity(values, labels, seed=1, balance=True, parameters=QUICK)
    assert not np.array_equal(natural.log_odds, balanced.log_odds)
    assert np.corrcoef(natural.log_odds, balanced.log_odds)[0, 1] > 0.9
    assert balanced.probability.mean() == pytest.approx(labels.mean(), abs=0.03)


@pytest.mark.parametrize("balance", [False, True])
def test_twenty_buyers_are_enough_to_learn_from(balance: bool) -> None:
    values, _ = customers(count=400)
    labels = np.zeros(400, dtype=np.bool_)
    labels[np.argsort(-values[:, 0], kind="stable")[:20]] = True
    learned = fit_propensity(values, labels, seed=1, balance=balance, parameters=QUICK)
    assert area_under_curve(learned.log_odds, labels) > 0.8


def test_one_buyer_is_refused() -> None:
    values, _ = customers(count=50)
    with pytest.raises(TooFewBuyers, match="1 buyers among 50"):
        fit_propensity(values, np.arange(50) == 3, seed=1)


def test_the_same_seed_gives_the_same_bits_whatever_the_threads() -> None:
    values, labels = customers(count=400)
    with threadpool_limits(1):
        one = fit_propensity(values, labels, seed=5, parameters=QUICK)
    with threadpool_limits(2):
        two = fit_propensity(values, labels, seed=5, parameters=QUICK)
    other = fit_propensity(values, labels, seed=6, parameters=QUICK)
    assert one.log_odds.tobytes() == two.log_odds.tobytes()
    assert one.explanation.shap.tobytes() == two.explanation.shap.tobytes()
    assert one.log_odds.tobytes() != other.log_odds.tobytes()


@pytest.mark.filterwarnings("ignore:LightGBM binary classifier with TreeExplainer:UserWarning")
@pytest.mark.filterwarnings("ignore:The set_:PendingDeprecationWarning")  # shap on matplotlib
def test_contributions_equal_those_of_the_shap_library() -> None:
    import lightgbm
    import shap

    values, labels = customers()
    options = {"objective": "binary", "num_leaves": 6, "num_threads": 1, "verbosity": -1}
    booster = lightgbm.train(options, lightgbm.Dataset(values, labels.astype(float)), num_boost_round=30)
    explained = explain(booster, values)
    explainer = shap.TreeExplainer(booster)
    np.testing.assert_allclose(explained.shap, explainer.shap_values(values), rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(explained.base, explainer.expected_value, rtol=0.0, atol=1e-12)


def test_confusion_counts_are_those_of_the_called_customers() -> None:
    labels = np.array([True, True, False, False, False, False])
    log_odds = np.array([2.0, -2.0, 1.0, -1.0, -3.0, -4.0])
    matrices = confusion_matrices(labels, log_odds)
    natural, balanced = matrices.natural, matrices.balanced
    assert (natural.true_negatives, natural.false_positives, natural.false_negatives, natural.true_positives) == (
        3, 1, 1, 1,
    )  # fmt: skip
    # the prior of 2 in 6 is a log-odds of -0.69: the customers at 2.0 and 1.0 lie above it
    assert (balanced.true_negatives, balanced.false_positives, balanced.false_negatives, balanced.true_positives) == (
        3, 1, 1, 1,
    )  # fmt: skip
    shifted = confusion_matrices(labels, log_odds + 0.5)
    assert shifted.balanced.false_positives == 2
    assert shifted.natural == natural
