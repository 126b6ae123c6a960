"""What came of an audience: those contacted held against the control group, by the transactions that followed.

In: a run whose audiences are kept, and transactions up to today. Out: a `Campaign`. Nothing is changed. It supposes
that everybody in the budget was contacted and nobody of the control group, which is what the views ask for.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from segwarehouse import display
from segwarehouse.config import Config
from segwarehouse.domain import BoolArray
from segwarehouse.errors import DataError, UnknownName, did_you_mean
from segwarehouse.evaluate.bootstrap import Estimate
from segwarehouse.evaluate.campaign import Arm, Effect, added_buyers, effect_of
from segwarehouse.refresh.history import read_history
from segwarehouse.refresh.working import stage_sources, untouched_warehouse
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import Warehouse, relation

FEWEST_CONTROLS = 20
"""With fewer in the control group, a department's own figures are left out; it counts in the total."""


@dataclass(frozen=True)
class Campaign:
    """What came of the audiences of one run.

    Attributes
    ----------
    run_id
        The run.
    since, until
        Purchases from the first day up to, and without, the second are counted.
    is_complete
        Whether that is the whole outcome window of the run.
    departments
        For each department: contacts and controls, how many of each bought, the difference of the shares and the
        buyers that it stands for, with 95 percent intervals. No differences where the control group is small.
    added_buyers
        Over all departments, with an interval over customers.
    cost, value
        Of a contact and of a conversion, None where the configuration has none.
    contacts
        Over all departments.
    """

    run_id: str
    since: dt.date
    until: dt.date
    is_complete: bool
    departments: Sequence[dict[str, object]]
    added_buyers: Estimate
    contacts: int
    cost: float | None
    value: float | None

    @property
    def profit(self) -> Estimate | None:
        """What the added buyers are worth less what the contacts cost."""
        if self.cost is None or self.value is None:
            return None
        added, spent = self.added_buyers, self.contacts * self.cost
        return Estimate(
            added.value * self.value - spent,
            added.low * self.value - spent,
            added.high * self.value - spent,
            added.standard_error * self.value,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the same as plain values, for JSON."""
        found: dict[str, Any] = {
            "run_id": self.run_id,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "is_complete": self.is_complete,
            "contacts": self.contacts,
            "departments": list(self.departments),
            **_bounds("added_buyers", self.added_buyers),
        }
        return found | (_bounds("profit", self.profit) if self.profit else {})

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        found = self.as_dict()
        departments = found.pop("departments")
        return display.page(display.facts("What came of it", found), display.table("Departments", departments))


def measure(config: Config, run_id: str | None = None) -> Campaign:
    """Hold the customers whom a run wanted contacted against its control group.

    Parameters
    ----------
    run_id
        The run; without it the latest whose outcome window has passed, or else the earliest that is kept.

    Raises
    ------
    UnknownName
        If the run's audiences are not kept.
    DataError
        If transactions have no time, or none since the run.
    """
    if not config.warehouse.url.path.exists():
        raise UnknownName(
            f"{config.warehouse.url.path} keeps no run yet", "run: segwarehouse refresh", name=run_id or ""
        )
    models = TemplateFolder.of("models", config.directory)
    with untouched_warehouse(config, "measure") as warehouse:
        runs = _runs(warehouse)
        staged = stage_sources(config, warehouse, models, None, None)
        if staged.last_at is None:
            raise DataError(
                "transactions have no time, so nobody knows what was bought after the contact",
                "name their column: source.occurred_at",
            )
        run = _chosen(runs, run_id, staged.as_of.date())
        until = min(_window_end(run), staged.as_of.date())
        if until <= run["as_of"]:
            raise DataError(
                f"run {run['run_id']} knew everything before {run['as_of']}, and there is no transaction since",
                "measure again when newer transactions are there",
            )
        window = {
            "since": dt.datetime.combine(run["as_of"], dt.time()),
            "until": dt.datetime.combine(until, dt.time()),
        }
        rows = read_history(warehouse, "campaign", {"run_id": run["run_id"], **window})
    contacted, bought = _flags(rows, "was_contacted"), _flags(rows, "has_bought")
    department, customer = (rows[name].combine_chunks().dictionary_encode() for name in ("department", "customer_id"))
    numbers = department.indices.to_numpy()
    return Campaign(
        run_id=run["run_id"],
        since=run["as_of"],
        until=until,
        is_complete=until == _window_end(run),
        departments=[
            _department(name, contacted[numbers == place], bought[numbers == place])
            for place, name in enumerate(department.dictionary.to_pylist())
        ],
        added_buyers=added_buyers(
            numbers.astype("int64"),
            customer.indices.to_numpy().astype("int64"),
            contacted,
            bought,
            seed=config.learning.seed,
        ),
        contacts=int(contacted.sum()),
        cost=config.audience.cost_per_contact,
        value=config.audience.value_per_conversion,
    )


def _runs(warehouse: Warehouse) -> list[dict[str, Any]]:
    if not warehouse.columns(relation("history.memberships")):
        return []
    runs: list[dict[str, Any]] = read_history(warehouse, "campaign_runs", {}).to_pylist()
    return runs


def _chosen(runs: Sequence[dict[str, Any]], run_id: str | None, today: dt.date) -> dict[str, Any]:
    if not runs:
        raise UnknownName("no run's audiences are kept yet", "run: segwarehouse refresh", name=run_id or "")
    if run_id is None:
        return next((run for run in runs if _window_end(run) <= today), runs[-1])
    found = next((run for run in runs if run["run_id"] == run_id), None)
    if found is None:
        names = [str(run["run_id"]) for run in runs]
        raise UnknownName(f"the audiences of run {run_id!r} are not kept", did_you_mean(run_id, names), name=run_id)
    return found


def _window_end(run: Mapping[str, Any]) -> dt.date:
    """Return the day after the outcome window that the run was learned for."""
    days = int(json.loads(run["settings"])["learning"]["outcome_days"])
    end: dt.date = run["as_of"] + dt.timedelta(days=days)
    return end


def _department(name: str, contacted: BoolArray, bought: BoolArray) -> dict[str, object]:
    target = Arm(int(contacted.sum()), int((contacted & bought).sum()))
    control = Arm(int((~contacted).sum()), int((~contacted & bought).sum()))
    row: dict[str, object] = {
        "department": name,
        "contacts": target.customers,
        "bought": target.buyers,
        "controls": control.customers,
        "controls_bought": control.buyers,
    }
    if control.customers < FEWEST_CONTROLS:
        return {**row, "remark": f"fewer than {FEWEST_CONTROLS} in the control group"}
    effect = effect_of(target, control)
    return {**row, **_bounds("difference", effect), **_bounds("added_buyers", effect.times(target.customers))}


def _bounds(name: str, found: Effect | Estimate) -> dict[str, float]:
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def _flags(rows: pa.Table, name: str) -> BoolArray:
    flags: BoolArray = rows[name].to_numpy().astype("bool")
    return flags
