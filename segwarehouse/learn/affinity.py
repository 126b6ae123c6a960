"""The recipe's own target: who lies in the cluster of customers with the highest propensity.

In: out-of-fold propensity and SHAP values of n customers. Out: for each, how surely she belongs to that cluster. The
clusters are found on a map of a sample, as in the recipe, and the rest of the customers join those whose reasons are
most like theirs. Since the SHAP values are out of fold, the cluster is not a copy of the labels.
"""

import numpy as np

from segwarehouse.domain import FloatArray
from segwarehouse.learn.embed import embed
from segwarehouse.learn.propensity import Propensity

_CLUSTERS = 2
_NEIGHBOURS = 15
_SUREST = 0.99


def high_propensity_cluster(propensity: Propensity, *, seed: int) -> FloatArray:
    """Return how surely each customer belongs to the high-propensity cluster of SHAP space.

    Parameters
    ----------
    propensity
        Of n customers, out of fold.
    seed
        Fixes the sample, the map and the clusters.

    Returns
    -------
    numpy.ndarray
        float64 (n,), 0.01 to 0.99: the share of the 15 nearest mapped customers, by SHAP values, who are in it.

    Notes
    -----
    UMAP of the SHAP values, then KMeans with two clusters, as in the recipe; scikit-learn's ``KNeighborsClassifier``
    for customers outside the map, and for those on it too, so that all are judged alike.
    """
    from sklearn.cluster import KMeans
    from sklearn.neighbors import KNeighborsClassifier
    from threadpoolctl import threadpool_limits

    shap = propensity.explanation.shap
    embedding = embed(shap, seed=seed)
    with threadpool_limits(1):
        clusters = KMeans(_CLUSTERS, n_init=10, random_state=seed).fit_predict(embedding.coordinates)
        mapped = propensity.log_odds[embedding.rows]
        means = [mapped[clusters == number].mean() for number in range(_CLUSTERS)]
        inside = clusters == int(np.argmax(means))
        if inside.all():
            return np.full(len(shap), _SUREST)
        nearest = KNeighborsClassifier(min(_NEIGHBOURS, len(inside))).fit(shap[embedding.rows], inside)
        share = nearest.predict_proba(shap)[:, 1]
    return np.asarray(np.clip(share, 1.0 - _SUREST, _SUREST), dtype=np.float64)
