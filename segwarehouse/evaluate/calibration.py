"""Whether probabilities are true: of those who are said to buy with 12 percent, 12 percent should buy.

In: probabilities of candidates that neither the learning nor the calibration ever saw, and who of them bought. Out:
a reliability table at natural prevalence, the Brier score and the expected calibration error, with intervals.

The binning: candidates are sorted by probability into bins of equal size, 10 where there are enough of them;
candidates with the same probability stay in the same bin. The expected calibration error is the mean over candidates
of the distance between their bin's mean probability and its share of buyers (Naeini, Cooper and Hauskrecht 2015). Of
few candidates it is well above zero even for perfect probabilities, by chance alone, so the error that such a draw
would give on average stands beside it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from segwarehouse.domain import BoolArray, FloatArray, IntArray
from segwarehouse.errors import SegwarehouseError
from segwarehouse.evaluate.bootstrap import RESAMPLES, Estimate, resampled_weights

BINS = 10
_CELLS = 2_000_000


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Candidates of similar probability: how many, what was predicted on average, and the share that bought."""

    candidates: int
    predicted: float
    observed: Estimate


@dataclass(frozen=True, slots=True)
class Calibration:
    """How true n probabilities are.

    Attributes
    ----------
    bins
        The reliability table, lowest probability first.
    brier
        Mean squared distance between probability and outcome (Brier 1950).
    error
        Expected calibration error. Its resamples, and so its interval, lie above the value: chance adds to it twice.
    error_by_chance
        What it would be on average if the probabilities were exactly true.
    """

    bins: tuple[ReliabilityBin, ...]
    brier: Estimate
    error: Estimate
    error_by_chance: float


def calibration(
    probability: FloatArray,
    outcomes: BoolArray,
    *,
    seed: int,
    customers: IntArray | None = None,
    bins: int = BINS,
    least: int = 1,
    resamples: int = RESAMPLES,
) -> Calibration:
    """Compare probabilities with what happened.

    Parameters
    ----------
    probability
        float64 (n,), 0 to 1.
    outcomes
        bool (n,): who bought.
    seed
        Of the resamples.
    customers
        int64 (n,): who each candidate is, where one can be there several times; a resample draws customers.
    bins
        How many, of equal size.
    least
        No more bins than leave so many candidates in each, and on average twice as many who bought and who did not.
    resamples
        How many.

    Raises
    ------
    SegwarehouseError
        If there is no candidate, or lengths differ.
    """
    if len(probability) == 0 or len(probability) != len(outcomes):
        raise SegwarehouseError(f"{len(probability)} probabilities can't be compared with {len(outcomes)} outcomes")
    rarer = min(int(outcomes.sum()), int((~outcomes).sum()))
    most = min(bins, len(probability) // max(least, 1), rarer // (2 * least) if least > 1 else bins)
    places = _bins_of(probability, max(1, most))
    members = np.eye(int(places.max()) + 1)[places]
    bought = outcomes.astype(np.float64)
    once = np.ones((1, len(outcomes)), dtype=np.float64)
    exact = _measure(once, members, probability, bought)
    people = np.arange(len(outcomes)) if customers is None else customers
    blocks = [
        _measure(weights[:, people], members, probability, bought)
        for weights in resampled_weights(int(people.max()) + 1, seed, resamples)
    ]
    brier, error, observed = (np.concatenate(parts, axis=0) for parts in zip(*blocks, strict=True))
    counts = members.sum(axis=0)
    predicted = probability @ members / counts
    return Calibration(
        bins=tuple(
            ReliabilityBin(int(counts[at]), float(predicted[at]), Estimate.of(exact[2][0, at], observed[:, at]))
            for at in range(len(counts))
        ),
        brier=Estimate.of(exact[0][0], brier),
        error=Estimate.of(exact[1][0], error),
        error_by_chance=_by_chance(members, probability, seed, resamples),
    )


def _bins_of(probability: FloatArray, bins: int) -> IntArray:
    """Return the bin of each probability (n,): equal sizes but for ties, which lie where their middle does."""
    _, group, counts = np.unique(probability, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2.0
    place = np.minimum((middle / len(probability) * bins).astype(np.int64), bins - 1)
    return np.asarray(np.unique(place[group], return_inverse=True)[1], dtype=np.int64)


def _measure(
    weights: FloatArray, members: FloatArray, probability: FloatArray, bought: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return Brier score (b,), calibration error (b,) and observed shares (b, k) under weights (b, n)."""
    total = weights.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        brier = weights @ (probability - bought) ** 2 / total
        counts, hits = weights @ members, weights @ (members * bought[:, None])
        distance = np.abs(weights @ (members * probability[:, None]) - hits)
        return brier, distance.sum(axis=1) / total, hits / counts


def _by_chance(members: FloatArray, probability: FloatArray, seed: int, resamples: int) -> float:
    """Return the mean calibration error of outcomes that are drawn with exactly these probabilities."""
    predicted = probability @ members
    errors = [
        np.abs(drawn.astype(np.float64) @ members - predicted).sum(axis=1) / len(probability)
        for drawn in _drawn(probability, seed, resamples)
    ]
    return float(np.concatenate(errors).mean())


def _drawn(probability: FloatArray, seed: int, draws: int) -> Iterator[BoolArray]:
    generator = np.random.default_rng([seed, 1])
    rows = max(1, _CELLS // len(probability))
    for start in range(0, draws, rows):
        yield generator.random((min(rows, draws - start), len(probability))) < probability
