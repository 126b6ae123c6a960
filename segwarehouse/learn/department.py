"""One department, learned: classifier, activity, card and, where wanted, segments.

In: a department's table and a seed. Out: one frozen value with all that is stored, scored and drawn. How good it is on
customers and times that it never saw is left to `evaluate/`.

A card that was published before stays unless the new one is better beyond what chance explains: rules that change at
every refit are useless to a team.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import Literal

import numpy as np

from segwarehouse.domain import Activity, BoolArray, Card, Condition, FloatArray, Rule, Segment
from segwarehouse.learn.activity import fit_activity
from segwarehouse.learn.affinity import high_propensity_cluster
from segwarehouse.learn.calibrate import calibrate
from segwarehouse.learn.card import CardParameters, Draft, learn_card
from segwarehouse.learn.cluster import Clusters, cluster
from segwarehouse.learn.embed import Embedding, embed
from segwarehouse.learn.entry_rule import telling_rules, with_entry_rule
from segwarehouse.learn.propensity import (
    ConfusionMatrices,
    LightGBMParameters,
    Propensity,
    confusion_matrices,
    fit_propensity,
)
from segwarehouse.learn.segments import name_segments
from segwarehouse.table import DepartmentTable

_LEAST_SEGMENT_SHARE = 0.02
_CONFIDENCE = 0.95
_ENOUGH = 0.9
"""A previous card may select a little less than a new one would have to: the data moves from day to day."""

Target = Literal["buyers", "clusters"]


@dataclass(frozen=True, slots=True)
class DepartmentParameters:
    """How a department is learned.

    Attributes
    ----------
    balance
        Drop rows of the larger class before fitting the classifier, and put the prior back.
    lightgbm, card
        See there.
    target
        What the rules describe: who buys, or, as in the recipe, who is in the high-propensity cluster of SHAP space.
    min_segment
        A segment has at least this many customers of the map, and at least 2 percent of them.
    least_selected
        The share of the customers who do not buy yet that the card selects at least; see `with_entry_rule`.
    """

    balance: bool = False
    lightgbm: LightGBMParameters = field(default_factory=LightGBMParameters)
    card: CardParameters = field(default_factory=CardParameters)
    target: Target = "buyers"
    min_segment: int = 20
    least_selected: float = 0.5


@dataclass(frozen=True, slots=True)
class SegmentMap:
    """Customers laid out by the reasons for their propensity.

    Attributes
    ----------
    embedding
        UMAP of the out-of-fold SHAP values of a sample.
    clusters
        KMeans on it.
    segments
        What each cluster is; sizes count the sample.
    """

    embedding: Embedding
    clusters: Clusters
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class DepartmentLearned:
    """All that was learned of one department from n customers.

    Attributes
    ----------
    propensity
        Out-of-fold log-odds, probabilities and SHAP values (n rows).
    confusion
        Of the classifier, out of fold.
    activity_log_odds
        float64 (n,): of activity alone, out of fold.
    card
        What is compiled to SQL. Its probabilities are those of being a buyer, at natural prevalence.
    frequency
        How often, 0 to 1, halves of the customers choose each of the card's rules, or one that selects nearly the same
        customers, by the rule's conditions. The entry rule is not chosen, and so is as a rule at 0.
    kept
        Whether the card is the previous one: a new one would not have been better beyond chance.
    segment_map
        None where it was not asked for.
    """

    propensity: Propensity
    confusion: ConfusionMatrices
    activity_log_odds: FloatArray
    card: Card
    frequency: Mapping[tuple[Condition, ...], float]
    kept: bool
    segment_map: SegmentMap | None


def learn_department(
    table: DepartmentTable,
    *,
    seed: int,
    explain: bool = True,
    parameters: DepartmentParameters | None = None,
    previous: Card | None = None,
) -> DepartmentLearned:
    """Learn one department.

    Parameters
    ----------
    table
        n customers, without any line of the department itself.
    seed
        The same table and seed give the same result, whatever the number of threads.
    explain
        Also lay out and name segments; the card does not depend on it.
    parameters
        `DepartmentParameters`, by default as they stand there.
    previous
        The card that was published before, learned with the same parameters. None: there is none to prefer.

    Raises
    ------
    TooFewBuyers
        If there are fewer than two buyers or fewer than two others.
    """
    chosen = parameters or DepartmentParameters()
    propensity = fit_propensity(
        table.values, table.buyers, seed=seed, balance=chosen.balance, parameters=chosen.lightgbm
    )
    base, activity_log_odds = fit_activity(table.activity_values, table.activity_features, table.buyers, seed=seed)
    draft = _draft(table, propensity, base, activity_log_odds, seed, chosen)
    rules = with_entry_rule(telling_rules(draft.rules, table), table, chosen.least_selected)
    new = calibrated_card(rules, draft.activity, table)
    kept = previous is not None and _still_good(previous, new, table, chosen)
    card = calibrated_card(previous.rules, previous.activity, table) if previous is not None and kept else new
    return DepartmentLearned(
        propensity=propensity,
        confusion=confusion_matrices(table.buyers, propensity.log_odds),
        activity_log_odds=activity_log_odds,
        card=card,
        frequency=_frequency(draft, card, table),
        kept=kept,
        segment_map=_segment_map(table, propensity, seed, chosen.min_segment) if explain else None,
    )


def _draft(
    table: DepartmentTable,
    propensity: Propensity,
    base: Activity,
    activity_log_odds: FloatArray,
    seed: int,
    parameters: DepartmentParameters,
) -> Draft:
    """Learn the rules for what they are to describe."""
    if parameters.target == "buyers":
        guide, described = propensity.probability, table
    else:
        guide = high_propensity_cluster(propensity, seed=seed)
        described = replace(table, buyers=guide >= 0.5)
    return learn_card(described, guide, base, activity_log_odds, seed=seed, parameters=parameters.card)


def _frequency(draft: Draft, card: Card, table: DepartmentTable) -> Mapping[tuple[Condition, ...], float]:
    often = draft.halves.frequency(_matched(card, table))
    return {rule.conditions: float(value) for rule, value in zip(card.rules, often, strict=True)}


def _still_good(previous: Card, new: Card, table: DepartmentTable, parameters: DepartmentParameters) -> bool:
    """Say whether a previous card may stay: it obeys the limits, and a new one is not better beyond chance.

    Both are calibrated on the same customers; the new card is better if its log loss is lower by more than 1.64
    standard errors of the difference, customers being what is drawn, and the price of its conditions together: it was
    chosen on these customers, and the previous one was not.
    """
    card = parameters.card
    known = {feature.name for feature in table.features} | set(table.activity_features)
    # One condition more than the selection's own limit is the entry rule's.
    if not set(previous.features) <= known or previous.condition_count > card.selection.max_conditions + 1:
        return False
    if any(len(rule.conditions) > card.max_rule_conditions for rule in previous.rules):
        return False
    if telling_rules(previous.rules, table) != previous.rules:
        return False
    candidates = ~table.buyers
    selected = table.score(previous).selected
    if float(selected[candidates].mean()) < _ENOUGH * parameters.least_selected:
        return False
    again = calibrated_card(previous.rules, previous.activity, table)
    worse = _log_loss(again, table) - _log_loss(new, table)
    error = float(worse.std(ddof=1)) * np.sqrt(len(worse))
    price = 0.5 * card.selection.price * new.condition_count  # in log-likelihood, half of a deviance
    return bool(worse.sum() <= NormalDist().inv_cdf(_CONFIDENCE) * error + price)


def _log_loss(card: Card, table: DepartmentTable) -> FloatArray:
    """Return the log loss of each customer (n,)."""
    score = table.score(card).score
    return np.asarray(-np.log(np.where(table.buyers, score, 1.0 - score)), dtype=np.float64)


def _matched(card: Card, table: DepartmentTable) -> BoolArray:
    """Return which of the card's rules each customer satisfies, bool (n, rules)."""
    return table.score(card).matched


def calibrated_card(rules: tuple[Rule, ...], activity: Activity, table: DepartmentTable) -> Card:
    """Return the card with the probability of being a buyer for each total that it can give."""
    uncalibrated = Card(rules, activity, probabilities=(0.5,))
    points = table.score(uncalibrated).points
    highest = activity.cap + sum(rule.points for rule in rules)
    return Card(rules, activity, calibrate(points, table.buyers, highest=highest))


def _segment_map(table: DepartmentTable, propensity: Propensity, seed: int, min_segment: int) -> SegmentMap:
    embedding = embed(propensity.explanation.shap, seed=seed, order=table.map_order)
    rows = embedding.rows
    least = max(min_segment, int(np.ceil(_LEAST_SEGMENT_SHARE * len(rows))))
    clusters = cluster(embedding.coordinates, propensity.log_odds[rows], seed=seed, min_size=least)
    segments = name_segments(
        clusters,
        shap=propensity.explanation.shap[rows],
        values=table.values[rows],
        features=table.features,
        labels=table.buyers[rows],
        min_cell=least,
    )
    return SegmentMap(embedding, clusters, segments)
