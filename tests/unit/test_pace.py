"""Shares of the whole move with the work and never back; time left is said only where something is known."""

from dataclasses import replace

import pytest

from segwarehouse.ledger.forecast import Size, expected_seconds
from segwarehouse.ledger.pace import (
    BUILD,
    FIRST_WEIGHTS,
    LEARN,
    PUBLISH,
    READ,
    SCORE,
    Pace,
    scaled,
    span,
)

SIZE = Size(lines=1_464_471, customers=2_469, features=180, learned=20, times=2.0, refits=3, processes=2)
FORMER = {READ: 10.0, BUILD: 10.0, LEARN: 150.0, SCORE: 20.0, PUBLISH: 10.0}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_share_is_of_the_whole_by_what_the_run_before_took() -> None:
    pace = Pace(FORMER)
    assert pace.at(READ, 0.0)[0] == 0.0
    assert pace.at(LEARN, 0.5)[0] == pytest.approx(95 / 200)
    assert pace.at(SCORE, 0.0)[0] == pytest.approx(170 / 200)
    assert pace.at(PUBLISH, 1.0) == (1.0, 0.0)


def test_a_share_never_goes_back_whatever_comes() -> None:
    pace = Pace({})
    shares = [pace.at(READ, 0.9)[0], pace.at(LEARN, 0.9)[0]]
    pace.expect({**FIRST_WEIGHTS, LEARN: 0.1})
    shares += [pace.at(LEARN, 1.0)[0], pace.at("a step that nobody foresaw", 0.5)[0], pace.at(SCORE, 0.1)[0]]
    assert shares == sorted(shares)
    assert shares[-1] < 1.0


def test_a_first_run_says_nothing_of_time_before_learning_was_timed() -> None:
    clock = Clock()
    pace = Pace({}, clock)
    assert pace.at(READ, 0.5)[1] is None
    clock.now = 300.0
    pace.expect(FORMER)
    assert pace.at(LEARN, 0.0)[1] is None
    clock.now = 310.0
    assert pace.at(LEARN, 0.1)[1] is None
    clock.now = 400.0
    assert pace.at(LEARN, 0.5)[1] == pytest.approx((200 - 95) * 100 / 75)


def test_a_later_run_knows_from_the_start_and_learns_how_fast_it_is() -> None:
    clock = Clock()
    pace = Pace(FORMER, clock)
    assert pace.at(READ, 0.0)[1] == 200.0
    clock.now = 190.0
    assert pace.at(LEARN, 0.5)[1] == pytest.approx(2 * 105.0)
    clock.now = 100_000.0
    assert pace.at(LEARN, 0.5)[1] == pytest.approx(3 * 105.0)


def test_only_learning_grows_with_the_departments() -> None:
    assert scaled(FORMER, 20, 10) == {**FORMER, LEARN: 75.0}
    assert scaled(FORMER, 0, SIZE.learned) == FORMER
    assert scaled({}, 20, SIZE.learned) == {}


def test_the_estimate_of_the_demo_holds_what_it_took() -> None:
    assert span(sum(expected_seconds(SIZE).values())) == "4 to 15 minutes"
    assert list(expected_seconds(SIZE)) == list(FIRST_WEIGHTS)


@pytest.mark.parametrize(
    "more", [{"learned": 40}, {"customers": 5_000}, {"lines": 10**8}, {"refits": 10}, {"times": 4.0}]
)
def test_more_to_do_takes_longer(more: dict[str, int]) -> None:
    assert sum(expected_seconds(replace(SIZE, **more)).values()) > sum(expected_seconds(SIZE).values())
