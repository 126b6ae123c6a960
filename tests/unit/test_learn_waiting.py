"""How soon customers begin to buy: the model finds planted rates, and foresees that those who are left are slower."""

import numpy as np
import pytest

from segwarehouse.domain import BoolArray, FloatArray
from segwarehouse.learn.waiting import FEWEST_BEGINNERS, Waiting, fit_waiting

CUSTOMERS = 20_000
SCALE, SHAPE = 60.0, 0.8
KNOWN_DAYS, OUTCOME_DAYS = 150.0, 91.0


def first_purchases(seed: int) -> FloatArray:
    """Return on which day each customer begins: rates of their own, gamma distributed."""
    random = np.random.default_rng(seed)
    return random.exponential(1.0, CUSTOMERS) / random.gamma(SHAPE, 1.0 / SCALE, CUSTOMERS)


def known_by(days: float, begins: FloatArray) -> tuple[FloatArray, BoolArray]:
    began = begins < days
    return np.where(began, begins, days), began


def test_the_planted_share_of_the_next_window_is_foreseen() -> None:
    begins = first_purchases(1)
    waiting = fit_waiting(*known_by(KNOWN_DAYS, begins))
    assert waiting is not None
    left = begins >= KNOWN_DAYS
    bought = float((begins[left] < KNOWN_DAYS + OUTCOME_DAYS).mean())
    foreseen = float(waiting.begins_within(OUTCOME_DAYS, np.full(int(left.sum()), KNOWN_DAYS)).mean())
    assert foreseen == pytest.approx(bought, abs=0.015)
    before = begins >= KNOWN_DAYS - OUTCOME_DAYS
    last_window = float((begins[before] < KNOWN_DAYS).mean())
    assert last_window > bought + 0.05  # what the last window alone would have said


def test_the_longer_somebody_has_waited_the_less_likely_she_begins() -> None:
    chances = Waiting(SCALE, SHAPE).begins_within(OUTCOME_DAYS, np.array([0.0, 30.0, 90.0, 365.0]))
    assert (np.diff(chances) < 0.0).all()


def test_whoever_bought_there_on_her_first_day_says_nothing() -> None:
    begins = first_purchases(2)
    days, began = known_by(KNOWN_DAYS, begins)
    first_day = np.zeros(5_000)
    with_them = fit_waiting(np.append(days, first_day), np.append(began, np.ones(5_000, dtype=np.bool_)))
    assert with_them == fit_waiting(days, began)


def test_few_beginners_are_not_fitted() -> None:
    days = np.full(1_000, 100.0)
    began = np.arange(1_000) < FEWEST_BEGINNERS - 1
    assert fit_waiting(days, began) is None
    assert fit_waiting(np.zeros(1_000), np.ones(1_000, dtype=np.bool_)) is None
