"""Features, quality and learning for all departments: what a refresh does with each of them, over processes.

In: a working database with staged transactions. Out: a feature table as of a cut-off; evaluations; what was learned.
What becomes of it is left to `run.py`.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from segwarehouse.config import Config
from segwarehouse.domain import Card, Department, IntArray, shown_count
from segwarehouse.errors import SegwarehouseError, TooFewBuyers
from segwarehouse.evaluate.judge import Evaluation, Past, Settings, hold_out, learn, step_back
from segwarehouse.evaluate.refits import measure_stability
from segwarehouse.evaluate.scores import current_outcome, with_scores
from segwarehouse.features import Catalogue, FeatureTable, LeftOut, Staged, Window, read_features
from segwarehouse.features.later_data import require_no_later_data
from segwarehouse.learn.card import CardParameters
from segwarehouse.learn.conversion import Pool
from segwarehouse.learn.department import DepartmentParameters
from segwarehouse.learn.mixture import fit_mixture
from segwarehouse.learn.segments import name_components
from segwarehouse.learn.selection import SelectionParameters
from segwarehouse.ledger.history import Run
from segwarehouse.ledger.pace import counted
from segwarehouse.project import build, load_models, run_check
from segwarehouse.refresh.choose import STEPPING_BACK, choose_protocol, cutoffs
from segwarehouse.results.identity import Identity
from segwarehouse.results.learned import CustomersMap, Learned, shap_customers
from segwarehouse.results.suppress import without_small_rules
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import Engine
from segwarehouse.workers import in_parallel, processes

_LEAK_CHECKS = 4
"""The leak check looks at one department in about so many parts of them, others in each run."""


def build_features(
    config: Config,
    warehouse: Engine,
    models: TemplateFolder,
    catalogue: Catalogue,
    window: Window,
    tell: Callable[[str, float], None] = lambda _subject, _share: None,
) -> FeatureTable:
    """Build the feature models as of a cut-off, check them, and read them; tell what is done, and how much of that."""
    context = feature_context(catalogue, window)
    built, checks = load_models(models, "features", context), load_models(models, "checks", context)
    before = counted(tell, len(built) + len(checks) + 1)
    build(warehouse, built, before)
    for check in checks:
        before(str(check.relation))
        run_check(warehouse, check)
    before("reading features")
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
        expected_uplift=config.audience.expected_uplift,
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


def evaluate_departments(
    config: Config,
    warehouse: Engine,
    models: TemplateFolder,
    staged: Staged,
    catalogue: Catalogue,
    chosen: Sequence[Department],
    pool: Pool | None,
    run: Run,
) -> dict[str, Evaluation]:
    """Measure every department's ranking on customers, or on times, that its learning does not see.

    `pool` is what all departments have in common, where only some of them are chosen.
    """
    protocol = choose_protocol(config, staged)
    windows = cutoffs(config, staged) or [staged.window(config)]
    pasts: dict[str, list[_Then]] = {department.name: [] for department in chosen}
    numbers: dict[object, int] = {}
    building = run.pace.part("measure quality", "build features", len(windows))
    for position, window in enumerate(windows):
        width = building / len(windows)
        tell = run.teller("measure quality", width * position, width)
        table = build_features(config, warehouse, models, catalogue, window, tell)
        if protocol == STEPPING_BACK and window is windows[-1]:
            built = load_models(models, "features", feature_context(catalogue, window))
            require_no_later_data(warehouse, config, catalogue, built, window)
        everyone = np.array([numbers.setdefault(each, len(numbers)) for each in table.customer_ids], dtype=np.int64)
        settings = settings_of(config, table, window.cutoff.date() if protocol == STEPPING_BACK else None)
        for department in chosen:
            pasts[department.name].append(_Then(table.without(warehouse, department), everyone, settings))
    work = [(pasts[department.name], protocol) for department in chosen]
    found: dict[str, Evaluation] = {}
    for department, evaluation in zip(chosen, in_parallel(_evaluate, work, processes(config)), strict=True):
        found[department.name] = evaluation
        run.tell("measure quality", department.name, building + (1.0 - building) * len(found) / len(chosen))
    return with_scores(found, pool, seed=config.learning.seed, least=config.audience.min_cell, jobs=processes(config))


@dataclass(frozen=True)
class _Then:
    """A `Past` on its way to a worker process: `everyone` is `Past.customers` for all customers of the table."""

    left_out: LeftOut
    everyone: IntArray
    settings: Settings

    def past(self) -> Past:
        table = self.left_out.table()
        return Past(table, self.everyone[table.rows], self.settings)


def _evaluate(then: Sequence[_Then], protocol: str) -> Evaluation:
    """Measure one department's ranking; where too few can be learned from, say so. It runs in a worker process."""
    judge = step_back if protocol == STEPPING_BACK else hold_out
    try:
        return judge([each.past() for each in then])
    except TooFewBuyers as error:
        return Evaluation(None, remark=_too_few(error, then[0].settings.min_cell))


def _too_few(error: TooFewBuyers, least: int) -> str:
    """Say that too few are left to learn from, in words that may be published: without a count below `least`."""
    buyers, others = (shown_count(int(str(error.facts[name])), least) for name in ("buyers", "others"))
    return f"too few to learn from: {buyers} buyers and {others} others among the customers who bought elsewhere"


@dataclass(frozen=True)
class Unlearned:
    """A department that could not be learned for want of buyers or of others, and why, in words."""

    department: Department
    why: str


def learn_departments(
    config: Config,
    warehouse: Engine,
    table: FeatureTable,
    customers_map: CustomersMap,
    chosen: Sequence[Department],
    evaluations: dict[str, Evaluation],
    cards: Mapping[str, Card],
    run: Run,
) -> list[Learned | Unlearned]:
    """Learn every department anew, as of now, for publishing."""
    settings = settings_of(config, table, None)
    left_out = [table.without(warehouse, department) for department in chosen]
    work = [
        (
            each,
            customers_map,
            evaluations[each.department.name],
            settings,
            cards.get(each.department.name),
            config.rules.refits,
            shap_customers(len(chosen), len(table.catalogue.features)),
        )
        for each in left_out
    ]
    learned: list[Learned | Unlearned] = []
    for each, item in zip(left_out, in_parallel(learn_and_explain, work, processes(config)), strict=True):
        learned.append(replace(item, left_out=each) if isinstance(item, Learned) else item)
        run.tell("learn", item.department.name, len(learned) / len(chosen))
    return learned


def learn_and_explain(
    left_out: LeftOut,
    customers_map: CustomersMap,
    evaluation: Evaluation,
    settings: Settings,
    former: Card | None,
    refits: int,
    explained: int,
) -> Learned | Unlearned:
    """Learn a department with its maps, its segments and what refits make of it. It runs in a worker process.

    What comes back has no arrays of all customers: the caller has those. SHAP values are of `explained` customers.
    Where too few can be learned from, that comes back instead: one department must not stop all.
    """
    table = left_out.table()
    try:
        result = learn(table, settings, explain=True, former=former)
    except TooFewBuyers as error:
        return Unlearned(table.department, _too_few(error, settings.min_cell))
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
    mapped = result.segment_map.embedding.rows
    return Learned(
        left_out=left_out.without_arrays(),
        card=result.card,
        frequency=result.frequency,
        kept=result.kept,
        confusion=result.confusion,
        segment_map=result.segment_map,
        probability=result.propensity.probability[mapped],
        explanation=result.propensity.explanation.of(mapped[:explained]),
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


def with_large_rules(item: Learned, least: int) -> Learned:
    """Return what was learned without the rules that fewer customers than the minimum cell size satisfy."""
    matched = item.table().score(item.card).matched
    return replace(item, card=without_small_rules(item.card, matched, least))


def with_outcomes(config: Config, item: Learned) -> Learned:
    """Return what was learned with how its probabilities become scores, where there are outcomes to learn that from."""
    conversion = item.evaluation.conversion
    if conversion is None:
        return item
    days = config.learning.outcome_days
    return replace(item, outcome=current_outcome(conversion, item.table(), item.card, days))
