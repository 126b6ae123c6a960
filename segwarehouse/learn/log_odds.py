"""Between probabilities and log-odds, the scale on which everything in `learn/` adds up."""

import numpy as np

from segwarehouse.domain import FloatArray

SMALLEST = 1e-9
"""Probabilities are kept this far from 0 and 1, so that log-odds are finite."""


def log_odds_of(probability: FloatArray) -> FloatArray:
    """Return ``log(p / (1 - p))``, float64 (n,), of probabilities 0 .. 1.

    >>> log_odds_of(np.array([0.5, 0.75])).round(4).tolist()
    [0.0, 1.0986]
    """
    inside = np.clip(probability, SMALLEST, 1.0 - SMALLEST)
    return np.asarray(np.log(inside) - np.log1p(-inside), dtype=np.float64)


def probability_of(log_odds: FloatArray) -> FloatArray:
    """Return ``1 / (1 + exp(-x))``, float64 (n,), without overflow, strictly between 0 and 1.

    >>> probability_of(np.array([0.0, -1000.0])).tolist()
    [0.5, 1e-09]
    """
    tail = np.exp(-np.abs(log_odds))
    probability = np.where(log_odds >= 0.0, 1.0 / (1.0 + tail), tail / (1.0 + tail))
    return np.clip(probability, SMALLEST, 1.0 - SMALLEST)
