"""One lock for whatever writes: the working database, the published states, the link between them.

In: a configuration. Out: the right to write, for one process at a time, until it is given back or the process ends.
The lock is the operating system's (`flock`), on a file beside the working database, so that a killed process can't
leave it locked; the database itself is never opened for it, since closing any descriptor of a file drops the lock that
DuckDB holds on it. What is written in the lock file only names the owner, to those who have to wait.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from segwarehouse.config import Config
from segwarehouse.errors import WarehouseError, WarehouseLocked
from segwarehouse.ledger.status import Owner, lock_path, read_owner

_POLL_SECONDS = 0.2

Result = TypeVar("Result")


class Lock:
    """The right to write, while it is held."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def patiently(self, work: Callable[[], Result]) -> Result:
        """Do what needs a database that another program may have open; try again until the time to wait is over."""
        while True:
            try:
                return work()
            except WarehouseLocked:
                if time.monotonic() >= self._deadline:
                    raise
                time.sleep(_POLL_SECONDS)


@contextmanager
def exclusive(config: Config, work: str, wait_seconds: float = 0.0) -> Iterator[Lock]:
    """Hold the lock of a project's working database.

    Parameters
    ----------
    work
        What it is held for.
    wait_seconds
        How long to wait for it.

    Raises
    ------
    WarehouseLocked
        If another process has it, with its pid, host and start.
    """
    database = config.warehouse.url.path
    path = lock_path(config)
    deadline = time.monotonic() + wait_seconds
    descriptor = _open(path)
    try:
        while not _taken(descriptor, path):
            if time.monotonic() >= deadline:
                owner = read_owner(path)
                who = str(owner) if owner else "another process that has only just started"
                raise WarehouseLocked(
                    f"{database} is held by {who}",
                    "segwarehouse status says how far it is; segwarehouse refresh --wait SECONDS waits for it",
                    path=database,
                    owner=owner,
                )
            time.sleep(_POLL_SECONDS)
        _write(descriptor, json.dumps(asdict(Owner.this(work))))
        try:
            yield Lock(deadline)
        finally:
            _write(descriptor, "")
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise _unusable(path, error) from error


def _taken(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise _unusable(path, error) from error
    return True


def _write(descriptor: int, text: str) -> None:
    """Say who the owner is. It is only said: on a full disk the lock holds as well."""
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)
    except OSError:
        return


def _unusable(path: Path, error: OSError) -> WarehouseError:
    return WarehouseError(f"{path} can't be locked: {error.strerror}", "may files be written and locked in its folder?")
