"""How well a ranking of candidates finds those who go on to buy.

In: a score for each of n candidates (higher is contacted earlier) and whether each bought. Out: AUC, average
precision, and precision, recall and lift along the whole budget curve. Candidates with equal scores are taken in
random order, and every measure is the expectation over those orders: a ranking with few distinct scores gets neither
the luck nor the misfortune of how rows happen to be stored. The same code takes whole-number weights, so that a
bootstrap resample is one more row of a matrix; resampling itself is left to `intervals`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwarehouse.domain import BoolArray, FloatArray, IntArray
from segwarehouse.errors import SegwarehouseError


@dataclass(frozen=True, slots=True)
class Ranking:
    """n candidates in order, best first, and where each group of equal scores starts.

    Attributes
    ----------
    order
        int64 (n,): positions of the candidates, best first.
    starts
        int64 (g,): where in `order` each tie group begins.
    """

    order: IntArray
    starts: IntArray

    @classmethod
    def of(cls, scores: NDArray[Any]) -> "Ranking":
        """Rank candidates by a score (n,), highest first.

        Raises
        ------
        SegwarehouseError
            If there is no candidate, or a score is NaN.
        """
        if scores.ndim != 1 or len(scores) == 0:
            raise SegwarehouseError(f"a ranking needs one score a candidate, not an array of shape {scores.shape}")
        if np.isnan(scores).any():
            raise SegwarehouseError(f"{int(np.isnan(scores).sum())} of {len(scores)} scores are NaN")
        order = np.argsort(scores, kind="stable")[::-1].astype(np.int64)
        ordered = scores[order]
        starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))).astype(np.int64)
        return cls(order, starts)


def lexicographic(*keys: NDArray[Any]) -> FloatArray:
    """Return one score (n,) that ranks by the first key, ties by the second, and so on; higher is better.

    Mirrors ``ORDER BY first DESC, second DESC``: the score is the dense rank, counted from the worst.

    >>> lexicographic(np.array([2, 1, 2, 1]), np.array([5, 9, 7, 9])).tolist()
    [1.0, 0.0, 2.0, 0.0]
    """
    order = np.lexsort(keys[::-1])
    changed = np.zeros(len(order), dtype=np.bool_)
    for key in keys:
        changed[1:] |= key[order][1:] != key[order][:-1]
    score = np.empty(len(order), dtype=np.float64)
    score[order] = np.cumsum(changed)
    return score


@dataclass(frozen=True, slots=True)
class Tally:
    """Buyers and all candidates in each tie group, for each of b weightings.

    Attributes
    ----------
    buyers, candidates
        float64 (b, g), whole numbers: how many buyers, and how many candidates at all, each group holds.
    found, depth
        float64 (b, g), whole numbers: the same, summed from the best group down to each.
    """

    buyers: FloatArray
    candidates: FloatArray
    found: FloatArray
    depth: FloatArray

    @classmethod
    def of(cls, ranking: Ranking, outcomes: BoolArray, weights: FloatArray | None = None) -> "Tally":
        """Count a ranking's tie groups.

        Parameters
        ----------
        ranking
            Of n candidates.
        outcomes
            bool (n,): who bought.
        weights
            float64 (b, n), whole numbers: how often each resample holds each candidate; by default once, b = 1.
        """
        if outcomes.shape != ranking.order.shape:
            raise SegwarehouseError(f"{len(ranking.order)} scores but {len(outcomes)} outcomes")
        bought = outcomes[ranking.order].astype(np.float64)
        ordered = np.ones((1, len(bought)), dtype=np.float64) if weights is None else weights[:, ranking.order]
        buyers = np.add.reduceat(ordered * bought, ranking.starts, axis=1)
        candidates = np.add.reduceat(ordered, ranking.starts, axis=1)
        return cls(buyers, candidates, np.cumsum(buyers, axis=1), np.cumsum(candidates, axis=1))

    def auc(self) -> FloatArray:
        """Return the area under the ROC curve (b,), NaN where there are no buyers or nobody else.

        The share of pairs of a buyer and another in which the buyer ranks higher, a tie counting one half
        (Hanley and McNeil 1982; the Mann-Whitney statistic).
        """
        others = self.candidates - self.buyers
        passed = self.depth - self.found
        below = passed[:, -1:] - passed
        won = (self.buyers * (below + others / 2.0)).sum(axis=1)
        return _ratio(won, self.found[:, -1] * passed[:, -1])

    def average_precision(self) -> FloatArray:
        """Return average precision (b,), expected over the orders of ties; NaN where there are no buyers.

        The mean over buyers of the precision at the buyer's place. For a tie group of m candidates with p buyers
        after c candidates with h buyers it is the sum over i = 1 .. m of
        ``p / m * (h + 1 + (i - 1) * (p - 1) / (m - 1)) / (c + i)`` (McSherry and Najork 2008, section 2.4), written
        here with harmonic numbers.
        """
        size, bought = self.candidates, self.buyers
        before, hits = self.depth - size, self.found - bought
        harmonic = np.concatenate(([0.0], np.cumsum(1.0 / np.arange(1.0, self.depth.max() + 1.0))))
        inverse = harmonic[self.depth.astype(np.int64)] - harmonic[before.astype(np.int64)]
        further = np.where(size > 1.0, (bought - 1.0) / np.maximum(size - 1.0, 1.0), 0.0)
        total = (hits + 1.0) * inverse + further * (size - (before + 1.0) * inverse)
        gained = bought / np.maximum(size, 1.0) * total
        return _ratio(gained.sum(axis=1), self.found[:, -1])

    def hits(self, shares: FloatArray) -> FloatArray:
        """Return the expected number of buyers (b, s) among the first shares (s,) of all candidates.

        Within a tie group buyers are spread evenly, so between two groups the curve is a straight line.
        """
        first = np.zeros((len(self.buyers), 1), dtype=np.float64)
        depth, found = np.hstack([first, self.depth]), np.hstack([first, self.found])
        rows = [np.interp(shares * ends[-1], ends, gains) for ends, gains in zip(depth, found, strict=True)]
        return np.array(rows, dtype=np.float64)

    def at(self, shares: FloatArray) -> "BudgetCurve":
        """Return precision, recall and lift (b, s) at shares (s,) of the candidates."""
        hits = self.hits(shares)
        candidates, buyers = self.depth[:, -1:], self.found[:, -1:]
        precision = _ratio(hits, shares * candidates)
        return BudgetCurve(shares, precision, _ratio(hits, buyers), _ratio(precision, buyers / candidates))


@dataclass(frozen=True, slots=True)
class BudgetCurve:
    """What contacting the first candidates of a ranking brings.

    Attributes
    ----------
    shares
        float64 (s,): how far down the ranking, 0 to 1 of all candidates.
    precision
        float64 (..., s): buyers among the contacted, as a share of the contacted. NaN at a share of 0.
    recall
        float64 (..., s): buyers among the contacted, as a share of all buyers.
    lift
        float64 (..., s): precision over the share of buyers among all candidates.
    """

    shares: FloatArray
    precision: FloatArray
    recall: FloatArray
    lift: FloatArray


def auc(scores: NDArray[Any], outcomes: BoolArray) -> float:
    """Return the area under the ROC curve of scores (n,) for outcomes (n,), ties counting one half.

    Equal to ``sklearn.metrics.roc_auc_score``. See `Tally.auc`.

    >>> auc(np.array([3.0, 2.0, 2.0, 1.0]), np.array([True, True, False, False]))
    0.875
    """
    return float(Tally.of(Ranking.of(scores), outcomes).auc()[0])


def average_precision(scores: NDArray[Any], outcomes: BoolArray) -> float:
    """Return average precision of scores (n,) for outcomes (n,), expected over the orders of ties.

    Without ties equal to ``sklearn.metrics.average_precision_score``. See `Tally.average_precision`.

    >>> average_precision(np.array([3.0, 2.0, 1.0]), np.array([False, True, False]))
    0.5
    """
    return float(Tally.of(Ranking.of(scores), outcomes).average_precision()[0])


def budget_curve(scores: NDArray[Any], outcomes: BoolArray, shares: Sequence[float] | FloatArray) -> BudgetCurve:
    """Return precision, recall and lift (s,) of scores (n,) at shares (s,) of the candidates.

    >>> curve = budget_curve(np.array([3.0, 2.0, 1.0, 0.0]), np.array([True, False, True, False]), [0.25, 1.0])
    >>> curve.precision.tolist(), curve.recall.tolist(), curve.lift.tolist()
    ([1.0, 0.5], [0.5, 1.0], [2.0, 1.0])
    """
    depths = np.asarray(shares, dtype=np.float64)
    curve = Tally.of(Ranking.of(scores), outcomes).at(depths)
    return BudgetCurve(depths, curve.precision[0], curve.recall[0], curve.lift[0])


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Return part over whole, NaN where the whole is zero."""
    empty = whole == 0.0
    return np.where(empty, np.nan, part / np.where(empty, 1.0, whole))
