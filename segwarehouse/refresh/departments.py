"""All departments: tasks handed to workers, and their results put together.

In: features as of every cut-off, and what was published before. Out: a `DepartmentResult` for every department, its
scores mapped by what all departments together say, and what its view is compiled from. What a worker does is left to
`task.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from segwarehouse.config import Config
from segwarehouse.domain import Card, Department, IntArray
from segwarehouse.errors import SegwarehouseError, TooFewBuyers
from segwarehouse.evaluate.scores import Outcome, current_outcome, with_outcome, with_scores
from segwarehouse.evaluate.settings import Settings
from segwarehouse.evaluate.splits import STEPPING_BACK, cutoffs
from segwarehouse.features import Catalogue, FeatureTable, Staged
from segwarehouse.learn.conversion import Pool
from segwarehouse.ledger.history import Run
from segwarehouse.refresh.task import NO_RULE, CutOff, DepartmentResult, DepartmentTask, Worker
from segwarehouse.results.identity import PreviousSegments
from segwarehouse.results.maps import CustomersMap, shap_customers
from segwarehouse.rules.compile import ViewSpec
from segwarehouse.workers import in_parallel, processes


@dataclass(frozen=True)
class Known:
    """What a refresh knows before it learns.

    Attributes
    ----------
    pasts, now
        Features as of the cut-offs that rankings are judged at, the latest first, and those of now.
    protocol
        How rankings are judged.
    customers_map
        All customers in the plane.
    cards, segments
        The published cards that may stay, and the published segments, by department.
    """

    pasts: Sequence[FeatureTable]
    now: FeatureTable
    protocol: str
    customers_map: CustomersMap
    cards: Mapping[str, Card]
    segments: Mapping[str, PreviousSegments]


def learn_departments(
    config: Config,
    staged: Staged,
    known: Known,
    chosen: Sequence[Department],
    worker: Worker,
    run: Run,
) -> list[DepartmentResult]:
    """Learn every department anew, the chosen ones in their order."""
    tasks = [(task,) for task in tasks_of(config, staged, known, chosen)]
    results: list[DepartmentResult] = []
    for result in in_parallel(worker.learn, tasks, processes(config)):
        results.append(result)
        run.tell("learn", result.department.name, len(results) / len(chosen))
    return results


def tasks_of(config: Config, staged: Staged, known: Known, chosen: Sequence[Department]) -> list[DepartmentTask]:
    """Return what workers need to learn the chosen departments; all share the arrays of the feature tables."""
    steps_back = known.protocol == STEPPING_BACK
    windows = [window.cutoff.date() for window in cutoffs(config, staged)] if steps_back else [None]
    settings = [Settings.of(config, table, cutoff) for table, cutoff in zip(known.pasts, windows, strict=True)]
    numbers = _numbers(known.pasts)
    explained = shap_customers(len(chosen), len(known.now.catalogue.features))
    return [
        DepartmentTask(
            left_out=known.now.without(department),
            settings=Settings.of(config, known.now, None),
            pasts=tuple(
                CutOff(table.without(department), everyone, then)
                for table, everyone, then in zip(known.pasts, numbers, settings, strict=True)
            ),
            steps_back=steps_back,
            customers_map=known.customers_map,
            as_of=staged.as_of.date(),
            previous_card=known.cards.get(department.name),
            previous_segments=known.segments.get(department.name, PreviousSegments()),
            refits=config.rules.refits,
            explained=explained,
        )
        for department in chosen
    ]


def _numbers(tables: Sequence[FeatureTable]) -> list[IntArray]:
    """Return a number for each customer of each table (n,), the same for the same customer."""
    known: dict[object, int] = {}
    return [
        np.array([known.setdefault(each, len(known)) for each in table.customer_ids], dtype=np.int64)
        for table in tables
    ]


def map_scores(config: Config, results: Sequence[DepartmentResult], pool: Pool | None) -> list[DepartmentResult]:
    """Return the results with what all departments together say of scores.

    `pool` is what all have in common, where only some of them are learned.
    """
    evaluations = {result.department.name: result.evaluation for result in results}
    found = with_scores(
        evaluations, pool, seed=config.learning.seed, least=config.audience.min_cell, jobs=processes(config)
    )
    return [replace(result, evaluation=found[result.department.name]) for result in results]


def require_learned(
    results: Sequence[DepartmentResult],
) -> tuple[list[DepartmentResult], list[tuple[Department, str]]]:
    """Return the results that have a card, and the other departments with why not.

    Raises
    ------
    TooFewBuyers
        If none has.
    """
    learned = [result for result in results if result.card is not None]
    others = [result for result in results if result.card is None]
    if not learned:
        first = next((result for result in others if result.why != NO_RULE), others[0])
        raise TooFewBuyers(
            f"none of {len(results)} departments can be learned; {first.department.name!r}: {first.why}",
            "bring more transactions, or more columns of customers",
            buyers=first.department.buyers,
        )
    refused = sorted(others, key=lambda result: result.why == NO_RULE)
    return learned, [(result.department, result.why) for result in refused]


def outcome_of(result: DepartmentResult) -> Outcome | None:
    """Return how a department's probabilities become scores; None where there are no times, and they stay."""
    conversion = result.evaluation.conversion
    return current_outcome(conversion, result.candidate_probability, result.foreseen) if conversion else None


def view_spec(config: Config, catalogue: Catalogue, staged: Staged, result: DepartmentResult, run_id: str) -> ViewSpec:
    """Return what the department's view is compiled from: its card, with outcome probabilities."""
    if result.card is None:
        raise SegwarehouseError(f"{result.department.name} has no card", "please report this")
    outcome = outcome_of(result)
    return ViewSpec(
        card=with_outcome(result.card, outcome.outcome_map) if outcome else result.card,
        features={feature.name: feature for feature in catalogue.features},
        department_key=result.department.key,
        budget=config.audience.budget,
        control_share=config.audience.control_share,
        salt=config.audience.salt,
        as_of=staged.as_of.date(),
        run_id=run_id,
    )
