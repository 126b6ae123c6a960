"""How far a running refresh is, and how the last run ended: a small file beside the lock, readable at any time.

In: a configuration, and while a run works what it says of itself. Out: a `Status`, read without the database and
without a heavy import. Who holds the lock stands in the lock file; how the right to write is taken is left to
`segwarehouse.ledger.lock`. Neither file holds a customer's id.
"""

import datetime as dt
import json
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from segwarehouse.config import Config

RUNNING, DIED = "running", "died"
ENDED_WELL = ("published", "rollback")


@dataclass(frozen=True)
class Moment:
    """How far a run is.

    Attributes
    ----------
    step
        What is being done.
    subject
        To what: a department, or a relation; may be empty.
    step_share
        How much of the step is done, 0 to 1.
    share
        How much of the whole run is done, 0 to 1, weighed by what the steps take; it never goes back.
    seconds_left
        About how long the rest takes; None before anything is known of it.
    note
        A sentence that is worth a line of its own.
    """

    step: str
    subject: str = ""
    step_share: float = 0.0
    share: float = 0.0
    seconds_left: float | None = None
    note: str = ""


Progress = Callable[[Moment], None]


@dataclass(frozen=True)
class Owner:
    """Who holds the lock.

    Attributes
    ----------
    work
        What is being done: ``refresh``, ``rollback`` or ``measure``.
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
        return cls(work, pid, socket.gethostname(), process_start(pid), _stamp())

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs, as far as can be said: of another host, yes."""
        return self.host != socket.gethostname() or process_start(self.pid) == self.process_started

    def __str__(self) -> str:
        minutes = int(_seconds_since(self.started_at) // 60)
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


def lock_path(config: Config) -> Path:
    """Return the lock file: beside the working database, and never removed, so that all lock the same one."""
    return _beside(config, "lock")


def read_owner(path: Path) -> Owner | None:
    """Return the owner that a lock file names; None if it names none, or one that is no more."""
    try:
        owner = Owner(**json.loads(path.read_text(encoding="utf-8")))
        dt.datetime.fromisoformat(owner.started_at)
    except (OSError, ValueError, TypeError):
        return None
    return owner if owner.is_alive else None


@dataclass(frozen=True)
class Status:
    """What the last run does, or did. All times are UTC.

    Attributes
    ----------
    state
        ``running``; ``published`` or ``rollback`` where it ended well; ``failed``, ``stopped``, or ``died`` where its
        process ended without a word; None where no run is known.
    work
        What is or was done: ``refresh``, ``rollback``, or ``measure``.
    run_id
        The run, None where it has none.
    pid, host
        Its process.
    started_at, finished_at
        When it began, and ended.
    step, subject, step_share
        What is being done, to what, and how much of that step; where a run has ended, at what it ended.
    step_started_at
        Since when.
    share
        How much of the whole run is done, 0 to 1.
    seconds_left
        About how long the rest takes; None before that is known, and where nothing runs.
    updated_at
        When the run last said how far it is.
    message
        Why it failed, or what was held back.
    facts
        What a published run did: ``departments_published`` and ``departments_kept``.
    """

    state: str | None = None
    work: str = ""
    run_id: str | None = None
    pid: int = 0
    host: str = ""
    process_started: str = ""
    started_at: str = ""
    finished_at: str = ""
    step: str = ""
    subject: str = ""
    step_share: float = 0.0
    step_started_at: str = ""
    share: float = 0.0
    seconds_left: float | None = None
    updated_at: str = ""
    message: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """Return the same as plain values; what is not known is None."""
        found = {name: value if value not in ("", {}) else None for name, value in asdict(self).items()}
        facts = found.pop("facts") or {}
        del found["process_started"]
        return {**found, "pid": self.pid or None, **facts}

    @property
    def owner(self) -> Owner:
        """The process that wrote it."""
        return Owner(self.work, self.pid, self.host, self.process_started, self.started_at)


def read_status(config: Config) -> Status:
    """Return what the last run does or did."""
    owner = read_owner(lock_path(config))
    written = _read(status_path(config))
    is_of_owner = owner and (written.pid, written.process_started) == (owner.pid, owner.process_started)
    if owner and not (is_of_owner and written.state == RUNNING):
        return Status(RUNNING, **asdict(owner))  # it has only just begun, or is no run
    if owner:
        return _aged(written)
    if written.state == RUNNING:
        return replace(written, state=DIED, seconds_left=None)
    return written


def about(seconds: float) -> str:
    """Return a duration, roughly.

    >>> about(20), about(80), about(400), about(4_000), about(9_000)
    ('less than a minute', 'about 1 minute', 'about 7 minutes', 'about 65 minutes', 'about 2.5 hours')
    """
    if seconds < 50.0:
        return "less than a minute"
    number, unit = rounded(seconds)
    return f"about {number:g} {unit}"


def rounded(seconds: float) -> tuple[float, str]:
    """Return a duration as a number that people say and its unit: minutes, by fives from ten on, or halves of hours.

    >>> rounded(60.0), rounded(1_700.0), rounded(7_200.0)
    ((1.0, 'minute'), (30.0, 'minutes'), (2.0, 'hours'))
    """
    minutes = seconds / 60.0
    if minutes < 10.0:
        number = float(max(1, round(minutes)))
    elif minutes < 90.0:
        number = 5.0 * round(minutes / 5.0)
    else:
        return (round(minutes / 30.0) / 2.0 if minutes < 600.0 else float(round(minutes / 60.0))), "hours"
    return number, "minute" if number == 1.0 else "minutes"


class Bulletin:
    """The file in which a run says how far it is. It is only said: what can't be written stops nothing."""

    def __init__(self, config: Config, run_id: str, work: str) -> None:
        self._path = status_path(config)
        self._status = Status(RUNNING, run_id=run_id, **asdict(Owner.this(work)))
        self._write()

    def show(self, moment: Moment) -> None:
        """Say how far the run is."""
        now = _stamp()
        is_new = moment.step != self._status.step
        self._status = replace(
            self._status,
            step=moment.step,
            subject=moment.subject,
            step_share=round(moment.step_share, 4),
            step_started_at=now if is_new else self._status.step_started_at,
            share=round(moment.share, 4),
            seconds_left=None if moment.seconds_left is None else round(moment.seconds_left),
            updated_at=now,
        )
        self._write()

    def end(self, state: str, message: str, facts: Mapping[str, object]) -> None:
        """Say how the run ended."""
        share = 1.0 if state in ENDED_WELL else self._status.share
        self._status = replace(
            self._status,
            state=state,
            finished_at=_stamp(),
            message=message,
            share=share,
            seconds_left=None,
            facts=facts,
        )
        self._write()

    def _write(self) -> None:
        aside = self._path.with_name(f".{self._path.name}.part")  # only the owner of the lock writes
        with suppress(OSError):
            aside.write_text(json.dumps(asdict(self._status)), encoding="utf-8")
            aside.replace(self._path)


def status_path(config: Config) -> Path:
    """Return the file in which runs say how far they are: beside the lock."""
    return _beside(config, "status")


def _beside(config: Config, ending: str) -> Path:
    database = config.warehouse.url.path
    return database.with_name(f"{database.name}.{ending}")


def _read(path: Path) -> Status:
    """Return what the file says; a `Status` that knows nothing where it says nothing that can be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        known = {item.name for item in fields(Status)}
        return Status(**{name: value for name, value in content.items() if name in known})
    except (OSError, ValueError, TypeError, AttributeError):
        return Status()


def _aged(status: Status) -> Status:
    """Return a status with the time left as of now; None where that time is over already."""
    if status.seconds_left is None:
        return status
    left = status.seconds_left - _seconds_since(status.updated_at)
    return replace(status, seconds_left=round(left) if left > 0 else None)


def _stamp() -> str:
    return f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M:%S}"


def _seconds_since(stamp: str) -> float:
    then = dt.datetime.fromisoformat(stamp).replace(tzinfo=dt.UTC)
    return max(0.0, (dt.datetime.now(dt.UTC) - then).total_seconds())
