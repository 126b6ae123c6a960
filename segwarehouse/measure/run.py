"""What came of an audience: those whom it was to contact, compared with the control group by what they bought since.

In: a run whose audiences are kept, transactions up to today, and who was contacted, or the word that all went as
planned. Out: a `Campaign`. Nothing is changed. Arms are compared as they were planned (intention to treat), whoever was
reached: the customers who could not be reached are others than those who could.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from segwarehouse.config import Config
from segwarehouse.domain import BoolArray
from segwarehouse.errors import DataError, UnknownName, WrongUsage, did_you_mean
from segwarehouse.evaluate.campaign import Arm, effect_of, smallest_visible, total_effect, uplift_of
from segwarehouse.ledger.ledger import ledger_to_read
from segwarehouse.measure.campaign import Campaign, bounds, counted, visible
from segwarehouse.measure.contacts import Contacts, match_contacts, read_contacts
from segwarehouse.project import create_schema, read_query
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import Relation
from segwarehouse.working import stage_sources, untouched_warehouse

AUDIENCE = Relation("learned", "audience")
"""Where the audiences of the run are put next to the transactions."""

FEWEST_CONTROLS = 20
"""With fewer in the control group, a department's own figures are left out; it counts in the total."""


def measure(
    config: Config,
    run_id: str | None = None,
    *,
    contacted: str | Path | pd.DataFrame | None = None,
    as_planned: bool = False,
) -> Campaign:
    """Compare the customers whom a run wanted contacted with its control group.

    Parameters
    ----------
    run_id
        The run; without it the latest whose outcome window has passed, or else the earliest that is kept.
    contacted
        Who was contacted: a CSV or Parquet file or a DataFrame, a line a contact, with `customer_id` and, where known,
        `department` and `contacted_at`; the first may be called as in the transactions.
    as_planned
        Suppose instead that everybody in the budget was contacted and nobody of the control group.

    Raises
    ------
    WrongUsage
        Unless one of `contacted` and `as_planned` is given: no figure can tell a campaign from one that never was.
    UnknownName
        If the run's audiences are not kept.
    SourceError
        If the list of contacts can't be read.
    DataError
        If transactions have no time, or none since the run, or the list of contacts holds no known customer.
    """
    if (contacted is None) == (not as_planned):
        raise WrongUsage(
            "who was contacted can't be read off the transactions"
            if contacted is None
            else "a list of contacts and the word that all went as planned contradict each other",
            "give a file with a line for each contact, --contacted contacts.csv, with a column customer_id and, if "
            "possible, department and contacted_at; or suppose that everybody in the budget was contacted, "
            "--as-planned (in Python: contacted=, as_planned=True)",
        )
    if not (config.ledger.exists() or config.warehouse.url.path.exists()):
        raise _none_kept(run_id)
    listed = None if contacted is None else read_contacts(config, contacted)
    models = TemplateFolder.of("models", config.directory)
    with untouched_warehouse(config, "measure") as warehouse, ledger_to_read(config, warehouse) as ledger:
        if ledger is None or not ledger.columns("memberships"):
            raise _none_kept(run_id)
        runs = ledger.read("campaign_runs", {}).to_pylist()
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
        warehouse.execute(create_schema(AUDIENCE.schema))
        warehouse.load(AUDIENCE, ledger.read("audience", {"run_id": run["run_id"]}))
        since, window_end = _midnight(run["as_of"]), _midnight(_window_end(run))
        contacts = None
        if listed is not None:
            contacts = match_contacts(warehouse, staged, listed, since, window_end)
        context = {
            "since": since,
            "until": _midnight(until),
            "window_end": window_end,
            "has_contacts": contacts is not None,
        }
        rows = warehouse.fetch(read_query(TemplateFolder.of("sql"), "measure/campaign.sql", context))
    return _campaign(config, run, until, rows, contacts)


def _campaign(
    config: Config, run: Mapping[str, Any], until: dt.date, rows: pa.Table, contacts: Contacts | None
) -> Campaign:
    planned, contacted, bought = (_flags(rows, name) for name in ("was_planned", "was_contacted", "has_bought"))
    department, customer = (rows[name].combine_chunks().dictionary_encode() for name in ("department", "customer_id"))
    numbers = department.indices.to_numpy()
    total = total_effect(
        numbers.astype("int64"),
        customer.indices.to_numpy().astype("int64"),
        planned,
        bought,
        seed=config.learning.seed,
    )
    names = department.dictionary.to_pylist()
    known = contacted if contacts else None
    return Campaign(
        run_id=run["run_id"],
        since=run["as_of"],
        until=until,
        is_complete=until == _window_end(run),
        departments=[_department(name, numbers == place, planned, bought, known) for place, name in enumerate(names)],
        added_buyers=total.added_buyers,
        uplift=total.uplift,
        smallest_visible=total.smallest_visible,
        planned=int(planned.sum()),
        took_place=int((planned & contacted).sum()) if contacts else None,
        controls=int((~planned).sum()),
        controls_contacted=int((~planned & contacted).sum()) if contacts else None,
        contacts=contacts,
        cost=config.audience.cost_per_contact,
        value=config.audience.value_per_conversion,
    )


def _none_kept(run_id: str | None) -> UnknownName:
    return UnknownName("no run's audiences are kept yet", "run: segwarehouse refresh", name=run_id or "")


def _chosen(runs: Sequence[dict[str, Any]], run_id: str | None, today: dt.date) -> dict[str, Any]:
    if not runs:
        raise _none_kept(run_id)
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


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time())


def _department(
    name: str, here: BoolArray, planned: BoolArray, bought: BoolArray, contacted: BoolArray | None
) -> dict[str, object]:
    """Return what came of one department's audience; `contacted` is None where all is supposed to be as planned."""
    target, control = (Arm(int((here & arm).sum()), int((here & arm & bought).sum())) for arm in (planned, ~planned))
    row: dict[str, object] = {"department": name, "contacts": target.customers}
    if contacted is not None:
        row["took_place"] = int((here & planned & contacted).sum())
    row |= {"bought": target.buyers, "controls": control.customers, "controls_bought": control.buyers}
    if contacted is not None:
        row["controls_contacted"] = int((here & ~planned & contacted).sum())
    if control.customers < FEWEST_CONTROLS:
        return {**row, "remark": f"fewer than {FEWEST_CONTROLS} in the control group"}
    effect = effect_of(target, control)
    share = (target.buyers + control.buyers) / max(1, target.customers + control.customers)
    least = smallest_visible(target.customers, control.customers, share)
    return {
        **row,
        **bounds("added_buyers", effect.times(target.customers)),
        **bounds("uplift", uplift_of(target, control)),
        "smallest_visible_uplift": least,
        "remark": f"{counted(control.customers, 'control')}: {visible(least)}",
        **bounds("difference", effect),
    }


def _flags(rows: pa.Table, name: str) -> BoolArray:
    flags: BoolArray = rows[name].to_numpy().astype("bool")
    return flags
