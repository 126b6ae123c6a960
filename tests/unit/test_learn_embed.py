"""Maps are tested on their properties, never on their coordinates."""

import numpy as np
import pytest

from segwarehouse.domain import FloatArray, IntArray
from segwarehouse.learn.embed import Method, embed


def groups(size: int = 40) -> tuple[FloatArray, IntArray]:
    generator = np.random.default_rng(6)
    group = np.repeat(np.arange(3), size)
    return 20.0 * np.eye(3, 5)[group] + generator.normal(size=(3 * size, 5)), group


@pytest.mark.parametrize("method", ["umap", "tsne"])
def test_groups_stay_together_and_a_seed_gives_one_map(method: Method) -> None:
    values, group = groups()
    first = embed(values, seed=3, method=method, neighbours=12)
    again = embed(values, seed=3, method=method, neighbours=12)
    assert first.coordinates.tobytes() == again.coordinates.tobytes()
    assert first.rows.tolist() == list(range(len(values)))
    distance = np.linalg.norm(first.coordinates[:, None] - first.coordinates[None, :], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (group[distance.argmin(axis=1)] == group).mean() > 0.95


def test_a_sample_is_bounded_seeded_and_sorted() -> None:
    values = np.zeros((500, 2))
    first, again, other = (embed(values, seed=seed, most=100) for seed in (1, 1, 2))
    assert first.rows.tolist() == again.rows.tolist() == sorted(set(first.rows.tolist()))
    assert first.rows.tolist() != other.rows.tolist()
    assert len(first.rows) == len(first.coordinates) == 100


@pytest.mark.parametrize("method", ["umap", "tsne"])
@pytest.mark.parametrize(
    "values",
    [
        np.zeros((0, 3)),
        np.ones((1, 1)),
        np.zeros((60, 4)),
        np.arange(9.0)[:, None],
        np.repeat(np.arange(4.0)[:, None], 30, axis=0),
        np.repeat(np.arange(12.0)[:, None], 10, axis=0),
    ],
    ids=["empty", "one", "constant", "few", "few distinct", "many duplicates"],
)
def test_degenerate_input_gives_a_finite_map(values: FloatArray, method: Method) -> None:
    embedding = embed(values, seed=1, method=method)
    assert embedding.coordinates.shape == (len(values), 2)
    assert np.isfinite(embedding.coordinates).all()
