"""A map of customers in two dimensions: a view, never a decision rule.

In: any numeric matrix (features, or SHAP values). Out: the rows that were sampled and where they lie. What is drawn
on the map, or found in it, is left to `cluster.py` and `mixture.py`.
"""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np

from segwarehouse.domain import FloatArray, IntArray

Method = Literal["umap", "tsne"]

MOST_ROWS = 1500
UMAP_NEIGHBOURS = 50
TSNE_PERPLEXITY = 3
_UMAP_EPOCHS = 200
_FEWEST_ROWS = 10


@dataclass(frozen=True, slots=True)
class Embedding:
    """Where customers lie.

    Attributes
    ----------
    rows
        int64 (m,): positions of the sampled customers in the input, ascending.
    coordinates
        float64 (m, 2).
    """

    rows: IntArray
    coordinates: FloatArray


def embed(
    values: FloatArray,
    *,
    seed: int,
    method: Method = "umap",
    neighbours: int | None = None,
    most: int = MOST_ROWS,
    order: IntArray | None = None,
) -> Embedding:
    """Lay out at most `most` customers in the plane.

    Parameters
    ----------
    values
        float64 (n, p), finite; p at least 1. Scale columns first where they are not in one unit.
    seed
        Fixes the sample and the layout.
    method
        ``umap`` (min_dist 0, 200 epochs, started from principal components) or ``tsne``.
    neighbours
        UMAP's ``n_neighbors``, by default 50, or t-SNE's ``perplexity``, by default the recipe's 3.
    most
        Rows beyond this many are sampled without replacement.
    order
        int64 (n,): the rows with the lowest are the sample; so it stays the same people where rows come and go. None,
        or empty: the sample is drawn by the seed.

    Returns
    -------
    Embedding
        The principal components stand in where there are too few distinct rows (under 10) for either method.

    Notes
    -----
    McInnes, Healy and Melville, "UMAP" (2018), umap-learn 0.5; van der Maaten and Hinton, "Visualizing data using
    t-SNE" (2008), scikit-learn. Both run on one thread, so that a seed gives one map.
    """
    from threadpoolctl import threadpool_limits

    rows = _sample(len(values), most, seed, order)
    used = np.ascontiguousarray(values[rows], dtype=np.float64)
    with threadpool_limits(1):
        start = _principal_components(used)
        if len(np.unique(used, axis=0)) < _FEWEST_ROWS:
            return Embedding(rows, start)
        if method == "umap":
            wanted = UMAP_NEIGHBOURS if neighbours is None else neighbours
            return Embedding(rows, _umap(used, start, min(wanted, len(used) - 1), seed))
        perplexity = TSNE_PERPLEXITY if neighbours is None else neighbours
        return Embedding(rows, _tsne(used, start, min(perplexity, (len(used) - 1) // 3), seed))


def _sample(count: int, most: int, seed: int, order: IntArray | None) -> IntArray:
    if count <= most:
        return np.arange(count, dtype=np.int64)
    if order is not None and len(order):
        return np.sort(np.argsort(order, kind="stable")[:most]).astype(np.int64)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False)).astype(np.int64)


def _principal_components(used: FloatArray) -> FloatArray:
    """Return the first two principal components (m, 2), largest entry of each positive; zero where there is none."""
    coordinates = np.zeros((len(used), 2), dtype=np.float64)
    if len(used) == 0:
        return coordinates
    left, sizes, _ = np.linalg.svd(used - used.mean(axis=0), full_matrices=False)
    for axis in range(min(2, len(sizes))):
        component = left[:, axis] * sizes[axis]
        coordinates[:, axis] = component if component[np.argmax(np.abs(component))] >= 0.0 else -component
    return coordinates


def _umap(used: FloatArray, start: FloatArray, neighbours: int, seed: int) -> FloatArray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImportWarning)  # umap says on import that its TensorFlow variant is not there
        import umap

    largest = float(np.abs(start).max())
    noise = np.random.default_rng(seed).normal(scale=1e-4, size=start.shape)
    layout = umap.UMAP(
        n_neighbors=max(2, neighbours),
        min_dist=0.0,
        n_epochs=_UMAP_EPOCHS,
        init=(start * (10.0 / largest) + noise).astype(np.float32),
        random_state=seed,
        n_jobs=1,
    )
    return np.asarray(layout.fit_transform(used), dtype=np.float64)


def _tsne(used: FloatArray, start: FloatArray, perplexity: int, seed: int) -> FloatArray:
    from sklearn.manifold import TSNE

    spread = float(start[:, 0].std())
    layout = TSNE(
        perplexity=float(max(1, perplexity)),
        init=(start * (1e-4 / spread)).astype(np.float32),
        random_state=seed,
        n_jobs=1,
    )
    return np.asarray(layout.fit_transform(used), dtype=np.float64)
