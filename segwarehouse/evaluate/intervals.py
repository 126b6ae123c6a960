"""How good rankings are, how sure we may be of it, and what one adds to another.

In: rankings and outcomes of the same candidates, in one sample or in several (cut-offs, departments). Out: estimates
with 95 percent intervals from one set of resamples of customers, shared by all rankings and by all samples: so
differences are paired, and a mean over samples allows for a customer who is in many of them. Also a verdict in one
word. Candidates must be ones that the learning never saw: that is left to the caller. What can't be defined, for want
of buyers or of others, is NaN.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwarehouse.domain import BoolArray, FloatArray, IntArray
from segwarehouse.errors import SegwarehouseError
from segwarehouse.evaluate.bootstrap import LEVEL, RESAMPLES, Estimate, resampled_weights
from segwarehouse.evaluate.curves import BudgetCurve, Ranking, Tally

STANDARD_SHARES = (0.05, 0.1, 0.2)


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
class Sample:
    """Rankings of the n candidates of one department at one cut-off.

    Attributes
    ----------
    rankings
        Name to score (n,), higher is contacted earlier; `curves.lexicographic` makes one of several keys.
    outcomes
        bool (n,): who bought in the outcome window.
    customers
        int64 (n,): who each candidate is, a number from 0 on, the same in every sample.
    budgets
        Where on the curve to measure, besides 5, 10 and 20 percent: a whole number is a count of candidates, a
        float a share of them, 0 to 1. A count beyond all candidates is all of them. Every sample has as many.
    """

    rankings: Mapping[str, NDArray[Any]]
    outcomes: BoolArray
    customers: IntArray
    budgets: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several rankings of the same candidates, in one sample or on average over several.

    Attributes
    ----------
    baseline
        The name of the ranking that the others are compared with.
    candidates, buyers
        How many candidates there are and how many of them bought; over several samples, on average and rounded.
    qualities
        Each ranking's quality.
    differences
        Each other ranking's quality minus the baseline's, resample by resample.
    pairs
        The same for the pairs (first minus second) that were asked for.
    """

    baseline: str
    candidates: int
    buyers: int
    qualities: Mapping[str, Quality]
    differences: Mapping[str, Quality]
    pairs: Mapping[tuple[str, str], Quality]


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
    def _combined(
        cls, parts: Sequence["_Measures"], combine: Callable[[Sequence[FloatArray]], FloatArray]
    ) -> "_Measures":
        curves = [part.curve for part in parts]
        return cls(
            combine([part.auc for part in parts]),
            combine([part.average_precision for part in parts]),
            BudgetCurve(
                np.mean([curve.shares for curve in curves], axis=0),
                combine([curve.precision for curve in curves]),
                combine([curve.recall for curve in curves]),
                combine([curve.lift for curve in curves]),
            ),
        )

    @classmethod
    def stacked(cls, blocks: Sequence["_Measures"]) -> "_Measures":
        """Return the measures of all weightings, block after block."""
        return cls._combined(blocks, lambda arrays: np.concatenate(arrays, axis=0))

    @classmethod
    def mean(cls, samples: Sequence["_Measures"]) -> "_Measures":
        """Return the mean over samples, weighting by weighting; NaN where one has no value."""
        return cls._combined(samples, lambda arrays: np.asarray(sum(arrays[1:], arrays[0]) / len(arrays)))

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
    resamples: int = RESAMPLES,
    baseline: str = "activity",
) -> Comparison:
    """Measure rankings of the same candidates, and what each adds to a baseline.

    See `Sample` for `rankings`, `outcomes` and `budgets`, and `compare_samples` for the rest.
    """
    sample = Sample(rankings, outcomes, np.arange(len(outcomes), dtype=np.int64), budgets)
    return compare_samples([sample], seed=seed, resamples=resamples, baseline=baseline)


def compare_samples(
    samples: Sequence[Sample],
    *,
    seed: int,
    resamples: int = RESAMPLES,
    baseline: str = "activity",
    pairs: Sequence[tuple[str, str]] = (),
) -> Comparison:
    """Measure rankings on average over samples, and what each adds to a baseline.

    Every measure is taken sample by sample and averaged, each sample counting the same. A resample draws customers
    once, for all samples in which they are.

    Parameters
    ----------
    samples
        One or more, with the same rankings by name.
    seed
        Of the resamples. The result depends on nothing else that is random.
    resamples
        How many.
    baseline
        The name, among the rankings, of the one that the others are compared with.
    pairs
        Further differences to take: first minus second.

    Raises
    ------
    SegwarehouseError
        If the baseline is not among the rankings, samples or lengths differ, or a score is NaN.
    """
    names = _same_rankings(samples, baseline)
    shares = _shares(samples)
    ranked = [{name: Ranking.of(sample.rankings[name]) for name in names} for sample in samples]

    def measure(name: str, weights: FloatArray | None) -> _Measures:
        return _Measures.mean(
            [
                _Measures.of(
                    Tally.of(ranking[name], sample.outcomes, None if weights is None else weights[:, sample.customers]),
                    share,
                )
                for sample, ranking, share in zip(samples, ranked, shares, strict=True)
            ]
        )

    exact = {name: measure(name, None) for name in names}
    blocks: dict[str, list[_Measures]] = {name: [] for name in names}
    people = 1 + max(int(sample.customers.max(initial=0)) for sample in samples)
    for weights in resampled_weights(people, seed, resamples):
        for name in names:
            blocks[name].append(measure(name, weights))
    resampled = {name: _Measures.stacked(parts) for name, parts in blocks.items()}
    counts = np.mean([share * len(sample.outcomes) for share, sample in zip(shares, samples, strict=True)], axis=0)
    candidates = float(np.mean([len(sample.outcomes) for sample in samples]))

    def quality(first: str, second: str | None = None) -> Quality:
        if second is None:
            return _quality(exact[first], resampled[first], counts, candidates)
        return _quality(
            exact[first].minus(exact[second]), resampled[first].minus(resampled[second]), counts, candidates
        )

    return Comparison(
        baseline=baseline,
        candidates=round(candidates),
        buyers=round(float(np.mean([sample.outcomes.sum() for sample in samples]))),
        qualities={name: quality(name) for name in names},
        differences={name: quality(name, baseline) for name in names if name != baseline},
        pairs={(first, second): quality(first, second) for first, second in pairs},
    )


def _same_rankings(samples: Sequence[Sample], baseline: str) -> list[str]:
    if not samples:
        raise SegwarehouseError("there is no sample to compare rankings on")
    names = list(samples[0].rankings)
    if baseline not in names:
        raise SegwarehouseError(f"there is no ranking {baseline!r} to compare with", hint=f"given: {names}")
    for sample in samples:
        if list(sample.rankings) != names or len(sample.budgets) != len(samples[0].budgets):
            raise SegwarehouseError(f"samples differ: rankings {names} and {list(sample.rankings)}")
    return names


def verdict(comparison: Comparison, trials: int, *, ranking: str = "rules", budget: float | None = None) -> str:
    """Say in a word whether a ranking beats the baseline, over all candidates or at a budget.

    A claim has to be beyond doubt: the ranking beats the baseline where its AUC, or the buyers that it finds at the
    budget, are more than chance explains at a level of 95 percent over all `trials` together (Bonferroni: a two-sided
    normal interval of the paired difference with ``0.05 / trials`` outside, from the bootstrap standard error), and
    where it ranks at all: no ranking whose own 95 percent interval of AUC holds 0.5, or at the budget of lift holds 1,
    beats anything. A warning needs less: it trails where it is worse by more than chance explains in a single trial,
    since of many departments those that lose should be named. Anything else, also too few buyers, ties.

    Parameters
    ----------
    comparison
        With a ranking of that name.
    trials
        How many departments are judged at once, 1 or more.
    ranking
        Which ranking to judge.
    budget
        Judge at this budget, given as it was given to `compare`; None: by AUC, over all candidates.

    Returns
    -------
    str
        ``beats activity``, ``ties`` or ``trails``; the baseline is called by its own name.
    """
    if trials < 1:
        raise SegwarehouseError(f"a verdict needs 1 trial or more, not {trials}")
    own, difference = comparison.qualities[ranking], comparison.differences[ranking]
    gain = difference.auc if budget is None else difference.at(budget).precision
    ranks = own.auc.low > 0.5 and (budget is None or own.at(budget).lift.low > 1.0)
    if ranks and gain.value > _reach(gain, trials):
        return f"beats {comparison.baseline}"
    return "trails" if gain.value < -_reach(gain, 1) else "ties"


def _reach(difference: Estimate, trials: int) -> float:
    """Return how far from zero chance takes a difference in the most surprising of so many trials."""
    return NormalDist().inv_cdf(1.0 - (1.0 - LEVEL) / (2.0 * trials)) * difference.standard_error


def _shares(samples: Sequence[Sample]) -> list[FloatArray]:
    """Return for each sample the standard shares and its budgets as shares, upwards, each once."""
    rows = [
        [*STANDARD_SHARES, *(_share(budget, len(sample.outcomes)) for budget in sample.budgets)] for sample in samples
    ]
    columns = sorted(set(zip(*rows, strict=True)), key=lambda column: (sum(column), column))
    return [np.array(row, dtype=np.float64) for row in zip(*columns, strict=True)]


def _share(budget: float, count: int) -> float:
    """Return a budget as a share of `count` candidates: a whole number counts them, a float is a share already."""
    whole = isinstance(budget, int)
    if not budget > 0 or not (whole or budget <= 1.0):
        raise SegwarehouseError(
            f"{budget!r} is not a budget", hint="a whole number is a count of candidates, a float a share up to 1.0"
        )
    return min(budget / count, 1.0) if whole else float(budget)


def _quality(exact: _Measures, resampled: _Measures, counts: FloatArray, candidates: float) -> Quality:
    budgets = []
    for position, (share, count) in enumerate(zip(exact.curve.shares, counts, strict=True)):
        estimates = [
            Estimate.of(value[0, position], values[:, position])
            for value, values in (
                (exact.curve.precision, resampled.curve.precision),
                (exact.curve.recall, resampled.curve.recall),
                (exact.curve.lift, resampled.curve.lift),
            )
        ]
        budgets.append(BudgetQuality(float(share), float(count), *estimates))
    return Quality(
        candidates=round(candidates),
        auc=Estimate.of(exact.auc[0], resampled.auc),
        average_precision=Estimate.of(exact.average_precision[0], resampled.average_precision),
        budgets=tuple(budgets),
    )
