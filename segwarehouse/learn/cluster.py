"""Supervised clusters: customers whose propensity has the same reasons, and a name for each group.

In: coordinates of SHAP values (from `embed.py`), SHAP values, features and labels. Out: KMeans clusters with the
number chosen, and `domain.Segment`s with size, buyer share, lift and driving features in words. Segments explain;
who is targeted is left to the card.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segwarehouse.domain import BoolArray, Feature, FloatArray, IntArray, Segment

NUMBERS = range(3, 9)
_DRIVERS = 3
_NAMING = 2
_WEAKEST_DRIVER = 0.02
_WORDS = {
    "count": ("more", "fewer"),
    "days": ("more", "fewer"),
    "amount": ("more", "less"),
    "flag": ("more often", "less often"),
    "number": ("higher", "lower"),
}


@dataclass(frozen=True, slots=True)
class NumberScore:
    """How well a number of clusters fits: the mean silhouette (-1 to 1) and the size of the smallest cluster."""

    number: int
    silhouette: float
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
    """Cluster rows by KMeans, with the number of clusters that has the highest silhouette.

    Parameters
    ----------
    coordinates
        float64 (m, 2).
    log_odds
        float64 (m,): propensity of the same rows; orders the clusters.
    seed
        Fixes the starts.
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
    Rousseeuw, "Silhouettes" (1987); ``KMeans`` and ``silhouette_score`` of scikit-learn, 10 starts.
    """
    from threadpoolctl import threadpool_limits

    best = np.zeros(len(coordinates), dtype=np.int64)
    best_score, scores = -2.0, []
    distinct = len(np.unique(coordinates, axis=0))
    with threadpool_limits(1):
        distances = _distances(coordinates)
        for number in numbers:
            if number >= distinct:
                continue
            labels = _kmeans(coordinates, number, seed)
            score = _score(distances, labels)
            scores.append(score)
            if score.smallest >= min_size and score.silhouette > best_score:
                best, best_score = labels, score.silhouette
    labels, centres = _ordered(best, coordinates, log_odds)
    return Clusters(labels=labels, centres=centres, scores=tuple(scores))


def name_segments(
    clusters: Clusters,
    *,
    shap: FloatArray,
    values: FloatArray,
    features: tuple[Feature, ...],
    labels: BoolArray,
) -> tuple[Segment, ...]:
    """Describe each cluster.

    A feature drives a segment by how far its mean SHAP value there lies from that of all rows; the word says whether
    the segment has more or less of it, by mean rank.

    Parameters
    ----------
    clusters
        Of m rows.
    shap, values
        float64 (m, p): of the same rows.
    features
        The p features.
    labels
        bool (m,): True for a buyer.

    Returns
    -------
    tuple of Segment
        In the order of the clusters; `segment_id` is the cluster's label. Names are unique.
    """
    ranks = _mean_ranks(values)
    segments: list[Segment] = []
    names: set[str] = set()
    overall = float(labels.mean())
    for number in range(len(clusters.centres)):
        rows = clusters.labels == number
        drivers = _drivers(shap[rows].mean(axis=0) - shap.mean(axis=0), ranks[rows].mean(axis=0), features)
        name = _unique_name(drivers, number, names)
        names.add(name)
        buyer_share = float(labels[rows].mean())
        lift = buyer_share / overall if overall > 0.0 else 0.0
        segments.append(Segment(number, name, int(rows.sum()), buyer_share, lift, drivers))
    return tuple(segments)


def _kmeans(coordinates: FloatArray, number: int, seed: int) -> IntArray:
    from sklearn.cluster import KMeans

    fitted = KMeans(n_clusters=number, n_init=10, random_state=seed).fit(coordinates)
    return np.asarray(fitted.labels_, dtype=np.int64)


def _distances(coordinates: FloatArray) -> FloatArray:
    difference = coordinates[:, None, :] - coordinates[None, :, :]
    return np.asarray(np.sqrt((difference**2).sum(axis=2)), dtype=np.float64)


def _score(distances: FloatArray, labels: IntArray) -> NumberScore:
    from sklearn.metrics import silhouette_score

    sizes = np.bincount(labels)
    return NumberScore(len(sizes), float(silhouette_score(distances, labels, metric="precomputed")), int(sizes.min()))


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


def _mean_ranks(values: FloatArray) -> FloatArray:
    """Return each column as ranks, ties averaged, 0 .. 1, less the mean rank."""
    from scipy.stats import rankdata

    ranks: FloatArray = np.asarray(rankdata(values, axis=0), dtype=np.float64) / len(values)
    return np.asarray(ranks - ranks.mean(axis=0), dtype=np.float64)


def _drivers(shap_shift: FloatArray, rank_shift: FloatArray, features: tuple[Feature, ...]) -> tuple[str, ...]:
    """Say the features with the largest shift, in words: ``more purchases in PRODUCE``."""
    said = []
    for at in np.argsort(-np.abs(shap_shift), kind="stable")[:_DRIVERS]:
        if abs(shap_shift[at]) < _WEAKEST_DRIVER or rank_shift[at] == 0.0:
            continue
        more, less = _WORDS.get(features[at].unit, _WORDS["number"])
        said.append(f"{more if rank_shift[at] > 0.0 else less} {features[at].phrase}")
    return tuple(said)


def _unique_name(drivers: tuple[str, ...], number: int, taken: set[str]) -> str:
    for length in range(min(_NAMING, len(drivers)), len(drivers) + 1):
        name = ", ".join(drivers[:length])
        if name and name not in taken:
            return name
    stem = ", ".join(drivers) or "no feature stands out"
    return stem if stem not in taken else f"{stem} ({number + 1})"
