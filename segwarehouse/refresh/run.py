"""A refresh from transactions to a published state. `refresh` is the table of contents of the whole job.

In: a configuration. Out: a new published state and a `RefreshReport`, or an error and the previous state as it was.
"""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlglot import exp

from segwarehouse import display
from segwarehouse.config import Config
from segwarehouse.domain import Department
from segwarehouse.evaluate.scores import pool_to_json
from segwarehouse.features import FeatureTable, Staged, read_catalogue
from segwarehouse.ledger.history import Run, recorded
from segwarehouse.ledger.history import now as utc_now
from segwarehouse.ledger.status import Progress
from segwarehouse.refresh.build import build_cutoffs
from segwarehouse.refresh.carry import carry_over, on_today
from segwarehouse.refresh.choose import HOLDING_OUT, choose, choose_protocol
from segwarehouse.refresh.compare import CARRIED, KEPT, LEARNED, compare, record_changes
from segwarehouse.refresh.department import Worker
from segwarehouse.refresh.departments import (
    Known,
    learn_departments,
    map_scores,
    require_learned,
    view_spec,
)
from segwarehouse.refresh.forecast import Size, expected_seconds
from segwarehouse.refresh.gate import hold_back, lifts
from segwarehouse.refresh.overall import refused_tables, tables_of
from segwarehouse.refresh.previous import previous_pool, read_previous
from segwarehouse.refresh.reporting import REPORT_NAME, Reporting
from segwarehouse.refresh.warm import cards_to_keep
from segwarehouse.results.identity import previous_segments
from segwarehouse.results.reach import measure_reach
from segwarehouse.results.store import merged, run_tables, store
from segwarehouse.results.tables import COMMENTS
from segwarehouse.rules.compile import CUSTOMERS, ViewSpec, department_view, naming_its_run
from segwarehouse.rules.describe import describe_rule
from segwarehouse.rules.prove import prove_on_boundaries
from segwarehouse.rules.validate import validate_view
from segwarehouse.state.folders import states_on_disk
from segwarehouse.state.proof import audit
from segwarehouse.state.publish import State, View, publish
from segwarehouse.state.published import PublishedState
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import Engine, connect
from segwarehouse.working import made_anew, own_schemas, stage_sources, working_warehouse

DISPLAYED = (
    "department", "verdict_at_budget", "extra_buyers", "verdict", "contacts", "lift_at_budget", "buyers", "candidates",
    "rule_count", "auc", "activity_auc", "view_name", "remark",
)  # fmt: skip
"""What is shown of a published department, the most important first."""

VERDICTS = ("beats activity", "ties", "trails")
"""The best first; whatever else is said of a department proves less."""


@dataclass(frozen=True)
class RefreshReport:
    """What a refresh did.

    Attributes
    ----------
    run_id
        Names the run and the published state.
    as_of
        Everything before this day was known.
    published
        The file that readers open.
    protocol
        How quality was measured.
    departments
        What `targeting.departments` says of each published department.
    refused
        Departments without a view, with the reason.
    held_back
        Departments that keep their previous rules, with the reason.
    cleaning
        Transaction lines by reason for leaving them out. Those whose reason begins with ``kept`` are not left out; a
        ``kept duplicate`` equals another line in every column.
    seconds
        How long it took.
    report
        The HTML report of the state; None where it could not be made.
    report_failure
        Why it could not.
    """

    run_id: str
    as_of: dt.date
    published: Path
    protocol: str
    departments: Sequence[dict[str, object]]
    refused: Sequence[dict[str, object]]
    held_back: Sequence[dict[str, object]]
    cleaning: dict[str, int]
    seconds: float
    report: Path | None = None
    report_failure: str = ""

    def __repr__(self) -> str:
        return display.brief(
            self,
            run_id=self.run_id,
            as_of=self.as_of.isoformat(),
            departments=len(self.departments),
            refused=len(self.refused),
            held_back=len(self.held_back),
            published=str(self.published),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        return {
            "run_id": self.run_id,
            "as_of": self.as_of.isoformat(),
            "published": str(self.published),
            "protocol": self.protocol,
            "departments": list(self.departments),
            "refused": list(self.refused),
            "held_back": list(self.held_back),
            "cleaning": self.cleaning,
            "seconds": self.seconds,
            "report": str(self.report) if self.report else None,
            "report_failure": self.report_failure,
        }

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        found = self.as_dict()
        done = {name: found[name] for name in ("run_id", "as_of", "published", "protocol", "seconds")}
        return display.page(
            display.facts("Published", done),
            display.table("Departments", self.departments, DISPLAYED),
            display.table("Left out", self.refused),
        )


def refresh(
    config: Config,
    *,
    as_of: dt.date | None = None,
    departments: Sequence[str] = (),
    accept: bool = False,
    wait_seconds: float = 0.0,
    progress: Progress | None = None,
    worker: Worker | None = None,
) -> RefreshReport:
    """Turn the transactions into proved, published targeting views.

    Parameters
    ----------
    as_of
        Hide every transaction on or after this day from every step. None: the day after the last one.
    departments
        Learn only these; the others keep the cards of the published state. Empty: those of the configuration.
    accept
        Publish new rules whatever they change; otherwise `[gate]` may hold some back.
    wait_seconds
        How long to wait for another run that holds the working database.
    progress
        Called with a `Moment`: the step, what is being done, and how much of the whole run is done.
    worker
        What learns departments; None: `Worker`, over processes of its own.

    Raises
    ------
    WarehouseLocked
        If another run, or another program, still holds the working database.
    SegwarehouseError
        Whatever stands in the way; the published state is then as it was.
    """
    worker = worker or Worker()
    models = TemplateFolder.of("models", config.directory)
    with (
        working_warehouse(config, wait_seconds) as (warehouse, ledger),
        recorded(ledger, warehouse, config, progress, own_schemas(config)) as run,
        made_anew(config, warehouse),
    ):
        staged = run.step("read transactions", lambda: stage_sources(config, warehouse, models, as_of, run))
        catalogue = run.step("name departments", lambda: read_catalogue(config, warehouse, staged))
        chosen, refused = choose(config, catalogue, departments)
        run.foresee(len(chosen), expected_seconds(Size.of(config, staged, catalogue, len(chosen))))
        run.step("take fingerprint", run.take_fingerprint)
        protocol = choose_protocol(config, staged)
        previous = read_previous(config, warehouse)
        pasts, now = run.step(
            "build features",
            lambda: build_cutoffs(config, warehouse, models, staged, catalogue, run.teller("build features")),
            protocol,
        )
        customers_map = run.step("map customers", lambda: worker.map_customers(now, config.learning.seed))
        cards = cards_to_keep(config, previous, catalogue, staged, run.run_id)
        segments = previous_segments(config, warehouse, now.customer_ids)
        known = Known(pasts, now, protocol, customers_map, cards, segments)
        tried = run.step("learn", lambda: learn_departments(config, staged, known, chosen, worker, run))
        pool = previous_pool(config, previous) if departments else None
        scored = run.step("map scores", lambda: map_scores(config, tried, pool))
        learned, unlearned = require_learned(scored)
        refused += unlearned
        fresh = {item.department.name: view_spec(config, catalogue, staged, item, run.run_id) for item in learned}
        compared = run.step(
            "compare with the last state", lambda: compare(warehouse, previous, fresh, catalogue, staged, run.run_id)
        )
        held = {} if accept else run.step("hold back", lambda: hold_back(config, previous, compared, lifts(learned)))
        asked = {department.name for department in chosen}
        others = [each for each in catalogue.departments if departments and each.name not in asked]
        kept = [item.department for item in learned if item.department.name in held]
        learned = [item for item in learned if item.department.name not in held]
        carried = carry_over(config, warehouse, compared.reread, [*others, *kept], held)
        refused = [(department, why) for department, why in refused if department.name not in carried.specs]
        fresh = {item.department.name: fresh[item.department.name] for item in learned}
        specs = {**fresh, **carried.specs}
        run.step("prove on boundaries", lambda: _prove_boundaries(specs))
        reach = run.step("count audiences", lambda: measure_reach(warehouse, catalogue.departments, specs))
        tables = merged(
            [
                run_tables(now, customers_map),
                *tables_of(learned, fresh, reach, now.customer_ids, config.audience.min_cell),
                refused_tables(refused, config.audience.min_cell),
                on_today(carried, reach, config.audience.min_cell).tables,
            ]
        )
        run.step("store", lambda: store(warehouse, tables))
        origins = {name: KEPT if name in held else LEARNED if name in fresh else CARRIED for name in specs}
        record_changes(warehouse, compared, specs, origins, staged.id_type)
        run.remember(compared.previous_run, held)
        run.describe(_facts(staged, protocol, now, len(specs), len(refused)))
        published = [*(item.department for item in learned), *carried.departments]
        state = State(
            run_id=run.run_id,
            views=_views(warehouse, {department: specs[department.name] for department in published}),
            models=models,
            context={
                "run_id": run.run_id,
                "written_at": utc_now(),
                "score_pool": pool_to_json(item.evaluation for item in scored),
            },
            comments=COMMENTS,
            places=run.lay_out(),
            is_look_alike=protocol == HOLDING_OUT,
        )
        reporting = Reporting(config.directory.name)
        path = run.step(
            "publish",
            lambda: publish(config, warehouse, state, lambda reader: audit(reader, specs), reporting.write),
        )
        run.forget(config.history.runs_kept, states_on_disk(config))
        done = _report(warehouse, run, staged, protocol, path, held)
    if config.in_place:  # the state is there for others once its transaction is committed
        with PublishedState.open(config) as published_state:
            reporting.write(published_state, path.parent)
    report = path.with_name(REPORT_NAME) if reporting.written else None
    return replace(done, report=report, report_failure=reporting.failure)


def strongest(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the row of the department with the strongest evidence: the best verdicts, then the largest lower bound.

    The verdict at the budget comes before the one over all candidates. The bound is that of the buyers more than by
    activity; a department without one comes last among its equals.
    """

    def evidence(row: Mapping[str, Any]) -> tuple[int, int, float]:
        at_budget, overall = (_place(row.get(name)) for name in ("verdict_at_budget", "verdict"))
        low = row.get("extra_buyers_low")
        return -at_budget, -overall, -math.inf if low is None or math.isnan(low) else float(low)

    return max(rows, key=evidence)


def _place(verdict: object) -> int:
    return VERDICTS.index(verdict) if verdict in VERDICTS else len(VERDICTS)


def _facts(staged: Staged, protocol: str, table: FeatureTable, published: int, refused: int) -> dict[str, object]:
    """Return what the run log says of a run."""
    return {
        "as_of": staged.as_of.date(),
        "protocol": protocol,
        "departments_published": published,
        "departments_refused": refused,
        "lines_kept": staged.lines_kept,
        "lines_left_out": sum(staged.cleaning.values()) - staged.lines_kept,
        "customers": table.total,
    }


def _report(
    warehouse: Engine, run: Run, staged: Staged, protocol: str, published: Path, held: Mapping[str, str]
) -> RefreshReport:
    """Return what the refresh did; departments as they were stored."""
    rows = warehouse.fetch(exp.select("*").from_("learned.departments").order_by("department_key")).to_pylist()
    return RefreshReport(
        run_id=run.run_id,
        as_of=staged.as_of.date(),
        published=published,
        protocol=protocol,
        departments=[row for row in rows if row["verdict"] != "refused"],
        refused=[
            {"department": row["department"], "why": row["remark"]} for row in rows if row["verdict"] == "refused"
        ],
        held_back=[{"department": name, "why": why} for name, why in held.items()],
        cleaning=dict(staged.cleaning),
        seconds=run.seconds,
    )


def _prove_boundaries(specs: dict[str, ViewSpec]) -> None:
    """Compare every card with its SQL on a table of boundary values, on an engine of its own.

    Raises
    ------
    ProofFailed
        For the first department where they differ.
    """
    with connect(None) as scratch:
        proofs = prove_on_boundaries(scratch, list(specs.values()))
        for name, proof in zip(specs, proofs, strict=True):
            proof.require(name)


def _views(warehouse: Engine, specs: Mapping[Department, ViewSpec]) -> list[View]:
    """Return the departments' views, validated."""
    columns = warehouse.columns(CUSTOMERS)
    views = []
    for department, spec in specs.items():
        query = department_view(spec)
        validate_view(query, columns, dialect=warehouse.dialect)
        words = "; ".join(describe_rule(rule, spec.features) for rule in spec.card.rules[:3])
        comment = (
            f"Customers who do not buy in {department.name} yet and resemble those who do, best first. They {words}."
        )
        views.append(View(department, naming_its_run(query), comment))
    return views
