"""How many groups: as many as lie well apart and are found again in another sample of the same customers.

In: a way to group rows, or scores of each number of groups. Out: a measure of stability, and a choice. What the groups
are is left to `cluster.py` and `mixture.py`.
"""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from segwarehouse.domain import IntArray

WANTED = 4
"""The number of groups that is taken where the scores leave a choice: fewer say little, more are not remembered."""

STABLE = 0.75
"""Groups whose refits agree less than this, by the adjusted Rand index, are not taken if others agree more."""

TOLERANCE = 0.1
"""A silhouette that is lower by no more than this counts as good as the best."""

REFITS = 8
REFIT_SHARE = 0.8

Grouping = Callable[[IntArray, int], IntArray]
"""From rows to fit to (k,) and a seed, to a group for each of all n rows."""


def stability(count: int, grouping: Grouping, *, seed: int) -> float:
    """Return how well groups agree from refit to refit, 1 where they are the same.

    Each of 8 refits sees its own 80 percent of the rows, and groups all of them.

    Parameters
    ----------
    count
        How many rows there are, 2 or more.
    grouping
        What is refitted.
    seed
        Of the samples and the refits.

    Returns
    -------
    float
        The adjusted Rand index (Hubert and Arabie 1985), mean over all pairs of refits: 1 for equal groups, 0 for what
        chance gives. Ben-Hur, Elisseeff and Guyon, "A stability based method for discovering structure in clustered
        data" (2002), choose the number of groups by it.
    """
    from sklearn.metrics import adjusted_rand_score

    found = []
    for refit in range(REFITS):
        generator = np.random.default_rng([seed, refit])
        rows = np.sort(generator.choice(count, max(1, round(REFIT_SHARE * count)), replace=False)).astype(np.int64)
        found.append(grouping(rows, int(generator.integers(2**31))))
    return float(np.mean([adjusted_rand_score(first, second) for first, second in combinations(found, 2)]))


def choose_number(numbers: Sequence[int], silhouettes: Sequence[float], stabilities: Sequence[float]) -> int:
    """Return the number of groups to take.

    Of the numbers whose refits agree (`STABLE`), or of the one whose refits agree most where none do, those with a
    silhouette within `TOLERANCE` of the best are as good as each other, and the one nearest to `WANTED` is taken; of
    two that are as near, the smaller.

    Parameters
    ----------
    numbers, silhouettes, stabilities
        One each for every number that was tried and may be taken, at least one.

    Examples
    --------
    >>> choose_number([3, 4, 5, 6], [0.52, 0.48, 0.45, 0.31], [0.97, 0.91, 0.62, 0.93])
    4
    >>> choose_number([3, 4, 5], [0.58, 0.42, 0.40], [0.97, 0.91, 0.90])
    3
    >>> choose_number([3, 4, 5], [0.5, 0.5, 0.5], [0.41, 0.52, 0.60])
    5
    """
    scored = list(zip(numbers, silhouettes, stabilities, strict=True))
    stable = [item for item in scored if item[2] >= STABLE] or [max(scored, key=lambda item: (item[2], -item[0]))]
    best = max(silhouette for _, silhouette, _ in stable)
    return min((abs(number - WANTED), number) for number, silhouette, _ in stable if silhouette >= best - TOLERANCE)[1]
