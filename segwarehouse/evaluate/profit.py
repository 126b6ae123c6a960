"""What a campaign earns, by how many are contacted.

In: a ranking of candidates that the learning never saw, who of them bought, what a contact costs and what a
conversion is worth. Out: the expected profit along the curve with intervals, and the number of contacts that
maximises it. Every purchase of a contacted candidate is counted as worth its full value: who would have bought
without being contacted is not known here (a control group tells), so the profit is an upper bound of what the
campaign adds. The profit at the best number is the largest of many and a little too high for that reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwarehouse.domain import BoolArray, FloatArray
from segwarehouse.evaluate.bootstrap import RESAMPLES, Estimate, resampled_weights
from segwarehouse.evaluate.curves import Ranking, Tally

SHARES = tuple(percent / 100.0 for percent in range(1, 101))


@dataclass(frozen=True, slots=True)
class ProfitPoint:
    """The expected profit when `contacts` candidates, a `share` of all, are contacted. In units of money."""

    share: float
    contacts: float
    profit: Estimate


@dataclass(frozen=True, slots=True)
class ProfitCurve:
    """Profit along the curve.

    Attributes
    ----------
    points
        By share, upwards, after the point of no contact at all.
    best
        The point with the highest profit; no contact where every contact loses money.
    best_contacts
        Its number of contacts; the interval is that of the best number over the resamples.
    """

    points: tuple[ProfitPoint, ...]
    best: ProfitPoint
    best_contacts: Estimate


def profit_curve(
    scores: NDArray[Any],
    outcomes: BoolArray,
    *,
    cost: float,
    value: float,
    seed: int,
    candidates: float | None = None,
    shares: Sequence[float] = SHARES,
    resamples: int = RESAMPLES,
) -> ProfitCurve:
    """Return the profit of contacting the best candidates of a ranking.

    Parameters
    ----------
    scores
        (n,), higher is contacted earlier; ties in expectation, as in `curves`.
    outcomes
        bool (n,): who bought.
    cost, value
        Of one contact, and of one conversion; units of money.
    seed
        Of the resamples.
    candidates
        How many candidates there are in all, where the n are a sample of them.
    shares
        Where on the curve, 0 to 1.
    resamples
        How many.

    Examples
    --------
    >>> scores, outcomes = np.array([4.0, 3.0, 2.0, 1.0]), np.array([True, False, True, False])
    >>> curve = profit_curve(scores, outcomes, cost=1.0, value=4.0, seed=0, shares=(0.25, 0.5, 0.75, 1.0))
    >>> [point.profit.value for point in curve.points], curve.best.contacts
    ([0.0, 3.0, 2.0, 5.0, 4.0], 3.0)
    """
    depth = np.array([0.0, *shares], dtype=np.float64)
    total = float(len(outcomes) if candidates is None else candidates)
    ranking = Ranking.of(scores)

    def profits(weights: FloatArray | None) -> FloatArray:
        tally = Tally.of(ranking, outcomes, weights)
        found = tally.hits(depth) / np.maximum(tally.depth[:, -1:], 1.0)
        return np.asarray(total * (value * found - cost * depth), dtype=np.float64)

    exact = profits(None)[0]
    resampled = np.concatenate(
        [profits(weights) for weights in resampled_weights(len(outcomes), seed, resamples)], axis=0
    )
    points = tuple(
        ProfitPoint(float(share), float(share * total), Estimate.of(exact[at], resampled[:, at]))
        for at, share in enumerate(depth)
    )
    best = points[int(np.argmax(exact))]
    tried = depth[np.argmax(resampled, axis=1)] * total
    return ProfitCurve(points, best, Estimate.of(best.contacts, tried))
