"""Groups of customers as segments: a name, what drives them, and a typical customer.

In: which of m customers is in which group, their features, and who of them buys. Out: `domain.Segment`s. Segments
explain; who is targeted is left to the card. How a typical customer is put in words is left to `rules/describe.py`.
"""

from collections.abc import Sequence

import numpy as np

from segwarehouse.domain import BoolArray, Feature, FloatArray, IntArray, Segment, Typical
from segwarehouse.learn.cluster import Clusters

_DRIVERS = 3
_NAMING = 2
_WEAKEST_DRIVER = 0.02
_WEAKEST_RANK_SHIFT = 0.05
_BOUGHT = ("department", "category")
_WORDS = {
    "count": ("more", "fewer"),
    "days": ("more", "fewer"),
    "amount": ("more", "less"),
    "flag": ("more often", "less often"),
    "number": ("higher", "lower"),
}


def name_segments(
    clusters: Clusters,
    *,
    shap: FloatArray,
    values: FloatArray,
    features: tuple[Feature, ...],
    labels: BoolArray,
    min_cell: int = 1,
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
    min_cell
        A segment of fewer rows has no typical customer.

    Returns
    -------
    tuple of Segment
        In the order of the clusters; `segment_id` is the cluster's label. Names are unique. What is typical are
        medians of the driving features.
    """
    ranks = _mean_ranks(values)
    segments: list[Segment] = []
    names: set[str] = set()
    overall = float(labels.mean())
    for number in range(len(clusters.centres)):
        rows = clusters.labels == number
        shift = shap[rows].mean(axis=0) - shap.mean(axis=0)
        rank_shift = ranks[rows].mean(axis=0)
        driving = [at for at in _largest(np.abs(shift), _WEAKEST_DRIVER) if rank_shift[at] != 0.0]
        drivers = _in_words(driving, rank_shift, features)
        name = _unique_name(drivers, number, names)
        names.add(name)
        buyer_share = float(labels[rows].mean())
        lift = buyer_share / overall if overall > 0.0 else 0.0
        typical = _typical(driving, values[rows], features, min_cell)
        segments.append(Segment(number, name, int(rows.sum()), buyer_share, lift, drivers, typical))
    return tuple(segments)


def name_components(
    nearest: IntArray,
    count: int,
    *,
    values: FloatArray,
    features: tuple[Feature, ...],
    labels: BoolArray,
    weights: FloatArray,
    min_cell: int = 1,
) -> tuple[Segment, ...]:
    """Describe each component of a mixture of buyers by what its buyers buy more of than all buyers do.

    Where there is no such thing, by what they buy less of.

    Parameters
    ----------
    nearest
        int64 (m,): the component whose centre is nearest to each customer.
    count
        How many components there are.
    values
        float64 (m, p): features of the same customers.
    features
        The p features; those of departments and categories say what is bought.
    labels
        bool (m,): True for a buyer.
    weights
        float64 (count,): of the components.
    min_cell
        A component with fewer buyers is not described, and has no typical customer.

    Returns
    -------
    tuple of Segment
        In the order of the components; sizes count all customers, not buyers alone. Features are compared with each
        other by the mean rank of the component's buyers among all buyers. What is typical are medians over its buyers.
    """
    ranks = _mean_ranks(values[labels])
    bought = np.array([feature.kind in _BOUGHT for feature in features], dtype=np.bool_)
    overall = float(labels.mean()) if len(labels) else 0.0
    segments: list[Segment] = []
    names: set[str] = set()
    for number in range(count):
        rows = nearest == number
        buyers = nearest[labels] == number
        shift = np.zeros(len(features), dtype=np.float64)
        if buyers.sum() >= max(1, min_cell):
            shift = np.where(bought, ranks[buyers].mean(axis=0), 0.0)
        driving = _largest(shift, _WEAKEST_RANK_SHIFT) or _largest(-shift, _WEAKEST_RANK_SHIFT)
        drivers = _in_words(driving, shift, features)
        name = _unique_name(drivers, number, names)
        names.add(name)
        buyer_share = float(labels[rows].mean()) if rows.any() else 0.0
        lift = buyer_share / overall if overall > 0.0 else 0.0
        typical = _typical(driving, values[labels][buyers], features, min_cell)
        size, weight = int(rows.sum()), float(weights[number])
        segments.append(Segment(number, name, size, buyer_share, lift, drivers, typical, weight))
    return tuple(segments)


def _largest(strength: FloatArray, weakest: float) -> list[int]:
    """Return the places of the strongest features, strongest first."""
    return [int(at) for at in np.argsort(-strength, kind="stable")[:_DRIVERS] if strength[at] >= weakest]


def _mean_ranks(values: FloatArray) -> FloatArray:
    """Return each column as ranks, ties averaged, 0 .. 1, less the mean rank."""
    from scipy.stats import rankdata

    ranks: FloatArray = np.asarray(rankdata(values, axis=0), dtype=np.float64) / max(1, len(values))
    return np.asarray(ranks - ranks.mean(axis=0), dtype=np.float64) if len(values) else ranks


def _in_words(driving: Sequence[int], rank_shift: FloatArray, features: tuple[Feature, ...]) -> tuple[str, ...]:
    """Say the driving features in words: ``more purchases in PRODUCE``."""
    phrases = []
    for at in driving:
        more, less = _WORDS.get(features[at].unit, _WORDS["number"])
        phrases.append(f"{more if rank_shift[at] > 0.0 else less} {features[at].phrase}")
    return tuple(phrases)


def _typical(
    driving: Sequence[int], values: FloatArray, features: tuple[Feature, ...], min_cell: int
) -> tuple[Typical, ...]:
    """Return the medians of the driving features over customers `values` (m, p); none of fewer than `min_cell`."""
    if len(values) < max(1, min_cell):
        return ()
    return tuple(Typical(features[at].name, float(np.median(values[:, at]))) for at in driving)


def _unique_name(drivers: tuple[str, ...], number: int, taken: set[str]) -> str:
    for length in range(min(_NAMING, len(drivers)), len(drivers) + 1):
        name = ", ".join(drivers[:length])
        if name and name not in taken:
            return name
    stem = ", ".join(drivers) or "no feature stands out"
    return stem if stem not in taken else f"{stem} ({number + 1})"
