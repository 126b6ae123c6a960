"""How sure we may be of a figure: resamples of customers, and the interval that they give.

In: how many customers there are and a seed. Out: weights, resample by resample, and `Estimate`. What is measured on a
resample is left to `intervals`, `calibration` and `profit`; equal seeds draw equal resamples, so that their figures
belong together.

The bootstrap is Poisson's (Hanley and MacGibbon 2006; Chamandy et al. 2012): each customer is in a resample 0, 1,
2, ... times, Poisson distributed with mean 1. What can't be defined on a resample, for want of buyers, is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from segwarehouse.domain import FloatArray
from segwarehouse.errors import SegwarehouseError

LEVEL = 0.95
RESAMPLES = 500
_CELLS = 2_000_000
"""Resamples are drawn in blocks of at most so many weights, to bound memory. Results do not depend on it."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, its 95 percent percentile interval, and its standard error over the resamples."""

    value: float
    low: float
    high: float
    standard_error: float

    @classmethod
    def of(cls, value: float, resampled: FloatArray) -> "Estimate":
        """Return the estimate from the value on the data and the values (b,) on the resamples."""
        known = resampled[np.isfinite(resampled)]
        if len(known) < 2 or not np.isfinite(value):
            return cls(float(value), float("nan"), float("nan"), float("nan"))
        low, high = np.quantile(known, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
        return cls(float(value), float(low), float(high), float(known.std(ddof=1)))

    def times(self, factor: float) -> "Estimate":
        """Return the same estimate in another unit; `factor` is positive.

        >>> Estimate(0.25, 0.125, 0.5, 0.0625).times(8)
        Estimate(value=2.0, low=1.0, high=4.0, standard_error=0.5)
        """
        return Estimate(self.value * factor, self.low * factor, self.high * factor, self.standard_error * factor)


def resampled_weights(count: int, seed: int, resamples: int) -> Iterator[FloatArray]:
    """Yield blocks (b, count) of whole-number weights, `resamples` rows in all, the same for the same seed.

    Raises
    ------
    SegwarehouseError
        If fewer than two resamples are asked for.
    """
    if resamples < 2:
        raise SegwarehouseError(f"intervals need 2 resamples or more, not {resamples}")
    generator = np.random.default_rng(seed)
    rows = max(1, _CELLS // max(count, 1))
    for start in range(0, resamples, rows):
        yield generator.poisson(1.0, size=(min(rows, resamples - start), count)).astype(np.float64)
