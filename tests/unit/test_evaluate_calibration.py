"""Reliability and calibration error are what counting by hand gives, and know what is only chance."""

import numpy as np
import pytest

from segwarehouse.domain import BoolArray, FloatArray
from segwarehouse.errors import SegwarehouseError
from segwarehouse.evaluate.calibration import calibration


def world(seed: int, count: int = 1000) -> tuple[FloatArray, BoolArray]:
    """Return probabilities that are exactly true, rounded so that some are equal, and outcomes."""
    generator = np.random.default_rng(seed)
    probability = np.round(generator.beta(1.0, 6.0, count), 2)
    return probability, generator.random(count) < probability


def by_hand(probability: FloatArray, outcomes: BoolArray, bins: int) -> tuple[list[tuple[int, float, float]], float]:
    """Count bin by bin, in loops: each value's middle place among the sorted candidates decides."""
    ordered = sorted(zip(probability.tolist(), outcomes.tolist(), strict=True))
    rows: dict[int, list[tuple[float, bool]]] = {}
    for value, bought in ordered:
        places = [at for at, (other, _) in enumerate(ordered) if other == value]
        middle = (places[0] + places[-1] + 1) / 2
        rows.setdefault(min(int(middle * bins / len(ordered)), bins - 1), []).append((value, bought))
    table = [
        (len(rows[key]), sum(v for v, _ in rows[key]) / len(rows[key]), sum(b for _, b in rows[key]) / len(rows[key]))
        for key in sorted(rows)
    ]
    return table, sum(size * abs(predicted - observed) for size, predicted, observed in table) / len(ordered)


@pytest.mark.parametrize(("count", "bins"), [(7, 3), (60, 10), (250, 10), (250, 1)])
def test_table_and_error_are_those_of_counting_by_hand(count: int, bins: int) -> None:
    probability, outcomes = world(count, count)
    found = calibration(probability, outcomes, seed=0, bins=bins, resamples=20)
    table, error = by_hand(probability, outcomes, bins)
    assert [row.candidates for row in found.bins] == [size for size, _, _ in table]
    assert [row.predicted for row in found.bins] == pytest.approx([predicted for _, predicted, _ in table])
    assert [row.observed.value for row in found.bins] == pytest.approx([observed for _, _, observed in table])
    assert found.error.value == pytest.approx(error)
    assert found.brier.value == pytest.approx(
        sum((p - o) ** 2 for p, o in zip(probability, outcomes, strict=True)) / count
    )


def test_true_probabilities_err_by_chance_alone_and_false_ones_by_more() -> None:
    errors = []
    for seed in range(20):
        probability, outcomes = world(seed)
        found = calibration(probability, outcomes, seed=seed, resamples=100)
        errors.append(found.error.value / found.error_by_chance)
        doubled = calibration(np.minimum(2.0 * probability, 1.0), outcomes, seed=seed, resamples=100)
        assert doubled.error.value > 3.0 * doubled.error_by_chance
        assert doubled.error.low > doubled.error_by_chance
        assert doubled.brier.value > found.brier.value
    assert np.mean(errors) == pytest.approx(1.0, abs=0.15)


def test_intervals_of_the_table_cover_the_truth() -> None:
    covered = total = 0
    for seed in range(20):
        found = calibration(*world(seed), seed=seed, bins=5, resamples=200)
        covered += sum(row.observed.low <= row.predicted <= row.observed.high for row in found.bins)
        total += len(found.bins)
    assert covered / total > 0.88


def test_customers_are_what_is_resampled() -> None:
    probability, outcomes = world(3, 400)
    everyone = np.arange(400)
    once = calibration(probability, outcomes, seed=0)
    twice = calibration(
        np.tile(probability, 2), np.tile(outcomes, 2), seed=0, customers=np.concatenate([everyone, everyone])
    )
    assert twice.brier.standard_error == pytest.approx(once.brier.standard_error)
    assert twice.error.value == pytest.approx(once.error.value)


def test_few_candidates_make_few_bins() -> None:
    probability, outcomes = world(4, 45)
    assert all(row.candidates >= 10 for row in calibration(probability, outcomes, seed=0, least=15, resamples=5).bins)
    assert len(calibration(np.full(9, 0.2), np.arange(9) < 2, seed=0, resamples=5).bins) == 1
    with pytest.raises(SegwarehouseError, match="0 probabilities"):
        calibration(np.empty(0), np.empty(0, dtype=np.bool_), seed=0)
