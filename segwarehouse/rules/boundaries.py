"""The fuzzed table that the proof asks about: every value where SQL and Python could part ways.

In: a card. Out: columns of boundary values, a few thousand rows, the same for the same card and seed. For each
feature: its thresholds and the doubles beside them, zero, minus zero, NULL, NaN, infinities, the largest and the
smallest doubles, whole numbers around 2**53, and for activity the ends of its range and of its points. Each value is
tried alone, before customers who satisfy the rest of a rule and before customers who satisfy nothing else, and then
all of them are mixed at random. Running SQL on it is left to `prove.py`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from segwarehouse.domain import ACTIVITY_LIMIT, Activity, Card, Column, Columns, Operator, Rule

Row = dict[str, float | None]
"""Values of one customer by feature; None is NULL, and so is a feature that is left out."""

_LARGEST = float(np.finfo(np.float64).max)
_SMALLEST = 5e-324
_EXACT = 2.0**53
_SPECIAL: tuple[float | None, ...] = (
    *(None, math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0),
    *(_SMALLEST, -_SMALLEST, _LARGEST, -_LARGEST, _EXACT - 1.0, _EXACT, _EXACT + 2.0),
)
_MIXED_ROWS = 2000
_MAX_ROWS = 20_000


def boundary_columns(cards: Sequence[Card], seed: int = 0) -> tuple[Columns, int]:
    """Return a column for every feature of the cards, and the number of rows.

    Parameters
    ----------
    cards
        Whose boundaries to visit, one after the other; what a card does not read is NULL in its rows.
    seed
        Of the random mix.

    Returns
    -------
    tuple[Columns, int]
        Columns by feature (float64 with a mask of NULLs), and their common length: for each card 2,000 mixed rows, and
        about 60 for each condition; a sample of 20,000 where a huge card has more.

    Examples
    --------
    >>> from segwarehouse.domain import Condition
    >>> rule = Rule((Condition("x", Operator.AT_LEAST, 3.0),), 1)
    >>> columns, rows = boundary_columns([Card((rule,), Activity(), (0.5,))])
    >>> rows > 2000, 2.9999999999999996 in columns["x"].values
    (True, True)
    """
    rows = [row for card in cards for row in _rows(card, seed)]
    features = sorted({feature for card in cards for feature in card.features})
    return {feature: _column([row.get(feature) for row in rows]) for feature in features}, len(rows)


def _rows(card: Card, seed: int) -> list[Row]:
    values = boundary_values(card)
    rng = np.random.default_rng(seed)
    rows = [*_sweeps(card, values), *_mixed(card, values, rng)]
    if len(rows) > _MAX_ROWS:
        rows = [rows[position] for position in np.sort(rng.choice(len(rows), _MAX_ROWS, replace=False))]
    return rows


def boundary_values(card: Card) -> Mapping[str, tuple[float | None, ...]]:
    """Return the values to try for each feature of the card: the special ones, and those around its thresholds."""
    values: dict[str, dict[str, float | None]] = {
        feature: {repr(value): value for value in _SPECIAL} for feature in card.features
    }
    for rule in card.rules:
        for condition in rule.conditions:
            for value in _beside(condition.threshold):
                values[condition.feature][repr(value)] = value
    for term in card.activity.terms:
        for value in _activity_ends(card.activity, term.weight):
            values[term.feature][repr(value)] = value
    return {feature: tuple(found.values()) for feature, found in values.items()}


def _beside(value: float) -> tuple[float, float, float]:
    return math.nextafter(value, -math.inf), value + 0.0, math.nextafter(value, math.inf)


def _activity_ends(activity: Activity, weight: int) -> Iterator[float]:
    """Yield values beside the ends of the range, fractions, and where this term alone reaches a point."""
    yield from _beside(ACTIVITY_LIMIT)
    yield from (0.5, math.nextafter(1.0, 0.0), 2.75, ACTIVITY_LIMIT / 2)
    steps = {0, 1, 2, activity.cap // 2, activity.cap - 1, activity.cap, activity.cap + 1}
    for step in sorted(steps) if weight else ():
        reached = (activity.floor + step * activity.unit) // weight
        yield from (float(reached + offset) for offset in (-1, 0, 1) if 0 <= reached + offset <= ACTIVITY_LIMIT)


def _sweeps(card: Card, values: Mapping[str, tuple[float | None, ...]]) -> Iterator[Row]:
    """Yield rows that differ from a background in one feature."""
    backgrounds = [found for rule in card.rules if (found := _satisfying(rule)) is not None]
    zeros: Row = dict.fromkeys(values, 0.0)
    for background in backgrounds:
        for feature in background:
            for value in values[feature]:
                yield {**background, feature: value}
                yield {**zeros, **background, feature: value}
    for term in card.activity.terms:
        for background in backgrounds[:2]:
            for value in values[term.feature]:
                yield {**background, term.feature: value}
    for feature, tried in values.items():
        for value in tried:
            yield {feature: value}
            yield {**zeros, feature: value}


def _mixed(card: Card, values: Mapping[str, tuple[float | None, ...]], rng: np.random.Generator) -> Iterator[Row]:
    """Yield random rows; two of three start from a customer who satisfies a random rule."""
    backgrounds = [found for rule in card.rules if (found := _satisfying(rule)) is not None]
    picks = {feature: rng.integers(len(tried), size=_MIXED_ROWS).tolist() for feature, tried in values.items()}
    for number in range(_MIXED_ROWS):
        row = {feature: tried[picks[feature][number]] for feature, tried in values.items()}
        if backgrounds and number % 3:
            row.update(backgrounds[int(rng.integers(len(backgrounds)))])
        yield row


def _satisfying(rule: Rule) -> Row | None:
    """Return finite values that satisfy a rule, on its edge where there is one; None if nothing does."""
    lower: dict[str, float] = {}
    upper: dict[str, float] = {}
    for condition in rule.conditions:
        if condition.operator is Operator.AT_LEAST:
            lower[condition.feature] = max(lower.get(condition.feature, -math.inf), condition.threshold)
        else:
            upper[condition.feature] = min(upper.get(condition.feature, math.inf), condition.threshold)
    row: Row = {}
    for feature in sorted(lower.keys() | upper.keys()):
        below = math.nextafter(upper.get(feature, math.inf), -math.inf)
        value = lower.get(feature, below)
        if value > below or not math.isfinite(value):
            return None
        row[feature] = value
    return row


def _column(values: list[float | None]) -> Column:
    missing = np.array([value is None for value in values], dtype=np.bool_)
    return Column(np.array([0.0 if value is None else value for value in values], dtype=np.float64), missing)
