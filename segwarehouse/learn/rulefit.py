"""Candidate rules from RuleFit.

In: features and what they should explain. Out: paths, as from any tree, with the sign of RuleFit's coefficient. How
they are rounded and chosen from is left to `pool.py` and `card.py`.

imodels keeps rules as text, rounds their thresholds and reseeds numpy's global generator. None of that gets out of
here: columns go in by position, conditions are read from the parsed rule and not from its text, thresholds are rounded
further anyway, and the generator is put back.
"""

import numpy as np

from segwarehouse.domain import FloatArray
from segwarehouse.errors import SegwarehouseError
from segwarehouse.learn.pool import tree_generator
from segwarehouse.learn.thresholds import Path, Split

_TREES = 100
_MOST_RULES = 40
_MOST_ROWS = 10_000
_PENALTY = 0.035
_COLUMN = "X_"


def rulefit_paths(values: FloatArray, target: FloatArray, *, seed: int) -> list[Path]:
    """Return the rules that RuleFit's Lasso keeps.

    Parameters
    ----------
    values
        float64 (n, p), finite.
    target
        float64 (n,): what the rules explain.
    seed
        Fixes the trees.

    Returns
    -------
    list of Path
        At most 40, those with the largest coefficients first. Empty where the target does not vary.

    Raises
    ------
    SegwarehouseError
        If imodels states a rule in a form that is not known here.

    Notes
    -----
    Friedman and Popescu, "Predictive learning via rule ensembles" (2008), as ``RuleFitRegressor`` in imodels 3.0:
    100 trees of 3 leaves, no linear terms, no inner cross-validation (it has no effect there), at most 10,000 rows. The
    Lasso's penalty is 0.035 standard deviations of the target, which keeps 30 to 50 rules: imodels' own search for the
    penalty that keeps 40 fits the Lasso some 40 times.
    """
    import warnings

    from imodels import RuleFitRegressor
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    rows = (
        np.random.default_rng(seed).permutation(len(target))[:_MOST_ROWS] if len(target) > _MOST_ROWS else slice(None)
    )
    used, explained = values[rows], target[rows]
    if np.ptp(explained) == 0.0:
        return []
    fitted = RuleFitRegressor(
        tree_size=3,
        tree_generator=tree_generator(len(used), leaves=3, trees=_TREES, seed=seed),
        exp_rand_tree_size=False,
        include_linear=False,
        max_rules=None,
        alpha=_PENALTY * float(explained.std()),
        cv=False,
        random_state=seed,
    )
    state = np.random.get_state()
    try:
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted.fit(used, explained)
    finally:
        np.random.set_state(state)
    stated = zip(fitted.rules_without_feature_names_, fitted.coef, strict=True)
    strongest = sorted(stated, key=lambda pair: -abs(pair[1]))[:_MOST_RULES]
    return [
        Path(splits, float(coefficient)) for rule, coefficient in strongest if (splits := _splits_of(rule.agg_dict))
    ]


def _splits_of(terms: dict[tuple[str, str], str]) -> tuple[Split, ...]:
    """Return the splits of imodels' parsed rule: ``{("X_3", "<="): "2.5"}``; none where it selects everyone."""
    splits = []
    for (column, symbol), threshold in sorted(terms.items()):
        if symbol == "==":
            return ()
        if symbol not in {"<=", ">"} or not column.startswith(_COLUMN):
            raise SegwarehouseError(f"imodels states a condition as {column!r} {symbol!r} {threshold!r}")
        splits.append(Split(int(column.removeprefix(_COLUMN)), above=symbol == ">", threshold=float(threshold)))
    return tuple(splits)
