"""How likely each customer is to be a buyer, judged by a classifier that never saw that customer.

In: features, buyer labels and a seed. Out: out-of-fold log-odds at natural prevalence with their SHAP values, and
the recipe's confusion matrices. The candidates of a department are its training negatives, so a score in sample
would say nothing about them. Which features are fit to be used (never the department's own lines) is left to the
caller.
"""

from dataclasses import dataclass

import numpy as np

from segwarehouse.domain import BoolArray, FloatArray, IntArray
from segwarehouse.errors import TooFewBuyers
from segwarehouse.learn.explain import Explanation, explain
from segwarehouse.learn.log_odds import log_odds_of, probability_of


@dataclass(frozen=True, slots=True)
class LightGBMParameters:
    """A small, regularised LightGBM, and how often it is fitted.

    Attributes
    ----------
    trees, leaves, learning_rate, min_leaf, l2, column_share
        LightGBM's ``num_boost_round``, ``num_leaves``, ``learning_rate``, ``min_data_in_leaf`` (lowered where a
        training fold is small), ``lambda_l2`` and ``feature_fraction``.
    folds, repeats
        Stratified folds, drawn anew for each repeat.
    enough_rows
        No further repeat once so many rows have been scored in all of them: what repeats average out, the luck of the
        folds, shrinks with the number of customers.
    """

    trees: int = 150
    leaves: int = 6
    learning_rate: float = 0.03
    min_leaf: int = 30
    l2: float = 5.0
    column_share: float = 0.4
    folds: int = 5
    repeats: int = 3
    enough_rows: int = 30_000

    def repeats_of(self, count: int) -> int:
        """Return how often `count` customers are cross-fitted.

        >>> [LightGBMParameters().repeats_of(count) for count in (100, 10_000, 15_000, 50_000)]
        [3, 3, 2, 1]
        """
        return max(1, min(self.repeats, -(-self.enough_rows // count)))


@dataclass(frozen=True, slots=True)
class Propensity:
    """Out-of-fold answers for n customers, at natural prevalence.

    Attributes
    ----------
    log_odds
        float64 (n,): averaged over the repeats.
    probability
        float64 (n,): the same as a probability.
    explanation
        SHAP values (n, p) and base (n,) that add up to `log_odds`.
    importance
        float64 (p,): mean absolute SHAP value of each feature.
    """

    log_odds: FloatArray
    probability: FloatArray
    explanation: Explanation
    importance: FloatArray


@dataclass(frozen=True, slots=True)
class Confusion:
    """How many customers are what (actual, then predicted)."""

    true_negatives: int
    false_positives: int
    false_negatives: int
    true_positives: int


@dataclass(frozen=True, slots=True)
class ConfusionMatrices:
    """The recipe's confusion matrix, out of fold and read in two ways.

    Attributes
    ----------
    natural
        As many customers are called buyers as there are buyers: those with the highest probability.
    balanced
        The prior is moved to 50/50 and customers above 0.5 are called buyers, as the recipe does.
    """

    natural: Confusion
    balanced: Confusion


def fit_propensity(
    values: FloatArray,
    labels: BoolArray,
    *,
    seed: int,
    balance: bool = False,
    parameters: LightGBMParameters | None = None,
) -> Propensity:
    """Fit the classifier by repeated cross-fitting and keep only what it says of rows that it did not see.

    Parameters
    ----------
    values
        float64 (n, p), finite.
    labels
        bool (n,): True for a buyer.
    seed
        Fixes the folds, the columns that each tree sees, and the rows that balancing drops.
    balance
        Drop rows of the larger class from each training fold until both are equal, and put the prior back by
        moving the log-odds (King and Zeng 2001, section 4.1). It adds nothing to the ranking.
    parameters
        `LightGBMParameters`, by default as they stand there.

    Returns
    -------
    Propensity
        The same for the same input and seed, whatever the number of threads.

    Raises
    ------
    TooFewBuyers
        If there are fewer than two buyers or fewer than two others.
    """
    chosen = parameters or LightGBMParameters()
    count, width = values.shape
    folds = min(chosen.folds, int(labels.sum()), int((~labels).sum()))
    if folds < 2:
        raise TooFewBuyers(
            f"{int(labels.sum())} buyers among {count} customers can't be learned from",
            "there must be two buyers and two others at least",
            buyers=int(labels.sum()),
            others=int((~labels).sum()),
        )
    shap = np.zeros((count, width), dtype=np.float64)
    base = np.zeros(count, dtype=np.float64)
    repeats = chosen.repeats_of(count)
    for repeat in range(repeats):
        for fold, (train, held_out) in enumerate(_folds(labels, folds, seed + repeat)):
            run_seed = seed + 1000 * repeat + fold
            part = _explain_held_out(values, labels, train, held_out, chosen, run_seed, balance=balance)
            shap[held_out] += part.shap / repeats
            base[held_out] += part.base / repeats
    explanation = Explanation(shap=shap, base=base)
    log_odds = explanation.log_odds
    return Propensity(log_odds, probability_of(log_odds), explanation, explanation.importance)


def confusion_matrices(labels: BoolArray, log_odds: FloatArray) -> ConfusionMatrices:
    """Return the confusion matrices of out-of-fold log-odds at natural prevalence.

    Parameters
    ----------
    labels
        bool (n,): True for a buyer.
    log_odds
        float64 (n,), from `fit_propensity`.

    Examples
    --------
    >>> matrices = confusion_matrices(np.array([True, False, False, False]), np.array([1.0, -0.5, -2.0, -3.0]))
    >>> matrices.natural
    Confusion(true_negatives=3, false_positives=0, false_negatives=0, true_positives=1)
    >>> matrices.balanced
    Confusion(true_negatives=2, false_positives=1, false_negatives=0, true_positives=1)
    """
    buyers = int(labels.sum())
    called = np.zeros(len(labels), dtype=np.bool_)
    called[np.argsort(-log_odds, kind="stable")[:buyers]] = True
    prior = float(log_odds_of(np.array([buyers / len(labels)]))[0])
    return ConfusionMatrices(natural=_confusion(labels, called), balanced=_confusion(labels, log_odds > prior))


def _confusion(labels: BoolArray, called: BoolArray) -> Confusion:
    return Confusion(
        true_negatives=int((~labels & ~called).sum()),
        false_positives=int((~labels & called).sum()),
        false_negatives=int((labels & ~called).sum()),
        true_positives=int((labels & called).sum()),
    )


def _folds(labels: BoolArray, folds: int, seed: int) -> list[tuple[IntArray, IntArray]]:
    from sklearn.model_selection import StratifiedKFold

    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return [(train, held_out) for train, held_out in splitter.split(np.zeros((len(labels), 1)), labels)]


def _balanced(train: IntArray, labels: BoolArray, seed: int) -> IntArray:
    """Drop rows of the larger class, at random, until both have the same number; rows stay in order."""
    buyers, others = train[labels[train]], train[~labels[train]]
    size = min(len(buyers), len(others))
    generator = np.random.default_rng(seed)
    parts = [generator.choice(part, size, replace=False) if len(part) > size else part for part in (buyers, others)]
    return np.sort(np.concatenate(parts))


def _explain_held_out(
    values: FloatArray,
    labels: BoolArray,
    train: IntArray,
    held_out: IntArray,
    parameters: LightGBMParameters,
    seed: int,
    *,
    balance: bool,
) -> Explanation:
    """Fit on `train` and explain `held_out`, at the prevalence of `train`."""
    import lightgbm

    used = _balanced(train, labels, seed) if balance else train
    options = {
        "objective": "binary",
        "num_leaves": parameters.leaves,
        "learning_rate": parameters.learning_rate,
        "min_data_in_leaf": max(1, min(parameters.min_leaf, len(used) // 10)),
        "lambda_l2": parameters.l2,
        "feature_fraction": parameters.column_share,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    dataset = lightgbm.Dataset(values[used], labels[used].astype(np.float64), params=options)
    held = explain(lightgbm.train(options, dataset, num_boost_round=parameters.trees), values[held_out])
    natural, learned = log_odds_of(np.array([labels[train].mean(), labels[used].mean()]))
    return Explanation(shap=held.shap, base=held.base + (natural - learned))
