"""What is known of the customers when one department is learned."""

from dataclasses import dataclass, field

import numpy as np

from segwarehouse.domain import BoolArray, Feature, FloatArray, IntArray
from segwarehouse.errors import SegwarehouseError


@dataclass(frozen=True, slots=True)
class Population:
    """n customers, without any line of the department itself.

    Attributes
    ----------
    values
        float64 (n, p), finite.
    features
        One `Feature` for each column of `values`.
    labels
        bool (n,): True for a buyer of the department.
    activity_values
        float64 (n, k): whole thousandths of log(1 + x), 0 .. 1e6.
    activity_features
        The names of the columns of `activity_values`.
    map_order
        int64 (n,), or empty: who comes first onto a map that has no room for all, the lowest first.

    Raises
    ------
    SegwarehouseError
        If the shapes don't fit together or a value is not finite.
    """

    values: FloatArray
    features: tuple[Feature, ...]
    labels: BoolArray
    activity_values: FloatArray
    activity_features: tuple[str, ...]
    map_order: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __post_init__(self) -> None:
        count = len(self.labels)
        expected = {"values": (count, len(self.features)), "activity_values": (count, len(self.activity_features))}
        for name, shape in expected.items():
            matrix: FloatArray = getattr(self, name)
            if matrix.shape != shape:
                raise SegwarehouseError(f"{name} has shape {matrix.shape}, not {shape}")
            if not np.isfinite(matrix).all():
                raise SegwarehouseError(f"{name} holds a value that is not finite")
