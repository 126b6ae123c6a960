"""A refresh from transactions to a published state. `refresh` is the table of contents of the whole job.

In: a configuration. Out: a new published state and a `RefreshReport`, or an error and the former state as it was.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from sqlglot import exp

from segwarehouse import display
from segwarehouse.config import Config
from segwarehouse.domain import Department, RuleSet
from segwarehouse.errors import SegwarehouseError, TooFewBuyers
from segwarehouse.features import (
    Catalogue,
    DepartmentTable,
    FeatureTable,
    Staged,
    Window,
    read_catalogue,
    read_features,
)
from segwarehouse.learn.card import CardParameters
from segwarehouse.learn.department import DepartmentParameters
from segwarehouse.learn.mixture import fit_mixture
from segwarehouse.learn.segments import name_components
from segwarehouse.learn.selection import SelectionParameters
from segwarehouse.project import build, load_models, run_check
from segwarehouse.publish import State, View, publish
from segwarehouse.refresh.carry import append, carry_over
from segwarehouse.refresh.choose import STEPPING_BACK, choose, choose_protocol, cutoffs
from segwarehouse.refresh.compare import CARRIED, KEPT, LEARNED, compare, settle
from segwarehouse.refresh.evaluation import Evaluation, Past, Settings, hold_out, learn, score, step_back, with_outcome
from segwarehouse.refresh.former import read_former
from segwarehouse.refresh.gate import hold_back, lifts
from segwarehouse.refresh.history import Progress, Run, recorded
from segwarehouse.refresh.later_data import require_no_later_data
from segwarehouse.refresh.learned import CustomersMap, Learned, identified, map_customers, store
from segwarehouse.refresh.reporting import REPORT_NAME, Reporting
from segwarehouse.refresh.segments import Identity, previous_segments
from segwarehouse.refresh.stability import measure_stability
from segwarehouse.refresh.suppress import without_small_rules
from segwarehouse.refresh.verify import audit, open_published
from segwarehouse.refresh.warm import cards_to_keep
from segwarehouse.refresh.working import own_schemas, stage_sources, working_warehouse
from segwarehouse.rules.compile import Audience, department_view, naming_its_run
from segwarehouse.rules.describe import describe_rule
from segwarehouse.rules.prove import prove_on_boundaries
from segwarehouse.rules.simplify import simplify
from segwarehouse.rules.validate import validate_view
from segwarehouse.states import states_on_disk
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import Warehouse, connect, relation

DISPLAYED = (
    "department", "view_name", "buyers", "candidates", "rule_count", "lift_at_budget", "verdict", "auc", "activity_auc",
    "remark",
)  # fmt: skip
"""What is shown of a published department, the most important first."""

NO_RULE = "no rule tells its buyers from others"

_LEAK_CHECKS = 4
"""The leak check looks at one department in about so many parts of them, others in each run."""

Item = TypeVar("Item")
Result = TypeVar("Result")


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
        Departments that keep the rules of the run before, with the reason.
    cleaning
        Transaction lines by reason for leaving them out; ``kept`` is the rest.
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
        Called with the step, what is being done, and how much of the step is done (0 to 1).

    Raises
    ------
    WarehouseLocked
        If another run, or another program, still holds the working database.
    SegwarehouseError
        Whatever stands in the way; the published state is then as it was.
    """
    models = TemplateFolder.of("models", config.directory)
    with (
        working_warehouse(config, wait_seconds) as warehouse,
        recorded(warehouse, config, progress, own_schemas(config)) as run,
    ):
        staged = run.step("read transactions", lambda: stage_sources(config, warehouse, models, as_of, run))
        run.step("take fingerprint", run.take_fingerprint)
        catalogue = run.step("name departments", lambda: read_catalogue(config, warehouse, staged))
        chosen, refused = choose(config, catalogue, departments)
        protocol = choose_protocol(config, staged)
        evaluations = run.step(
            "measure quality",
            lambda: _evaluate(config, warehouse, models, staged, catalogue, chosen, protocol, run),
            protocol,
        )
        window = staged.window(config)
        table = run.step(
            "build features",
            lambda: build_features(config, warehouse, models, catalogue, window, run.teller("build features")),
        )
        customers_map = run.step("map customers", lambda: map_customers(table, config.learning.seed))
        former = read_former(config, warehouse)
        tried = run.step(
            "learn",
            lambda: _learn(
                config,
                warehouse,
                table,
                customers_map,
                chosen,
                evaluations,
                cards_to_keep(config, former, catalogue, staged, run.run_id),
                run,
            ),
        )
        tried = [_with_large_rules(item, config.audience.min_cell) for item in tried]
        learned = [item for item in tried if item.result.card.rules]
        if not learned:
            raise TooFewBuyers(
                f"no rule tells buyers from others in any of {len(tried)} departments",
                "bring more transactions, or more columns of customers",
                buyers=0,
            )
        before = previous_segments(config, warehouse)
        learned = [identified(item, table, customers_map, before, staged.as_of.date()) for item in learned]
        refused += [(item.department, NO_RULE) for item in tried if not item.result.card.rules]
        fresh = {item.department.name: _audience(config, catalogue, staged, item, run) for item in learned}
        compared = run.step(
            "compare with the last state", lambda: compare(warehouse, former, fresh, catalogue, staged, run.run_id)
        )
        held = {} if accept else run.step("hold back", lambda: hold_back(config, former, compared, lifts(learned)))
        asked = {department.name for department in chosen}
        others = [each for each in catalogue.departments if departments and each.name not in asked]
        kept = [item.department for item in learned if item.department.name in held]
        learned = [item for item in learned if item.department.name not in held]
        carried = carry_over(config, warehouse, compared.reread, [*others, *kept], held)
        refused = [(department, why) for department, why in refused if department.name not in carried.audiences]
        fresh = {item.department.name: fresh[item.department.name] for item in learned}
        audiences = {**fresh, **carried.audiences}
        run.step("prove on boundaries", lambda: _prove_boundaries(audiences))
        run.step("store", lambda: store(config, warehouse, table, learned, fresh, refused, customers_map))
        append(warehouse, carried)
        origins = {name: KEPT if name in held else LEARNED if name in fresh else CARRIED for name in audiences}
        settle(warehouse, compared, audiences, origins, staged.id_type)
        run.remember(compared.former_run, held)
        run.describe(
            {
                "as_of": staged.as_of.date(),
                "protocol": protocol,
                "departments_published": len(audiences),
                "departments_refused": len(refused),
                "lines_kept": staged.lines_kept,
                "lines_left_out": sum(staged.cleaning.values()) - staged.lines_kept,
                "customers": table.total,
            }
        )
        published = [*(item.department for item in learned), *carried.departments]
        state = State(
            run_id=run.run_id,
            views=[_view(warehouse, department, audiences[department.name]) for department in published],
            models=models,
            context={"run_id": run.run_id},
        )
        reporting = Reporting()
        path = run.step(
            "publish",
            lambda: publish(config, warehouse, state, lambda reader: audit(reader, audiences), reporting.write),
        )
        run.forget(config.history.runs_kept, states_on_disk(config))
        rows = warehouse.fetch(exp.select("*").from_("learned.departments").order_by("department_key")).to_pylist()
        done = RefreshReport(
            run_id=run.run_id,
            as_of=staged.as_of.date(),
            published=path,
            protocol=protocol,
            departments=[row for row in rows if row["verdict"] != "refused"],
            refused=[
                {"department": row["department"], "why": row["remark"]} for row in rows if row["verdict"] == "refused"
            ],
            held_back=[{"department": name, "why": why} for name, why in held.items()],
            cleaning=dict(staged.cleaning),
            seconds=run.seconds,
        )
    if config.in_place:  # the state is there for others once its transaction is committed
        with open_published(config) as published_state:
            reporting.write(published_state, path.parent)
    report = path.with_name(REPORT_NAME) if reporting.written else None
    return replace(done, report=report, report_failure=reporting.failure)


def build_features(
    config: Config,
    warehouse: Warehouse,
    models: TemplateFolder,
    catalogue: Catalogue,
    window: Window,
    tell: Callable[[str], None] | None = None,
) -> FeatureTable:
    """Build the feature models as of a cut-off, check them, and read them."""
    context = feature_context(catalogue, window)
    build(warehouse, load_models(models, "features", context), tell)
    for check in load_models(models, "checks", context):
        run_check(warehouse, check)
    return read_features(warehouse, catalogue, most=config.learning.max_customers, seed=config.learning.seed)


def feature_context(catalogue: Catalogue, window: Window) -> dict[str, object]:
    """Return what `models/features/` and `models/checks/` are rendered with."""
    parts = max(1, len(catalogue.departments) // _LEAK_CHECKS)
    return {
        **catalogue.context(),
        **window.context(),
        "leak_stride": parts,
        "leak_offset": window.cutoff.toordinal() % parts,
    }


def _evaluate(
    config: Config,
    warehouse: Warehouse,
    models: TemplateFolder,
    staged: Staged,
    catalogue: Catalogue,
    chosen: Sequence[Department],
    protocol: str,
    run: Run,
) -> dict[str, Evaluation]:
    """Measure every department's ranking on customers, or on times, that its learning does not see."""
    windows = cutoffs(config, staged) or [staged.window(config)]
    pasts: dict[str, list[Past]] = {department.name: [] for department in chosen}
    numbers: dict[object, int] = {}
    for window in windows:
        table = build_features(config, warehouse, models, catalogue, window, run.teller("build features"))
        if protocol == STEPPING_BACK and window is windows[-1]:
            built = load_models(models, "features", feature_context(catalogue, window))
            require_no_later_data(warehouse, config, catalogue, built, window)
        everyone = np.array([numbers.setdefault(each, len(numbers)) for each in table.customer_ids], dtype=np.int64)
        settings = settings_of(config, table, window.cutoff.date() if protocol == STEPPING_BACK else None)
        for department in chosen:
            alone = table.for_department(warehouse, department)
            pasts[department.name].append(Past(alone, everyone[alone.rows], settings))
    judge = step_back if protocol == STEPPING_BACK else hold_out
    found: dict[str, Evaluation] = {}
    for department, evaluation in zip(
        chosen, _in_parallel(config, judge, [(pasts[department.name],) for department in chosen]), strict=True
    ):
        found[department.name] = evaluation
        run.tell("measure quality", department.name, len(found) / len(chosen))
    return found


def _learn(
    config: Config,
    warehouse: Warehouse,
    table: FeatureTable,
    customers_map: CustomersMap,
    chosen: Sequence[Department],
    evaluations: dict[str, Evaluation],
    cards: Mapping[str, RuleSet],
    run: Run,
) -> list[Learned]:
    """Learn every department anew, as of now, for publishing."""
    settings = settings_of(config, table, None)
    work = [
        (
            table.for_department(warehouse, department),
            customers_map,
            evaluations[department.name],
            settings,
            cards.get(department.name),
            config.rules.refits,
        )
        for department in chosen
    ]
    learned: list[Learned] = []
    for item in _in_parallel(config, learn_and_explain, work):
        learned.append(item)
        run.tell("learn", item.department.name, len(learned) / len(chosen))
    return learned


def learn_and_explain(
    table: DepartmentTable,
    customers_map: CustomersMap,
    evaluation: Evaluation,
    settings: Settings,
    former: RuleSet | None,
    refits: int,
) -> Learned:
    """Learn a department with its maps, its segments and what refits make of it. It runs in a worker process."""
    result = learn(table, settings, explain=True, former=former)
    if result.segment_map is None:
        raise SegwarehouseError(f"{table.department.name}: no segments were learned", "please report this")
    mapped_buyers = np.isin(customers_map.rows, table.rows[table.buyers])
    mixture = fit_mixture(customers_map.coordinates[mapped_buyers], seed=settings.seed)
    nearest, distances = mixture.nearest(customers_map.coordinates)
    known = np.isin(customers_map.rows, table.rows)
    places = np.searchsorted(table.rows, customers_map.rows[known])
    components = name_components(
        nearest[known],
        len(mixture.weights),
        values=table.values[places],
        features=table.features,
        labels=table.buyers[places],
        weights=mixture.weights,
        min_cell=settings.min_cell,
    )
    return Learned(
        table=table,
        result=result,
        segment_map=result.segment_map,
        mixture=mixture,
        nearest=nearest,
        distances=distances,
        mapped_buyers=int(mapped_buyers.sum()),
        components=components,
        evaluation=evaluation,
        stability=measure_stability(table, settings, result.card, refits),
        persona_identity=Identity.new(len(result.segment_map.segments)),
        component_identity=Identity.new(len(components)),
    )


def _with_large_rules(item: Learned, least: int) -> Learned:
    """Return what was learned without the rules that fewer customers than the minimum cell size satisfy."""
    matched = score(item.table, item.result.card).matched
    card = without_small_rules(item.result.card, matched, least)
    return replace(item, result=replace(item.result, card=card))


def settings_of(config: Config, table: FeatureTable, cutoff: dt.date | None) -> Settings:
    """Return what learning from a table and judging it depends on, as configured."""
    return Settings(
        cutoff=cutoff,
        seed=config.learning.seed,
        outcome_days=config.learning.outcome_days,
        budget=config.audience.budget,
        control_share=config.audience.control_share,
        population=table.total,
        sampled=len(table.customer_ids),
        min_cell=config.audience.min_cell,
        cost_per_contact=config.audience.cost_per_contact,
        value_per_conversion=config.audience.value_per_conversion,
        parameters=DepartmentParameters(
            balance=config.learning.balance,
            card=CardParameters(
                # One condition is kept for the entry rule.
                selection=SelectionParameters(max_conditions=max(1, config.learning.max_conditions - 1)),
                max_rule_conditions=config.learning.max_rule_conditions,
            ),
            target=config.rules.target,
            min_segment=max(config.audience.min_cell, DepartmentParameters().min_segment),
        ),
    )


def _in_parallel(
    config: Config, work: Callable[..., Result], arguments: Sequence[tuple[object, ...]]
) -> Iterator[Result]:
    """Yield `work(*each)` in the order given, over the configured number of processes."""
    from joblib import Parallel, cpu_count, delayed

    jobs = min(config.learning.jobs or cpu_count(), len(arguments))
    yield from Parallel(n_jobs=jobs, return_as="generator")(delayed(work)(*each) for each in arguments)


def _audience(config: Config, catalogue: Catalogue, staged: Staged, item: Learned, run: Run) -> Audience:
    """Return what the department's view is compiled from: its card, simplified, with outcome probabilities."""
    features = {feature.name: feature for feature in catalogue.features}
    return Audience(
        rule_set=simplify(
            with_outcome(item.result.card, item.evaluation.outcome_map, item.table, config.learning.outcome_days)
        ),
        features=features,
        department_key=item.department.key,
        budget=config.audience.budget,
        control_share=config.audience.control_share,
        salt=config.audience.salt,
        as_of=staged.as_of.date(),
        run_id=run.run_id,
    )


def _prove_boundaries(audiences: dict[str, Audience]) -> None:
    """Hold every card against its SQL on a table of boundary values, on an engine of its own.

    Raises
    ------
    ProofFailed
        For the first department where they differ.
    """
    with connect(None) as scratch:
        for name, audience in audiences.items():
            prove_on_boundaries(scratch, audience).require(name)


def _view(warehouse: Warehouse, department: Department, audience: Audience) -> View:
    """Return the department's view, validated."""
    query = department_view(audience)
    validate_view(query, warehouse.columns(relation("features.customers")), dialect=warehouse.dialect)
    words = "; ".join(describe_rule(rule, audience.features) for rule in audience.rule_set.rules[:3])
    comment = f"Customers who do not buy in {department.name} yet and resemble those who do, best first. They {words}."
    return View(department, naming_its_run(query), comment)
