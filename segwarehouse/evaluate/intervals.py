"""How sure we may be of a ranking's quality, of a rule's, and of the difference between two rankings.

In: rankings and outcomes of the same n candidates. Out: estimates with 95 percent intervals from one set of
bootstrap resamples of customers, shared by all rankings so that differences are paired; a verdict in one word; and a
card of figures for each rule. Candidates must be ones that the learning never saw: that is left to the caller.

The bootstrap is Poisson's (Hanley and MacGibbon 2006; Chamandy et al. 2012): each customer is in a resample 0, 1,
2, ... times, Poisson distributed with mean 1. A resample without buyers has no value and is left out. What can't be
defined, for want of buyers or of others, is NaN.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwarehouse.domain import BoolArray, FloatArray
from segwarehouse.errors import SegwarehouseError
from segwarehouse.evaluate.curves import BudgetCurve, Ranking, Tally

STANDARD_SHARES = (0.05, 0.1, 0.2)
LEVEL = 0.95
_CELLS = 2_000_000
"""Resamples are drawn in blocks of at most so many weights, to bound memory. Results do not depend on it."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, its 95 percent percentile interval, and its standard error over the resamples."""

    value: float
    low: float
    high: float
    standard_error: float

    @classmethod
    def of(cls, value: float, resampled: FloatArray) -> "Estimate":
        """Return the estimate from the value on the data and the values (b,) on the resamples."""
        known = resampled[np.isfinite(resampled)]
        if len(known) < 2 or not np.isfinite(value):
            return cls(float(value), float("nan"), float("nan"), float("nan"))
        low, high = np.quantile(known, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
        return cls(float(value), float(low), float(high), float(known.std(ddof=1)))


@dataclass(frozen=True, slots=True)
class BudgetQuality:
    """A ranking's quality when `count` candidates, a `share` of all, are contacted. See `BudgetCurve`."""

    share: float
    count: float
    precision: Estimate
    recall: Estimate
    lift: Estimate


@dataclass(frozen=True, slots=True)
class Quality:
    """A ranking's quality, or the difference of two, measure by measure. `budgets` go by share, upwards."""

    candidates: int
    auc: Estimate
    average_precision: Estimate
    budgets: tuple[BudgetQuality, ...]

    def at(self, budget: float) -> BudgetQuality:
        """Return the quality at a budget, given as it was given to `compare`.

        Raises
        ------
        SegwarehouseError
            If it was not asked for.
        """
        wanted = _share(budget, self.candidates)
        for quality in self.budgets:
            if abs(quality.share - wanted) < 1e-12:
                return quality
        known = ", ".join(f"{quality.share:.2%} ({quality.count:g})" for quality in self.budgets)
        raise SegwarehouseError(f"nothing was measured at a budget of {budget}", hint=f"measured: {known}")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several rankings of the same candidates.

    Attributes
    ----------
    baseline
        The name of the ranking that the others are held against.
    candidates, buyers
        How many candidates there are and how many of them bought.
    qualities
        Each ranking's quality.
    differences
        Each other ranking's quality minus the baseline's, resample by resample.
    """

    baseline: str
    candidates: int
    buyers: int
    qualities: Mapping[str, Quality]
    differences: Mapping[str, Quality]


@dataclass(frozen=True, slots=True)
class _Measures:
    """The measures of one ranking, for b weightings: auc (b,), average_precision (b,), curve (b, s)."""

    auc: FloatArray
    average_precision: FloatArray
    curve: BudgetCurve

    @classmethod
    def of(cls, tally: Tally, shares: FloatArray) -> "_Measures":
        return cls(tally.auc(), tally.average_precision(), tally.at(shares))

    @classmethod
    def stacked(cls, blocks: Sequence["_Measures"]) -> "_Measures":
        curves = [block.curve for block in blocks]
        return cls(
            np.concatenate([block.auc for block in blocks]),
            np.concatenate([block.average_precision for block in blocks]),
            BudgetCurve(
                curves[0].shares,
                np.vstack([curve.precision for curve in curves]),
                np.vstack([curve.recall for curve in curves]),
                np.vstack([curve.lift for curve in curves]),
            ),
        )

    def minus(self, other: "_Measures") -> "_Measures":
        mine, theirs = self.curve, other.curve
        return _Measures(
            self.auc - other.auc,
            self.average_precision - other.average_precision,
            BudgetCurve(
                mine.shares,
                mine.precision - theirs.precision,
                mine.recall - theirs.recall,
                mine.lift - theirs.lift,
            ),
        )


def compare(
    rankings: Mapping[str, NDArray[Any]],
    outcomes: BoolArray,
    *,
    budgets: Sequence[float] = (),
    seed: int,
    resamples: int = 500,
    baseline: str = "activity",
) -> Comparison:
    """Measure rankings of the same candidates, and what each adds to a baseline.

    Parameters
    ----------
    rankings
        Name to score (n,), higher is contacted earlier; `curves.lexicographic` makes one of several keys.
    outcomes
        bool (n,): who bought in the outcome window.
    budgets
        Where on the curve to measure, besides 5, 10 and 20 percent: a whole number is a count of candidates, a
        float a share of them, 0 to 1. A count beyond all candidates is all of them.
    seed
        Of the resamples. The result depends on nothing else that is random.
    resamples
        How many.
    baseline
        The name, among `rankings`, of the one that the others are held against.

    Raises
    ------
    SegwarehouseError
        If the baseline is not among the rankings, lengths differ, or a score is NaN.
    """
    if baseline not in rankings:
        raise SegwarehouseError(f"there is no ranking {baseline!r} to compare with", hint=f"given: {list(rankings)}")
    shares = _shares(budgets, len(outcomes))
    ranked = {name: Ranking.of(scores) for name, scores in rankings.items()}
    exact = {name: _Measures.of(Tally.of(ranking, outcomes), shares) for name, ranking in ranked.items()}
    blocks: dict[str, list[_Measures]] = {name: [] for name in ranked}
    for weights in _resampled(len(outcomes), seed, resamples):
        for name, ranking in ranked.items():
            blocks[name].append(_Measures.of(Tally.of(ranking, outcomes, weights), shares))
    resampled = {name: _Measures.stacked(parts) for name, parts in blocks.items()}
    others = [name for name in ranked if name != baseline]
    return Comparison(
        baseline=baseline,
        candidates=len(outcomes),
        buyers=int(outcomes.sum()),
        qualities={name: _quality(exact[name], resampled[name], len(outcomes)) for name in ranked},
        differences={
            name: _quality(
                exact[name].minus(exact[baseline]), resampled[name].minus(resampled[baseline]), len(outcomes)
            )
            for name in others
        },
    )


def verdict(comparison: Comparison, trials: int, *, ranking: str = "rules") -> str:
    """Say in a word whether a ranking beats the baseline.

    It does if its AUC is higher by more than chance explains, at a level of 95 percent over all `trials` together
    (Bonferroni: a two-sided normal interval of the paired difference with ``0.05 / trials`` outside, from the
    bootstrap standard error), and trails if it is lower by as much. Anything else, also too few buyers, ties.

    Parameters
    ----------
    comparison
        With a ranking of that name.
    trials
        How many departments are judged at once, 1 or more.
    ranking
        Which ranking to judge.

    Returns
    -------
    str
        ``beats activity``, ``ties`` or ``trails``; the baseline is called by its own name.
    """
    if trials < 1:
        raise SegwarehouseError(f"a verdict needs 1 trial or more, not {trials}")
    difference = comparison.differences[ranking].auc
    reach = NormalDist().inv_cdf(1.0 - (1.0 - LEVEL) / (2.0 * trials)) * difference.standard_error
    if difference.value > reach:
        return f"beats {comparison.baseline}"
    return "trails" if difference.value < -reach else "ties"


@dataclass(frozen=True, slots=True)
class RuleCard:
    """How one rule does on candidates that the learning never saw. Shares are 0 to 1.

    Attributes
    ----------
    matched
        How many candidates satisfy the rule.
    support
        Their share of all candidates.
    precision
        Buyers among them, as a share of them.
    recall
        Buyers among them, as a share of all buyers.
    lift
        Precision over the share of buyers among all candidates.
    unique_coverage
        Buyers who satisfy this rule and no other rule of the card, as a share of all buyers.
    """

    matched: int
    support: Estimate
    precision: Estimate
    recall: Estimate
    lift: Estimate
    unique_coverage: Estimate


def rule_cards(matched: BoolArray, outcomes: BoolArray, *, seed: int, resamples: int = 500) -> tuple[RuleCard, ...]:
    """Measure each rule of a card.

    Parameters
    ----------
    matched
        bool (n, r): which rule each candidate satisfies.
    outcomes
        bool (n,): who bought in the outcome window.
    seed
        Of the resamples; the same seed draws the same resamples as `compare`.
    resamples
        How many.

    Returns
    -------
    tuple of RuleCard
        One a rule, in the order of the columns.
    """
    if len(matched) != len(outcomes):
        raise SegwarehouseError(f"rules were matched on {len(matched)} candidates but there are {len(outcomes)}")
    once = np.ones((1, len(outcomes)), dtype=np.float64)
    exact = _rule_measures(matched, outcomes, once)
    blocks = [_rule_measures(matched, outcomes, weights) for weights in _resampled(len(outcomes), seed, resamples)]
    resampled = np.concatenate(blocks, axis=1)
    cards = []
    for rule in range(matched.shape[1]):
        measured = [Estimate.of(exact[row, 0, rule], resampled[row, :, rule]) for row in range(len(exact))]
        cards.append(RuleCard(int(matched[:, rule].sum()), *measured))
    return tuple(cards)


def _rule_measures(matched: BoolArray, outcomes: BoolArray, weights: FloatArray) -> FloatArray:
    """Return support, precision, recall, lift and unique coverage (5, b, r) under weights (b, n)."""
    bought = outcomes[:, None]
    alone = matched & (matched.sum(axis=1, keepdims=True) == 1)
    count = weights @ matched.astype(np.float64)
    hits = weights @ (matched & bought).astype(np.float64)
    hits_alone = weights @ (alone & bought).astype(np.float64)
    buyers = weights @ bought.astype(np.float64)
    candidates = weights.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = hits / count
        return np.stack(
            [count / candidates, precision, hits / buyers, precision / (buyers / candidates), hits_alone / buyers]
        )


def _resampled(count: int, seed: int, resamples: int) -> Iterator[FloatArray]:
    """Yield blocks (b, count) of whole-number weights, `resamples` rows in all, the same for the same seed."""
    if resamples < 2:
        raise SegwarehouseError(f"intervals need 2 resamples or more, not {resamples}")
    generator = np.random.default_rng(seed)
    rows = max(1, _CELLS // max(count, 1))
    for start in range(0, resamples, rows):
        yield generator.poisson(1.0, size=(min(rows, resamples - start), count)).astype(np.float64)


def _shares(budgets: Sequence[float], count: int) -> FloatArray:
    """Return the standard shares and the budgets as shares of `count` candidates, upwards, each once."""
    shares = {*STANDARD_SHARES, *(_share(budget, count) for budget in budgets)}
    return np.array(sorted(shares), dtype=np.float64)


def _share(budget: float, count: int) -> float:
    """Return a budget as a share of `count` candidates: a whole number counts them, a float is a share already."""
    whole = isinstance(budget, int)
    if not budget > 0 or not (whole or budget <= 1.0):
        raise SegwarehouseError(
            f"{budget!r} is not a budget", hint="a whole number is a count of candidates, a float a share up to 1.0"
        )
    return min(budget / count, 1.0) if whole else float(budget)


def _quality(exact: _Measures, resampled: _Measures, count: int) -> Quality:
    budgets = []
    for position, share in enumerate(exact.curve.shares):
        estimates = [
            Estimate.of(value[0, position], values[:, position])
            for value, values in (
                (exact.curve.precision, resampled.curve.precision),
                (exact.curve.recall, resampled.curve.recall),
                (exact.curve.lift, resampled.curve.lift),
            )
        ]
        budgets.append(BudgetQuality(float(share), float(share * count), *estimates))
    return Quality(
        candidates=count,
        auc=Estimate.of(exact.auc[0], resampled.auc),
        average_precision=Estimate.of(exact.average_precision[0], resampled.average_precision),
        budgets=tuple(budgets),
    )
