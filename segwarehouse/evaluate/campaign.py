"""What a campaign has moved: those whom it was to contact, compared with the control group that was held back.

In: who was to be contacted, who was held back, and who of both bought afterwards. Out: the difference, how many buyers
it stands for, what share of those who would have bought anyway, and how large that share must be to be seen at all. The
control group was drawn by a hash of the id, from the same ranks, so that nothing but the contact tells the two apart.
All compares what was planned (intention to treat): whoever was not reached may differ from whoever was.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, nan, sqrt
from statistics import NormalDist

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
    """The share of buyers among those contacted compared with that among the control group, and a 95 percent interval.

    The one less the other, or how much larger it is as a share of the other.
    """

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


def uplift_of(target: Arm, control: Arm) -> Effect:
    """Return by what share more of the one arm bought than of the other: the ratio of two shares less 1.

    NaN where an arm is empty or nobody bought; without buyers in the control group only the lower bound is finite.

    Notes
    -----
    Koopman, "Confidence intervals for the ratio of two binomial proportions", Biometrics 40 (1984): all ratios that
    the score test does not reject, which holds for small groups and for none or all.

    Examples
    --------
    The paper's example, 36 of 40 against 16 of 80, whose interval for the ratio is 2.94 to 7.15:

    >>> found = uplift_of(Arm(40, 36), Arm(80, 16))
    >>> [round(value, 2) for value in (found.value, found.low, found.high)]
    [3.5, 1.94, 6.15]
    """
    if not target.customers or not control.customers or not target.buyers + control.buyers:
        return Effect(nan, nan, nan)
    value = target.share / control.share if control.buyers else inf
    limit = NormalDist().inv_cdf((1.0 + LEVEL) / 2.0) ** 2

    def rejected(ratio: float) -> bool:
        return _score(target, control, ratio) > limit

    within = value if 0.0 < value < inf else 1.0
    while not target.buyers and rejected(within):
        within /= 2.0
    while not control.buyers and rejected(within):
        within *= 2.0
    low = _edge(rejected, within, 0.5) if target.buyers else 0.0
    high = _edge(rejected, within, 2.0) if control.buyers else inf
    return Effect(value - 1.0, low - 1.0, high - 1.0)


def _score(target: Arm, control: Arm, ratio: float) -> float:
    """Return the chi-square of one degree of freedom by which the data depart from a ratio of the shares."""
    customers, buyers = target.customers + control.customers, target.buyers + control.buyers
    linear = ratio * (target.customers + control.buyers) + target.buyers + control.customers
    root = sqrt(max(0.0, linear**2 - 4.0 * ratio * customers * buyers))
    control_share = min(2.0 * buyers / (linear + root), 1.0)
    target_share = min(ratio * control_share, 1.0)
    departure = 0.0
    for arm, share in ((target, target_share), (control, control_share)):
        variance = arm.customers * share * (1.0 - share)
        gap = arm.buyers - arm.customers * share
        departure += gap**2 / variance if variance > 0.0 else 0.0 if abs(gap) < 1e-9 else inf
    return departure


def _edge(rejected: Callable[[float], bool], within: float, factor: float) -> float:
    """Return where a ratio that is not rejected becomes one that is, going by `factor` below or above it."""
    beyond = within * factor
    while not rejected(beyond):
        within, beyond = beyond, beyond * factor
    for _ in range(60):
        middle = (within + beyond) / 2.0
        within, beyond = (within, middle) if rejected(middle) else (middle, beyond)
    return within


POWER = 0.8


def smallest_visible(contacts: int, controls: int, share: float) -> float:
    """Return the smallest uplift that a control group of this size would show in four of five campaigns.

    Parameters
    ----------
    contacts, controls
        How many customers each arm has.
    share
        Of buyers without a contact, 0 to 1.

    Returns
    -------
    float
        As a share of the buyers without a contact; infinite where not even buyers alone would be enough, or where
        there are none.

    Notes
    -----
    Two proportions, two-sided at 5 percent, power 80 percent: Fleiss, Levin and Paik, "Statistical Methods for Rates
    and Proportions" (2003), section 4.2, with arms of different size and without the continuity correction.

    Examples
    --------
    >>> round(smallest_visible(400, 44, 0.3), 2), round(smallest_visible(4_000, 4_000, 0.3), 2)
    (0.72, 0.1)
    """
    if not contacts or not controls or not 0.0 < share < 1.0:
        return inf
    normal = NormalDist()
    least = normal.inv_cdf((1.0 + LEVEL) / 2.0), normal.inv_cdf(POWER)

    def is_seen(raised: float) -> bool:
        pooled = (contacts * raised + controls * share) / (contacts + controls)
        by_chance = sqrt(pooled * (1.0 - pooled) * (1.0 / contacts + 1.0 / controls))
        with_effect = sqrt(raised * (1.0 - raised) / contacts + share * (1.0 - share) / controls)
        return raised - share >= least[0] * by_chance + least[1] * with_effect

    low, high = share, 1.0
    if not is_seen(high):
        return inf
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (low, middle) if is_seen(middle) else (middle, high)
    return high / share - 1.0


@dataclass(frozen=True, slots=True)
class Total:
    """What a campaign has moved over all departments.

    Attributes
    ----------
    added_buyers
        How many more bought than would have without it.
    uplift
        The same as a share of those who would have bought without it; NaN where nobody would.
    smallest_visible
        The uplift that would be seen in four of five such campaigns; infinite where none would.
    """

    added_buyers: Estimate
    uplift: Estimate
    smallest_visible: float


def total_effect(
    department: IntArray, customer: IntArray, planned: BoolArray, bought: BoolArray, *, seed: int
) -> Total:
    """Return how many more bought in all departments together than would have without the campaign.

    Parameters
    ----------
    department, customer
        int64 (n,): a number for each, from 0. A customer may be in several departments' audiences.
    planned, bought
        bool (n,): in the target arm or in the control group; whether she bought there.
    seed
        Of the resamples.

    Notes
    -----
    Over departments, the difference of shares times the number of planned contacts, and those contacts times the share
    of the control group. Intervals are a bootstrap over customers, since one customer's departments are not
    independent, and so is the standard error that the smallest visible uplift is 2.8 times of. A department without a
    control group adds nothing, and on a resample neither does one whose control group is not in it.
    """
    departments = int(department.max()) + 1 if len(department) else 0
    everyone = int(customer.max()) + 1 if len(customer) else 0
    cell = department * 4 + planned * 2 + bought

    def counted(weights: FloatArray) -> FloatArray:
        """Return added buyers, those expected without the campaign by the control group, and by both arms."""
        counts = np.bincount(cell, weights[customer], minlength=4 * departments).reshape(departments, 2, 2)
        size = counts.sum(axis=2)
        share = np.divide(counts[..., 1], size, out=np.zeros_like(size), where=size > 0)
        contacts = np.where((size > 0).all(axis=1), size[:, 1], 0.0)
        pooled = counts[..., 1].sum(axis=1) / np.maximum(1.0, size.sum(axis=1))
        return np.array([(share[:, 1] - share[:, 0]) @ contacts, share[:, 0] @ contacts, pooled @ contacts])

    blocks = resampled_weights(everyone, seed, RESAMPLES)
    found = counted(np.ones(everyone))
    resampled = np.array([counted(weights) for block in blocks for weights in block])
    added = Estimate.of(float(found[0]), resampled[:, 0])
    needed = sum(NormalDist().inv_cdf(level) for level in ((1.0 + LEVEL) / 2.0, POWER)) * added.standard_error
    return Total(
        added_buyers=added,
        uplift=_relative(found[:2], resampled[:, :2]),
        smallest_visible=float(needed / found[2]) if found[2] > 0 and needed > 0.0 else inf,
    )


def _relative(found: FloatArray, resampled: FloatArray) -> Estimate:
    """Return added buyers (first) as a share of those expected (second), on the data (2,) and on resamples (b, 2).

    Where a resample expects none, the share is above all others, so that the upper bound may be infinite.
    """
    if not found[1] > 0.0:
        return Estimate(nan, nan, nan, nan)
    shares = np.full(len(resampled), inf)
    np.divide(resampled[:, 0], resampled[:, 1], out=shares, where=resampled[:, 1] > 0.0)
    low, high = np.quantile(shares, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0], method="inverted_cdf")
    error = float(shares.std(ddof=1)) if np.isfinite(shares).all() else nan
    return Estimate(float(found[0] / found[1]), float(low), float(high), error)
