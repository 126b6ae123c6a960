"""What a campaign has moved: those who were contacted, held against the control group that was not.

In: who was contacted, who was held back, and who of both bought afterwards. Out: the difference, and how many buyers it
stands for. The control group was drawn by a hash of the id, from the same ranks, so that nothing but the contact tells
the two apart. Whether everybody in the budget was contacted, and nobody else, is known to the team alone.
"""

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np

from segwarehouse.domain import BoolArray, FloatArray, IntArray
from segwarehouse.evaluate.bootstrap import LEVEL, RESAMPLES, Estimate, resampled_weights


@dataclass(frozen=True, slots=True)
class Arm:
    """How many customers an arm has, and how many of them bought."""

    customers: int
    buyers: int

    @property
    def share(self) -> float:
        """Buyers over customers; NaN without customers."""
        return self.buyers / self.customers if self.customers else nan


@dataclass(frozen=True, slots=True)
class Effect:
    """The share of buyers among those contacted less that among the control group, with its 95 percent interval."""

    value: float
    low: float
    high: float

    def times(self, contacts: float) -> "Effect":
        """Return the same in buyers, for so many contacts."""
        return Effect(self.value * contacts, self.low * contacts, self.high * contacts)


def effect_of(target: Arm, control: Arm) -> Effect:
    """Return the difference of two shares; NaN where an arm is empty.

    Notes
    -----
    Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine 17
    (1998), method 10: from Wilson's intervals of both shares, which hold for small groups and for none or all.

    Examples
    --------
    The paper's example (a), 56 of 70 against 48 of 80:

    >>> found = effect_of(Arm(70, 56), Arm(80, 48))
    >>> [round(value, 4) for value in (found.value, found.low, found.high)]
    [0.2, 0.0524, 0.3339]
    """
    from scipy.stats import binomtest

    if not target.customers or not control.customers:
        return Effect(nan, nan, nan)
    first, second = (
        binomtest(arm.buyers, arm.customers).proportion_ci(LEVEL, method="wilson") for arm in (target, control)
    )
    value = target.share - control.share
    below = sqrt((target.share - first.low) ** 2 + (second.high - control.share) ** 2)
    above = sqrt((first.high - target.share) ** 2 + (control.share - second.low) ** 2)
    return Effect(value, value - below, value + above)


def added_buyers(
    department: IntArray, customer: IntArray, contacted: BoolArray, bought: BoolArray, *, seed: int
) -> Estimate:
    """Return how many more bought in all departments together than would have without the campaign.

    Parameters
    ----------
    department, customer
        int64 (n,): a number for each, from 0. A customer may be in several departments' audiences.
    contacted, bought
        bool (n,): in the target arm or in the control group; whether she bought there.
    seed
        Of the resamples.

    Notes
    -----
    Over departments, the difference of shares times the number of contacts. The interval is a bootstrap over customers,
    since one customer's departments are not independent. A department without a control group adds nothing, and on a
    resample neither does one whose control group is not in it.
    """
    departments = int(department.max()) + 1 if len(department) else 0
    everyone = int(customer.max()) + 1 if len(customer) else 0
    cell = department * 4 + contacted * 2 + bought

    def added(weights: FloatArray) -> float:
        counts = np.bincount(cell, weights[customer], minlength=4 * departments).reshape(departments, 2, 2)
        size = counts.sum(axis=2)
        share = np.divide(counts[..., 1], size, out=np.zeros_like(size), where=size > 0)
        difference = np.where((size > 0).all(axis=1), share[:, 1] - share[:, 0], 0.0)
        return float(difference @ size[:, 1])

    blocks = resampled_weights(everyone, seed, RESAMPLES)
    return Estimate.of(added(np.ones(everyone)), np.array([added(weights) for block in blocks for weights in block]))
