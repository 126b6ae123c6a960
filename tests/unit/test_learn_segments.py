"""Segments are named by what drives them, and say what is typical without giving anyone away."""

import numpy as np
import pytest

from segwarehouse.domain import Feature, Typical
from segwarehouse.learn.cluster import cluster
from segwarehouse.learn.segments import name_components, name_segments
from tests.unit.test_learn_cluster import blobs

FEATURES = (
    Feature("purchases_produce", "department", "purchases in PRODUCE", "count"),
    Feature("monetary_amount", "behaviour", "spend", "amount"),
    Feature("noise", "customer", "noise", "number"),
)


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
    assert segments[1].typical == (Typical("purchases_produce", 9.0), Typical("monetary_amount", 500.0))


def test_names_are_unique_where_nothing_tells_segments_apart() -> None:
    coordinates, group = blobs()
    flat = np.zeros((len(group), 3))
    clusters = cluster(coordinates, group.astype(np.float64), seed=1)
    segments = name_segments(clusters, shap=flat, values=flat, features=FEATURES, labels=group > 1)
    assert segments[0].name == "no feature stands out"
    assert len({segment.name for segment in segments}) == 4


def test_a_segment_below_the_minimum_cell_has_no_typical_customer() -> None:
    coordinates, group = blobs()
    values = np.column_stack([group, group * 100.0, group]).astype(np.float64)
    shap = values - values.mean(axis=0)
    clusters = cluster(coordinates, group.astype(np.float64), seed=1)

    def typical(min_cell: int) -> list[bool]:
        named = name_segments(
            clusters, shap=shap, values=values, features=FEATURES, labels=group > 1, min_cell=min_cell
        )
        return [bool(segment.typical) for segment in named]

    assert typical(60) == [True] * 4
    assert typical(61) == [False] * 4


def test_components_say_what_their_buyers_buy_more_of_than_other_buyers() -> None:
    group = np.repeat([0, 1, 2], [80, 80, 30])
    buyers = np.arange(190) % 2 == 0
    produce = np.where(group == 0, 12.0, 1.0) + np.arange(190) % 3
    dairy = np.where(group == 1, 7.0, 0.0)
    values = np.column_stack([produce, np.where(buyers, 1.0, 900.0), dairy])
    features = (*FEATURES[:2], Feature("purchases_dairy", "department", "purchases in DAIRY", "count", "DAIRY"))
    weights = np.array([0.5, 0.3, 0.2])
    found = name_components(group, 3, values=values, features=features, labels=buyers, weights=weights, min_cell=20)
    assert [segment.name for segment in found[:2]] == ["more purchases in PRODUCE", "more purchases in DAIRY"]
    assert found[1].typical == (Typical("purchases_dairy", 7.0),)
    assert [segment.weight for segment in found] == weights.tolist()
    assert [segment.size for segment in found] == [80, 80, 30]
    assert [segment.buyer_share for segment in found] == pytest.approx([0.5, 0.5, 0.5])
    assert (found[2].drivers, found[2].typical) == ((), ())  # 15 buyers, fewer than 20


def test_a_component_that_buys_less_of_everything_says_so() -> None:
    values = np.column_stack([np.repeat([9.0, 0.0], 50), np.ones(100), np.ones(100)])
    found = name_components(
        np.repeat([0, 1], 50),
        2,
        values=values,
        features=FEATURES,
        labels=np.ones(100, dtype=np.bool_),
        weights=np.array([0.5, 0.5]),
    )
    assert [segment.name for segment in found] == ["more purchases in PRODUCE", "fewer purchases in PRODUCE"]
    assert found[1].typical == (Typical("purchases_produce", 0.0),)


def test_a_component_that_nobody_is_near_to_is_empty() -> None:
    found = name_components(
        np.zeros(4, dtype=np.int64),
        2,
        values=np.ones((4, 3)),
        features=FEATURES,
        labels=np.array([True, False, True, False]),
        weights=np.array([0.9, 0.1]),
    )
    assert (found[1].size, found[1].buyer_share, found[1].typical) == (0, 0.0, ())
