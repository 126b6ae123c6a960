"""From points to probabilities, and from being a buyer to becoming one.

In: whole points or probabilities, and what happened. Out: a table of probabilities for a card, or a map from the
probability of being a buyer to that of buying within the outcome window. Both are straight lines in log-odds that
never fall. Where the outcomes come from (stepping back in time) is left to the caller.
"""

from dataclasses import dataclass

import numpy as np

from segwarehouse.domain import BoolArray, FloatArray, IntArray
from segwarehouse.learn.log_odds import SMALLEST, log_odds_of, probability_of

_STEPS = 100
_FARTHEST = 1e3
_HALVINGS = 60


@dataclass(frozen=True, slots=True)
class OutcomeMap:
    """``logit(q) = intercept + slope * logit(p)``, slope at least 0."""

    intercept: float
    slope: float

    def apply(self, probability: FloatArray) -> FloatArray:
        """Return the probability of the outcome, float64 (n,), strictly between 0 and 1.

        >>> OutcomeMap(intercept=0.0, slope=1.0).apply(np.array([0.2, 0.5])).round(6).tolist()
        [0.2, 0.5]
        """
        return probability_of(self.intercept + self.slope * log_odds_of(probability))

    def anchored(self, probability: FloatArray, share: float) -> "OutcomeMap":
        """Return the map, moved so that the mean of what it gives to these probabilities (n,) is `share`.

        Its slope, how much likelier the likelier ones are, stays.

        >>> probability = np.array([0.1, 0.2, 0.6])
        >>> moved = OutcomeMap(intercept=0.0, slope=1.0).anchored(probability, 0.15)
        >>> round(float(moved.apply(probability).mean()), 6)
        0.15
        """
        if len(probability) == 0:
            return self
        wanted = min(max(share, SMALLEST), 1.0 - SMALLEST)
        low, high = -_FARTHEST, _FARTHEST
        for _ in range(_HALVINGS):
            middle = (low + high) / 2.0
            above = float(OutcomeMap(middle, self.slope).apply(probability).mean()) > wanted
            low, high = (low, middle) if above else (middle, high)
        return OutcomeMap((low + high) / 2.0, self.slope)


def calibrate(
    points: IntArray, labels: BoolArray, *, highest: int | None = None, weights: FloatArray | None = None
) -> tuple[float, ...]:
    """Return the probability of each total of 0, 1, 2, ... points.

    Parameters
    ----------
    points
        int64 (n,), at least 0.
    labels
        bool (n,): what the probability is of.
    highest
        The last total of the table, by default the largest of `points`.
    weights
        float64 (n,), by default 1 for each row: how many customers a sampled row stands for.

    Returns
    -------
    tuple of float
        `highest` + 1 probabilities, strictly between 0 and 1, never falling. Their weighted mean over the rows is
        close to the share of True labels (half an observation of either kind is added).

    Examples
    --------
    >>> table = calibrate(np.array([0, 0, 1, 2, 2]), np.array([False, False, True, True, False]))
    >>> [round(probability, 2) for probability in table]
    [0.18, 0.4, 0.67]

    Notes
    -----
    Platt, "Probabilistic outputs for support vector machines" (1999): logistic regression on the score, with his
    prior against 0 and 1. A card's points are log-odds in steps, so a line is the right shape.
    """
    intercept, slope = _fit_line(points.astype(np.float64), labels, weights)
    last = highest if highest is not None else int(points.max(initial=0))
    totals = np.arange(last + 1, dtype=np.float64)
    return tuple(float(probability) for probability in probability_of(intercept + slope * totals))


def fit_outcome_map(probability: FloatArray, outcomes: BoolArray, *, weights: FloatArray | None = None) -> OutcomeMap:
    """Learn how the probability of being a buyer turns into that of buying within the outcome window.

    Parameters
    ----------
    probability
        float64 (n,): of candidates, as of a time in the past.
    outcomes
        bool (n,): who of them bought in the window that followed.
    weights
        float64 (n,), by default 1 for each row.
    """
    intercept, slope = _fit_line(log_odds_of(probability), outcomes, weights)
    return OutcomeMap(intercept=intercept, slope=slope)


def _fit_line(score: FloatArray, labels: BoolArray, weights: FloatArray | None) -> tuple[float, float]:
    """Return intercept and slope (at least 0) of a logistic regression on one score.

    Half an observation of either kind at the mean score keeps the intercept finite, a weak normal prior (standard
    deviation 5, on the standardised score) the slope.
    """
    weight = np.ones(len(score)) if weights is None else weights
    total = float(weight.sum())
    centre = float((weight * score).sum() / total) if total > 0.0 else 0.0
    spread = float(np.sqrt((weight * (score - centre) ** 2).sum() / total)) if total > 0.0 else 0.0
    successes = float(weight[labels].sum())
    level = float(np.log((successes + 0.5) / (total - successes + 0.5)))
    if spread == 0.0:
        return level, 0.0
    inner = np.append((score - centre) / spread, [0.0, 0.0])
    target = np.append(labels.astype(np.float64), [1.0, 0.0])
    weight = np.append(weight, [0.5, 0.5])
    intercept, slope = _newton(inner, target, weight, level)
    if slope <= 0.0:
        return level, 0.0
    return intercept - slope * centre / spread, slope / spread


def _newton(score: FloatArray, target: FloatArray, weight: FloatArray, level: float) -> tuple[float, float]:
    """Minimise weighted log loss plus slope**2 / 50 by Newton's method, halving steps that don't improve."""
    design = np.column_stack([np.ones_like(score), score])
    prior = np.array([0.0, 1.0 / 25.0])

    def loss(line: FloatArray) -> float:
        log_odds = design @ line
        fit = float((weight * (np.logaddexp(0.0, log_odds) - target * log_odds)).sum())
        return fit + 0.5 * float((prior * line**2).sum())

    line = np.array([level, 0.0])
    for _ in range(_STEPS):
        probability = probability_of(design @ line)
        gradient = design.T @ (weight * (probability - target)) + prior * line
        curvature = (design.T * (weight * probability * (1.0 - probability))) @ design + np.diag(prior)
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while loss(line - size * step) > loss(line) and size > 1e-8:
            size /= 2.0
        line = line - size * step
        if float(np.abs(size * step).max()) < 1e-10:
            break
    return float(line[0]), float(line[1])
