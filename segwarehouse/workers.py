"""Work over several processes, which end with the one that shares it out.

In: a function and arguments for each piece of work. Out: the results in order, as they come. A worker whose parent was
killed would wait for ever for somebody to take its result: here it ends by itself within a second or two.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from segwarehouse.config import Config

_LOOK_SECONDS = 1.0

Result = TypeVar("Result")


def processes(config: Config) -> int:
    """Return over how many processes departments are learned: as configured, or one a core."""
    from joblib import cpu_count

    return config.learning.jobs or int(cpu_count())


def in_parallel(work: Callable[..., Result], arguments: Sequence[tuple[object, ...]], jobs: int) -> Iterator[Result]:
    """Yield `work(*each)` in the order given, over at most `jobs` processes; one does it all by itself."""
    from joblib import Parallel, delayed

    tasks = (delayed(_as_child)(os.getpid(), work, each) for each in arguments)
    yield from Parallel(n_jobs=min(jobs, len(arguments)), return_as="generator")(tasks)


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Let numerical libraries work on one thread, so that sums come out the same whatever the machine."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield


def _as_child(parent: int, work: Callable[..., Result], arguments: tuple[object, ...]) -> Result:
    if os.getpid() != parent:
        _end_with(parent)
    with on_one_thread():
        return work(*arguments)


def _end_with(parent: int) -> None:
    """End this process when its parent is no more; a worker does many pieces of work, and looks out once."""
    name = f"end with {parent}"
    if not any(thread.name == name for thread in threading.enumerate()):
        threading.Thread(target=_look_out, args=(parent,), name=name, daemon=True).start()


def _look_out(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)
