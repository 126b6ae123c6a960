"""How good a department's ranking is, before it is learned for publishing.

In: a department's `Past` at one cut-off or several, the latest first. Out: an `Evaluation`: rules, black box, single
measures and chance held against who bought in the outcome windows that followed, on average over the cut-offs, with
customers as what is resampled. Where the data has no usable times, customers are held out instead. It runs in a
worker process: arrays in, frozen dataclasses out.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from segwarehouse.domain import BoolArray, Column, FloatArray, IntArray, Rule, RuleSet, Scored
from segwarehouse.evaluate.calibration import Calibration, calibration
from segwarehouse.evaluate.cards import RuleCard, rule_cards
from segwarehouse.evaluate.curves import auc, lexicographic
from segwarehouse.evaluate.intervals import Comparison, Sample, compare_samples
from segwarehouse.evaluate.profit import ProfitCurve, profit_curve
from segwarehouse.features import DepartmentTable
from segwarehouse.learn.activity import activity_columns
from segwarehouse.learn.calibrate import OutcomeMap, fit_outcome_map
from segwarehouse.learn.department import DepartmentLearned, DepartmentParameters, learn_department
from segwarehouse.learn.population import Population
from segwarehouse.learn.waiting import fit_waiting
from segwarehouse.refresh.suppress import told

FEWEST_BUYERS = 30
"""With fewer buyers at the evaluation's cut-off, nothing is learned there."""

FEWEST_OUTCOMES = 10
"""With fewer outcome buyers, nothing can be said of a ranking."""

TRUSTED_OUTCOMES = 50
"""With fewer outcome buyers, probabilities are not mapped to the outcome, and the department is flagged."""

CURVE_SHARES = (0.01, 0.02, 0.03, 0.04, 0.075, 0.15, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Where the whole curve is measured: shares of the candidates, besides the budget and 5, 10 and 20 percent."""

RULES = "rules"
BASELINE = "activity"
BLACK_BOX = "black box"
BEST_SINGLE = "best single measure"
RANDOM = "random"

SINGLE_MEASURES = (
    "breadth_count",
    "frequency_count",
    "monetary_amount",
    "recent_breadth_count",
    "recent_frequency_count",
    "recent_monetary_amount",
)
"""Columns that a sceptic would sort by; the best of them at telling buyers from others is the one to beat."""


@dataclass(frozen=True)
class Evaluation:
    """What was found out about one department.

    Attributes
    ----------
    comparison
        Quality of each ranking of the candidates, on average over the cut-offs; None where there were too few buyers.
    by_cutoff
        The same for each cut-off, the latest first; None for the day where customers were held out.
    single_measure
        Which one was the best single measure at the latest cut-off. Chosen by how well it tells buyers of that day
        from others, which the outcomes have no part in.
    rules
        The rules that were learned at the latest cut-off.
    cards
        How each of them did.
    outcome_map
        From the probability of being a buyer to that of buying in the outcome window.
    calibration
        How true the probabilities were at the latest cut-off, mapped as the cut-off before it taught and brought to
        the level that was foreseeable; where there is no cut-off before it, mapped as the other half of the customers
        taught.
    profit
        Of the rules at the latest cut-off, where costs and values are configured.
    outcome_buyers
        How many candidates bought after the latest cut-off.
    budget_share
        The user's budget as a share of the candidates, on average over the cut-offs.
    scale
        How many customers each one that was learned from stands for.
    cutoff
        The latest cut-off: before this day everything was known; None where customers were held out.
    remark
        What to beware of.
    """

    comparison: Comparison | None
    by_cutoff: tuple[tuple[dt.date | None, Comparison], ...] = ()
    single_measure: str | None = None
    rules: tuple[Rule, ...] = ()
    cards: tuple[RuleCard, ...] = ()
    outcome_map: OutcomeMap | None = None
    calibration: Calibration | None = None
    profit: ProfitCurve | None = None
    outcome_buyers: int = 0
    budget_share: float = 1.0
    scale: float = 1.0
    cutoff: dt.date | None = None
    remark: str = ""


@dataclass(frozen=True)
class Settings:
    """What learning and evaluating a department depends on besides its table.

    `sampled` customers of `population` are in the feature table that the department's own is taken from.
    """

    seed: int
    outcome_days: int
    budget: int
    control_share: float
    population: int
    sampled: int
    min_cell: int
    parameters: DepartmentParameters
    cost_per_contact: float | None = None
    value_per_conversion: float | None = None
    cutoff: dt.date | None = None


@dataclass(frozen=True)
class Past:
    """A department as it was at a cut-off.

    Attributes
    ----------
    table
        n customers, with what they bought afterwards.
    customers
        int64 (n,): a number for each customer, the same at every cut-off.
    settings
        What learning depends on besides.
    """

    table: DepartmentTable
    customers: IntArray
    settings: Settings


@dataclass(frozen=True)
class _Judged:
    """One cut-off: what was learned there, and how it ranks the candidates of that day."""

    learned: DepartmentLearned
    scored: Scored
    rows: BoolArray
    sample: Sample
    single_measure: str | None
    cutoff: dt.date | None


def learn(
    table: DepartmentTable, settings: Settings, *, explain: bool, former: RuleSet | None = None
) -> DepartmentLearned:
    """Learn a department's card, and with `explain` its maps and segments too.

    A `former` card is for publishing alone: to a time in the past it would bring what was learned since.
    """
    return learn_department(
        Population(
            table.values,
            table.features,
            table.buyers,
            table.activity_values,
            table.activity_features,
            table.map_order,
        ),
        seed=settings.seed,
        explain=explain,
        parameters=replace(settings.parameters, least_selected=_least_selected(table, settings)),
        former=former,
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


def step_back(pasts: Sequence[Past]) -> Evaluation:
    """Learn at each cut-off, the latest first, and see who of the candidates buys afterwards."""
    latest = pasts[0]
    if remark := _too_few(latest):
        bought = int(latest.table.outcomes[~latest.table.buyers].sum())
        return Evaluation(None, outcome_buyers=bought, remark=remark)
    judged = [_look_back(past) for past in pasts if not _too_few(past)]
    return _evaluate(latest.settings, judged, _at_latest(judged, latest))


def _too_few(past: Past) -> str:
    """Say why nothing can be measured at a cut-off; empty where something can."""
    buyers, bought = int(past.table.buyers.sum()), int(past.table.outcomes[~past.table.buyers].sum())
    least = past.settings.min_cell
    if buyers >= max(FEWEST_BUYERS, least) and bought >= max(FEWEST_OUTCOMES, least):
        return ""
    few = told(buyers, least), told(bought, least)
    return f"{few[0]} buyers at the cut-off and {few[1]} outcome buyers are too few to measure quality"


def _look_back(past: Past) -> _Judged:
    learned = learn(past.table, past.settings, explain=False)
    rows = ~past.table.buyers
    return _judge(past, learned, rows, past.table.outcomes[rows], past.table)


def hold_out(pasts: Sequence[Past]) -> Evaluation:
    """Learn from one half of the customers, and see whether the card finds the buyers among the other half."""
    past = pasts[0]
    table, settings = past.table, past.settings
    held_out = np.random.default_rng(settings.seed).permutation(len(table.buyers)) % 2 == 1
    outcomes = table.buyers[held_out]
    known = table.subset(~held_out)
    buyers = int(known.buyers.sum())
    if buyers < max(FEWEST_BUYERS, settings.min_cell) or outcomes.sum() < max(FEWEST_OUTCOMES, settings.min_cell):
        few = told(buyers, settings.min_cell)
        remark = f"{few} buyers in one half of the customers are too few to measure quality on the other"
        return Evaluation(None, remark=remark)
    judged = _judge(past, learn(known, settings, explain=False), held_out, outcomes, known)
    found = _evaluate(settings, [judged], judged.scored.score[held_out])
    return replace(found, outcome_map=None)


def _judge(
    past: Past, learned: DepartmentLearned, rows: BoolArray, outcomes: BoolArray, known: DepartmentTable
) -> _Judged:
    """Rank the customers in `rows`; `known` is what a single measure may be chosen on."""
    scored = score(past.table, learned.card)
    single_measure = best_single_measure(known)
    budget = contacts_among(past.settings, len(outcomes))
    rankings = rankings_of(past.table, learned, scored, rows, single_measure)
    sample = Sample(rankings, outcomes, past.customers[rows], (budget, *CURVE_SHARES))
    return _Judged(learned, scored, rows, sample, single_measure, past.settings.cutoff)


def rankings_of(
    table: DepartmentTable,
    learned: DepartmentLearned,
    scored: Scored,
    rows: BoolArray,
    single_measure: str | None,
) -> dict[str, FloatArray]:
    """Return the rankings of the customers in `rows` that are held against each other, by name.

    The black box is among them where the learning saw these customers, out of fold.
    """
    rankings = {
        RULES: as_published(scored)[rows],
        BASELINE: scored.activity[rows].astype(np.float64),
        RANDOM: np.zeros(int(rows.sum())),
    }
    if single_measure is not None:
        rankings[BEST_SINGLE] = _measure(table, single_measure)[rows]
    if len(learned.propensity.probability) == len(rows):
        rankings[BLACK_BOX] = learned.propensity.probability[rows]
    return rankings


def best_single_measure(table: DepartmentTable) -> str | None:
    """Return the measure that tells the buyers of the cut-off from others best, by AUC; None where there is none.

    Who buys afterwards has no part in the choice.
    """
    present = {feature.name for feature in table.features}
    measures = [name for name in SINGLE_MEASURES if name in present]
    if not measures or table.buyers.all() or not table.buyers.any():
        return None
    return max(measures, key=lambda name: auc(_measure(table, name), table.buyers))


def _measure(table: DepartmentTable, name: str) -> FloatArray:
    return table.values[:, [feature.name for feature in table.features].index(name)]


def _at_latest(judged: Sequence[_Judged], latest: Past) -> FloatArray:
    """Return the outcome probabilities (n,) of the latest cut-off's candidates, as something else taught the map."""
    probability = judged[0].scored.score[judged[0].rows]
    outcomes = judged[0].sample.outcomes
    if len(judged) > 1:
        return anchored(_map_of(judged[1]), latest.table, probability, latest.settings.outcome_days).apply(probability)
    half = np.random.default_rng(latest.settings.seed).permutation(len(outcomes)) % 2 == 0
    mapped = np.empty(len(outcomes), dtype=np.float64)
    for part in (half, ~half):
        mapped[part] = fit_outcome_map(probability[~part], outcomes[~part]).apply(probability[part])
    return mapped


def _map_of(judged: _Judged) -> OutcomeMap:
    return fit_outcome_map(judged.scored.score[judged.rows], judged.sample.outcomes)


def anchored(outcome_map: OutcomeMap, table: DepartmentTable, probability: FloatArray, days: int) -> OutcomeMap:
    """Return the map with its level brought from the time at which it was fitted to that of a later table.

    Parameters
    ----------
    outcome_map
        Fitted a window earlier.
    table
        n customers, as of now.
    probability
        float64: of the table's candidates to be a buyer, in their order.
    days
        The length of the outcome window.

    Notes
    -----
    The level is the share of candidates who begin to buy within the window, by the model of `learn.waiting`. Where that
    can't be fitted the map stays as it is.
    """
    waiting = fit_waiting(table.waited_days, table.buyers)
    if waiting is None:
        return outcome_map
    share = float(waiting.begins_within(days, table.waited_days[~table.buyers]).mean())
    return outcome_map.anchored(probability, share)


def _evaluate(settings: Settings, judged: Sequence[_Judged], probability: FloatArray) -> Evaluation:
    """Measure the rankings of one cut-off or more; `probability` (n,) is that of the latest one's candidates."""
    latest, seed = judged[0], settings.seed
    outcomes = latest.sample.outcomes
    samples = [item.sample for item in judged]
    bought = int(outcomes.sum())
    trusted = bought >= TRUSTED_OUTCOMES
    return Evaluation(
        comparison=_compare(samples, seed),
        by_cutoff=tuple((item.cutoff, _compare([item.sample], seed)) for item in judged),
        single_measure=latest.single_measure,
        rules=latest.learned.card.rules,
        cards=rule_cards(latest.scored.matched[latest.rows], outcomes, seed=seed),
        outcome_map=_map_of(latest) if trusted else None,
        calibration=calibration(probability, outcomes, seed=seed, least=settings.min_cell),
        profit=_profit(settings, latest.sample),
        outcome_buyers=bought,
        budget_share=float(np.mean([sample.budgets[0] / len(sample.outcomes) for sample in samples])),
        scale=settings.population / settings.sampled,
        cutoff=latest.cutoff,
        remark="" if trusted else f"only {bought} outcome buyers: intervals are wide",
    )


def _compare(samples: Sequence[Sample], seed: int) -> Comparison:
    pairs = [(RULES, other) for other in samples[0].rankings if other != RULES]
    return compare_samples(samples, seed=seed, baseline=BASELINE, pairs=pairs)


def _profit(settings: Settings, sample: Sample) -> ProfitCurve | None:
    if settings.cost_per_contact is None or settings.value_per_conversion is None:
        return None
    return profit_curve(
        sample.rankings[RULES],
        sample.outcomes,
        cost=settings.cost_per_contact,
        value=settings.value_per_conversion,
        candidates=len(sample.outcomes) * settings.population / settings.sampled,
        seed=settings.seed,
    )


def as_published(scored: Scored) -> FloatArray:
    """Return the order of the published view as one score: members first, then points, then activity."""
    return lexicographic(scored.selected.astype(np.int64), scored.points, scored.activity)


def contacts_among(settings: Settings, candidates: int) -> int:
    """Return the budget for the candidates in a sample of the customers, at least 1 and at most all of them."""
    return max(1, min(candidates, round(settings.budget * settings.sampled / settings.population)))


def with_outcome(rule_set: RuleSet, outcome_map: OutcomeMap | None, table: DepartmentTable, days: int) -> RuleSet:
    """Return the card with its probabilities mapped to the outcome as of `table`, where there is a map."""
    if outcome_map is None:
        return rule_set
    candidates = score(table, rule_set).score[~table.buyers]
    current = anchored(outcome_map, table, candidates, days)
    mapped = current.apply(np.array(rule_set.probabilities, dtype=np.float64))
    return RuleSet(rule_set.rules, rule_set.activity, tuple(float(p) for p in mapped))
