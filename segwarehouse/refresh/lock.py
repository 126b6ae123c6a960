"""One lock for whatever writes: the working database, the published states, the link between them.

In: a configuration. Out: the right to write, for one process at a time, until it is given back or the process ends.
The lock is the operating system's (`flock`), on a file beside the working database, so that a killed process can't
leave it locked; the database itself is never opened for it, since closing any descriptor of a file drops the lock that
DuckDB holds on it. What is written in the lock file only names the owner, to those who have to wait.
"""

import datetime as dt
import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from segwarehouse.config import Config
from segwarehouse.errors import WarehouseError, WarehouseLocked

_POLL_SECONDS = 0.2

Result = TypeVar("Result")


@dataclass(frozen=True)
class Owner:
    """Who holds the lock.

    Attributes
    ----------
    work
        What is being done: ``refresh``, ``rollback`` or ``check``.
    pid, host
        The process.
    process_started
        When the process started, as its system counts: a pid alone may have been given to another one since.
    started_at
        When it took the lock, in UTC.
    """

    work: str
    pid: int
    host: str
    process_started: str
    started_at: str

    @classmethod
    def this(cls, work: str) -> "Owner":
        """Return the present process as the owner."""
        pid = os.getpid()
        return cls(work, pid, socket.gethostname(), process_start(pid), f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M:%S}")

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs, as far as can be said: of another host, yes."""
        return self.host != socket.gethostname() or process_start(self.pid) == self.process_started

    def __str__(self) -> str:
        started = dt.datetime.fromisoformat(self.started_at).replace(tzinfo=dt.UTC)
        minutes = max(0, int((dt.datetime.now(dt.UTC) - started).total_seconds() // 60))
        age = f"{minutes} minutes" if minutes != 1 else "1 minute"
        return f"a {self.work}, process {self.pid} on {self.host}, since {self.started_at} UTC ({age})"


def process_start(pid: int) -> str:
    """Return what tells a process from a later one with its pid; empty if there is none.

    On Linux the start of the process in clock ticks since the boot, and the boot; elsewhere only that it is there.
    See proc(5), field 22 of ``/proc/pid/stat``.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text(encoding='ascii').strip()} {fields[19]}"
    except OSError:
        pass
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "running"


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
                    "wait until it has finished, as segwarehouse refresh --wait SECONDS does",
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


def lock_path(config: Config) -> Path:
    """Return the lock file: beside the working database, and never removed, so that all lock the same one."""
    database = config.warehouse.url.path
    return database.with_name(f"{database.name}.lock")


def read_owner(path: Path) -> Owner | None:
    """Return the owner that a lock file names; None if it names none, or one that is no more."""
    try:
        owner = Owner(**json.loads(path.read_text(encoding="utf-8")))
        dt.datetime.fromisoformat(owner.started_at)
    except (OSError, ValueError, TypeError):
        return None
    return owner if owner.is_alive else None


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
