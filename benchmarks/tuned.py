"""A LightGBM that is tuned as a careful analyst would, to compare the black box of segwarehouse with.

In: features, who is a buyer, and a seed. Out: out-of-fold log-odds with the parameters that an inner cross-validation
chose. What happened after the cut-off has no part in it.
"""

from itertools import product

import numpy as np

from segwarehouse.domain import BoolArray, FloatArray
from segwarehouse.learn.propensity import LightGBMParameters, fit_propensity

_TREES = (80, 150, 300)
_LEAVES = (4, 6, 15)
_RATES = (0.02, 0.05)
_L2 = (5.0, 20.0)
TRIALS = 8
"""So many of the 36 combinations are tried, drawn by the seed: each costs a cross-validation."""


def tuned_log_odds(values: FloatArray, buyers: BoolArray, *, seed: int) -> FloatArray:
    """Return out-of-fold log-odds, float64 (n,), with the tried parameters of the lowest cross-validated log loss.

    Parameters
    ----------
    values
        float64 (n, p).
    buyers
        bool (n,).
    seed
        Of the draw of parameters and of the folds.
    """
    grid = [
        LightGBMParameters(trees=trees, leaves=leaves, learning_rate=rate, l2=l2, folds=3, repeats=1)
        for trees, leaves, rate, l2 in product(_TREES, _LEAVES, _RATES, _L2)
    ]
    tried = np.random.default_rng(seed).choice(len(grid), TRIALS, replace=False)
    losses = {int(at): _loss(values, buyers, grid[at], seed) for at in tried}
    best = grid[min(losses, key=lambda at: losses[at])]
    final = LightGBMParameters(trees=best.trees, leaves=best.leaves, learning_rate=best.learning_rate, l2=best.l2)
    return fit_propensity(values, buyers, seed=seed, parameters=final).log_odds


def _loss(values: FloatArray, buyers: BoolArray, parameters: LightGBMParameters, seed: int) -> float:
    log_odds = fit_propensity(values, buyers, seed=seed, parameters=parameters).log_odds
    return float(np.mean(np.logaddexp(0.0, log_odds) - buyers * log_odds))
