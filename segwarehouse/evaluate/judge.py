"""How good a department's ranking is, before it is learned for publishing.

In: a department's `Past` at one cut-off or several, the latest first. Out: an `Evaluation`: rules, black box, single
measures and chance compared on who bought in the outcome windows that followed, on average over the cut-offs, with
customers as what is resampled. Where the data has no usable times, customers are held out instead. It runs in a
worker process: arrays in, frozen dataclasses out. What the scores of all departments are worth is left to `scores.py`.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from segwarehouse.domain import BoolArray, Card, Department, FloatArray, IntArray, Rule, Scored, shown_count
from segwarehouse.evaluate.calibration import Calibration, calibration
from segwarehouse.evaluate.cards import RuleCard, rule_cards
from segwarehouse.evaluate.curves import auc, lexicographic
from segwarehouse.evaluate.intervals import STANDARD_SHARES, Comparison, Sample, compare_samples
from segwarehouse.evaluate.profit import ProfitCurve, profit_curve
from segwarehouse.evaluate.settings import Settings
from segwarehouse.learn.conversion import Conversion, Conversions
from segwarehouse.learn.department import DepartmentLearned
from segwarehouse.learn.waiting import fit_waiting
from segwarehouse.table import DepartmentTable

FEWEST_BUYERS = 30
"""With fewer buyers at the evaluation's cut-off, nothing is learned there."""

FEWEST_OUTCOMES = 10
"""With fewer outcome buyers, nothing can be said of a ranking."""

TRUSTED_OUTCOMES = 50
"""With fewer outcome buyers, the score leans on other departments, and the department is flagged."""

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
    conversions
        How many candidates of each probability bought afterwards, at each cut-off, the latest first; also where that
        was too few to measure quality on. Empty where customers were held out.
    conversion
        How probabilities turn into purchases; see `scores.with_scores`. None where customers were held out.
    calibration
        How true the scores were at the latest cut-off, made as today's are.
    profit
        Of the rules, for each candidate, where costs, values and the uplift of a contact are configured.
    outcome_buyers
        How many candidates bought after the latest cut-off.
    budget_share
        The share of the candidates that the user's budget reaches today; quality at the budget is quality there.
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
    conversions: tuple[Conversions, ...] = ()
    conversion: Conversion | None = None
    calibration: Calibration | None = None
    profit: ProfitCurve | None = None
    outcome_buyers: int = 0
    budget_share: float = 1.0
    scale: float = 1.0
    cutoff: dt.date | None = None
    remark: str = ""

    @property
    def is_look_alike(self) -> bool:
        """Whether it says who resembles buyers and not who will buy, since customers were held out and no time."""
        return not self.conversions


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
    table: DepartmentTable, settings: Settings, *, explain: bool, previous: Card | None = None
) -> DepartmentLearned:
    """Learn a department's card, and with `explain` its maps and segments too.

    A `previous` card is for publishing alone: to a time in the past it would bring what was learned since.
    """
    from segwarehouse.estimator import CardClassifier  # scikit-learn, which a command that learns nothing can spare

    return CardClassifier.of(settings.parameters, settings.seed).learn_table(
        table,
        least_selected=_least_selected(table, settings),
        min_segment=settings.parameters.min_segment,
        explain=explain,
        previous=previous,
    )


def _least_selected(table: DepartmentTable, settings: Settings) -> float:
    """Return the share of the candidates that an audience must hold, enough to spend the budget."""
    contacts = settings.budget / (1.0 - settings.control_share) * len(table.buyers) / settings.population
    candidates = max(1, int((~table.buyers).sum()))
    return min(1.0, max(settings.parameters.least_selected, 1.5 * contacts / candidates))


def step_back(pasts: Sequence[Past]) -> Evaluation:
    """Learn at each cut-off, the latest first, and see who of the candidates buys afterwards."""
    latest = pasts[0]
    judged = [None if _too_few(past) else _look_back(past) for past in pasts]
    conversions = tuple(_conversions(past, found) for past, found in zip(pasts, judged, strict=True))
    if too_few := _too_few(latest):
        remark = "; ".join(filter(None, [_warning(latest), too_few]))
        return Evaluation(None, conversions=conversions, outcome_buyers=conversions[0].bought, remark=remark)
    return replace(
        _evaluate(latest, [found for found in judged if found is not None], warning=_warning(latest)),
        conversions=conversions,
    )


def _too_few(past: Past) -> str:
    """Say why nothing can be measured at a cut-off; empty where something can."""
    buyers, bought = int(past.table.buyers.sum()), int(past.table.outcomes[~past.table.buyers].sum())
    least = past.settings.min_cell
    if buyers >= max(FEWEST_BUYERS, least) and bought >= max(FEWEST_OUTCOMES, least):
        return ""
    few = shown_count(buyers, least), shown_count(bought, least)
    return f"{few[0]} buyers at the cut-off and {few[1]} outcome buyers are too few to measure quality"


def _warning(past: Past) -> str:
    """Say which features would have given buyers away; empty where none would."""
    if not past.table.given_away:
        return ""
    names = " and ".join(past.table.given_away)
    return f"nearly all customers have as many {names}, which would give its buyers away and is not used"


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
        few = shown_count(buyers, settings.min_cell)
        remark = f"{few} buyers in one half of the customers are too few to measure quality on the other"
        return Evaluation(None, remark=remark)
    judged = _judge(past, learn(known, settings, explain=False), held_out, outcomes, known)
    scores = judged.scored.score[held_out]
    return replace(
        _evaluate(past, [judged], warning=_warning(past)),
        calibration=calibration(scores, outcomes, seed=settings.seed, least=settings.min_cell),
        profit=None,
    )


def _judge(
    past: Past, learned: DepartmentLearned, rows: BoolArray, outcomes: BoolArray, known: DepartmentTable
) -> _Judged:
    """Rank the customers in `rows`; `known` is what a single measure may be chosen on."""
    scored = past.table.score(learned.card)
    single_measure = best_single_measure(known)
    budget = budget_share(past.settings, past.table.department)
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
    """Return the rankings of the customers in `rows` that are compared with each other, by name.

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


def _conversions(past: Past, judged: _Judged | None) -> Conversions:
    """Return how many candidates of each probability bought after a cut-off, and how many were foreseeable."""
    table, days = past.table, past.settings.outcome_days
    foreseen = begins_share(table, days)
    outcomes = table.outcomes[~table.buyers]
    if judged is None:
        return Conversions.unscored(outcomes, foreseen)
    half = np.random.default_rng(past.settings.seed).permutation(len(outcomes)) % 2
    return Conversions.of(judged.scored.score[judged.rows], outcomes, half, foreseen)


def begins_share(table: DepartmentTable, days: int) -> float | None:
    """Return the share of a table's candidates who begin to buy within `days`, by the model of `learn.waiting`.

    None where that can't be fitted.
    """
    waiting = fit_waiting(table.waited_days, table.buyers)
    if waiting is None:
        return None
    return float(waiting.begins_within(days, table.waited_days[~table.buyers]).mean())


def _evaluate(latest: Past, judged: Sequence[_Judged], *, warning: str) -> Evaluation:
    """Measure the rankings of one cut-off or more."""
    settings, first = latest.settings, judged[0]
    outcomes = first.sample.outcomes
    samples = [item.sample for item in judged]
    bought = int(outcomes.sum())
    remarks = [warning] if warning else []
    if bought < TRUSTED_OUTCOMES:
        remarks.append(f"only {bought} outcome buyers: intervals are wide")
    return Evaluation(
        comparison=_compare(samples, settings.seed),
        by_cutoff=tuple((item.cutoff, _compare([item.sample], settings.seed)) for item in judged),
        single_measure=first.single_measure,
        rules=first.learned.card.rules,
        cards=rule_cards(first.scored.matched[first.rows], outcomes, seed=settings.seed),
        profit=_profit(settings, judged),
        outcome_buyers=bought,
        budget_share=float(first.sample.budgets[0]),
        scale=settings.population / settings.sampled,
        cutoff=first.cutoff,
        remark="; ".join(remarks),
    )


def _compare(samples: Sequence[Sample], seed: int) -> Comparison:
    pairs = [(RULES, other) for other in samples[0].rankings if other != RULES]
    return compare_samples(samples, seed=seed, baseline=BASELINE, pairs=pairs)


def _profit(settings: Settings, judged: Sequence[_Judged]) -> ProfitCurve | None:
    """Return the profit along the curve, as far down as the rules selected anybody."""
    cost, value, uplift = settings.cost_per_contact, settings.value_per_conversion, settings.expected_uplift
    if cost is None or value is None or uplift is None:
        return None
    samples = [item.sample for item in judged]
    return profit_curve(
        samples,
        ranking=RULES,
        shares=(*STANDARD_SHARES, *samples[0].budgets),
        cost=cost,
        value=value,
        uplift=uplift,
        seed=settings.seed,
    )


def as_published(scored: Scored) -> FloatArray:
    """Return the order of the published view as one score: members first, then points, then activity."""
    return lexicographic(scored.selected.astype(np.int64), scored.points, scored.activity)


def budget_share(settings: Settings, department: Department) -> float:
    """Return the share of the candidates that the budget reaches today, the control group among them, up to 1."""
    reachable = department.candidates * (1.0 - settings.control_share)
    return min(1.0, settings.budget / max(reachable, 1.0))


def contacts_among(share: float, candidates: int) -> int:
    """Return a share of the candidates as a count, at least 1.

    >>> contacts_among(0.25, 10), contacts_among(0.001, 10)
    (2, 1)
    """
    return max(1, min(candidates, round(share * candidates)))
