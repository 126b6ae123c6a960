"""What may be known of n customers when one department is asked about: the one type that is learned from.

In: arrays. Out: a `DepartmentTable`, checked. Where the arrays come from is left to `features/`, what is made of them
to `learn/` and `evaluate/`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from segwarehouse.domain import BoolArray, Card, Column, Department, Feature, FloatArray, IntArray, Scored
from segwarehouse.errors import SegwarehouseError

NO_DEPARTMENT = Department(key=0, name="", slug="", buyers=0, customers=0, column=None, learnable_buyers=0)
"""Of a table that is not taken from a warehouse."""


def _nobody() -> IntArray:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class DepartmentTable:
    """What may be known about n customers when one department is asked about.

    Whoever bought nowhere else is not among them: without the department's lines nobody would know of her, so that
    she is in the data at all gives away that she is a buyer.

    Attributes
    ----------
    department
        The department that is left out of every feature.
    rows
        int64 (n,): places of the customers in the feature table, ascending.
    features
        The p features, in the order of the columns of `values`.
    values
        float64 (n, p), finite.
    activity_features, activity_values
        The k features of the activity measure, and their values, float64 (n, k): whole thousandths of log(1 + x),
        0 .. 1e6.
    buyers
        bool (n,): who has bought in the department before the cut-off.
    outcomes
        bool (n,): who buys in it within the outcome window. All False where there is none.
    waited_days
        float64 (n,): days from a customer's first purchase anywhere to her first one in the department, or to the
        cut-off. All 0 where there are no times.
    map_order
        int64 (n,), or empty: who comes first onto a map that has no room for all, the lowest first; see
        `FeatureTable.map_order`.
    given_away
        What features are called that are left out because most customers have the same value of them with the
        department, and so buyers another one without it: lists of a fixed length, for instance.

    Raises
    ------
    SegwarehouseError
        If the shapes don't fit together or a value is not finite.
    """

    department: Department
    rows: IntArray
    features: tuple[Feature, ...]
    values: FloatArray
    activity_features: tuple[str, ...]
    activity_values: FloatArray
    buyers: BoolArray
    outcomes: BoolArray
    waited_days: FloatArray
    map_order: IntArray = field(default_factory=_nobody)
    given_away: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.buyers)
        expected = {"values": (count, len(self.features)), "activity_values": (count, len(self.activity_features))}
        for name, shape in expected.items():
            matrix: FloatArray = getattr(self, name)
            if matrix.shape != shape:
                raise SegwarehouseError(f"{name} has shape {matrix.shape}, not {shape}")
            if not np.isfinite(matrix).all():
                raise SegwarehouseError(f"{name} holds a value that is not finite")

    @classmethod
    def of(
        cls,
        values: FloatArray,
        features: Sequence[Feature],
        buyers: BoolArray,
        activity_values: FloatArray,
        activity_features: Sequence[str],
    ) -> "DepartmentTable":
        """Return the table of customers who are in no warehouse and of whom no times are known."""
        count = len(buyers)
        return cls(
            department=NO_DEPARTMENT,
            rows=np.arange(count, dtype=np.int64),
            features=tuple(features),
            values=values,
            activity_features=tuple(activity_features),
            activity_values=activity_values,
            buyers=buyers,
            outcomes=np.zeros(count, dtype=np.bool_),
            waited_days=np.zeros(count, dtype=np.float64),
        )

    def columns(self, customers: BoolArray | slice = slice(None)) -> dict[str, Column]:
        """Return what a card reads, of all customers or of those in a mask (n,), by the name of the feature."""
        named = {feature.name: self.values[customers, at] for at, feature in enumerate(self.features)}
        named |= {name: self.activity_values[customers, at] for at, name in enumerate(self.activity_features)}
        return {name: Column.complete(values) for name, values in named.items()}

    def score(self, card: Card) -> Scored:
        """Return what a card says of the customers."""
        return card.apply(self.columns(), len(self.buyers))

    def subset(self, customers: BoolArray) -> "DepartmentTable":
        """Return the table of the customers in a mask (n,)."""
        return replace(
            self,
            rows=self.rows[customers],
            values=self.values[customers],
            activity_values=self.activity_values[customers],
            buyers=self.buyers[customers],
            outcomes=self.outcomes[customers],
            waited_days=self.waited_days[customers],
            map_order=self.map_order[customers] if len(self.map_order) else self.map_order,
        )
