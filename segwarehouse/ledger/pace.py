"""How far a run is: shares of the whole and the time that is left, while its steps are done.

In: what the steps of the previous run took, or what they are expected to take. Out: a `Pace` that turns "so much of
this step" into "so much of the whole", and words. What they are expected to take is left to `forecast.py`.
"""

import time
from collections.abc import Callable, Mapping

from segwarehouse.ledger.status import rounded

READ, NAME, FINGERPRINT = "read transactions", "name departments", "take fingerprint"
BUILD, MAP, LEARN, SCORE = "build features", "map customers", "learn", "map scores"
COMPARE, HOLD, PROVE = "compare with the last state", "hold back", "prove on boundaries"
COUNT, STORE, PUBLISH = "count audiences", "store", "publish"

FIRST_WEIGHTS: Mapping[str, float] = {
    READ: 2.2, NAME: 0.1, FINGERPRINT: 1.7, BUILD: 11.4, MAP: 8.8, LEARN: 690.0, SCORE: 5.0, COMPARE: 2.2, HOLD: 0.1,
    PROVE: 5.4, COUNT: 1.0, STORE: 2.3, PUBLISH: 24.0,
}  # fmt: skip
"""What steps weigh before anything is known: the seconds of the demo's first refresh on two cores."""

_LEARNING = (LEARN,)
_DONE_BEFORE_TELLING = 0.1
"""A first run says what time is left when so much of it, learning included, has been timed."""

_FASTER, _SLOWER = 1.0 / 3.0, 3.0
"""A run is not taken to be more than so many times faster or slower than the previous run."""

_SPAN = (0.5, 2.0)
"""A refresh takes between half and twice what `expected_seconds` says, on a machine that does little else. The demo is
foreseen at 7.5 minutes, and has taken from 4 to 12.5 on two cores, as busy as they were."""


def scaled(previous: Mapping[str, float], learned_then: int, learned: int) -> dict[str, float]:
    """Return what the steps of the previous run would take for as many departments as are learned now."""
    ratio = learned / learned_then if learned_then else 1.0
    return {step: seconds * (ratio if step in _LEARNING else 1.0) for step, seconds in previous.items()}


def span(seconds: float) -> str:
    """Return what a refresh takes in words, with the room that the estimate needs.

    >>> span(10.0), span(240.0), span(3_600.0), span(20_000.0)
    ('1 minute or less', '2 to 8 minutes', '30 minutes to 2 hours', '3 to 11 hours')
    """
    low, high = rounded(_SPAN[0] * seconds), rounded(_SPAN[1] * seconds + 30.0)  # the upper end is not rounded down
    if high[0] == low[0] and high[1] == low[1]:
        return f"{high[0]:g} {high[1]} or less"
    first = f"{low[0]:g}" if low[1].rstrip("s") == high[1].rstrip("s") else f"{low[0]:g} {low[1]}"
    return f"{first} to {high[0]:g} {high[1]}"


class Pace:
    """What steps take of the whole.

    Parameters
    ----------
    previous
        Seconds by step of the previous run, in their order; empty where there is none.
    clock
        Seconds since some time.
    """

    def __init__(self, previous: Mapping[str, float], clock: Callable[[], float] = time.perf_counter) -> None:
        self._weights = dict(previous or FIRST_WEIGHTS)
        self._is_known = bool(previous)
        self._clock = clock
        self._started = clock()
        self._learning_from: tuple[float, float] | None = None  # when learning began, and what was done by then
        self._share = 0.0

    @property
    def seconds(self) -> float:
        """What the whole is expected to take; what it weighs, where nothing is known."""
        return sum(self._weights.values())

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Weigh the steps by what they are expected to take from now on."""
        self._weights = dict(seconds)

    def at(self, step: str, step_share: float) -> tuple[float, float | None]:
        """Return how much of the whole is done, and the seconds that are left, None before that can be said."""
        done = self._done(step, step_share)
        if step in _LEARNING and self._learning_from is None:
            self._learning_from = (self._clock(), done)
        self._share = max(self._share, min(1.0, done / self.seconds))
        return self._share, self._left(done)

    def _done(self, step: str, step_share: float) -> float:
        steps = list(self._weights)
        if step not in steps:
            return self._share * self.seconds  # nothing is known of it: the share stays where it is
        before = sum(self._weights[name] for name in steps[: steps.index(step)])
        return before + min(1.0, max(0.0, step_share)) * self._weights[step]

    def _left(self, done: float) -> float | None:
        remaining = max(0.0, self.seconds - done)
        if self._is_known:
            speed = (self._clock() - self._started) / done if done > _DONE_BEFORE_TELLING * self.seconds else 1.0
            return remaining * min(_SLOWER, max(_FASTER, speed))
        if self._learning_from is None:
            return None
        began, done_by_then = self._learning_from
        learned = done - done_by_then
        if learned < _DONE_BEFORE_TELLING * self.seconds:
            return None
        return remaining * (self._clock() - began) / learned
