"""How long a refresh takes: a span before it begins; shares of the whole and the time that is left while it runs.

In: how much there is to learn, or what the steps of the run before took. Out: seconds by step, a `Pace` that turns "so
much of this step" into "so much of the whole", and words. What is done in a step is left to `run.py`.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from segwarehouse.config import Config
from segwarehouse.features import Catalogue, Staged
from segwarehouse.learn.embed import MOST_ROWS
from segwarehouse.learn.propensity import LightGBMParameters
from segwarehouse.refresh.choose import cutoffs
from segwarehouse.refresh.stability import REFIT_SHARE
from segwarehouse.refresh.workers import processes
from segwarehouse.running import rounded

READ, NAME, FINGERPRINT = "read transactions", "name departments", "take fingerprint"
MEASURE, BUILD, MAP, LEARN = "measure quality", "build features", "map customers", "learn"
COMPARE, HOLD, PROVE = "compare with the last state", "hold back", "prove on boundaries"
COUNT, STORE, PUBLISH = "count audiences", "store", "publish"

FIRST_WEIGHTS: Mapping[str, float] = {
    READ: 2.2, NAME: 0.1, FINGERPRINT: 1.7, MEASURE: 181.0, BUILD: 3.8, MAP: 8.8, LEARN: 522.0, COMPARE: 2.2, HOLD: 0.1,
    PROVE: 5.4, COUNT: 1.0, STORE: 2.3, PUBLISH: 24.0,
}  # fmt: skip
"""What steps weigh before anything is known: the seconds of the demo's first refresh on two cores."""

_MAPS_SECONDS, _COMPILING_SECONDS = 10.0, 10.0
"""What a department's SHAP values, maps and segments take beside its learning, and what umap compiles once."""

_LEARNING = (MEASURE, LEARN)
_DONE_BEFORE_TELLING = 0.1
"""A first run says what time is left when so much of it, learning included, has been timed."""

_FASTER, _SLOWER = 1.0 / 3.0, 3.0
"""A run is not taken to be more than so many times faster or slower than the run before."""

_SPAN = (0.5, 2.0)
"""A refresh takes between half and twice what `expected_seconds` says, on a machine that does little else. The demo is
foreseen at 7.5 minutes, and has taken from 4 to 12.5 on two cores, as busy as they were."""


@dataclass(frozen=True)
class Size:
    """What decides how long a refresh takes.

    Attributes
    ----------
    lines, customers, features
        Transaction lines that count, customers that are learned from, features of each.
    learned
        How many departments are learned.
    times
        How often quality is measured on a learning: at each cut-off, or once on half the customers.
    refits
        How often each department is learned again.
    processes
        How many departments are learned at once.
    """

    lines: int
    customers: int
    features: int
    learned: int
    times: float
    refits: int
    processes: int

    @classmethod
    def of(cls, config: Config, staged: Staged, catalogue: Catalogue, learned: int) -> "Size":
        """Return the size of a refresh that learns so many departments."""
        return cls(
            lines=staged.lines_kept,
            customers=min(catalogue.departments[0].customers, config.learning.max_customers),
            features=len(catalogue.features),
            learned=learned,
            times=float(len(cutoffs(config, staged))) or 0.5,
            refits=config.rules.refits,
            processes=min(processes(config), max(1, learned)),
        )


def expected_seconds(size: Size) -> dict[str, float]:
    """Return about how long each step takes."""
    each = seconds_of_learning(size.customers, size.features) * size.learned / size.processes
    maps = _COMPILING_SECONDS + _MAPS_SECONDS * size.learned / size.processes
    build = 0.5 + 1.5e-6 * size.lines
    return {
        READ: 0.5 + 2.5e-6 * size.lines,
        NAME: 0.2,
        FINGERPRINT: 1.5e-6 * size.lines,
        MEASURE: size.times * (each + build),
        BUILD: build,
        MAP: 8.0 * min(size.customers, MOST_ROWS) / MOST_ROWS,
        LEARN: (1.0 + REFIT_SHARE * size.refits) * each + maps,
        COMPARE: 0.5,
        HOLD: 0.1,
        PROVE: 0.1 * size.learned,
        COUNT: 0.05 * size.learned,
        STORE: 0.2 * size.learned,
        PUBLISH: 3.0 + 0.6 * size.learned,
    }


def seconds_of_learning(customers: int, features: int) -> float:
    """Return about how long one core learns a department: measured from 5,000 x 250 to 50,000 x 60, on one machine."""
    repeats = LightGBMParameters().repeats_of(customers)
    return 2.0 + customers * features * (1.5e-6 + 2.5e-6 * repeats)


def scaled(former: Mapping[str, float], learned_then: int, size: Size) -> dict[str, float]:
    """Return what the steps of the run before would take for as many departments as are learned now."""
    ratio = size.learned / learned_then if learned_then else 1.0
    return {step: seconds * (ratio if step in _LEARNING else 1.0) for step, seconds in former.items()}


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


def counted(tell: Callable[[str, float], None], total: int) -> Callable[[str], None]:
    """Return a function that is called before each of `total` pieces of work, and tells how many are done.

    >>> seen = []
    >>> before = counted(lambda subject, share: seen.append((subject, share)), 2)
    >>> before("a"), before("b"), seen
    (None, None, [('a', 0.0), ('b', 0.5)])
    """
    done = 0

    def before(subject: str) -> None:
        nonlocal done
        tell(subject, min(1.0, done / total))
        done += 1

    return before


class Pace:
    """What steps take of the whole.

    Parameters
    ----------
    former
        Seconds by step of the run before, in their order; empty where there is none.
    clock
        Seconds since some time.
    """

    def __init__(self, former: Mapping[str, float], clock: Callable[[], float] = time.perf_counter) -> None:
        self._weights = dict(former or FIRST_WEIGHTS)
        self._is_known = bool(former)
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

    def part(self, step: str, build: str, times: int) -> float:
        """Return which part of a step goes into building features `times` times, before what the step is for."""
        build_seconds = times * self._weights.get(build, 0.0)
        return min(0.9, build_seconds / max(build_seconds, self._weights.get(step, 0.0), 1e-9))

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
