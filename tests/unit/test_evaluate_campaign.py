"""What a campaign has moved, on campaigns whose effect is known."""

import math

import numpy as np
import pytest

from segwarehouse.evaluate.campaign import Arm, added_buyers, effect_of

CUSTOMERS = 3000


def campaign(
    random: np.random.Generator, lift: float, departments: int = 3
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows of departments that all customers are in; a contact adds `lift` to a chance of 0.2."""
    department = np.repeat(np.arange(departments), CUSTOMERS)
    customer = np.tile(np.arange(CUSTOMERS), departments)
    contacted = random.random(len(customer)) < 0.9
    bought = random.random(len(customer)) < 0.2 + lift * contacted
    return department, customer, contacted, bought


@pytest.mark.parametrize(("lift", "at_least"), [(0.0, 90), (0.1, 90)])
def test_the_interval_holds_the_planted_effect_as_often_as_it_says(lift: float, at_least: int) -> None:
    held = 0
    for seed in range(100):
        department, customer, contacted, bought = campaign(np.random.default_rng(seed), lift, departments=2)
        found = added_buyers(department, customer, contacted, bought, seed=seed)
        held += found.low <= lift * contacted.sum() <= found.high
    assert at_least <= held < 100


def test_what_is_added_is_the_difference_times_the_contacts() -> None:
    department, customer, contacted, bought = campaign(np.random.default_rng(1), 0.05)
    by_hand = 0.0
    for place in range(3):
        here = department == place
        shares = [bought[here & (contacted == arm)].mean() for arm in (False, True)]
        by_hand += (shares[1] - shares[0]) * (here & contacted).sum()
    assert added_buyers(department, customer, contacted, bought, seed=1).value == pytest.approx(by_hand)


def test_a_department_without_a_control_group_adds_nothing() -> None:
    found = added_buyers(np.zeros(4, dtype=np.int64), np.arange(4), np.full(4, True), np.full(4, True), seed=0)
    assert found.value == 0.0


def test_an_empty_arm_has_no_effect_that_is_known() -> None:
    assert math.isnan(effect_of(Arm(10, 3), Arm(0, 0)).value)


@pytest.mark.parametrize("buyers", [0, 40])
def test_none_and_all_still_have_an_interval(buyers: int) -> None:
    found = effect_of(Arm(400, buyers * 10), Arm(40, buyers))
    assert found.low < found.value == 0.0 < found.high
