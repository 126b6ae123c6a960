"""Supervised clusters: customers whose propensity has the same reasons.

In: coordinates of SHAP values (from `embed.py`) and propensities. Out: KMeans clusters with the number chosen. What
they are called is left to `segments.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segwarehouse.domain import FloatArray, IntArray
from segwarehouse.learn.halves import choose_number, stability

NUMBERS = range(3, 9)
_STARTS = 10
_REFIT_STARTS = 3


@dataclass(frozen=True, slots=True)
class NumberScore:
    """How well a number of clusters fits.

    Attributes
    ----------
    number
        Of clusters.
    silhouette
        Mean silhouette, -1 to 1.
    stability
        How well refits agree, 1 for the same clusters; see `stability.stability`.
    smallest
        The size of the smallest cluster.
    """

    number: int
    silhouette: float
    stability: float
    smallest: int


@dataclass(frozen=True, slots=True)
class Clusters:
    """Clusters of m rows.

    Attributes
    ----------
    labels
        int64 (m,): 0, 1, ... in order of mean propensity, highest first.
    centres
        float64 (k, 2): in the same order.
    scores
        One for each number of clusters that was tried.
    """

    labels: IntArray
    centres: FloatArray
    scores: tuple[NumberScore, ...]


def cluster(
    coordinates: FloatArray,
    log_odds: FloatArray,
    *,
    seed: int,
    min_size: int = 1,
    numbers: Sequence[int] = NUMBERS,
) -> Clusters:
    """Cluster rows by KMeans, into as many clusters as lie well apart and are found again; see `choose_number`.

    Parameters
    ----------
    coordinates
        float64 (m, 2).
    log_odds
        float64 (m,): propensity of the same rows; orders the clusters.
    seed
        Fixes the starts, and the samples of the refits.
    min_size
        A number that leaves a cluster with fewer rows is not chosen.
    numbers
        Numbers to try. 2 is not among the defaults: the silhouette prefers it, and it says the least.

    Returns
    -------
    Clusters
        One cluster of everything where no number fits.

    Notes
    -----
    Rousseeuw, "Silhouettes" (1987); ``KMeans`` and ``silhouette_score`` of scikit-learn, 10 starts, and
    3 in each refit.
    """
    from threadpoolctl import threadpool_limits

    tried: dict[int, IntArray] = {}
    scores: list[NumberScore] = []
    distinct = len(np.unique(coordinates, axis=0))
    with threadpool_limits(1):
        distances = _distances(coordinates)
        for number in numbers:
            if number >= distinct:
                continue
            tried[number] = _kmeans(coordinates, coordinates, number, seed, _STARTS)
            scores.append(_score(distances, tried[number], _refits(coordinates, number, seed)))
    fitting = [score for score in scores if score.smallest >= min_size]
    best = np.zeros(len(coordinates), dtype=np.int64)
    if fitting:
        best = tried[
            choose_number(
                [score.number for score in fitting],
                [score.silhouette for score in fitting],
                [score.stability for score in fitting],
            )
        ]
    labels, centres = _ordered(best, coordinates, log_odds)
    return Clusters(labels=labels, centres=centres, scores=tuple(scores))


def _kmeans(fitted_on: FloatArray, coordinates: FloatArray, number: int, seed: int, starts: int) -> IntArray:
    """Fit to some rows, and return the cluster of each of all rows."""
    from sklearn.cluster import KMeans

    fitted = KMeans(n_clusters=number, n_init=starts, random_state=seed).fit(fitted_on)
    return np.asarray(fitted.predict(coordinates), dtype=np.int64)


def _refits(coordinates: FloatArray, number: int, seed: int) -> float:
    def grouping(rows: IntArray, refit_seed: int) -> IntArray:
        return _kmeans(coordinates[rows], coordinates, number, refit_seed, _REFIT_STARTS)

    return stability(len(coordinates), grouping, seed=seed)


def _distances(coordinates: FloatArray) -> FloatArray:
    difference = coordinates[:, None, :] - coordinates[None, :, :]
    return np.asarray(np.sqrt((difference**2).sum(axis=2)), dtype=np.float64)


def _score(distances: FloatArray, labels: IntArray, agreement: float) -> NumberScore:
    from sklearn.metrics import silhouette_score

    sizes = np.bincount(labels)
    silhouette = float(silhouette_score(distances, labels, metric="precomputed"))
    return NumberScore(len(sizes), silhouette, agreement, int(sizes.min()))


def _ordered(labels: IntArray, coordinates: FloatArray, log_odds: FloatArray) -> tuple[IntArray, FloatArray]:
    """Renumber clusters by mean propensity, highest first, and return their centres in that order."""
    if len(labels) == 0:
        return labels, np.zeros((0, 2), dtype=np.float64)
    found = np.unique(labels)
    means = np.array([log_odds[labels == number].mean() for number in found])
    order = found[np.argsort(-means, kind="stable")]
    renumbered = np.empty_like(labels)
    for position, number in enumerate(order):
        renumbered[labels == number] = position
    centres = np.stack([coordinates[labels == number].mean(axis=0) for number in order])
    return renumbered, centres
