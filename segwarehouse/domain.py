"""The frozen types that every layer shares: conditions, rules, cards, and how they read a column.

In: plain values and numpy arrays. Out: masks, points, scores and ranks. This is the Python half of the proof:
`rules/compile.py` says the same in SQL, and `rules/prove.py` compares the one with the other. It imports numpy and
the standard library only.

A missing value (NULL) never satisfies a condition, whichever way it points. NaN is above every number, as it is
in DuckDB, Spark and PostgreSQL. Feature tables hold neither (a check proves it); the semantics are total all the
same, so that the proof can ask about them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segwarehouse.errors import SegwarehouseError

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ACTIVITY_LIMIT = 1_000_000.0
"""An activity feature outside 0 .. this counts as 0, in SQL as in Python: sums stay exact in 64 bits."""


class Column(NamedTuple):
    """One feature of n customers: `values` float64 (n,), and `missing` bool (n,), True where it is NULL."""

    values: FloatArray
    missing: BoolArray

    @classmethod
    def complete(cls, values: FloatArray) -> "Column":
        """Return a column without missing values."""
        return cls(values, np.zeros(len(values), dtype=np.bool_))


Columns = Mapping[str, Column]


class Operator(StrEnum):
    """How a value is compared with a threshold. Complements of each other on numbers."""

    AT_LEAST = ">="
    BELOW = "<"


@dataclass(frozen=True, slots=True, order=True)
class Condition:
    """`feature operator threshold`, for instance ``purchases_produce >= 3``.

    Raises
    ------
    SegwarehouseError
        If the threshold is not a finite number.
    """

    feature: str
    operator: Operator
    threshold: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.threshold):
            raise SegwarehouseError(f"threshold {self.threshold!r} of {self.feature!r} is not a finite number")

    def matches(self, columns: Columns) -> BoolArray:
        """Return a mask (n,): True where the condition holds. NULL never does; NaN is above every number.

        >>> column = Column(np.array([2.0, 3.0, np.nan, 9.0]), np.array([False, False, False, True]))
        >>> Condition("x", Operator.AT_LEAST, 3.0).matches({"x": column}).tolist()
        [False, True, True, False]
        """
        values, missing = columns[self.feature]
        if self.operator is Operator.AT_LEAST:
            holds = (values >= self.threshold) | np.isnan(values)
        else:
            holds = values < self.threshold
        return holds & ~missing


@dataclass(frozen=True, slots=True)
class Rule:
    """Conditions that must all hold, and the whole points (1 or more) that a customer then gets."""

    conditions: tuple[Condition, ...]
    points: int

    def __post_init__(self) -> None:
        if not self.conditions:
            raise SegwarehouseError("a rule needs at least one condition")
        if self.points < 1:
            raise SegwarehouseError(f"a rule gives 1 point or more, not {self.points}")

    def matches(self, columns: Columns) -> BoolArray:
        """Return a mask (n,): True where every condition holds."""
        mask = self.conditions[0].matches(columns)
        for condition in self.conditions[1:]:
            mask = mask & condition.matches(columns)
        return mask


@dataclass(frozen=True, slots=True)
class ActivityTerm:
    """One part of the activity measure: a whole weight for a feature that holds whole numbers."""

    feature: str
    weight: int


@dataclass(frozen=True, slots=True)
class Activity:
    """How active a customer is at all: a weighted sum of log breadth, log spend and log recency.

    Weights and features are whole numbers (thousandths), so the sum is exact on every engine.
    `unit` is how much activity one point of the card is worth, `floor` what counts as no points.

    The points for activity are ``max(0, min(cap, floor((activity - floor) / unit)))``.
    """

    terms: tuple[ActivityTerm, ...] = ()
    floor: int = 0
    unit: int = 1
    cap: int = 0

    def __post_init__(self) -> None:
        if self.unit < 1 or self.cap < 0:
            raise SegwarehouseError(f"activity needs unit >= 1 and cap >= 0, not {self.unit} and {self.cap}")

    def value(self, columns: Columns, count: int) -> IntArray:
        """Return the activity (n,) int64. A feature that is NULL, NaN or outside 0 .. ACTIVITY_LIMIT is 0."""
        total = np.zeros(count, dtype=np.int64)
        for term in self.terms:
            values, missing = columns[term.feature]
            usable = (values >= 0.0) & (values <= ACTIVITY_LIMIT) & ~missing
            total += term.weight * np.floor(np.where(usable, values, 0.0)).astype(np.int64)
        return total

    def points(self, value: IntArray) -> IntArray:
        """Return the points (n,) int64 that this much activity is worth."""
        steps = np.floor((value - self.floor).astype(np.float64) / float(self.unit)).astype(np.int64)
        return np.clip(steps, 0, self.cap)


@dataclass(frozen=True, slots=True)
class Card:
    """A department's card: rules with points on top of activity, and the probability of each total.

    Attributes
    ----------
    rules
        Most points first; the rule at position i is called ``R{i + 1}``.
    activity
        The measure that the rules stand on, and that breaks ties.
    probabilities
        The calibrated probability of a total of 0, 1, 2, ... points; higher totals take the last one.
    """

    rules: tuple[Rule, ...]
    activity: Activity
    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.probabilities or not all(0.0 <= p <= 1.0 for p in self.probabilities):
            raise SegwarehouseError("a card needs a probability between 0 and 1 for every total")

    @property
    def features(self) -> tuple[str, ...]:
        """The features that the card reads, sorted."""
        read = {condition.feature for rule in self.rules for condition in rule.conditions}
        return tuple(sorted(read | {term.feature for term in self.activity.terms}))

    @property
    def condition_count(self) -> int:
        """How many conditions the whole card has, activity aside."""
        return sum(len(rule.conditions) for rule in self.rules)

    def apply(self, columns: Columns, count: int) -> "Scored":
        """Score `count` customers. See `Scored`."""
        matched = np.zeros((count, len(self.rules)), dtype=np.bool_)
        for position, rule in enumerate(self.rules):
            matched[:, position] = rule.matches(columns)
        activity = self.activity.value(columns, count)
        weights = np.array([rule.points for rule in self.rules], dtype=np.int64)
        points = self.activity.points(activity) + (matched.astype(np.int64) @ weights)
        table = np.array(self.probabilities, dtype=np.float64)
        score = table[np.clip(points, 0, len(table) - 1)]
        return Scored(matched=matched, activity=activity, points=points, score=score)


@dataclass(frozen=True, slots=True)
class Scored:
    """What a card says of n customers.

    Attributes
    ----------
    matched
        bool (n, rules): which rule each customer satisfies.
    activity
        int64 (n,): the activity measure, in thousandths.
    points
        int64 (n,): points of the rules and of activity together.
    score
        float64 (n,): calibrated probability.
    """

    matched: BoolArray
    activity: IntArray
    points: IntArray
    score: FloatArray

    @property
    def selected(self) -> BoolArray:
        """Mask (n,): customers that satisfy at least one rule; the view's WHERE clause."""
        return np.asarray(self.matched.any(axis=1), dtype=np.bool_)


class Typical(NamedTuple):
    """The median of a feature over a group of customers."""

    feature: str
    value: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A named group of customers.

    Shares are 0 to 1; `lift` is buyer share over the share of all; `weight` is that of a mixture's component.
    """

    segment_id: int
    name: str
    size: int
    buyer_share: float
    lift: float
    drivers: tuple[str, ...]
    typical: tuple[Typical, ...] = ()
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Department:
    """A department: its small stable key, the name as it came, and a slug that names its view.

    `column` is the department's column in the wide feature table, or None where the table's cap left it out.
    `learnable_buyers` are the buyers who bought in other departments too: nobody else is learned from.
    """

    key: int
    name: str
    slug: str
    buyers: int
    customers: int
    column: str | None
    learnable_buyers: int

    @property
    def candidates(self) -> int:
        """Customers who have not bought here yet."""
        return self.customers - self.buyers


@dataclass(frozen=True, slots=True)
class Feature:
    """A column of the feature table.

    `kind` is ``behaviour``, ``department``, ``category``, ``channel``, ``customer`` or ``activity`` (whole thousandths,
    read by the activity measure only). `phrase` is what a person calls it ("purchases in PRODUCE"); `unit` is
    ``count``, ``days``, ``amount``, ``flag`` or ``number``; `subject` is the department, category or channel that it
    stands for; `recent_days` is how many last days a feature of recent activity looks back, 0 for all others.
    """

    name: str
    kind: str
    phrase: str
    unit: str
    subject: str = ""
    recent_days: int = 0


def is_small(count: int, least: int) -> bool:
    """Tell whether a count is too small to publish; nobody is no small count."""
    return 0 < count < least


def shown_count(count: int, least: int) -> str:
    """Return a count for a sentence.

    >>> shown_count(7, 10), shown_count(12, 10), shown_count(0, 10)
    ('fewer than 10', '12', '0')
    """
    return f"fewer than {least}" if is_small(count, least) else str(count)
