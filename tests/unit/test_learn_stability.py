"""The number of groups is one that other samples of the same customers find again."""

import numpy as np
import pytest

from segwarehouse.domain import IntArray
from segwarehouse.learn.halves import choose_number, stability


def test_groups_that_are_always_the_same_are_stable_whatever_they_are_called() -> None:
    truth = np.arange(90, dtype=np.int64) % 3

    def relabelled(rows: IntArray, seed: int) -> IntArray:
        assert len(rows) == 72
        return np.random.default_rng(seed).permutation(3)[truth].astype(np.int64)

    assert stability(90, relabelled, seed=1) == pytest.approx(1.0)


def test_groups_drawn_by_lot_are_not_stable() -> None:
    def drawn(rows: IntArray, seed: int) -> IntArray:
        return np.random.default_rng(seed).integers(0, 3, 900)

    assert abs(stability(900, drawn, seed=1)) < 0.02


def test_each_refit_sees_other_rows_and_the_seed_fixes_them() -> None:
    seen: list[list[int]] = []

    def noted(rows: IntArray, seed: int) -> IntArray:
        seen.append(rows.tolist())
        return np.zeros(50, dtype=np.int64)

    stability(50, noted, seed=3)
    first = [list(rows) for rows in seen]
    seen.clear()
    stability(50, noted, seed=3)
    assert seen == first
    assert len({tuple(rows) for rows in first}) == len(first) > 1


@pytest.mark.parametrize(
    ("silhouettes", "stabilities", "chosen"),
    [
        pytest.param([0.50, 0.45, 0.44, 0.43], [0.9, 0.9, 0.9, 0.9], 4, id="four when it is nearly as good"),
        pytest.param([0.60, 0.45, 0.44, 0.43], [0.9, 0.9, 0.9, 0.9], 3, id="three when it is much better"),
        pytest.param([0.50, 0.49, 0.44, 0.48], [0.9, 0.7, 0.9, 0.9], 3, id="not four when it is not found again"),
        pytest.param([0.30, 0.31, 0.44, 0.45], [0.9, 0.9, 0.9, 0.9], 5, id="nearest to four"),
        pytest.param([0.60, 0.50, 0.40, 0.30], [0.2, 0.3, 0.6, 0.5], 5, id="the most stable when none is"),
    ],
)
def test_the_number_is_chosen_by_silhouette_and_stability(
    silhouettes: list[float], stabilities: list[float], chosen: int
) -> None:
    assert choose_number([3, 4, 5, 6], silhouettes, stabilities) == chosen
