"""What a campaign earns against not contacting, by how many are contacted.

In: candidates that the learning never saw, ranked, in one sample or several (cut-offs), who of them bought without a
campaign, what a contact costs, what a conversion is worth and by which share a contact raises the number of buyers.
Out: the expected profit of each candidate along the curve, with intervals, and the share to contact that maximises it.

Most of those who rank high would buy anyway: a campaign is not paid for by them. What it adds is the expected number
of buyers times the uplift, which no history of purchases can tell; it is set by the user, who has measured it on a
control group or supposes it. How many customers a share stands for is left to the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segwarehouse.domain import FloatArray
from segwarehouse.evaluate.bootstrap import RESAMPLES, Estimate, resampled_weights
from segwarehouse.evaluate.curves import Ranking, Tally
from segwarehouse.evaluate.intervals import Sample


@dataclass(frozen=True, slots=True)
class ProfitPoint:
    """The expected profit, in money a candidate, when a `share` of the candidates is contacted."""

    share: float
    profit: Estimate


@dataclass(frozen=True, slots=True)
class ProfitCurve:
    """Profit along the curve.

    Attributes
    ----------
    points
        By share, upwards, after the point of no contact at all.
    best
        The point with the highest profit; no contact where every contact loses money. The largest of many is a little
        too high for that reason.
    best_share
        Its share of the candidates; the interval is that of the best share over the resamples.
    """

    points: tuple[ProfitPoint, ...]
    best: ProfitPoint
    best_share: Estimate


def profit_curve(
    samples: Sequence[Sample],
    *,
    ranking: str,
    shares: Sequence[float],
    cost: float,
    value: float,
    uplift: float,
    seed: int,
    resamples: int = RESAMPLES,
) -> ProfitCurve:
    """Return the profit of contacting the best candidates of a ranking, on average over samples.

    Parameters
    ----------
    samples
        One or more. Ties in expectation, resamples of customers as in `intervals.compare_samples`: profit is what its
        precision at the same share and with the same seed comes to in money.
    ranking
        The name of the ranking.
    shares
        Where on the curve, above 0 and up to 1.
    cost, value
        Of one contact, and of one conversion; units of money.
    uplift
        By which share a contact raises the number of buyers: 0.1 turns 50 who would buy anyway into 55.
    seed
        Of the resamples.
    resamples
        How many.

    Examples
    --------
    >>> scores, outcomes = np.array([4.0, 3.0, 2.0, 1.0]), np.array([True, False, True, False])
    >>> sample = Sample({"rules": scores}, outcomes, np.arange(4))
    >>> curve = profit_curve(
    ...     [sample], ranking="rules", shares=(0.25, 0.5, 0.75, 1.0), cost=1.0, value=8.0, uplift=0.5, seed=0
    ... )
    >>> [4 * point.profit.value for point in curve.points], curve.best.share
    ([0.0, 3.0, 2.0, 5.0, 4.0], 0.75)
    """
    depth = np.array([0.0, *sorted(set(shares))], dtype=np.float64)
    ranked = [(Ranking.of(sample.rankings[ranking]), sample) for sample in samples]

    def profits(weights: FloatArray | None) -> FloatArray:
        found = [
            _found(Tally.of(order, sample.outcomes, None if weights is None else weights[:, sample.customers]), depth)
            for order, sample in ranked
        ]
        mean = sum(found[1:], found[0]) / len(found)
        return np.asarray(value * uplift * mean - cost * depth, dtype=np.float64)

    exact = profits(None)[0]
    people = 1 + max(int(sample.customers.max(initial=0)) for sample in samples)
    resampled = np.concatenate([profits(weights) for weights in resampled_weights(people, seed, resamples)], axis=0)
    points = tuple(
        ProfitPoint(float(share), Estimate.of(exact[at], resampled[:, at])) for at, share in enumerate(depth)
    )
    best = points[int(np.argmax(exact))]
    return ProfitCurve(points, best, Estimate.of(best.share, depth[np.argmax(resampled, axis=1)]))


def _found(tally: Tally, depth: FloatArray) -> FloatArray:
    """Return the buyers (b, s) among the first shares (s,) of all candidates, as a share of all candidates."""
    return np.asarray(tally.hits(depth) / np.maximum(tally.depth[:, -1:], 1.0), dtype=np.float64)
