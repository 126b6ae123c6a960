"""A department's card: a few rules with whole points, on top of activity.

In: a department's table, the out-of-fold probability of the classifier and log-odds of activity. Out: domain rules,
and the activity measure with what a point of it is worth. Probabilities for the totals are left to `calibrate.py`.

Candidates are pooled from RuleFit on what the classifier adds to activity, from boosted trees and from quantiles.
Rules are chosen by a soft label, half the label and half the classifier's out-of-fold probability: the label alone is
noisier, the probability alone misses what the classifier smooths away. Weights are fitted to the plain label, and the
number of conditions is the one that predicts the plain label of customers outside the fit best.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from segwarehouse.domain import Activity, BoolArray, FloatArray, IntArray, Rule
from segwarehouse.learn.activity import POINT, with_points
from segwarehouse.learn.log_odds import log_odds_of, probability_of
from segwarehouse.learn.pool import CandidateRules, boosted_paths, build_pool
from segwarehouse.learn.rulefit import rulefit_paths
from segwarehouse.learn.selection import (
    Candidates,
    SelectionParameters,
    Step,
    candidates_of,
    chosen_by_halves,
    forward_steps,
    frequency_of,
    log_odds_with,
)
from segwarehouse.table import DepartmentTable

_LABEL_SHARE = 0.5
_BOOSTED_LEAVES = 4
_FOLDS = 5
_SHORTLIST = 800


@dataclass(frozen=True, slots=True)
class CardParameters:
    """How a card is learned.

    Attributes
    ----------
    selection
        How rules are chosen, and how many conditions a card may have.
    max_rule_conditions
        How many conditions one rule may have.
    point
        What one point is worth, in log-odds.
    rulefit
        Pool candidates from RuleFit too, which takes most of the time on a few hundred customers.
    """

    selection: SelectionParameters = field(default_factory=SelectionParameters)
    max_rule_conditions: int = 2
    point: float = POINT
    rulefit: bool = True


@dataclass(frozen=True, slots=True)
class Draft:
    """The rules of a card, before the entry rule and the calibration.

    Attributes
    ----------
    rules
        Most points first. Empty only where no candidate tells buyers from others at all.
    activity
        The measure that the rules stand on, with the unit that a point is worth beside them.
    halves
        What halves of the customers would choose, to say how often any rule is among it (`frequency`).
    """

    rules: tuple[Rule, ...]
    activity: Activity
    halves: "Halves"


@dataclass(frozen=True, slots=True)
class Halves:
    """Candidates on n customers, and which of them each of many halves of the customers chooses."""

    candidates: Candidates
    chosen: tuple[tuple[int, ...], ...]
    most_alike: float

    def frequency(self, matched: BoolArray) -> FloatArray:
        """Return how often each of k rules, or one that selects nearly the same customers, is chosen, float64 (k,).

        Parameters
        ----------
        matched
            bool (n, k): which of the customers each rule selects.
        """
        return frequency_of(matched.astype(np.float64), self.candidates, self.chosen, self.most_alike)


def learn_card(
    table: DepartmentTable,
    guide: FloatArray,
    activity: Activity,
    activity_log_odds: FloatArray,
    *,
    seed: int,
    parameters: CardParameters | None = None,
) -> Draft:
    """Learn the rules of a card and the points of its activity.

    Parameters
    ----------
    table
        n customers; its labels are what the weights are fitted to.
    guide
        float64 (n,), 0 to 1: what guides the choice beside the labels: the out-of-fold probability of the classifier.
    activity, activity_log_odds
        The activity measure, and its out-of-fold log-odds (n,) (`fit_activity`).
    seed
        Fixes the trees, the folds and the halves.
    parameters
        `CardParameters`, by default as they stand there.
    """
    from threadpoolctl import threadpool_limits

    chosen = parameters or CardParameters()
    soft = _LABEL_SHARE * table.buyers + (1.0 - _LABEL_SHARE) * guide
    with threadpool_limits(1):
        pool = _pool(table, log_odds_of(guide), activity_log_odds, soft, seed, chosen)
        pool = _shortlisted(pool, soft - probability_of(activity_log_odds))
        units = {feature.name: feature.unit for feature in table.features}
        candidates = candidates_of(pool.rules, pool.masks, units)
        halves = chosen_by_halves(candidates, activity_log_odds, soft, table.buyers, chosen.selection, seed=seed)
        often = frequency_of(candidates.masks, candidates, halves, chosen.selection.most_alike)
        step = _best_step(candidates, activity_log_odds, soft, table.buyers, often, seed, chosen.selection)
    return Draft(
        rules=_rules(pool, step, chosen.point),
        activity=_activity(table, activity, float(step.weights[1]), chosen.point),
        halves=Halves(candidates, halves, chosen.selection.most_alike),
    )


def leading_rules(rules: tuple[Rule, ...]) -> tuple[int, ...]:
    """Return the positions of the rules that are worth at least half the points of the strongest.

    >>> from segwarehouse.domain import Condition, Operator
    >>> rules = [Rule((Condition(name, Operator.AT_LEAST, 1.0),), points) for name, points in zip("abc", (9, 5, 2))]
    >>> leading_rules(tuple(rules))
    (0, 1)
    """
    strongest = max((rule.points for rule in rules), default=0)
    return tuple(at for at, rule in enumerate(rules) if 2 * rule.points >= strongest)


def top_group(rules: tuple[Rule, ...], matched: BoolArray) -> BoolArray:
    """Return the card's top group: the customers who satisfy at least one leading rule.

    Any rule at all selects far more: a card also holds small rules that only order customers.

    Parameters
    ----------
    rules
        Of a card.
    matched
        bool (n, rules): `Scored.matched` of that card.

    Returns
    -------
    numpy.ndarray
        bool (n,).
    """
    return np.asarray(matched[:, list(leading_rules(rules))].any(axis=1), dtype=np.bool_)


def _pool(
    table: DepartmentTable,
    log_odds: FloatArray,
    activity_log_odds: FloatArray,
    soft: FloatArray,
    seed: int,
    parameters: CardParameters,
) -> CandidateRules:
    """Pool the candidates of both sources and of the quantiles."""
    added = log_odds - activity_log_odds
    paths = rulefit_paths(table.values, added, seed=seed) if parameters.rulefit else []
    unexplained = soft - probability_of(activity_log_odds)
    paths += boosted_paths(table.values, unexplained, leaves=_BOOSTED_LEAVES, seed=seed + 1)
    return build_pool(table.values, table.features, paths, most_conditions=parameters.max_rule_conditions)


def _shortlisted(pool: CandidateRules, unexplained: FloatArray) -> CandidateRules:
    """Keep the candidates that explain most of what activity leaves, for each condition spent."""
    if len(pool.rules) <= _SHORTLIST:
        return pool
    support = pool.masks.mean(axis=1)
    covered = np.maximum(pool.masks @ unexplained, 0.0) ** 2 / (support * (1.0 - support))
    lengths = np.array([len(rule) for rule in pool.rules])
    kept = np.sort(np.argsort(-covered / lengths, kind="stable")[:_SHORTLIST])
    return CandidateRules(tuple(pool.rules[at] for at in kept), pool.masks[kept])


def _best_step(
    candidates: Candidates,
    activity: FloatArray,
    soft: FloatArray,
    labels: BoolArray,
    often: FloatArray,
    seed: int,
    parameters: SelectionParameters,
) -> Step:
    """Return the step whose number of conditions has the lowest log loss outside the fit, at least one rule."""
    losses = np.zeros(parameters.max_conditions + 1)
    for train, test in _folds(labels, seed):
        steps = forward_steps(candidates.of(train), activity[train], soft[train], labels[train], parameters, often)
        losses += _losses(candidates.of(test), activity[test], labels[test], steps, parameters.max_conditions)
    budget = max(1, int(np.argmin(losses)))
    return forward_steps(candidates, activity, soft, labels, replace(parameters, max_conditions=budget), often)[-1]


def _folds(labels: BoolArray, seed: int) -> list[tuple[IntArray, IntArray]]:
    from sklearn.model_selection import StratifiedKFold

    folds = min(_FOLDS, int(labels.sum()), int((~labels).sum()))
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return [(train, test) for train, test in splitter.split(np.zeros((len(labels), 1)), labels)]


def _losses(
    candidates: Candidates, activity: FloatArray, labels: BoolArray, steps: list[Step], most: int
) -> FloatArray:
    """Return the log loss, float64 (most + 1,), of the last step that spends 0, 1, ... conditions or fewer."""
    losses = np.zeros(most + 1)
    for step in steps:
        spent = int(candidates.lengths[list(step.chosen)].sum())
        log_odds = log_odds_with(candidates, activity, step)
        losses[spent:] = np.sum(np.logaddexp(0.0, log_odds) - labels * log_odds)
    return losses


def _rules(pool: CandidateRules, step: Step, point: float) -> tuple[Rule, ...]:
    """Round weights to points; rules worth under half a point go, but never the strongest."""
    points = np.rint(step.weights[2:] / point).astype(np.int64)
    if len(points):
        strongest = int(np.argmax(step.weights[2:]))
        points[strongest] = max(1, points[strongest])
    rules = [Rule(pool.rules[at], int(worth)) for at, worth in zip(step.chosen, points, strict=True) if worth >= 1]
    return tuple(sorted(rules, key=lambda rule: (-rule.points, rule.conditions)))


def _activity(table: DepartmentTable, activity: Activity, share: float, point: float) -> Activity:
    """Return `activity` with the unit that a point is worth where the card uses `share` of its log-odds."""
    if not activity.terms:
        return Activity()
    return with_points(activity, table.activity_values, table.activity_features, point=point / share)
