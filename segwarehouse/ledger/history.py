"""The run log: every refresh, what it read, its steps, and what it published.

In: what happened, and the working database, of which a run asks what it is to remember (`sql/remember/`). Out: rows in
the ledger, written as it happens, so that a run that dies leaves its trace; progress for whoever asked, and for
`segwarehouse status`. The log itself is copied into each published state by `models/targeting/`, which read it where
`lay_out` puts it; the details of previous runs are not, and are forgotten as `[history]` says.
"""

import dataclasses
import datetime as dt
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from typing import TypeVar
from uuid import uuid4

from sqlglot import exp

from segwarehouse.config import Config
from segwarehouse.errors import SegwarehouseError, WarehouseError
from segwarehouse.ledger.ledger import SCHEMA, Ledger
from segwarehouse.ledger.made import register
from segwarehouse.ledger.pace import FIRST_WEIGHTS, Pace, scaled, span
from segwarehouse.ledger.status import ENDED_WELL, Bulletin, Moment, Progress, about
from segwarehouse.outgoing import masked, masked_values
from segwarehouse.project import create_schema, read_query
from segwarehouse.state.folders import current_run, states_on_disk
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import Engine, Places, Relation, SchemaPlace

PACKAGES = (
    "segwarehouse", "duckdb", "sqlglot", "numpy", "pandas", "scikit-learn", "lightgbm", "shap", "umap-learn", "imodels",
)  # fmt: skip

LAID_OUT = "logged"
"""The schema of the working database that holds a copy of the log while a state is written. It is not called `history`:
a log that is called so there is one that an older version has kept, and must not be taken for a copy, nor dropped."""

_ID_TIME = "%Y%m%dT%H%M%SZ"

Result = TypeVar("Result")


def now() -> dt.datetime:
    """Return the time in UTC, without a zone, as the warehouse stores it."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


def new_run_id(started_at: dt.datetime, last: str = "") -> str:
    """Return an id that no other run has, and that sorts after the `last` one: ``20261123T081500Z-3f9c``.

    It tells the time at which the run started; where the clock has gone backwards, a second after the last run.

    >>> new_run_id(dt.datetime(2026, 11, 23, 8, 15), "20261123T081500Z-3f9c")[:17]
    '20261123T081501Z-'
    """
    if f"{started_at:{_ID_TIME}}" <= last[:16]:
        started_at = dt.datetime.strptime(last[:16], _ID_TIME) + dt.timedelta(seconds=1)
    return f"{started_at:{_ID_TIME}}-{uuid4().hex[:4]}"


class Run:
    """One refresh, as it is logged."""

    def __init__(
        self, ledger: Ledger, engine: Engine, config: Config, progress: Progress | None, work: str = "refresh"
    ) -> None:
        self.started_at = now()
        self._started = time.perf_counter()
        self.restored: str | None = None
        self._ledger = ledger
        self._engine = engine
        self._config = config
        self._sql = TemplateFolder.of("sql")
        self._progress = progress
        self._position = 0
        self._mask_previous_runs()
        logged = ledger.read("last_run", {})["run_id"].to_pylist()
        self.run_id = new_run_id(self.started_at, max("", *(logged[0] or "", *states_on_disk(config))))
        ledger.write(
            "start_run",
            {
                "run_id": self.run_id,
                "started_at": self.started_at,
                "seed": config.learning.seed,
                "settings": json.dumps(settings_of_run(config), ensure_ascii=False),
                "versions": json.dumps({package: _version(package) for package in PACKAGES}),
            },
        )
        previous = ledger.read("previous_steps", {}).to_pylist()
        self._previous = {row["step"]: row["seconds"] for row in previous}
        if not self._previous.keys() <= FIRST_WEIGHTS.keys():
            self._previous = {}  # an earlier version took other steps: their times foresee nothing
        self._learned_then = max((row["learned"] for row in previous), default=0)
        self.pace = Pace(self._previous)
        self._bulletin = Bulletin(config, self.run_id, work)
        self._facts: dict[str, object] = {}

    def _remember(self, *tables: str) -> None:
        """Copy what the working database knows of this run into tables of the ledger."""
        for name in tables:
            query = read_query(self._sql, f"remember/{name}.sql", {"run_id": self.run_id})
            self._ledger.append(name, self._engine.fetch(query))

    def _mask_previous_runs(self) -> None:
        """Take credentials out of what an earlier version has logged: each state that is published copies the log."""
        for row in self._ledger.read("texts", {}).to_pylist():
            shown = {name: masked(row[name]) if row[name] else row[name] for name in ("settings", "message")}
            if shown != {name: row[name] for name in shown}:
                self._ledger.write("mask_run", {"run_id": row["run_id"], **shown})

    def tell(self, step: str, subject: str, fraction: float) -> None:
        """Report progress: what is being done, to what, and how much of the step is done (0 to 1)."""
        share, seconds_left = self.pace.at(step, fraction)
        self._show(Moment(step, subject, fraction, share, seconds_left))

    def teller(self, step: str, start: float = 0.0, width: float = 1.0) -> Callable[[str, float], None]:
        """Return a function that reports a part of a step: to what it is done, and how much of the part is done."""
        return lambda subject, share: self.tell(step, subject, start + width * share)

    def foresee(self, learned: int, expected: Mapping[str, float]) -> None:
        """Say how long it takes, and weigh the steps from now on by that.

        Parameters
        ----------
        learned
            How many departments are learned.
        expected
            Seconds by step, where no previous run can tell.
        """
        previous = scaled(self._previous, self._learned_then, learned)
        seconds = previous or expected
        self.pace.expect(seconds)
        total = sum(seconds.values())
        words = f"{about(total)}, by the run before" if previous else span(total)
        departments = "1 department" if learned == 1 else f"{learned:,} departments"
        share, seconds_left = self.pace.at("name departments", 1.0)
        note = f"{departments} to learn: this run takes {words}"
        self._show(Moment("name departments", "", 1.0, share, seconds_left, note))

    def _show(self, moment: Moment) -> None:
        self._bulletin.show(moment)
        if self._progress:
            self._progress(moment)

    def step(self, name: str, work: Callable[[], Result], detail: str = "") -> Result:
        """Do a step, and log how long it took."""
        self.tell(name, detail, 0.0)
        started = time.perf_counter()
        result = work()
        self._position += 1
        self._ledger.write(
            "add_step",
            {
                "run_id": self.run_id,
                "position": self._position,
                "step": name,
                "seconds": round(time.perf_counter() - started, 3),
                "detail": detail,
            },
        )
        self.tell(name, detail, 1.0)
        return result

    @property
    def seconds(self) -> float:
        """How long it has been running, whatever was done to the clock."""
        return round(time.perf_counter() - self._started, 1)

    def restores(self, run_id: str, as_of: dt.date, message: str) -> None:
        """Log that the run puts a previous state back."""
        self.restored = run_id
        facts = {"restored_run_id": run_id, "as_of": as_of, "message": message}
        self._ledger.write("start_rollback", {"run_id": self.run_id, **facts})

    def register(self, schemas: Sequence[str]) -> None:
        """Put what is in these schemas on the list of what segwarehouse has made."""
        register(self._config, self._engine, self._ledger, schemas)

    def describe(self, facts: dict[str, object]) -> None:
        """Log what is known of the run before it is published, and what its cleaning left out."""
        self._facts |= {"departments_published": facts["departments_published"]}
        self._ledger.write("describe_run", {"run_id": self.run_id, **facts})
        self._remember("cleaning")

    def take_fingerprint(self) -> None:
        """Log what the run reads: counts, sums, extent, and a hash of all transaction lines that count."""
        self._remember("fingerprints")

    def remember(self, compared_with: str | None, held_back: Mapping[str, str]) -> None:
        """Log what is about to be published: cards, rules, figures, audiences, and who enters and leaves.

        Parameters
        ----------
        compared_with
            The run of the previous state, None if there is none.
        held_back
            The departments that keep the rules of that run, with the reason.
        """
        message = "; ".join(f"{name} keeps the rules of the run before: {why}" for name, why in held_back.items())
        context = {"run_id": self.run_id, "compared_with": compared_with, "departments_kept": len(held_back)}
        with self._ledger.transaction():
            self._ledger.write("describe_published", {**context, "message": message or None})
            self._remember("cards", "rules", "metrics", "memberships", "changes")
        self._facts |= {"departments_kept": len(held_back)}

    def lay_out(self) -> Places:
        """Copy the log into the working database, and return where the models of a state find it as `history`."""
        self._engine.execute(create_schema(LAID_OUT))
        for name in ("runs", "run_steps", "cleaning"):
            self._engine.load(Relation(LAID_OUT, name), self._ledger.table(name))
        return Places(schemas={SCHEMA: SchemaPlace(LAID_OUT)})

    def forget(self, runs_kept: int, states: Iterable[str]) -> None:
        """Delete the details of all but this run, the last published ones, and those of which a state is on disk."""
        found = self._ledger.read("published_runs", {})["run_id"].to_pylist()
        published = [run_id for run_id in found if run_id != self.run_id]
        kept = {self.run_id, *published[: runs_kept - 1], *states}
        self._ledger.write("forget", {"kept": sorted(kept)})

    def end(self, status: str, message: str = "") -> None:
        """Log how the run ended."""
        context = {"run_id": self.run_id, "finished_at": now(), "status": status, "message": message or None}
        self._ledger.write("end_run", context)

    def say_end(self, status: str, message: str = "") -> None:
        """Tell `segwarehouse status` how the run ended."""
        self._bulletin.end(status, message, self._facts if status in ENDED_WELL else {})


@contextmanager
def recorded(
    ledger: Ledger,
    engine: Engine,
    config: Config,
    progress: Progress | None,
    schemas: Sequence[str] = (),
    ends: str = "published",
) -> Iterator[Run]:
    """Log a run from its start to its end, whichever that is.

    Parameters
    ----------
    engine
        The working database. Where views are published in it, its transaction is over before the log says how.
    schemas
        Where it makes relations.
    ends
        Its status when all went well.

    Raises
    ------
    WarehouseError
        If the state is in place but the log could not be written; it says so.
    """
    run = Run(ledger, engine, config, progress, "rollback" if ends == "rollback" else "refresh")
    try:
        yield run
        if schemas:
            run.register(schemas)
        run.end(ends)
        run.say_end(ends)
    except BaseException as error:
        is_known, is_done = True, False
        try:
            is_done = (current_state(config, engine) or "none") in {run.run_id, run.restored}
        except WarehouseError:  # the engine has given up, and only the next run can see what it has committed
            is_known = False
        status = ends if is_done else "failed" if isinstance(error, Exception) else "stopped"
        run.say_end(status, _message_of(error))
        with suppress(WarehouseError):  # the first error counts; the next run completes the log
            if is_known:
                if schemas:
                    run.register(schemas)
                run.end(status, _message_of(error))
        if is_done and isinstance(error, WarehouseError):
            raise WarehouseError(
                f"run {run.run_id} is done, status {ends}, but the run log is not complete: {error.message}",
                "is there room on the disk? The next run completes the log",
            ) from error
        raise


def current_state(config: Config, engine: Engine) -> str | None:
    """Return the run whose state is current, on disk or in the working database; None where there is none.

    Raises
    ------
    WarehouseError
        If the working database can't tell, since the engine has given up.
    """
    if not config.in_place:
        return current_run(config)
    run = Relation("targeting", "run")
    found = engine.fetch(exp.select("run_id").from_(run.table())).to_pylist() if engine.columns(run) else []
    return str(found[0]["run_id"]) if found else None


def _message_of(error: BaseException) -> str:
    if isinstance(error, SegwarehouseError):
        return error.message
    return type(error).__name__ if isinstance(error, Exception) else "by a signal"


def settings_of_run(config: Config) -> dict[str, object]:
    """Return what decides the result: sources without credentials, cleaning, learning, rules, audience, gate."""
    tables = ("source", "cleaning", "learning", "rules", "audience", "gate")
    return {name: masked_values(dataclasses.asdict(getattr(config, name))) for name in tables}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
