"""The Python API: all that the command line does, returning dataclasses and data frames.

>>> import segwarehouse
>>> project = segwarehouse.Project("examples/complete_journey")       # doctest: +SKIP
>>> project.refresh()                                                 # doctest: +SKIP
>>> project.audience("SEAFOOD")                                       # doctest: +SKIP
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
from sqlglot import exp

from segwarehouse.config import Config, load_config
from segwarehouse.errors import NothingPublished, WarehouseLocked
from segwarehouse.initialise import Initialised, initialise
from segwarehouse.ledger.difference import Difference, difference, logged_runs, moved_customers
from segwarehouse.ledger.ledger import ledger_to_read
from segwarehouse.ledger.status import Progress, Status, read_status
from segwarehouse.measure.campaign import Campaign
from segwarehouse.measure.run import measure
from segwarehouse.refresh import PlannedRelation, RefreshReport, RollbackReport, plan, refresh, rollback, verify
from segwarehouse.refresh.preflight import CheckReport, check
from segwarehouse.report import Report, summarise, write_report
from segwarehouse.report.reporting import REPORT_NAME
from segwarehouse.state.export import Exported, export
from segwarehouse.state.folders import current_run, states_on_disk
from segwarehouse.state.proof import Verified
from segwarehouse.state.published import PublishedState
from segwarehouse.warehouse import frame_of

_RUN_COLUMNS = ["run_id", "started_at", "finished_at", "status"]


class Project:
    """A folder with a `segwarehouse.toml`, and the state that was published from it.

    Parameters
    ----------
    directory
        The folder.

    Raises
    ------
    ConfigError
        If the configuration is missing or wrong.
    """

    def __init__(self, directory: str | Path = ".") -> None:
        self.config: Config = load_config(directory)

    def __repr__(self) -> str:
        run = current_run(self.config)
        found = f"published run {run}" if run else "nothing published"
        if self.config.in_place:  # which run it is stands in the database alone
            found = f"published in {self.config.publish.url.path.name}"
        return f"<Project {str(self.config.directory)!r}, {found}>"

    def check(self, as_of: dt.date | None = None) -> CheckReport:
        """Look at configuration and data, and say what a refresh would do. Nothing is changed."""
        return check(self.config, as_of=as_of)

    def plan(self, as_of: dt.date | None = None, departments: Sequence[str] = ()) -> list[PlannedRelation]:
        """Return the SQL that a refresh would run up to the learning, relation by relation."""
        return plan(self.config, as_of=as_of, departments=departments)

    def refresh(
        self,
        *,
        as_of: dt.date | None = None,
        departments: Sequence[str] = (),
        accept: bool = False,
        wait_seconds: float = 0.0,
        progress: Progress | None = None,
    ) -> RefreshReport:
        """Turn the transactions into proved, published targeting views. See `segwarehouse.refresh.refresh`."""
        return refresh(
            self.config,
            as_of=as_of,
            departments=departments,
            accept=accept,
            wait_seconds=wait_seconds,
            progress=progress,
        )

    def rollback(self, run_id: str | None = None, *, wait_seconds: float = 0.0) -> RollbackReport:
        """Put a previous state back, by default the one before the current one. See `segwarehouse.refresh.rollback`."""
        return rollback(self.config, run_id, wait_seconds=wait_seconds)

    def departments(self) -> pd.DataFrame:
        """Return `targeting.departments` of the published state: one row a department, with quality and verdict."""
        with PublishedState.open(self.config) as state:
            return frame_of(state.table("departments", "department_key"))

    def rules(self, department: str | None = None) -> pd.DataFrame:
        """Return `targeting.rules` of the published state, of all departments or of one."""
        with PublishedState.open(self.config) as state:
            rules = frame_of(state.table("rules", "department_key", "position"))
            if department is None:
                return rules
            name, _ = state.view_of(department)
        return rules[rules["department"] == name].reset_index(drop=True)

    def audience(self, department: str, *, limit: int | None = None, in_budget: bool = True) -> pd.DataFrame:
        """Return a department's targeting view, best first.

        Parameters
        ----------
        department
            The name as it stands in the data; its case does not matter where one alone can be meant.
        limit
            At most so many rows.
        in_budget
            Only whom to contact: the target arm within the budget.

        Raises
        ------
        UnknownName
            If the department has no view.
        """
        with PublishedState.open(self.config) as state:  # one connection sees one state, come what may
            _, view = state.view_of(department)
            where = exp.column("in_budget", quoted=True) if in_budget else None
            return frame_of(state.table(view, "rank", where=where, limit=limit))

    def report(self, output: str | Path | None = None, departments: Sequence[str] = ()) -> Report:
        """Write the published state in words and pictures to one HTML file that opens anywhere.

        Parameters
        ----------
        output
            The file; by default `report.html` in the project's folder. One that is there is replaced.
        departments
            Tell of these in detail; empty: of all that have a view.

        Raises
        ------
        UnknownName
            If a department has no view.
        """
        path = Path(output) if output is not None else self.config.directory / REPORT_NAME
        with PublishedState.open(self.config) as state:
            names = [state.view_of(name)[0] for name in departments]
            return write_report(state, path, names, self.config.directory.name)

    def summary(self, departments: Sequence[str] = ()) -> dict[str, Any]:
        """Return what the report says as plain values: text, numbers, lists and dictionaries, without anyone's id."""
        with PublishedState.open(self.config) as state:
            return summarise(state, [state.view_of(name)[0] for name in departments])

    def runs(self) -> pd.DataFrame:
        """Return every run that the ledger knows, the latest first.

        Its column ``state`` says whose published state is on disk: ``current``, ``kept``, or None. ``data_hash`` is
        equal where the transactions were; ``is_comparable`` says whether `diff` can still take it.

        While another run holds the ledger, these are the runs that the published state knows, without what only the
        ledger knows of them: ``frame.attrs["from_published_state"]`` is then true.
        """
        frame = self._logged_runs()
        current, kept = current_run(self.config), states_on_disk(self.config)
        states = ["current" if each == current else "kept" if each in kept else None for each in frame["run_id"]]
        frame.insert(1, "state", pd.Series(states, dtype=object))
        return frame

    def _logged_runs(self) -> pd.DataFrame:
        try:
            with ledger_to_read(self.config) as ledger:
                if ledger is not None and ledger.columns("changes"):
                    return frame_of(logged_runs(ledger))
        except WarehouseLocked:
            if self.config.in_place:
                raise
            return self._published_runs()
        return pd.DataFrame(columns=_RUN_COLUMNS)

    def _published_runs(self) -> pd.DataFrame:
        """Return the runs that the published state knows; none before the first state is published."""
        frame = pd.DataFrame(columns=_RUN_COLUMNS)
        with suppress(NothingPublished), PublishedState.open(self.config) as state:
            frame = frame_of(state.table("runs", "run_id"))[::-1].reset_index(drop=True)
        frame.attrs["from_published_state"] = True
        return frame

    def status(self) -> Status:
        """Return how far a running refresh is, or what the last run did. It opens no database."""
        return read_status(self.config)

    def diff(self, before: str | None = None, after: str | None = None) -> Difference:
        """Count who entered and who left each audience between two runs, by cause. See `difference`.

        Without runs: between the published state and the one before it.
        """
        return difference(self.config, before, after)

    def changes(self, before: str | None = None, after: str | None = None) -> pd.DataFrame:
        """Return who entered and who left: department, customer_id as text, change, cause, reason."""
        return frame_of(moved_customers(self.config, before, after))

    def measure(
        self,
        run_id: str | None = None,
        *,
        contacted: str | Path | pd.DataFrame | None = None,
        as_planned: bool = False,
    ) -> Campaign:
        """Compare those whom a run wanted contacted with its control group. See `segwarehouse.measure.run`.

        Who was contacted is in `contacted`, or is supposed to be as planned.
        """
        return measure(self.config, run_id, contacted=contacted, as_planned=as_planned)

    def verify(self) -> list[Verified]:
        """Prove every view of the published state again: SQL and Python, row by row."""
        return verify(self.config)

    def export(self, departments: Sequence[str] = (), dialect: str = "duckdb") -> list[Exported]:
        """Return the published views as SQL for another warehouse. See `segwarehouse.state.export`."""
        return export(self.config, departments, dialect)


def init(directory: str | Path, transactions: str | Path, columns: Mapping[str, str] | None = None) -> Initialised:
    """Look at a transactions file, guess its columns, and write a configuration. See `segwarehouse.initialise`."""
    return initialise(directory, transactions, columns)
