"""How soon customers who have not bought in a department yet begin to, if at all.

In: how long each customer had shopped before she first bought there, or has shopped by now without. Out: the chance
that she begins within the days to come. Those who begin easily begin early, so the longer somebody has not, the less
likely it becomes: the share of candidates who bought in the last window is too high a guess for the next one.

The model is the exponential-gamma one of trial in new-product forecasting (Fader, Hardie and Zeithammer, "Forecasting
new product trial in a controlled test market environment", Journal of Forecasting 2003): each customer begins at a
rate of her own, rates are gamma distributed, so that the share who have not begun by time t is ``(a / (a + t)) ** r``.
Whoever buys in the department on her first day was never a candidate and is left out.
"""

from dataclasses import dataclass

import numpy as np

from segwarehouse.domain import BoolArray, FloatArray

FEWEST_BEGINNERS = 50
"""With fewer customers who began after their first day, nothing is fitted."""

_STARTS = ((3.0, -1.0), (6.0, 1.0), (1.0, -2.0))
_BOUNDS = ((-3.0, 12.0), (-8.0, 8.0))
_USUAL_SCALE = 4.0
_SPREAD = 3.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """``S(t) = (scale / (scale + t)) ** shape``, t in days since a customer's first purchase anywhere.

    Attributes
    ----------
    scale
        In days, above 0.
    shape
        Above 0.
    """

    scale: float
    shape: float

    def begins_within(self, days: float, waited_days: FloatArray) -> FloatArray:
        """Return the chance, float64 (n,), to begin within `days` for those who have waited so long.

        >>> Waiting(scale=100.0, shape=1.0).begins_within(100.0, np.array([0.0, 300.0])).round(9).tolist()
        [0.5, 0.2]
        """
        before = self.scale + waited_days
        return np.asarray(-np.expm1(self.shape * (np.log(before) - np.log(before + days))), dtype=np.float64)


def fit_waiting(waited_days: FloatArray, began: BoolArray) -> Waiting | None:
    """Fit the model by maximum likelihood.

    Parameters
    ----------
    waited_days
        float64 (n,), at least 0: days from a customer's first purchase anywhere to her first one in the department, or
        to now.
    began
        bool (n,): True for who has bought in the department.

    Returns
    -------
    Waiting or None
        None with fewer than `FEWEST_BEGINNERS` who began after their first day.

    Notes
    -----
    L-BFGS-B on the logarithms, from three starts. A weak normal prior on the logarithm of the scale (mean 4, standard
    deviation 3) keeps it finite where customers begin at a constant rate.
    """
    from scipy.optimize import minimize

    later = waited_days > 0.0
    days, events = waited_days[later], began[later]
    if int(events.sum()) < FEWEST_BEGINNERS:
        return None

    def loss(logarithms: FloatArray) -> float:
        scale, shape = np.exp(logarithms)
        survived = shape * (np.log(scale) - np.log(scale + days))
        rate = np.log(shape) - np.log(scale + days[events])
        return float(-survived.sum() - rate.sum() + 0.5 * ((logarithms[0] - _USUAL_SCALE) / _SPREAD) ** 2)

    fits = [minimize(loss, start, method="L-BFGS-B", bounds=_BOUNDS) for start in _STARTS]
    best = min(fits, key=lambda fit: float(fit.fun))
    scale, shape = (float(value) for value in np.exp(best.x))
    return Waiting(scale, shape)
