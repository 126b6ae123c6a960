"""Where a department's buyers gather on the map: a Gaussian mixture.

In: 2-D coordinates of the buyers. Out: weights, centres and covariances with the number of components chosen, and
how far any customer is from the nearest centre. The map holds a sample of the customers: where none of the buyers is
on it, there is no component. Drawing the ellipses is left to the report.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from segwarehouse.domain import FloatArray, IntArray
from segwarehouse.learn.halves import choose_number, stability

Covariance = Literal["full", "spherical"]

NUMBERS = range(1, 9)
_ROWS_A_COMPONENT = 10
_MOST_SILHOUETTE_ROWS = 3000


@dataclass(frozen=True, slots=True)
class ComponentScore:
    """How well a number of components fits.

    Attributes
    ----------
    number
        Of components.
    silhouette
        Mean silhouette of the hard assignment, -1 to 1; None where all rows fall to one component.
    bic
        Bayesian information criterion; lower is better.
    stability
        How well refits agree, 1 for the same assignment; None for one component. See `stability.stability`.
    """

    number: int
    silhouette: float | None
    bic: float
    stability: float | None = None


@dataclass(frozen=True, slots=True)
class Mixture:
    """A mixture of k Gaussians in the plane, the heaviest component first; k is 0 where there was nobody to fit to.

    Attributes
    ----------
    weights
        float64 (k,), sum 1.
    means
        float64 (k, 2).
    covariances
        float64 (k, 2, 2), whatever the type that was fitted.
    scores
        One for each number of components that was tried.
    """

    weights: FloatArray
    means: FloatArray
    covariances: FloatArray
    scores: tuple[ComponentScore, ...]

    def nearest(self, coordinates: FloatArray) -> tuple[IntArray, FloatArray]:
        """Return the nearest centre (n,) int64 and the Euclidean distance to it (n,) float64 of any customers.

        Without any component they are -1 and NaN.

        Parameters
        ----------
        coordinates
            float64 (n, 2), on the map that the mixture was fitted to.
        """
        if len(self.means) == 0:
            return np.full(len(coordinates), -1, dtype=np.int64), np.full(len(coordinates), np.nan, dtype=np.float64)
        difference = coordinates[:, None, :] - self.means[None, :, :]
        distances = np.sqrt((difference**2).sum(axis=2))
        nearest = np.argmin(distances, axis=1).astype(np.int64)
        return nearest, np.asarray(distances[np.arange(len(coordinates)), nearest], dtype=np.float64)


def fit_mixture(
    coordinates: FloatArray,
    *,
    seed: int,
    covariance: Covariance = "full",
    numbers: Sequence[int] = NUMBERS,
) -> Mixture:
    """Fit mixtures of each number of components and keep one.

    Of the numbers whose BIC is lower than that of the smallest number tried, the one is taken that `choose_number`
    chooses by silhouette, as in the recipe, and by how well refits agree; otherwise the smallest number is. The
    silhouette is not defined for one component, so without the BIC it would find groups in a single cloud.

    Parameters
    ----------
    coordinates
        float64 (m, 2), finite: the buyers.
    seed
        Fixes the starts.
    covariance
        ``full``, or the recipe's ``spherical``.
    numbers
        Numbers to try, ascending; those with under 10 distinct rows a component are left out, except the first.

    Notes
    -----
    ``GaussianMixture`` of scikit-learn, 3 starts, and one in each refit; Schwarz (1978) for the BIC, Rousseeuw (1987)
    for the silhouette, on at most 3,000 rows.
    """
    from threadpoolctl import threadpool_limits

    if len(coordinates) == 0:
        return Mixture(np.zeros(0), np.zeros((0, 2)), np.zeros((0, 2, 2)), ())
    distinct = len(np.unique(coordinates, axis=0))
    tried = [number for number in numbers if number * _ROWS_A_COMPONENT <= distinct] or [min(numbers[0], distinct)]
    with threadpool_limits(1):
        fitted = [_fit(coordinates, number, covariance, seed) for number in tried]
        scores = tuple(
            ComponentScore(
                number,
                _silhouette(coordinates, one, seed),
                float(one.bic(coordinates)),
                _refits(coordinates, number, covariance, seed) if number > 1 else None,
            )
            for number, one in zip(tried, fitted, strict=True)
        )
    return _mixture(fitted[tried.index(_chosen(scores))], covariance, scores)


def _chosen(scores: Sequence[ComponentScore]) -> int:
    fitting = [
        (score.number, score.silhouette, score.stability)
        for score in scores
        if score.bic < scores[0].bic and score.silhouette is not None and score.stability is not None
    ]
    if not fitting:
        return scores[0].number
    numbers, silhouettes, stabilities = zip(*fitting, strict=True)
    return choose_number(numbers, silhouettes, stabilities)


def _refits(coordinates: FloatArray, number: int, covariance: Covariance, seed: int) -> float:
    def grouping(rows: IntArray, refit_seed: int) -> IntArray:
        fitted = _fit(coordinates[rows], number, covariance, refit_seed, starts=1)
        return np.asarray(fitted.predict(coordinates), dtype=np.int64)

    return stability(len(coordinates), grouping, seed=seed)


def _fit(coordinates: FloatArray, number: int, covariance: Covariance, seed: int, starts: int = 3) -> Any:
    """Return a fitted scikit-learn mixture. One row stands twice: scikit-learn wants two."""
    from sklearn.mixture import GaussianMixture

    rows = coordinates if len(coordinates) > 1 else np.repeat(coordinates, 2, axis=0)
    spread = float(rows.var(axis=0).max())
    estimator = GaussianMixture(
        number,
        covariance_type=covariance,
        reg_covar=max(1e-6, 1e-6 * spread),
        n_init=starts,
        max_iter=500,
        random_state=seed,
    )
    return estimator.fit(rows)


def _silhouette(coordinates: FloatArray, fitted: Any, seed: int) -> float | None:
    from sklearn.metrics import silhouette_score

    rows = coordinates
    if len(rows) > _MOST_SILHOUETTE_ROWS:
        chosen = np.random.default_rng(seed).choice(len(rows), _MOST_SILHOUETTE_ROWS, replace=False)
        rows = rows[np.sort(chosen)]
    labels = fitted.predict(rows)
    found = len(np.unique(labels))
    return float(silhouette_score(rows, labels)) if 1 < found < len(rows) else None


def _mixture(fitted: Any, covariance: Covariance, scores: tuple[ComponentScore, ...]) -> Mixture:
    """Return the components of a fitted scikit-learn mixture, the heaviest first."""
    order = np.argsort(-fitted.weights_, kind="stable")
    covariances = np.asarray(fitted.covariances_, dtype=np.float64)
    if covariance == "spherical":
        covariances = covariances[:, None, None] * np.eye(2)
    return Mixture(
        weights=np.asarray(fitted.weights_[order], dtype=np.float64),
        means=np.asarray(fitted.means_[order], dtype=np.float64),
        covariances=covariances[order],
        scores=scores,
    )
