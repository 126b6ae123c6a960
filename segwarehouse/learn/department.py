"""One department, learned: classifier, activity, card and, where wanted, segments.

In: a population and a seed. Out: one frozen value with all that is stored, scored and drawn. How good it is on
customers and times that it never saw is left to `evaluate/`.
"""

from dataclasses import dataclass, field

import numpy as np

from segwarehouse.domain import Activity, Column, FloatArray, Rule, RuleSet, Segment
from segwarehouse.learn.activity import activity_columns, fit_activity
from segwarehouse.learn.calibrate import calibrate
from segwarehouse.learn.card import CardParameters, learn_card
from segwarehouse.learn.cluster import Clusters, cluster
from segwarehouse.learn.embed import Embedding, embed
from segwarehouse.learn.entry import with_entry_rule
from segwarehouse.learn.population import Population
from segwarehouse.learn.propensity import (
    ConfusionMatrices,
    LightGBMParameters,
    Propensity,
    confusion_matrices,
    fit_propensity,
)
from segwarehouse.learn.segments import name_segments

_LEAST_SEGMENT_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class DepartmentParameters:
    """How a department is learned.

    Attributes
    ----------
    balance
        Drop rows of the larger class before fitting the classifier, and put the prior back.
    lightgbm, card
        See there.
    min_segment
        A segment has at least this many customers of the map, and at least 2 percent of them.
    least_selected
        The share of the customers who do not buy yet that the card selects at least; see `with_entry_rule`.
    """

    balance: bool = False
    lightgbm: LightGBMParameters = field(default_factory=LightGBMParameters)
    card: CardParameters = field(default_factory=CardParameters)
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
    segment_map
        None where it was not asked for.
    """

    propensity: Propensity
    confusion: ConfusionMatrices
    activity_log_odds: FloatArray
    card: RuleSet
    segment_map: SegmentMap | None


def learn_department(
    population: Population, *, seed: int, explain: bool = True, parameters: DepartmentParameters | None = None
) -> DepartmentLearned:
    """Learn one department.

    Parameters
    ----------
    population
        n customers, without any line of the department itself.
    seed
        The same population and seed give the same result, whatever the number of threads.
    explain
        Also lay out and name segments; the card does not depend on it.
    parameters
        `DepartmentParameters`, by default as they stand there.

    Raises
    ------
    TooFewBuyers
        If there are fewer than two buyers or fewer than two others.
    """
    chosen = parameters or DepartmentParameters()
    propensity = fit_propensity(
        population.values, population.labels, seed=seed, balance=chosen.balance, parameters=chosen.lightgbm
    )
    base, activity_log_odds = fit_activity(
        population.activity_values, population.activity_features, population.labels, seed=seed
    )
    rules, activity = learn_card(
        population, propensity.log_odds, base, activity_log_odds, seed=seed, parameters=chosen.card
    )
    return DepartmentLearned(
        propensity=propensity,
        confusion=confusion_matrices(population.labels, propensity.log_odds),
        activity_log_odds=activity_log_odds,
        card=calibrated_card(with_entry_rule(rules, population, chosen.least_selected), activity, population),
        segment_map=_segment_map(population, propensity, seed, chosen.min_segment) if explain else None,
    )


def calibrated_card(rules: tuple[Rule, ...], activity: Activity, population: Population) -> RuleSet:
    """Return the card with the probability of being a buyer for each total that it can give."""
    uncalibrated = RuleSet(rules, activity, probabilities=(0.5,))
    columns = {
        feature.name: Column.complete(population.values[:, at]) for at, feature in enumerate(population.features)
    }
    columns |= activity_columns(population.activity_values, population.activity_features)
    points = uncalibrated.apply(columns, len(population.labels)).points
    highest = activity.cap + sum(rule.points for rule in rules)
    return RuleSet(rules, activity, calibrate(points, population.labels, highest=highest))


def _segment_map(population: Population, propensity: Propensity, seed: int, min_segment: int) -> SegmentMap:
    embedding = embed(propensity.explanation.shap, seed=seed, order=population.map_order)
    rows = embedding.rows
    least = max(min_segment, int(np.ceil(_LEAST_SEGMENT_SHARE * len(rows))))
    clusters = cluster(embedding.coordinates, propensity.log_odds[rows], seed=seed, min_size=least)
    segments = name_segments(
        clusters,
        shap=propensity.explanation.shap[rows],
        values=population.values[rows],
        features=population.features,
        labels=population.labels[rows],
        min_cell=least,
    )
    return SegmentMap(embedding, clusters, segments)
