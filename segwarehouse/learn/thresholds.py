"""Thresholds that a person would say.

In: a split that a tree chose, such as ``x > 47.3118``, and the feature's unit. Out: the conditions with a round
threshold next to it, ``x >= 40`` and ``x >= 50``. Which of them is better is left to `card.py`, which tries both.
"""

import math
from bisect import bisect_left
from typing import NamedTuple

from segwarehouse.domain import Condition, Feature, Operator

_COUNTS = (1, 2, 3, 5, 10, 15, 20, 25, 30, 40, 50, 75)
_COUNT_MANTISSAS = (1, 1.5, 2, 2.5, 3, 4, 5, 7.5)
_AMOUNT_MANTISSAS = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
_DAYS = (1, 2, 3, 7, 14, 21, 30, 45, 60, 90, 120, 180, 270, 365, 545, 730, 1095, 1460, 1825)
_WHOLE_UNITS = ("count", "days")


class Split(NamedTuple):
    """One side of a split: column `column` is above `threshold`, or else at most `threshold`."""

    column: int
    above: bool
    threshold: float


class Path(NamedTuple):
    """A path through a tree: splits that all hold, and how far its customers lie above or below the rest."""

    splits: tuple[Split, ...]
    effect: float


def round_neighbours(threshold: float, unit: str) -> tuple[float, ...]:
    """Return the one or two round numbers next to `threshold`, ascending.

    Parameters
    ----------
    threshold
        Finite.
    unit
        `Feature.unit`: ``count`` (1, 2, 3, 5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, ...), ``days`` (7, 14, 21,
        30, 45, 60, 90, ...), ``amount`` (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6 or 8 times a power of ten), ``flag`` (1)
        or ``number`` (two significant digits).

    Examples
    --------
    >>> round_neighbours(47.3, "count"), round_neighbours(33.0, "days"), round_neighbours(0.1234, "number")
    ((40.0, 50.0), (30.0, 45.0), (0.12, 0.13))
    >>> round_neighbours(50.0, "count"), round_neighbours(0.5, "flag"), round_neighbours(-1370.0, "amount")
    ((50.0,), (1.0,), (-1500.0, -1200.0))
    """
    if unit == "flag":
        return (1.0,)
    if unit in _WHOLE_UNITS and threshold <= 1.0:
        return (1.0,)
    if threshold == 0.0:
        return (0.0,)
    if threshold < 0.0:
        return tuple(-value for value in reversed(_around(-threshold, unit)))
    return _around(threshold, unit)


def grain_of(spread: float) -> float:
    """Return the step below which a difference in a feature with this standard deviation means nothing to a person.

    >>> grain_of(2.0), grain_of(35.0), grain_of(0.0)
    (0.1, 1.0, 0.0)
    """
    return float(f"1e{math.floor(math.log10(spread / 20.0))}") if spread > 0.0 else 0.0


def rounded_conditions(split: Split, feature: Feature, grain: float = 0.0) -> tuple[Condition, ...]:
    """Return a split as one or two conditions with round thresholds.

    In a feature of whole numbers ``x > 2.5`` and ``x > 2.0`` both mean ``x >= 3``. In a feature of other numbers a
    threshold of less than ten grains (`grain_of`) is brought to whole grains: 0, and not -0.00029.

    >>> visits = Feature("frequency", "behaviour", "baskets", "count")
    >>> [condition.threshold for condition in rounded_conditions(Split(0, True, 2.5), visits)]
    [3.0]
    """
    operator = Operator.AT_LEAST if split.above else Operator.BELOW
    bound = math.floor(split.threshold) + 1.0 if feature.unit in _WHOLE_UNITS else split.threshold
    if feature.unit == "number" and abs(bound) < 10.0 * grain:
        steps = {math.floor(bound / grain), math.ceil(bound / grain)}
        values = tuple(float(f"{step * grain:.12g}") + 0.0 for step in sorted(steps))
    else:
        values = round_neighbours(bound, feature.unit)
    return tuple(Condition(feature.name, operator, value) for value in values)


def complement(condition: Condition) -> Condition:
    """Return the condition that holds for exactly the other numbers.

    >>> str(complement(Condition("recency_days", Operator.BELOW, 30.0)).operator)
    '>='
    """
    operator = Operator.BELOW if condition.operator is Operator.AT_LEAST else Operator.AT_LEAST
    return Condition(condition.feature, operator, condition.threshold)


def _around(threshold: float, unit: str) -> tuple[float, ...]:
    """Return the neighbours of a threshold above 0, or the threshold alone where it is round already."""
    ladder = _ladder(threshold, unit)
    at = bisect_left(ladder, threshold)
    if at < len(ladder) and math.isclose(ladder[at], threshold, rel_tol=1e-9):
        return (ladder[at],)
    return tuple(ladder[max(0, at - 1) : at + 1])


def _ladder(threshold: float, unit: str) -> list[float]:
    """Return the round numbers of a unit, ascending, from below `threshold` to above it."""
    exponent = math.floor(math.log10(threshold))
    if unit == "days" and threshold <= _DAYS[-1]:
        return [float(value) for value in _DAYS]
    if unit in _WHOLE_UNITS:
        if threshold <= _COUNTS[-1]:
            return [float(value) for value in _COUNTS]
        return [float(_times(value, power)) for power in (exponent, exponent + 1) for value in _COUNT_MANTISSAS]
    if unit == "amount":
        return [_times(value, power) for power in (exponent, exponent + 1) for value in _AMOUNT_MANTISSAS]
    return [_times(digits, exponent - 1) for digits in (*range(10, 100), 100)]


def _times(mantissa: float, exponent: int) -> float:
    """Return ``mantissa * 10**exponent`` as the double that its decimal form reads back as."""
    return float(f"{mantissa!r}e{exponent}")
