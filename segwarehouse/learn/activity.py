"""How active a customer is at all, and how far that alone tells buyers from others.

In: activity features (whole thousandths of logarithms) and buyer labels. Out: `domain.Activity` with whole weights,
and the out-of-fold log-odds of activity alone, on which `card.py` lets rules stand. Which features measure activity
is left to the caller.
"""

import numpy as np

from segwarehouse.domain import ACTIVITY_LIMIT, Activity, ActivityTerm, BoolArray, Column, FloatArray, IntArray
from segwarehouse.learn.log_odds import log_odds_of

VALUE_PER_LOG_ODDS = 1_000_000
"""`Activity.value` counts millionths of log-odds: a weight in thousandths times a feature in thousandths."""

POINT = 0.2
"""What one point of a card is worth, in log-odds."""

_LARGEST_WEIGHT = 1_000_000
_FOLDS = 5


def fit_activity(
    activity_values: FloatArray,
    activity_features: tuple[str, ...],
    labels: BoolArray,
    *,
    seed: int,
    point: float = POINT,
) -> tuple[Activity, FloatArray]:
    """Fit a logistic regression of the label on activity.

    Parameters
    ----------
    activity_values
        float64 (n, k): whole thousandths of log(1 + x), 0 .. 1e6. k may be 0.
    activity_features
        The k names.
    labels
        bool (n,): True for a buyer.
    seed
        Fixes the folds.
    point
        How much log-odds one point of the card is worth.

    Returns
    -------
    Activity
        ``value / 1e6`` is the log-odds up to a constant; `floor` and `cap` hold the middle 99 percent of the
        customers. Empty where nothing about activity varies or tells buyers from others.
    numpy.ndarray
        float64 (n,): out-of-fold log-odds at natural prevalence.

    Notes
    -----
    scikit-learn's ``LogisticRegression`` on standardised columns, C = 1. A weight is the coefficient of a natural
    logarithm in thousandths, within plus or minus a million, so that a sum of terms stays far inside 2**53.
    """
    from threadpoolctl import threadpool_limits

    prior = float(log_odds_of(np.array([labels.mean()]))[0])
    held_out = np.full(len(labels), prior)
    varying = [position for position in range(activity_values.shape[1]) if np.ptp(activity_values[:, position]) > 0.0]
    folds = min(_FOLDS, int(labels.sum()), int((~labels).sum()))
    if not varying or folds < 2:
        return Activity(), held_out
    used = np.clip(activity_values[:, varying], 0.0, ACTIVITY_LIMIT)
    with threadpool_limits(1):
        for train, test in _folds(labels, folds, seed):
            coefficients, intercept = _logistic(used[train], labels[train])
            held_out[test] = intercept + used[test] @ coefficients
        coefficients, _ = _logistic(used, labels)
    weights = np.clip(np.rint(coefficients * VALUE_PER_LOG_ODDS), -_LARGEST_WEIGHT, _LARGEST_WEIGHT).astype(np.int64)
    terms = tuple(
        ActivityTerm(activity_features[position], int(weight))
        for position, weight in zip(varying, weights, strict=True)
        if weight != 0
    )
    if not terms:
        return Activity(), held_out
    return with_points(Activity(terms), activity_values, activity_features, point=point), held_out


def with_points(
    activity: Activity, activity_values: FloatArray, activity_features: tuple[str, ...], *, point: float
) -> Activity:
    """Return `activity` with the `floor`, `unit` and `cap` that make one point worth `point` log-odds of its value.

    The floor is the 0.5 percent quantile of the customers' values and the cap is the points at the 99.5 percent
    quantile, so that a few extreme customers don't stretch the card. With a `point` larger than that span the cap
    is 0, and activity only breaks ties.
    """
    value = activity.value(activity_columns(activity_values, activity_features), len(activity_values))
    low, high = (int(bound) for bound in np.quantile(value, [0.005, 0.995], method="nearest"))
    unit = max(1, round(point * VALUE_PER_LOG_ODDS))
    return Activity(terms=activity.terms, floor=low, unit=unit, cap=(high - low) // unit)


def activity_columns(activity_values: FloatArray, activity_features: tuple[str, ...]) -> dict[str, Column]:
    """Return the activity features as columns without missing values, as `Activity.value` reads them."""
    return {name: Column.complete(activity_values[:, at]) for at, name in enumerate(activity_features)}


def _folds(labels: BoolArray, folds: int, seed: int) -> list[tuple[IntArray, IntArray]]:
    from sklearn.model_selection import StratifiedKFold

    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return [(train, test) for train, test in splitter.split(np.zeros((len(labels), 1)), labels)]


def _logistic(used: FloatArray, labels: BoolArray) -> tuple[FloatArray, float]:
    """Return coefficients (k,) for the columns as they are, and the intercept."""
    from sklearn.linear_model import LogisticRegression

    centre, scale = used.mean(axis=0), used.std(axis=0)
    scale = np.where(scale > 0.0, scale, 1.0)
    fitted = LogisticRegression(max_iter=1000).fit((used - centre) / scale, labels)
    coefficients = np.asarray(fitted.coef_[0] / scale, dtype=np.float64)
    return coefficients, float(fitted.intercept_[0] - coefficients @ centre)
