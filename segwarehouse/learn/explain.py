"""What drives a classifier's answer, row by row: SHAP values of a LightGBM booster, in log-odds.

In: a fitted booster and rows that it has not seen. Out: one value a feature and a base, which add up to the
booster's raw score. Which rows are held out, and averaging, is left to `propensity.py`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from segwarehouse.domain import FloatArray, IntArray

if TYPE_CHECKING:
    import lightgbm


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why each of n rows has its log-odds: ``base + shap.sum(axis=1)``.

    Attributes
    ----------
    shap
        float64 (n, p): what each feature adds to the row's log-odds.
    base
        float64 (n,): the log-odds of a row of which nothing is known. Out of fold it differs a little from fold
        to fold.
    """

    shap: FloatArray
    base: FloatArray

    def of(self, rows: IntArray) -> "Explanation":
        """Return the explanation of some of the rows, int64 (k,), in their order."""
        return Explanation(self.shap[rows], self.base[rows])

    @property
    def log_odds(self) -> FloatArray:
        """Return what the features and the base add up to, float64 (n,)."""
        return np.asarray(self.base + self.shap.sum(axis=1), dtype=np.float64)

    @property
    def importance(self) -> FloatArray:
        """Return the mean absolute SHAP value of each feature, float64 (p,), in log-odds."""
        return np.asarray(np.abs(self.shap).mean(axis=0), dtype=np.float64)


def explain(booster: "lightgbm.Booster", values: FloatArray) -> Explanation:
    """Return the SHAP values of `values` under `booster`.

    LightGBM's own ``predict(pred_contrib=True)`` is used: it is the path-dependent Tree SHAP that
    ``shap.TreeExplainer`` calls for LightGBM (shap 0.51 gives the same doubles), without the explainer's parsing of
    every tree, which costs more than the values themselves.

    Parameters
    ----------
    booster
        A fitted binary classifier.
    values
        float64 (n, p).

    Notes
    -----
    Lundberg, Erion and Lee, "Consistent individualized feature attribution for tree ensembles" (2018), algorithm 2.
    """
    contributions = np.asarray(booster.predict(values, pred_contrib=True, num_threads=1), dtype=np.float64)
    return Explanation(shap=np.ascontiguousarray(contributions[:, :-1]), base=contributions[:, -1].copy())
