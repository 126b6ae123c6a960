"""How good a department's ranking is, before it is learned for publishing.

In: a `DepartmentTable` as of a cut-off in the past. Out: an `Evaluation`: rules, black box and single activity
measures held against who bought in the outcome window that followed. Where the data has no usable times, customers
are held out instead. It runs in a worker process: arrays in, frozen dataclasses out.
"""

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np

from segwarehouse.domain import BoolArray, Column, FloatArray, Rule, RuleSet, Scored
from segwarehouse.evaluate.cards import RuleCard, rule_cards
from segwarehouse.evaluate.curves import lexicographic
from segwarehouse.evaluate.intervals import Comparison, compare
from segwarehouse.features import DepartmentTable
from segwarehouse.learn.activity import activity_columns
from segwarehouse.learn.calibrate import OutcomeMap, fit_outcome_map
from segwarehouse.learn.department import DepartmentLearned, DepartmentParameters, learn_department
from segwarehouse.learn.population import Population

FEWEST_BUYERS = 30
"""With fewer buyers at the evaluation's cut-off, nothing is learned there."""

FEWEST_OUTCOMES = 10
"""With fewer outcome buyers, nothing can be said of a ranking."""

TRUSTED_OUTCOMES = 50
"""With fewer outcome buyers, probabilities are not mapped to the outcome, and the department is flagged."""

BASELINE = "activity"
BLACK_BOX = "black box"

SINGLE_MEASURES = ("breadth_count", "monetary_amount", "frequency_count")
"""Columns that a sceptic would sort by."""


@dataclass(frozen=True)
class Evaluation:
    """What was found out about one department.

    Attributes
    ----------
    comparison
        Quality of each ranking of the candidates; None where there were too few buyers to tell.
    rules
        The rules that were learned at the cut-off.
    cards
        How each of them did.
    outcome_map
        From the probability of being a buyer to that of buying in the outcome window.
    outcome_buyers
        How many candidates bought.
    budget
        The user's budget, scaled to the candidates that were ranked.
    cutoff
        Before this day everything was known; None where customers were held out.
    remark
        What to beware of.
    """

    comparison: Comparison | None
    rules: tuple[Rule, ...] = ()
    cards: tuple[RuleCard, ...] = ()
    outcome_map: OutcomeMap | None = None
    outcome_buyers: int = 0
    budget: int = 0
    cutoff: dt.date | None = None
    remark: str = ""


@dataclass(frozen=True)
class Settings:
    """What learning and evaluating a department depends on besides its table."""

    seed: int
    budget: int
    control_share: float
    population: int
    parameters: DepartmentParameters
    cutoff: dt.date | None = None


def learn(table: DepartmentTable, settings: Settings, *, explain: bool) -> DepartmentLearned:
    """Learn a department's card, and with `explain` its maps and segments too."""
    return learn_department(
        Population(table.values, table.features, table.buyers, table.activity_values, table.activity_features),
        seed=settings.seed,
        explain=explain,
        parameters=replace(settings.parameters, least_selected=_least_selected(table, settings)),
    )


def _least_selected(table: DepartmentTable, settings: Settings) -> float:
    """Return the share of the candidates that an audience must hold, enough to spend the budget."""
    contacts = settings.budget / (1.0 - settings.control_share) * len(table.buyers) / settings.population
    candidates = max(1, int((~table.buyers).sum()))
    return min(1.0, max(settings.parameters.least_selected, 1.5 * contacts / candidates))


def score(table: DepartmentTable, rule_set: RuleSet) -> Scored:
    """Return what a card says of the n customers of a table."""
    columns = {feature.name: Column.complete(table.values[:, at]) for at, feature in enumerate(table.features)}
    columns |= activity_columns(table.activity_values, table.activity_features)
    return rule_set.apply(columns, len(table.buyers))


def step_back(table: DepartmentTable, settings: Settings) -> Evaluation:
    """Learn at the cut-off of the table, and see who of the candidates buys afterwards."""
    buyers = int(table.buyers.sum())
    candidates = ~table.buyers
    outcomes = table.outcomes[candidates]
    bought = int(outcomes.sum())
    if buyers < FEWEST_BUYERS or bought < FEWEST_OUTCOMES:
        remark = f"{buyers} buyers at the cut-off and {bought} outcome buyers are too few to measure quality"
        return Evaluation(None, outcome_buyers=bought, remark=remark)
    learned = learn(table, settings, explain=False)
    return _judge(table, learned, candidates, outcomes, settings)


def hold_out(table: DepartmentTable, settings: Settings) -> Evaluation:
    """Learn from one half of the customers, and see whether the card finds the buyers among the other half."""
    held_out = np.random.default_rng(settings.seed).permutation(len(table.buyers)) % 2 == 1
    outcomes = table.buyers[held_out]
    known = int((table.buyers & ~held_out).sum())
    if known < FEWEST_BUYERS or int(outcomes.sum()) < FEWEST_OUTCOMES:
        remark = f"{known} buyers in one half of the customers are too few to measure quality on the other"
        return Evaluation(None, remark=remark)
    learned = learn(table.subset(~held_out), settings, explain=False)
    return replace(_judge(table, learned, held_out, outcomes, settings), outcome_map=None)


def _judge(
    table: DepartmentTable, learned: DepartmentLearned, rows: BoolArray, outcomes: BoolArray, settings: Settings
) -> Evaluation:
    scored = score(table, learned.card)
    rankings = {
        "rules": as_published(scored)[rows],
        BASELINE: scored.activity[rows].astype(np.float64),
        **_single_measures(table, rows),
    }
    if len(learned.propensity.probability) == len(rows):
        rankings[BLACK_BOX] = learned.propensity.probability[rows]
    budget = _scaled(settings.budget, len(table.buyers), settings.population, len(outcomes))
    comparison = compare(rankings, outcomes, budgets=(budget,), seed=settings.seed, baseline=BASELINE)
    bought = int(outcomes.sum())
    trusted = bought >= TRUSTED_OUTCOMES
    return Evaluation(
        comparison=comparison,
        rules=learned.card.rules,
        cards=rule_cards(scored.matched[rows], outcomes, seed=settings.seed),
        outcome_map=fit_outcome_map(scored.score[rows], outcomes) if trusted else None,
        outcome_buyers=bought,
        budget=budget,
        cutoff=settings.cutoff,
        remark="" if trusted else f"only {bought} outcome buyers: intervals are wide",
    )


def as_published(scored: Scored) -> FloatArray:
    """Return the order of the published view as one score: members first, then points, then activity."""
    return lexicographic(scored.selected.astype(np.int64), scored.points, scored.activity)


def _single_measures(table: DepartmentTable, rows: BoolArray) -> dict[str, FloatArray]:
    names = [feature.name for feature in table.features]
    return {name: table.values[rows, names.index(name)] for name in SINGLE_MEASURES if name in names}


def _scaled(budget: int, sampled: int, population: int, candidates: int) -> int:
    """Return the budget for a sample of the customers, at least 1 and at most all candidates."""
    return max(1, min(candidates, round(budget * sampled / population)))


def with_outcome(rule_set: RuleSet, outcome_map: OutcomeMap | None) -> RuleSet:
    """Return the card with its probabilities mapped to the outcome, where there is a map."""
    if outcome_map is None:
        return rule_set
    mapped = outcome_map.apply(np.array(rule_set.probabilities, dtype=np.float64))
    return RuleSet(rule_set.rules, rule_set.activity, tuple(float(p) for p in mapped))
