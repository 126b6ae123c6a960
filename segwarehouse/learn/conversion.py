"""From the chance of being a buyer to the chance of buying within the outcome window, for all departments at once.

In: how many candidates of each probability bought after cut-offs in the past, department by department, and how many
are foreseeable from how long people wait. Out: a `Conversion` for each department, which turns a card's probabilities
into those of the outcome and says how sure their mean is. Rankings are left as they are: the map never falls.

Two things are learned, and each leans on what all departments have in common as far as the department's own past is
thin. The slope, how much likelier the likelier ones are, hardly differs between departments, so that even a
department with three outcome buyers has one. The level, how many buy at all, is that of the waiting times
(`learn.waiting`) where these can be fitted. Measured on Complete Journey, what a department's last window had more or
less than that does not come again (correlation of the ratios of two windows: -0.13). Where waiting times can't be
fitted, the level is the department's own conversion, drawn towards the mean of all departments at the same probability
(credibility: Buehlmann and Straub 1970, in its Poisson-gamma form).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from segwarehouse.domain import BoolArray, FloatArray, IntArray
from segwarehouse.learn.calibrate import OutcomeMap, fit_outcome_map
from segwarehouse.learn.log_odds import log_odds_of

ENOUGH_OUTCOMES = 50
"""With fewer outcome buyers, the scores of a department are said to lean on the others."""

OWN, POOLED = "own outcomes", "all departments"

_LEVEL = 0.95

_USUAL_SLOPE, _SLOPE_SPREAD = 0.45, 0.3
"""What slopes are like where nothing is known yet, measured on Complete Journey's cut-offs of April and May."""

_LEAST_SPREAD = 0.1
"""Slopes of departments differ by so much at least (standard deviation)."""

_USUAL_SHAPE, _SHAPE_SPREAD = 20.0, 1.0
"""Actual over foreseen buyers has a standard deviation of about 0.22 between departments and windows."""


class ExpectedShare(NamedTuple):
    """A share of candidates who will buy, 0 to 1, and the 95 percent interval of it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Conversions:
    """What became of a department's candidates after one cut-off, counted by their probability of being a buyer.

    Attributes
    ----------
    probability
        float64 (k,): ascending. Empty where no card could be learned at the cut-off.
    candidates, bought_by
        int64 (2, k): how many, and how many of them bought, in either half of the customers.
    total, bought
        Over all candidates, also where there was no card.
    foreseen
        The share of the candidates that waiting times foresaw; None where these could not be fitted.
    """

    probability: FloatArray
    candidates: IntArray
    bought_by: IntArray
    total: int
    bought: int
    foreseen: float | None

    @classmethod
    def of(cls, probability: FloatArray, outcomes: BoolArray, half: IntArray, foreseen: float | None) -> "Conversions":
        """Count n candidates with these probabilities (n,), outcomes (n,) and halves (n,) of 0 and 1."""
        levels, place = np.unique(probability, return_inverse=True)
        candidates, bought = np.zeros((2, 2, len(levels)), dtype=np.int64)
        np.add.at(candidates, (half, place), 1)
        np.add.at(bought, (half[outcomes], place[outcomes]), 1)
        return cls(levels, candidates, bought, len(outcomes), int(outcomes.sum()), foreseen)

    @classmethod
    def unscored(cls, outcomes: BoolArray, foreseen: float | None) -> "Conversions":
        """Count candidates for whom there was no card."""
        nothing = np.zeros((2, 0), dtype=np.int64)
        return cls(np.zeros(0), nothing, nothing, len(outcomes), int(outcomes.sum()), foreseen)

    def of_half(self, half: int) -> "Conversions":
        """Return the counts of one half of the customers."""
        kept = (np.arange(2) == half)[:, None]
        candidates, bought = self.candidates * kept, self.bought_by * kept
        return Conversions(
            self.probability, candidates, bought, int(candidates.sum()), int(bought.sum()), self.foreseen
        )

    def expanded(self) -> tuple[FloatArray, BoolArray]:
        """Return probability and outcome of every candidate, float64 (n,) and bool (n,), in no order that matters."""
        bought = self.bought_by.sum(axis=0)
        others = self.candidates.sum(axis=0) - bought
        return (
            np.concatenate([np.repeat(self.probability, bought), np.repeat(self.probability, others)]),
            np.repeat([True, False], [int(bought.sum()), int(others.sum())]),
        )


@dataclass(frozen=True, slots=True)
class Pool:
    """What all departments have in common.

    Attributes
    ----------
    slope, spread
        Mean of the slopes of the maps in log-odds, and how far a department's own may lie from it.
    intercept
        With `slope`, the map that foresees as many buyers as there were in all departments together. None where no
        department had a card.
    share
        How many candidates bought, of all.
    shape
        Of the gamma distribution, with mean 1, of actual over foreseen buyers.
    """

    slope: float
    spread: float
    intercept: float | None
    share: float
    shape: float

    def usual_share(self, probability: FloatArray, weights: IntArray | None = None) -> float:
        """Return the share of candidates with these probabilities (n,) that buy in all departments together."""
        if self.intercept is None or len(probability) == 0:
            return self.share
        return float(np.average(OutcomeMap(self.intercept, self.slope).apply(probability), weights=weights))

    def buyers(self, each: Conversions) -> float:
        """Return how many buyers are usual among candidates."""
        return each.total * self.usual_share(each.probability, each.candidates.sum(axis=0))


@dataclass(frozen=True, slots=True)
class Conversion:
    """How a department's probabilities turn into purchases.

    Attributes
    ----------
    slope
        Of the map in log-odds, at least 0.
    ratio
        What the department's own past had over what is usual; 1 where there is no past.
    own_weight
        How many outcome buyers speak for `ratio`, those that stand for all departments included.
    bought
        How many outcome buyers the department had at the cut-offs that were looked at.
    pool
        What all departments have in common.
    """

    slope: float
    ratio: float
    own_weight: float
    bought: int
    pool: Pool

    @property
    def basis(self) -> str:
        """What the scores rest on most."""
        return OWN if self.bought >= ENOUGH_OUTCOMES else POOLED

    def expected_share(self, probability: FloatArray, foreseen: float | None) -> ExpectedShare:
        """Return the share of candidates with these probabilities (n,) who will buy within the outcome window.

        `foreseen` is the share that waiting times foresee. The interval allows for how far actual numbers of buyers
        were from foreseen ones, in this department and in others; it holds the expected share, not chance within it.
        """
        from scipy.stats import gamma

        if foreseen is None:
            share = min(1.0, self.ratio * self.pool.usual_share(probability))
            shape = 1.0 / (1.0 / self.pool.shape + 1.0 / self.own_weight)
        else:
            share, shape = foreseen, self.pool.shape
        low, high = gamma.ppf([(1.0 - _LEVEL) / 2.0, (1.0 + _LEVEL) / 2.0], shape, scale=share / shape)
        return ExpectedShare(share, float(low), min(1.0, float(high)))

    def outcome_map(self, probability: FloatArray, foreseen: float | None) -> OutcomeMap:
        """Return the map for candidates with these probabilities (n,), at the level of `expected_share`."""
        share = self.expected_share(probability, foreseen).value
        return OutcomeMap(0.0, self.slope).anchored(probability, share)


def fit_conversions(pasts: Mapping[str, Sequence[Conversions]], pool: Pool | None = None) -> dict[str, Conversion]:
    """Learn how probabilities turn into purchases, for all departments together.

    Parameters
    ----------
    pasts
        For each department, its cut-offs.
    pool
        What all departments have in common, where these are only some of them; None: it is learned from these.

    Returns
    -------
    dict
        A `Conversion` for every department.

    Notes
    -----
    Slopes: a random-effects mean and its spread by DerSimonian and Laird (1986), and the best linear unbiased
    prediction of each department's own; a prior stands for one more department. Ratios and their shape: Poisson counts
    with a gamma-distributed ratio of mean 1, the shape by maximum a posteriori.
    """
    slopes = {name: _slope(parts) for name, parts in pasts.items()}
    known = pool or _pool([each for parts in pasts.values() for each in parts], list(slopes.values()))
    return {name: _conversion(parts, slopes[name], known) for name, parts in pasts.items()}


def _conversion(parts: Sequence[Conversions], slope: tuple[float, float] | None, pool: Pool) -> Conversion:
    """Return a department's own, drawn towards what all have in common as far as its past is thin."""
    bought = sum(each.bought for each in parts)
    usual = sum(pool.buyers(each) for each in parts)
    return Conversion(
        slope=_drawn(slope, pool.slope, pool.spread),
        ratio=(bought + pool.shape) / (usual + pool.shape),
        own_weight=bought + pool.shape,
        bought=bought,
        pool=pool,
    )


def _pool(everything: Sequence[Conversions], slopes: Sequence[tuple[float, float] | None]) -> Pool:
    """Return what all departments have in common."""
    share = (sum(each.bought for each in everything) + 0.5) / (sum(each.total for each in everything) + 1.0)
    slope, spread = _common([found for found in slopes if found is not None])
    pool = Pool(slope, spread, _intercept(everything, slope), share, shape=_USUAL_SHAPE)
    foreseen = [
        (each.bought, pool.buyers(each) if each.foreseen is None else each.foreseen * each.total)
        for each in everything
        if each.total
    ]
    return replace(pool, shape=_shape(foreseen))


def _slope(parts: Sequence[Conversions]) -> tuple[float, float] | None:
    """Return a department's own slope and its standard error; None where no line can be fitted."""
    probability, outcomes = (np.concatenate(arrays) for arrays in zip(*(p.expanded() for p in parts), strict=True))
    if not outcomes.any() or outcomes.all() or len(np.unique(probability)) < 2:
        return None
    found = fit_outcome_map(probability, outcomes)
    score = log_odds_of(probability)
    chance = found.apply(probability)
    weight = chance * (1.0 - chance)
    centre = float((weight * score).sum() / weight.sum())
    information = float((weight * (score - centre) ** 2).sum())
    return (found.slope, 1.0 / float(np.sqrt(information))) if information > 0.0 else None


def _common(slopes: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the mean of all departments' slopes and their spread, the prior counted as one of them."""
    prior = (_USUAL_SLOPE, _SLOPE_SPREAD)
    if not slopes:
        return _USUAL_SLOPE, _SLOPE_SPREAD
    value, error = np.array(slopes, dtype=np.float64).T
    weight = 1.0 / error**2
    fixed = float((weight * value).sum() / weight.sum())
    excess = float((weight * (value - fixed) ** 2).sum()) - (len(slopes) - 1)
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    variance = max(_LEAST_SPREAD**2, excess / scale if scale > 0.0 else 0.0)
    weights = np.append(1.0 / (error**2 + variance), 1.0 / (prior[1] ** 2 + variance))
    mean = float((weights * np.append(value, prior[0])).sum() / weights.sum())
    return max(0.0, mean), float(np.sqrt(variance + 1.0 / weights.sum()))


def _drawn(own: tuple[float, float] | None, mean: float, spread: float) -> float:
    """Return a department's slope, drawn towards the mean of all."""
    if own is None:
        return mean
    value, error = own
    weights = 1.0 / error**2, 1.0 / spread**2
    return max(0.0, (weights[0] * value + weights[1] * mean) / sum(weights))


def _intercept(everything: Sequence[Conversions], slope: float) -> float | None:
    """Return the intercept with which one map foresees as many buyers as there were; None where nobody had a card."""
    probability, outcomes = (
        np.concatenate(arrays) for arrays in zip(*(each.expanded() for each in everything), strict=True)
    )
    if len(outcomes) == 0:
        return None
    share = (float(outcomes.sum()) + 0.5) / (len(outcomes) + 1.0)
    return OutcomeMap(0.0, slope).anchored(probability, share).intercept


def _shape(counts: Sequence[tuple[float, float]]) -> float:
    """Return the shape of the gamma distribution of actual over foreseen buyers, with a weak prior."""
    from scipy.optimize import minimize_scalar
    from scipy.special import gammaln

    bought = np.array([each[0] for each in counts], dtype=np.float64)
    foreseen = np.maximum(np.array([each[1] for each in counts], dtype=np.float64), 1e-6)

    def loss(logarithm: float) -> float:
        shape = float(np.exp(logarithm))
        likelihood = (
            gammaln(bought + shape)
            - gammaln(shape)
            + shape * np.log(shape / (shape + foreseen))
            + bought * np.log(foreseen / (shape + foreseen))
        ).sum()
        return float(-likelihood + 0.5 * ((logarithm - np.log(_USUAL_SHAPE)) / _SHAPE_SPREAD) ** 2)

    return float(np.exp(minimize_scalar(loss, bounds=(-1.0, 8.0), method="bounded").x))
