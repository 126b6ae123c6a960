"""The Python API: all that the command line does, returning dataclasses and data frames.

>>> import segwarehouse
>>> project = segwarehouse.Project("examples/complete_journey")       # doctest: +SKIP
>>> project.refresh()                                                 # doctest: +SKIP
>>> project.audience("SEAFOOD")                                       # doctest: +SKIP
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from sqlglot import exp

from segwarehouse.config import CONFIG_NAME, Config, guess_columns, load_config, render_config
from segwarehouse.errors import ConfigError, SourceError, UnknownName, did_you_mean
from segwarehouse.refresh import RefreshReport, plan, refresh, verify
from segwarehouse.refresh.check import CheckReport, check
from segwarehouse.refresh.difference import Difference, difference, logged_runs, moved_customers
from segwarehouse.refresh.verify import open_published
from segwarehouse.warehouse import Relation, connect, relation

Progress = Callable[[str, str, float], None]

PREVIEW_ROWS = 5


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

    def check(self, as_of: dt.date | None = None) -> CheckReport:
        """Look at configuration and data, and say what a refresh would do. Nothing is changed."""
        return check(self.config, as_of=as_of)

    def plan(self, as_of: dt.date | None = None, departments: Sequence[str] = ()) -> list[tuple[str, str]]:
        """Return the SQL that a refresh would run up to the learning, relation by relation."""
        return plan(self.config, as_of=as_of, departments=departments)

    def refresh(
        self,
        *,
        as_of: dt.date | None = None,
        departments: Sequence[str] = (),
        accept: bool = False,
        progress: Progress | None = None,
    ) -> RefreshReport:
        """Turn the transactions into proved, published targeting views. See `segwarehouse.refresh.refresh`."""
        return refresh(self.config, as_of=as_of, departments=departments, accept=accept, progress=progress)

    def departments(self) -> pd.DataFrame:
        """Return `targeting.departments` of the published state: one row a department, with quality and verdict."""
        return self._published("departments", "department_key")

    def rules(self, department: str | None = None) -> pd.DataFrame:
        """Return `targeting.rules` of the published state, of all departments or of one."""
        rules = self._published("rules", "department_key", "position")
        if department is None:
            return rules
        self._view_name(department)
        return rules[rules["department"] == department].reset_index(drop=True)

    def audience(self, department: str, *, limit: int | None = None, in_budget: bool = True) -> pd.DataFrame:
        """Return a department's targeting view, best first.

        Parameters
        ----------
        department
            The name as it stands in the data.
        limit
            At most so many rows.
        in_budget
            Only whom to contact: the target arm within the budget.

        Raises
        ------
        UnknownName
            If the department has no view.
        """
        query = exp.select("*").from_(Relation("targeting", self._view_name(department)).table()).order_by("rank")
        if in_budget:
            query = query.where("in_budget")
        if limit is not None:
            query = query.limit(limit)
        return self._frame(query)

    def runs(self) -> pd.DataFrame:
        """Return every run that the working database knows, the latest first.

        ``data_hash`` is equal where the transactions were; ``is_comparable`` says whether `diff` can still take it.
        """
        path = self.config.warehouse.url.path
        if not path.exists():
            return pd.DataFrame(columns=["run_id", "started_at", "finished_at", "status"])
        with connect(path, read_only=True) as warehouse:
            if not warehouse.columns(relation("history.changes")):
                return pd.DataFrame(columns=["run_id", "started_at", "finished_at", "status"])
            frame: pd.DataFrame = logged_runs(warehouse).to_pandas()
            return frame

    def diff(self, before: str | None = None, after: str | None = None) -> Difference:
        """Count who entered and who left each audience between two runs, by cause. See `difference`.

        Without runs: between the published state and the one before it.
        """
        return difference(self.config, before, after)

    def changes(self, before: str | None = None, after: str | None = None) -> pd.DataFrame:
        """Return who entered and who left: department, customer_id as text, change, cause, reason."""
        frame: pd.DataFrame = moved_customers(self.config, before, after).to_pandas()
        return frame

    def verify(self) -> list[dict[str, Any]]:
        """Prove every view of the published state again: SQL and Python, row by row. See `Verified.as_dict`."""
        return [item.as_dict() for item in verify(self.config)]

    def _published(self, name: str, *order: str) -> pd.DataFrame:
        return self._frame(exp.select("*").from_(Relation("targeting", name).table()).order_by(*order))

    def _frame(self, query: exp.Query) -> pd.DataFrame:
        with open_published(self.config) as state:
            frame: pd.DataFrame = state.fetch(query).to_pandas()
            return frame

    def _view_name(self, department: str) -> str:
        departments = self.departments()
        published = departments[departments["view_name"].notna()]
        found = published[published["department"] == department]
        if found.empty:
            refused = departments[departments["department"] == department]
            if not refused.empty:
                why = refused["remark"].iloc[0]
                raise UnknownName(
                    f"{department!r} has no view: {why}", "targeting.departments lists all", name=department
                )
            raise UnknownName(
                f"there is no department {department!r}",
                did_you_mean(department, list(published["department"])),
                name=department,
            )
        return str(found["view_name"].iloc[0])


@dataclass(frozen=True)
class Initialised:
    """What `init` wrote: the file, the columns that it guessed, and the first rows of the transactions."""

    path: Path
    guesses: dict[str, str]
    preview: pd.DataFrame

    def as_dict(self) -> dict[str, Any]:
        """Return the same as plain values."""
        return {"path": str(self.path), "guesses": self.guesses, "preview": self.preview.to_dict(orient="records")}


def init(directory: str | Path, transactions: str | Path) -> Initialised:
    """Look at a transactions file, guess its columns, and write a commented `segwarehouse.toml`.

    Parameters
    ----------
    directory
        Where to write it.
    transactions
        The file, relative to the current folder.

    Raises
    ------
    ConfigError
        If there is a configuration already, or no column can be who bought or where.
    SourceError
        If the file can't be read.
    """
    path = Path(directory) / CONFIG_NAME
    if path.exists():
        raise ConfigError(f"{path} exists already", "edit it, or move it away", key="", value=str(path))
    source = Path(transactions)
    with connect(None) as warehouse:
        warehouse.execute(exp.Create(this=exp.Table(db=exp.to_identifier("source")), kind="SCHEMA"))
        warehouse.attach_source("transactions", str(source.absolute()))
        columns = warehouse.columns(Relation("source", "transactions"))
        preview = warehouse.fetch(exp.select("*").from_("source.transactions").limit(PREVIEW_ROWS)).to_pandas()
    guesses = guess_columns(columns)
    for key in ("customer_id", "department"):
        if key not in guesses:
            raise SourceError(
                f"{source}: no column looks like source.{key}",
                f"write {CONFIG_NAME} by hand; the columns are {', '.join(columns)}",
                column=key,
            )
    here = Path(directory).absolute()
    inside = source.absolute().is_relative_to(here)
    location = source.absolute().relative_to(here).as_posix() if inside else str(source.absolute())
    if "/" not in location:
        location = f"./{location}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_config({"source": {"transactions": location, **guesses}}), encoding="utf-8")
    return Initialised(path, guesses, preview)
