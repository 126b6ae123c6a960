"""One department: what a worker needs to learn it is one value, and so is what it returns.

In: a `DepartmentTask`: the department at every cut-off and now, each without its own lines, and what was published of
it before. Out: a `DepartmentResult`: how good its ranking was in the past, its card, and the finished rows of every
table that only its own customers decide. A worker asks no database and knows nobody's id: customers are places in the
feature table. What needs all departments, or all customers, is left to the parent.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from segwarehouse.domain import Card, Department, FloatArray, IntArray, shown_count
from segwarehouse.errors import SegwarehouseError, TooFewBuyers
from segwarehouse.evaluate.judge import Evaluation, Past, begins_share, hold_out, learn, step_back
from segwarehouse.evaluate.refits import measure_stability
from segwarehouse.evaluate.settings import Settings
from segwarehouse.features import FeatureTable, LeftOut
from segwarehouse.learn.department import DepartmentLearned
from segwarehouse.results.facts import LearnedFacts
from segwarehouse.results.identity import PreviousSegments
from segwarehouse.results.maps import CustomersMap, map_customers, map_department
from segwarehouse.results.suppress import Totals, without_small_rules
from segwarehouse.results.tables import worker_tables
from segwarehouse.rules.simplify import simplify
from segwarehouse.table import DepartmentTable
from segwarehouse.workers import on_one_thread

NO_RULE = "no rule tells its buyers from others"


@dataclass(frozen=True)
class CutOff:
    """A department at a cut-off in the past, on its way to a worker.

    `everyone` is int64, a number for each customer of the whole feature table, the same at every cut-off.
    """

    left_out: LeftOut
    everyone: IntArray
    settings: Settings

    def past(self) -> Past:
        """Return it with its arrays."""
        table = self.left_out.table()
        return Past(table, self.everyone[table.rows], self.settings)


@dataclass(frozen=True)
class DepartmentTask:
    """All that is needed to learn one department.

    Attributes
    ----------
    left_out, settings
        The department now, as it is published.
    pasts
        The same at the cut-offs that its ranking is judged at, the latest first; where customers are held out, one.
    steps_back
        Whether it is judged by what came after these, or on customers who are held out.
    customers_map
        All customers, or a sample of them, in the plane.
    as_of
        Everything before this day is known now.
    previous_card
        The published card, where it may stay.
    previous_segments
        The published segments.
    refits
        How often it is learned again from other samples.
    explained
        Of how many customers SHAP values are published.
    """

    left_out: LeftOut
    settings: Settings
    pasts: tuple[CutOff, ...]
    steps_back: bool
    customers_map: CustomersMap
    as_of: dt.date
    previous_card: Card | None
    previous_segments: PreviousSegments
    refits: int
    explained: int

    @property
    def department(self) -> Department:
        """The department that is learned."""
        return self.left_out.department


@dataclass(frozen=True)
class DepartmentResult:
    """What was learned of a department.

    Attributes
    ----------
    department
        Which one.
    evaluation
        How good its ranking was in the past.
    card
        In its shortest form, with the probabilities of being a buyer; None where it could not be learned.
    why
        Why it could not, in words.
    candidate_points
        int64: of each candidate who was learned from.
    foreseen
        The share of these who begin to buy within the outcome window, by waiting times; None where that can't be said.
    totals
        What a reader may subtract from.
    tables
        Rows that tell of the department alone, without what is too small to be published, by table. Those of customers
        have their ``place`` in the feature table instead of their id.
    """

    department: Department
    evaluation: Evaluation
    card: Card | None = None
    why: str = ""
    candidate_points: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64), repr=False)
    foreseen: float | None = None
    totals: Totals = field(default_factory=Totals)
    tables: Mapping[str, pa.Table] = field(default_factory=dict, repr=False)

    @property
    def candidate_probability(self) -> FloatArray:
        """float64: of each candidate who was learned from, to be a buyer."""
        if self.card is None:
            return np.zeros(0, dtype=np.float64)
        levels = np.array(self.card.probabilities, dtype=np.float64)
        return levels[np.clip(self.candidate_points, 0, len(levels) - 1)]


class Worker:
    """What a refresh hands its tasks to. It has no state, so that it goes to other processes.

    The map is made on one thread, as tasks are: sums over several come in another order from run to run.
    """

    def map_customers(self, table: FeatureTable, seed: int) -> CustomersMap:
        """Return the map of all customers."""
        with on_one_thread():
            return map_customers(table, seed)

    def learn(self, task: DepartmentTask) -> DepartmentResult:
        """Judge a department, learn it, learn it again from other samples, name its segments, and make its rows.

        Where too few can be learned from, the result says so: one department must not stop all.
        """
        evaluation = _judge(task)
        settings, table = task.settings, task.left_out.table()
        try:
            learned = learn(table, settings, explain=True, previous=task.previous_card)
        except TooFewBuyers as error:
            return DepartmentResult(task.department, evaluation, why=_too_few(error, settings.min_cell))
        matched = table.score(learned.card).matched
        card = simplify(without_small_rules(learned.card, matched, settings.min_cell))
        if not card.rules:
            return DepartmentResult(task.department, evaluation, why=NO_RULE)
        return _result(task, evaluation, table, learned, card)


def _judge(task: DepartmentTask) -> Evaluation:
    judge = step_back if task.steps_back else hold_out
    try:
        return judge([each.past() for each in task.pasts])
    except TooFewBuyers as error:
        return Evaluation(None, remark=_too_few(error, task.settings.min_cell))


def _too_few(error: TooFewBuyers, least: int) -> str:
    """Say that too few are left to learn from, in words that may be published: without a count below `least`."""
    buyers, others = (shown_count(int(str(error.facts[name])), least) for name in ("buyers", "others"))
    return f"too few to learn from: {buyers} buyers and {others} others among the customers who bought elsewhere"


def _result(
    task: DepartmentTask, evaluation: Evaluation, table: DepartmentTable, learned: DepartmentLearned, card: Card
) -> DepartmentResult:
    if learned.segment_map is None:
        raise SegwarehouseError(f"{task.department.name}: no segments were learned", "please report this")
    settings = task.settings
    maps = map_department(table, learned.segment_map, task.customers_map, settings, task.previous_segments, task.as_of)
    facts = LearnedFacts(
        table=table,
        learned=learned,
        card=card,
        evaluation=evaluation,
        stability=measure_stability(table, settings, learned.card, task.refits),
        maps=maps,
        customers_map=task.customers_map,
        explained=learned.segment_map.embedding.rows[: task.explained],
    )
    return DepartmentResult(
        department=task.department,
        evaluation=evaluation,
        card=card,
        candidate_points=table.score(card).points[~table.buyers],
        foreseen=begins_share(table, settings.outcome_days) if evaluation.conversions else None,
        totals=facts.totals,
        tables=worker_tables(facts, settings.min_cell),
    )
