"""What a campaign has moved, on campaigns whose effect is known."""

import math

import numpy as np
import pytest

from segwarehouse.evaluate.campaign import Arm, effect_of, smallest_visible, total_effect, uplift_of

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


@pytest.mark.parametrize("lift", [0.0, 0.1])
def test_the_intervals_hold_what_was_planted_as_often_as_they_say(lift: float) -> None:
    added_held, uplift_held = 0, 0
    for seed in range(100):
        department, customer, contacted, bought = campaign(np.random.default_rng(seed), lift, departments=2)
        found = total_effect(department, customer, contacted, bought, seed=seed)
        added_held += found.added_buyers.low <= lift * contacted.sum() <= found.added_buyers.high
        uplift_held += found.uplift.low <= lift / 0.2 <= found.uplift.high
    assert 90 <= added_held < 100
    assert 90 <= uplift_held < 100


def test_what_is_added_is_the_difference_times_the_contacts() -> None:
    department, customer, contacted, bought = campaign(np.random.default_rng(1), 0.05)
    by_hand = 0.0
    for place in range(3):
        here = department == place
        shares = [bought[here & (contacted == arm)].mean() for arm in (False, True)]
        by_hand += (shares[1] - shares[0]) * (here & contacted).sum()
    assert total_effect(department, customer, contacted, bought, seed=1).added_buyers.value == pytest.approx(by_hand)


def test_a_department_without_a_control_group_adds_nothing() -> None:
    found = total_effect(np.zeros(4, dtype=np.int64), np.arange(4), np.full(4, True), np.full(4, True), seed=0)
    assert found.added_buyers.value == 0.0
    assert math.isnan(found.uplift.value)
    assert math.isinf(found.smallest_visible)


def test_an_empty_arm_has_no_effect_that_is_known() -> None:
    assert math.isnan(effect_of(Arm(10, 3), Arm(0, 0)).value)


@pytest.mark.parametrize("buyers", [0, 40])
def test_none_and_all_still_have_an_interval(buyers: int) -> None:
    found = effect_of(Arm(400, buyers * 10), Arm(40, buyers))
    assert found.low < found.value == 0.0 < found.high


def test_the_uplift_is_what_was_added_over_what_would_have_been_bought_anyway() -> None:
    department, customer, contacted, bought = campaign(np.random.default_rng(1), 0.05)
    found = total_effect(department, customer, contacted, bought, seed=1)
    here = [(department == place, contacted[department == place]) for place in range(3)]
    anyway = sum(bought[where][~planned].mean() * planned.sum() for where, planned in here)
    assert found.uplift.value == pytest.approx(found.added_buyers.value / anyway)


@pytest.mark.parametrize(
    ("target", "control", "low", "high"),
    [
        (Arm(100, 10), Arm(44, 0), 0.0, math.inf),
        (Arm(100, 0), Arm(44, 4), -1.0, 0.0),
        (Arm(100, 100), Arm(44, 44), -0.1, 0.2),
        (Arm(400, 120), Arm(44, 13), -0.5, 1.0),
    ],
)
def test_none_and_all_have_an_uplift_with_an_interval(target: Arm, control: Arm, low: float, high: float) -> None:
    found = uplift_of(target, control)
    assert low <= found.low <= found.value <= found.high <= high
    if math.isinf(high):
        assert math.isinf(found.high)


@pytest.mark.parametrize(("contacts", "controls", "share"), [(400, 44, 0.3), (2_000, 200, 0.1), (300, 300, 0.5)])
def test_the_smallest_visible_uplift_is_seen_four_times_in_five(contacts: int, controls: int, share: float) -> None:
    random = np.random.default_rng(3)
    least = smallest_visible(contacts, controls, share)
    seen = [
        effect_of(
            Arm(contacts, int(random.binomial(contacts, share * (1.0 + least)))),
            Arm(controls, int(random.binomial(controls, share))),
        ).low
        > 0.0
        for _ in range(500)
    ]
    assert 0.74 <= np.mean(seen) <= 0.87


def test_that_of_the_total_is_seen_four_times_in_five() -> None:
    department, customer, contacted, bought = campaign(np.random.default_rng(0), 0.0, departments=2)
    least = total_effect(department, customer, contacted, bought, seed=0).smallest_visible
    seen = [
        total_effect(*campaign(np.random.default_rng(seed), 0.2 * least, departments=2), seed=seed).added_buyers.low
        > 0.0
        for seed in range(100, 140)
    ]
    assert 0.62 <= np.mean(seen) <= 0.95


@pytest.mark.parametrize(("controls", "share"), [(0, 0.3), (40, 0.0), (40, 1.0), (2, 0.9)])
def test_a_control_group_that_can_show_nothing_says_so(controls: int, share: float) -> None:
    assert math.isinf(smallest_visible(500, controls, share))
