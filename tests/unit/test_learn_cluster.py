"""Clusters and their names."""

import numpy as np
import pytest

from segwarehouse.domain import Feature, FloatArray, IntArray
from segwarehouse.learn.cluster import cluster, name_segments

CENTRES = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
FEATURES = (
    Feature("purchases_produce", "department", "purchases in PRODUCE", "count"),
    Feature("monetary_amount", "behaviour", "spend", "amount"),
    Feature("noise", "customer", "noise", "number"),
)


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


def test_segments_say_what_drives_them_and_count_right() -> None:
    coordinates, group = blobs()
    high = np.isin(group, [1, 3])
    values = np.column_stack([np.where(high, 9.0, 1.0), np.where(group >= 2, 500.0, 20.0), np.arange(len(group)) % 7])
    shap = np.column_stack([np.where(high, 1.0, -1.0), np.where(group >= 2, -0.4, 0.4), np.zeros(len(group))])
    labels = high & (np.arange(len(group)) % 2 == 0)
    clusters = cluster(coordinates, shap.sum(axis=1), seed=1, min_size=20)
    segments = name_segments(clusters, shap=shap, values=values, features=FEATURES, labels=labels)
    assert [segment.name for segment in segments] == [
        "more purchases in PRODUCE, less spend",
        "more purchases in PRODUCE, more spend",
        "fewer purchases in PRODUCE, less spend",
        "fewer purchases in PRODUCE, more spend",
    ]
    assert [segment.segment_id for segment in segments] == [0, 1, 2, 3]
    assert [segment.size for segment in segments] == [60, 60, 60, 60]
    assert [segment.buyer_share for segment in segments] == [0.5, 0.5, 0.0, 0.0]
    assert segments[0].lift == pytest.approx(2.0)


def test_names_are_unique_where_nothing_tells_segments_apart() -> None:
    coordinates, group = blobs()
    flat = np.zeros((len(group), 3))
    clusters = cluster(coordinates, group.astype(np.float64), seed=1)
    segments = name_segments(clusters, shap=flat, values=flat, features=FEATURES, labels=group > 1)
    assert segments[0].name == "no feature stands out"
    assert len({segment.name for segment in segments}) == 4
