"""Which of today's groups of customers is which of yesterday's, so that a number goes on meaning the same.

In: for the customers who were grouped both times, the group of each time. Out: a number for each of today's groups.
"""

import numpy as np

from segwarehouse.domain import FloatArray, IntArray

SAME = 1.0 / 3.0
"""Groups are the same where their overlap (Jaccard) is at least this: of two groups of one size, half stayed."""


def match_groups(previous: IntArray, current: IntArray, count: int, *, fresh: int) -> IntArray:
    """Return a number for each of today's groups: yesterday's where it is the same group, else a new one.

    Groups are paired one to one so that their overlaps add up to the most; a pair with too small an overlap (`SAME`)
    is two groups. New numbers go from `fresh` on, in the order of today's groups.

    Parameters
    ----------
    previous
        int64 (n,): the number, 0 or more, of yesterday's group of each customer.
    current
        int64 (n,): the place, 0 to `count` - 1, of today's group of the same customer.
    count
        How many groups there are today; some may hold none of these customers.
    fresh
        Above all of yesterday's numbers.

    Returns
    -------
    IntArray
        int64 (count,), each number once.

    Notes
    -----
    Overlap is customers in both over customers in either (Jaccard). ``scipy.optimize.linear_sum_assignment``; Kuhn,
    "The Hungarian method for the assignment problem" (1955).

    Examples
    --------
    >>> import numpy as np
    >>> match_groups(np.array([5, 5, 2, 2, 2, 2]), np.array([0, 0, 1, 1, 2, 1]), 3, fresh=6).tolist()
    [5, 2, 6]
    """
    from scipy.optimize import linear_sum_assignment

    numbers = np.unique(previous)
    overlap = _overlaps(np.searchsorted(numbers, previous).astype(np.int64), current, len(numbers), count)
    ids = np.full(count, -1, dtype=np.int64)
    for row, column in zip(*linear_sum_assignment(-overlap), strict=True):
        if overlap[row, column] >= SAME:
            ids[column] = numbers[row]
    unmatched = np.flatnonzero(ids < 0)
    ids[unmatched] = fresh + np.arange(len(unmatched))
    return ids


def _overlaps(previous: IntArray, current: IntArray, rows: int, columns: int) -> FloatArray:
    """Return the Jaccard overlap of each of yesterday's groups with each of today's (rows, columns)."""
    both = np.zeros((rows, columns), dtype=np.float64)
    np.add.at(both, (previous, current), 1.0)
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
    return np.asarray(both / np.maximum(either, 1.0), dtype=np.float64)
