"""Clusters."""

import numpy as np
import pytest

from segwarehouse.domain import FloatArray, IntArray
from segwarehouse.learn.cluster import cluster

CENTRES = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])


def blobs(size: int = 60) -> tuple[FloatArray, IntArray]:
    generator = np.random.default_rng(4)
    group = np.repeat(np.arange(4), size)
    return CENTRES[group] + generator.normal(scale=0.4, size=(4 * size, 2)), group


def test_planted_groups_come_back_ordered_by_propensity() -> None:
    coordinates, group = blobs()
    log_odds = np.array([-1.0, 2.0, 0.0, 1.0])[group]
    found = cluster(coordinates, log_odds, seed=1, min_size=20)
    assert found.labels.tolist() == np.array([3, 0, 2, 1])[group].tolist()
    np.testing.assert_allclose(found.centres, CENTRES[[1, 3, 2, 0]], atol=0.3)
    assert [score.number for score in found.scores] == [3, 4, 5, 6, 7, 8]
    assert max(found.scores, key=lambda score: score.silhouette).number == 4


def test_a_number_with_a_cluster_too_small_is_not_chosen() -> None:
    coordinates, group = blobs()
    kept = np.concatenate([np.flatnonzero(group < 3), np.flatnonzero(group == 3)[:5]])
    found = cluster(coordinates[kept], np.zeros(len(kept)), seed=1, min_size=20)
    assert len(found.centres) == 3
    assert np.bincount(found.labels).min() >= 20


@pytest.mark.parametrize("count", [0, 1, 2, 30])
def test_points_in_one_place_are_one_cluster(count: int) -> None:
    found = cluster(np.zeros((count, 2)), np.zeros(count), seed=1, min_size=1)
    assert found.labels.tolist() == [0] * count
    assert len(found.centres) == min(count, 1)


def test_a_number_that_refits_do_not_find_again_is_not_chosen() -> None:
    coordinates, group = blobs()
    found = cluster(coordinates, group.astype(np.float64), seed=1, min_size=20)
    by_number = {score.number: score.stability for score in found.scores}
    assert by_number[4] == pytest.approx(1.0)
    assert all(by_number[number] < by_number[4] for number in (5, 6, 7, 8))


def test_four_clusters_are_taken_where_three_are_only_a_little_better() -> None:
    generator = np.random.default_rng(2)
    centres = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [2.6, 10.0]])
    group = np.repeat(np.arange(4), 100)
    coordinates = centres[group] + generator.normal(scale=0.5, size=(400, 2))
    found = cluster(coordinates, np.zeros(400), seed=1)
    best = max(found.scores, key=lambda score: score.silhouette)
    assert best.number == 3
    assert len(found.centres) == 4
