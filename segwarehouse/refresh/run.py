"""A refresh from transactions to a published state. `refresh` is the table of contents of the whole job.

In: a configuration. Out: a new published state and a `RefreshReport`, or an error and the previous state as it was.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlglot import exp

from segwarehouse.config import Config
from segwarehouse.domain import Department
from segwarehouse.evaluate.scores import pool_to_json
from segwarehouse.evaluate.splits import HOLDING_OUT, choose_protocol
from segwarehouse.features import Catalogue, FeatureTable, Staged, read_catalogue
from segwarehouse.ledger.forecast import Size, expected_seconds
from segwarehouse.ledger.history import Run, recorded
from segwarehouse.ledger.history import now as utc_now
from segwarehouse.ledger.status import Progress
from segwarehouse.refresh.choose import choose
from segwarehouse.refresh.compare import CARRIED, KEPT, LEARNED, Compared, compare, record_changes
from segwarehouse.refresh.cutoffs import build_cutoffs
from segwarehouse.refresh.departments import (
    Known,
    learn_departments,
    map_scores,
    require_learned,
    view_spec,
)
from segwarehouse.refresh.gate import hold_back, lifts
from segwarehouse.refresh.overall import refused_tables, tables_of
from segwarehouse.refresh.previous import Previous, cards_to_keep, previous_pool, read_previous
from segwarehouse.refresh.summary import RefreshReport
from segwarehouse.refresh.task import DepartmentResult, Worker
from segwarehouse.report.reporting import REPORT_NAME, Reporting
from segwarehouse.results.carry import Carried, carry_over, on_today
from segwarehouse.results.identity import previous_segments
from segwarehouse.results.maps import CustomersMap
from segwarehouse.results.reach import measure_reach
from segwarehouse.results.store import merged, run_tables, store
from segwarehouse.results.tables import COMMENTS
from segwarehouse.rules.compile import ViewSpec
from segwarehouse.state.folders import states_on_disk
from segwarehouse.state.proof import audit, audit_boundaries
from segwarehouse.state.publish import State, publish
from segwarehouse.state.published import PublishedState
from segwarehouse.state.views import views_of
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import DuckDB
from segwarehouse.working import made_anew, own_schemas, stage_sources, working_warehouse


@dataclass(frozen=True)
class _Job:
    """What every step works with."""

    config: Config
    warehouse: DuckDB
    models: TemplateFolder
    run: Run
    departments: Sequence[str]


@dataclass(frozen=True)
class _Prepared:
    """The data, before anything is learned: which departments to learn, and features as of every cut-off."""

    staged: Staged
    catalogue: Catalogue
    chosen: Sequence[Department]
    refused: Sequence[tuple[Department, str]]
    protocol: str
    previous: Previous | None
    pasts: Sequence[FeatureTable]
    now: FeatureTable


@dataclass(frozen=True)
class _Learned:
    """What was learned anew: `results` of all departments that were tried, `learned` of those that have a card."""

    customers_map: CustomersMap
    results: Sequence[DepartmentResult]
    learned: Sequence[DepartmentResult]
    refused: Sequence[tuple[Department, str]]


@dataclass(frozen=True)
class _Decided:
    """What is published: of `learned` the new cards, of `carried` the previous ones; `held` says why some are kept.

    `fresh` is what the views of new cards are compiled from, by department.
    """

    compared: Compared
    held: Mapping[str, str]
    learned: Sequence[DepartmentResult]
    fresh: Mapping[str, ViewSpec]
    carried: Carried
    refused: Sequence[tuple[Department, str]]

    @property
    def specs(self) -> dict[str, ViewSpec]:
        """What every view is compiled from, by department."""
        return {**self.fresh, **self.carried.specs}


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
    reporting = Reporting(config.directory.name)
    with (
        working_warehouse(config, wait_seconds) as (warehouse, ledger),
        recorded(ledger, warehouse, config, progress, own_schemas(config)) as run,
    ):
        with made_anew(config, warehouse):
            job = _Job(config, warehouse, models, run, departments)
            prepared = _prepare(job, as_of)
            learned = _learn(job, prepared, worker)
            decided = _decide(job, prepared, learned, accept=accept)
            run.step("prove on boundaries", lambda: audit_boundaries(decided.specs))
            _store(job, prepared, learned, decided)
            path = _publish(job, prepared, learned, decided, reporting)
            done = _report(job, prepared, decided, path)
        run.forget(config.history.runs_kept, states_on_disk(config))
    if config.in_place:  # the state is there for others once its transaction is committed
        with PublishedState.open(config) as published_state:
            reporting.write(published_state, path.parent)
    report = path.with_name(REPORT_NAME) if reporting.written else None
    return replace(done, report=report, report_failure=reporting.failure)


def _prepare(job: _Job, as_of: dt.date | None) -> _Prepared:
    """Read the sources, choose the departments, and build features as of every cut-off."""
    config, warehouse, models, run = job.config, job.warehouse, job.models, job.run
    staged = run.step("read transactions", lambda: stage_sources(config, warehouse, models, as_of, run))
    catalogue = run.step("name departments", lambda: read_catalogue(config, warehouse, staged))
    chosen, refused = choose(config, catalogue, job.departments)
    run.foresee(len(chosen), expected_seconds(Size.of(config, staged, catalogue, len(chosen))))
    run.step("take fingerprint", run.take_fingerprint)
    protocol = choose_protocol(config, staged)
    previous = read_previous(config, warehouse)
    pasts, now = run.step(
        "build features",
        lambda: build_cutoffs(config, warehouse, models, staged, catalogue, run.teller("build features")),
        protocol,
    )
    return _Prepared(staged, catalogue, chosen, refused, protocol, previous, pasts, now)


def _learn(job: _Job, prepared: _Prepared, worker: Worker) -> _Learned:
    """Learn the chosen departments, and map their scores by what all of them together say."""
    config, run, staged, previous, now = job.config, job.run, prepared.staged, prepared.previous, prepared.now
    customers_map = run.step("map customers", lambda: worker.map_customers(now, config.learning.seed))
    cards = cards_to_keep(config, previous, prepared.catalogue, staged, run.run_id)
    segments = previous_segments(config, job.warehouse, now.customer_ids)
    known = Known(prepared.pasts, now, prepared.protocol, customers_map, cards, segments)
    tried = run.step("learn", lambda: learn_departments(config, staged, known, prepared.chosen, worker, run))
    pool = previous_pool(config, previous) if job.departments else None
    results = run.step("map scores", lambda: map_scores(config, tried, pool))
    learned, unlearned = require_learned(results)
    return _Learned(customers_map, results, learned, [*prepared.refused, *unlearned])


def _decide(job: _Job, prepared: _Prepared, learned: _Learned, *, accept: bool) -> _Decided:
    """Compare the new cards with the previous ones; those that are held back, or not asked for, are carried over."""
    config, run, staged, catalogue = job.config, job.run, prepared.staged, prepared.catalogue
    fresh = {item.department.name: view_spec(config, catalogue, staged, item, run.run_id) for item in learned.learned}
    compared = run.step(
        "compare with the last state",
        lambda: compare(job.warehouse, prepared.previous, fresh, catalogue, staged, run.run_id),
    )
    held = (
        {}
        if accept
        else run.step("hold back", lambda: hold_back(config, prepared.previous, compared, lifts(learned.learned)))
    )
    asked = {department.name for department in prepared.chosen}
    others = [each for each in catalogue.departments if job.departments and each.name not in asked]
    kept = [item.department for item in learned.learned if item.department.name in held]
    same = {name: again.spec for name, again in compared.reread.items() if again.is_same}
    carried = carry_over(config, job.warehouse, same, [*others, *kept], held)
    published = [item for item in learned.learned if item.department.name not in held]
    return _Decided(
        compared=compared,
        held=held,
        learned=published,
        fresh={item.department.name: fresh[item.department.name] for item in published},
        carried=carried,
        refused=[(department, why) for department, why in learned.refused if department.name not in carried.specs],
    )


def _store(job: _Job, prepared: _Prepared, learned: _Learned, decided: _Decided) -> None:
    """Load every table of results, and write down what changes and what the run is."""
    warehouse, run, least = job.warehouse, job.run, job.config.audience.min_cell
    specs, fresh, held, now = decided.specs, decided.fresh, decided.held, prepared.now
    reach = run.step("count audiences", lambda: measure_reach(warehouse, prepared.catalogue.departments, specs))
    tables = merged(
        [
            run_tables(now, learned.customers_map),
            *tables_of(decided.learned, fresh, reach, now.customer_ids, least),
            refused_tables(decided.refused, least),
            on_today(decided.carried, reach, least).tables,
        ]
    )
    run.step("store", lambda: store(warehouse, tables))
    origins = {name: KEPT if name in held else LEARNED if name in fresh else CARRIED for name in specs}
    record_changes(warehouse, decided.compared, specs, origins, prepared.staged.id_type)
    run.remember(decided.compared.previous_run, held)
    run.describe(_facts(prepared, len(specs), len(decided.refused)))


def _publish(job: _Job, prepared: _Prepared, learned: _Learned, decided: _Decided, reporting: Reporting) -> Path:
    """Build the state aside, prove it, and put it in the place of the previous one; return the file."""
    config, warehouse, run, specs = job.config, job.warehouse, job.run, decided.specs
    published = [*(item.department for item in decided.learned), *decided.carried.departments]
    state = State(
        run_id=run.run_id,
        views=views_of(warehouse, {department: specs[department.name] for department in published}),
        models=job.models,
        context={
            "run_id": run.run_id,
            "written_at": utc_now(),
            "score_pool": pool_to_json(item.evaluation for item in learned.results),
        },
        comments=COMMENTS,
        places=run.lay_out(),
        is_look_alike=prepared.protocol == HOLDING_OUT,
    )
    return run.step(
        "publish",
        lambda: publish(config, warehouse, state, lambda reader: audit(reader, specs), reporting.write),
    )


def _facts(prepared: _Prepared, published: int, refused: int) -> dict[str, object]:
    """Return what the run log says of a run."""
    staged = prepared.staged
    return {
        "as_of": staged.as_of.date(),
        "protocol": prepared.protocol,
        "departments_published": published,
        "departments_refused": refused,
        "lines_kept": staged.lines_kept,
        "lines_left_out": sum(staged.cleaning.values()) - staged.lines_kept,
        "customers": prepared.now.total,
    }


def _report(job: _Job, prepared: _Prepared, decided: _Decided, published: Path) -> RefreshReport:
    """Return what the refresh did; departments as they were stored."""
    staged = prepared.staged
    rows = job.warehouse.fetch(exp.select("*").from_("learned.departments").order_by("department_key")).to_pylist()
    return RefreshReport(
        run_id=job.run.run_id,
        as_of=staged.as_of.date(),
        published=published,
        protocol=prepared.protocol,
        departments=[row for row in rows if row["verdict"] != "refused"],
        refused=[
            {"department": row["department"], "why": row["remark"]} for row in rows if row["verdict"] == "refused"
        ],
        held_back=[{"department": name, "why": why} for name, why in decided.held.items()],
        cleaning=dict(staged.cleaning),
        seconds=job.run.seconds,
    )
