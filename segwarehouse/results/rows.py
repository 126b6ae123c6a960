"""From what was learned of a department to rows.

In: a department's table, its learned card, maps and segments, and its evaluation. Out: rows, by the names of the
columns that `tables.py` has. Nothing is computed here that the learning or the evaluation has not found, counts of the
rules over all customers aside.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from segwarehouse.config import Config
from segwarehouse.domain import Department
from segwarehouse.evaluate.bootstrap import Estimate
from segwarehouse.evaluate.intervals import Comparison, Quality, verdict
from segwarehouse.evaluate.judge import BASELINE, BEST_SINGLE, BLACK_BOX, RULES, Evaluation
from segwarehouse.evaluate.scores import LOOK_ALIKE
from segwarehouse.features import FeatureTable
from segwarehouse.results.identity import MIXTURE, PERSONA, segment_rows
from segwarehouse.results.learned import CustomersMap, Learned
from segwarehouse.results.quality import (
    curve_rows,
    difference_rows,
    evaluation_rows,
    profit_rows,
    reliability_rows,
)
from segwarehouse.results.reach import Reach, judged_share
from segwarehouse.results.suppress import Made, Totals
from segwarehouse.rules.compile import ViewSpec, compile_membership, compile_rule
from segwarehouse.rules.describe import describe_rule
from segwarehouse.rules.stored import card_to_json
from segwarehouse.templates import TEMPLATE_DIALECT

MOST_CORRELATED = 200
"""Correlations are stored for so many features at most."""

FLAG_BUYERS = 400
"""A department with fewer buyers is flagged."""

Rows = Iterator[dict[str, object]]

_INTERVALS = ("auc", "lift_at_budget", "lift_at_10_percent")


def names_of(item: Learned) -> dict[str, object]:
    """Return the columns that every row of a department starts with."""
    return {"department_key": item.department.key, "department": item.department.name}


@dataclass(frozen=True)
class Facts:
    """What the rows of a department are made from.

    Attributes
    ----------
    config
        Of the project.
    table
        The features of all customers.
    customers_map
        The map of all customers.
    item
        What was learned of the department.
    spec
        What its view is compiled from.
    reach
        How many of its customers can be contacted today.
    trials
        In how many departments quality was measured.
    """

    config: Config
    table: FeatureTable
    customers_map: CustomersMap
    item: Learned
    spec: ViewSpec
    reach: Reach
    trials: int


def rows_of_department(facts: Facts) -> dict[str, Made]:
    """Return the rows of one department by table."""
    item, spec = facts.item, facts.spec
    measured = {
        "evaluation": evaluation_rows,
        "curves": curve_rows,
        "differences": difference_rows,
        "reliability": reliability_rows,
        "profit": profit_rows,
    }
    return {
        "departments": [department_row(facts.config, item, spec, facts.reach, facts.trials)],
        "cards": [card_row(facts.config, item, spec)],
        "rules": list(rule_rows(item, spec)),
        "evaluated_rules": list(evaluated_rule_rows(item, spec)),
        **{
            name: [{**names_of(item), **row} for row in make(item.evaluation, facts.reach)]
            for name, make in measured.items()
        },
        "stability": list(stability_rows(item)),
        "segments": list(named_segment_rows(item)),
        "cluster_scores": list(cluster_score_rows(item)),
        "mixtures": list(mixture_rows(item)),
        "confusions": list(confusion_rows(item)),
        "department_maps": department_map_table(item, facts.table, facts.customers_map),
        "shap_values": shap_table(item, facts.table),
    }


def department_row(config: Config, item: Learned, spec: ViewSpec, reach: Reach, trials: int) -> dict[str, object]:
    """Return what `targeting.departments` says of a department that is published; `trials` departments are judged."""
    evaluation, department = item.evaluation, item.department
    comparison = evaluation.comparison
    remarks = [evaluation.remark] if evaluation.remark else []
    if department.buyers < FLAG_BUYERS:
        remarks.append(f"only {department.buyers} buyers")
    row: dict[str, object] = {
        **names_of(item),
        "view_name": department.slug,
        "buyers": department.buyers,
        "candidates": department.candidates,
        "selected": reach.selected,
        "contactable": reach.contactable,
        "contacts": reach.contacts,
        "where_sql": compile_membership(spec.card).sql(TEMPLATE_DIALECT),
        "budget": config.audience.budget,
        "control_share": config.audience.control_share,
        "rule_count": len(spec.card.rules),
        "condition_count": spec.card.condition_count,
        "outcome_buyers": evaluation.outcome_buyers,
        **_verdicts(evaluation, trials),
        "remark": "; ".join(remarks) or None,
        **_score(item),
    }
    if comparison is None:
        return row
    measured = {name: _headline(quality, evaluation.budget_share) for name, quality in comparison.qualities.items()}
    others = {"activity": BASELINE, "single_measure": BEST_SINGLE, "black_box": BLACK_BOX}
    difference = comparison.differences[RULES].auc
    return {
        **row,
        "evaluated_at": evaluation.cutoff,
        "cutoff_count": len(evaluation.by_cutoff),
        **{f"{name}{suffix}": value for name in _INTERVALS for suffix, value in _bounds(measured[RULES][name])},
        "single_measure": evaluation.single_measure,
        **{
            f"{column}_{name}": measured[ranking][name].value
            for column, ranking in others.items()
            if ranking in measured
            for name in _INTERVALS
        },
        "difference_from_activity": difference.value,
        "difference_from_activity_low": difference.low,
        "difference_from_activity_high": difference.high,
        **({} if evaluation.is_look_alike else _at_budget(comparison, evaluation.budget_share, reach)),
        **_calibration_and_profit(evaluation, reach),
    }


def _verdicts(evaluation: Evaluation, trials: int) -> dict[str, object]:
    """Return what is to be thought of the rules over all candidates, and of what they find with the budget."""
    comparison = evaluation.comparison
    if comparison is None:
        return dict.fromkeys(("verdict", "verdict_at_budget"), "not evaluated")
    if evaluation.is_look_alike:
        return dict.fromkeys(("verdict", "verdict_at_budget"), "look-alike only")
    share = judged_share(evaluation.budget_share)
    return {
        "verdict": verdict(comparison, trials),
        "verdict_at_budget": verdict(comparison, trials, budget=share),
    }


def _at_budget(comparison: Comparison, budget_share: float, reach: Reach) -> dict[str, object]:
    """Return what the rules find with the budget, or with a tenth of the candidates where the budget is for most."""
    share = judged_share(budget_share)
    contacts = reach.contacts_at(share)
    own = comparison.qualities[RULES].at(share).precision
    extra = comparison.differences[RULES].at(share).precision
    return {
        "judged_share": share,
        "judged_contacts": contacts,
        **{f"expected_buyers{suffix}": value for suffix, value in _bounds(own.times(contacts))},
        **{f"extra_buyers{suffix}": value for suffix, value in _bounds(extra.times(contacts))},
    }


def _score(item: Learned) -> dict[str, object]:
    """Return what the department's scores rest on, and what they say on average."""
    if item.outcome is None or item.evaluation.conversion is None:
        return {"score_basis": LOOK_ALIKE}
    share = item.outcome.expected_share
    return {
        "score_basis": item.evaluation.conversion.basis,
        "expected_share": share.value,
        "expected_share_low": share.low,
        "expected_share_high": share.high,
    }


def _calibration_and_profit(evaluation: Evaluation, reach: Reach) -> dict[str, object]:
    row: dict[str, object] = {}
    if found := evaluation.calibration:
        row |= {"calibration_error": found.error.value, "calibration_error_by_chance": found.error_by_chance}
    best = next((point for point in profit_rows(evaluation, reach) if point["is_best"]), None)
    if best:
        row |= {"best_budget": best["contacts"]}
        row |= {f"best_profit{suffix}": best[f"profit{suffix}"] for suffix in ("", "_low", "_high")}
    return row


def _headline(quality: Quality, budget: float) -> dict[str, Estimate]:
    return {
        "auc": quality.auc,
        "lift_at_budget": quality.at(budget).lift,
        "lift_at_10_percent": quality.at(0.1).lift,
    }


def _bounds(estimate: Estimate) -> tuple[tuple[str, float], ...]:
    return (("", estimate.value), ("_low", estimate.low), ("_high", estimate.high))


def refused_row(department: Department, why: str) -> dict[str, object]:
    """Return what `targeting.departments` says of a department that is left out."""
    return {
        "department_key": department.key,
        "department": department.name,
        "buyers": department.buyers,
        "candidates": department.candidates,
        "verdict": "refused",
        "verdict_at_budget": "refused",
        "remark": why,
    }


def card_row(config: Config, item: Learned, spec: ViewSpec) -> dict[str, object]:
    """Return the card with all that `verify` compiles the view from again."""
    return {
        **names_of(item),
        "view_name": item.department.slug,
        "budget": config.audience.budget,
        "control_share": config.audience.control_share,
        "salt": config.audience.salt,
        "card": card_to_json(spec.card),
        "words": json.dumps(list(spec.words), ensure_ascii=False),
    }


def rule_rows(item: Learned, spec: ViewSpec) -> Rows:
    """Yield each rule with its counts on the customers that were learned from, the target's lines left out."""
    table = item.table()
    matched, buyers = table.score(spec.card).matched, table.buyers
    alone = matched & (matched.sum(axis=1, keepdims=True) == 1)
    for position, rule in enumerate(spec.card.rules):
        mask = matched[:, position]
        support, hits = float(mask.mean()), int((mask & buyers).sum())
        precision = hits / mask.sum() if mask.any() else math.nan
        yield {
            **names_of(item),
            "rule": f"R{position + 1}",
            "position": position + 1,
            "words": spec.words[position],
            "condition_sql": compile_rule(rule).sql(TEMPLATE_DIALECT),
            "points": rule.points,
            "sign": "+",
            "condition_count": len(rule.conditions),
            "frequency": item.frequency.get(rule.conditions),
            "support": support,
            "candidates": int((mask & ~buyers).sum()),
            "unique_candidates": int((alone[:, position] & ~buyers).sum()),
            "importance": rule.points * math.sqrt(support * (1.0 - support)),
            "learned_precision": precision,
            "learned_recall": hits / int(buyers.sum()),
            "learned_lift": precision / float(buyers.mean()),
        }


def stability_rows(item: Learned) -> Rows:
    """Yield what refits make of the department's card, a row where there were any."""
    found = item.stability
    if found is not None:
        yield {
            **names_of(item),
            "refit_count": found.refits,
            "audience_jaccard": float(found.audience_jaccard.mean()),
            "audience_jaccard_lowest": float(found.audience_jaccard.min()),
            "rule_overlap": float(found.rule_overlap.mean()),
            "is_kept": int(item.kept),
        }


def evaluated_rule_rows(item: Learned, spec: ViewSpec) -> Rows:
    """Yield each rule of the card that was learned at the latest cut-off, with its figures on customers after it."""
    for position, (rule, card) in enumerate(zip(item.evaluation.rules, item.evaluation.cards, strict=True)):
        yield {
            **names_of(item),
            "rule": f"R{position + 1}",
            "words": describe_rule(rule, spec.features),
            "condition_sql": compile_rule(rule).sql(TEMPLATE_DIALECT),
            "points": rule.points,
            "support": card.support.value,
            **{f"precision{suffix}": value for suffix, value in _bounds(card.precision)},
            "recall": card.recall.value,
            **{f"lift{suffix}": value for suffix, value in _bounds(card.lift)},
            "unique_coverage": card.unique_coverage.value,
        }


def totals_of(item: Learned) -> Totals:
    """Return the sums that a reader may subtract from; of the latest cut-off, where there is one."""
    latest = item.evaluation.by_cutoff[0][1] if item.evaluation.by_cutoff else None
    buyers = item.table().buyers
    return Totals(
        customers=len(buyers),
        buyers=int(buyers.sum()),
        mapped_buyers=item.mapped_buyers,
        candidates_then=latest.candidates if latest else 0,
        outcome_buyers=item.evaluation.outcome_buyers,
        scale=item.evaluation.scale,
    )


def named_segment_rows(item: Learned) -> Iterator[dict[str, Any]]:
    """Yield the personas and the components of the mixture."""
    features = {feature.name: feature for feature in item.left_out.features}
    found = (
        (PERSONA, item.segment_map.segments, item.persona_identity),
        (MIXTURE, item.components, item.component_identity),
    )
    for kind, segments, identity in found:
        for row in segment_rows(segments, kind, identity, features):
            yield {**names_of(item), **row}


def cluster_score_rows(item: Learned) -> Rows:
    """Yield a row for each number of personas, and of components, that was tried."""
    chosen = len(item.segment_map.clusters.centres)
    for tried in item.segment_map.clusters.scores:
        yield {
            **names_of(item),
            "kind": "persona",
            "number": tried.number,
            "silhouette": tried.silhouette,
            "stability": tried.stability,
            "is_chosen": int(tried.number == chosen),
        }
    for fitted in item.mixture.scores:
        yield {
            **names_of(item),
            "kind": "mixture",
            "number": fitted.number,
            "silhouette": fitted.silhouette,
            "stability": fitted.stability,
            "bic": fitted.bic,
            "is_chosen": int(fitted.number == len(item.mixture.weights)),
        }


def mixture_rows(item: Learned) -> Rows:
    """Yield centre, spread and weight of each component."""
    mixture = item.mixture
    for component, weight, mean, covariance in zip(
        item.component_identity.ids.tolist(), mixture.weights, mixture.means, mixture.covariances, strict=True
    ):
        yield {
            **names_of(item),
            "component": component,
            "weight": float(weight),
            "mean_x": float(mean[0]),
            "mean_y": float(mean[1]),
            "covariance_xx": float(covariance[0, 0]),
            "covariance_xy": float(covariance[0, 1]),
            "covariance_yy": float(covariance[1, 1]),
        }


def confusion_rows(item: Learned) -> Rows:
    """Yield the confusion matrix at the natural and at the balanced prior."""
    for prior in ("natural", "balanced"):
        yield {**names_of(item), "prior": prior, **asdict(getattr(item.confusion, prior))}


def correlation_rows(table: FeatureTable) -> Rows:
    """Yield the correlation of every pair of features that vary, each pair once."""
    varying = np.flatnonzero(table.values.std(axis=0) > 0)[:MOST_CORRELATED]
    names = [table.catalogue.features[place].name for place in varying]
    matrix = np.atleast_2d(np.corrcoef(table.values[:, varying], rowvar=False))
    for i, feature in enumerate(names):
        for j in range(i):
            yield {"feature": feature, "other_feature": names[j], "correlation": float(matrix[i, j])}


def customers_map_table(ids: pa.Array, found: CustomersMap) -> pa.Table:
    """Return the map of all customers."""
    return pa.table(
        {
            "customer_id": ids,
            "x": found.coordinates[:, 0],
            "y": found.coordinates[:, 1],
            "main_department": pa.array(found.main_departments, pa.string()),
        }
    )


def department_map_table(item: Learned, table: FeatureTable, customers_map: CustomersMap) -> pa.Table:
    """Return the department's own map; distances are those of the same customers on the customers map."""
    embedding, clusters = item.segment_map.embedding, item.segment_map.clusters
    department = item.table()
    rows = department.rows[embedding.rows]
    place = pd.Index(customers_map.rows).get_indexer(pd.Index(rows))
    mapped = (place >= 0) & (item.nearest[place] >= 0)
    components = np.append(item.component_identity.ids, -1)[item.nearest[place]]
    return pa.table(
        {
            "department_key": pa.array(np.full(len(embedding.rows), item.department.key, dtype=np.int64)),
            "department": pa.array([item.department.name] * len(embedding.rows), pa.string()),
            "customer_id": pa.array(table.customer_ids.take(rows)),
            "x": embedding.coordinates[:, 0],
            "y": embedding.coordinates[:, 1],
            "segment_id": item.persona_identity.ids[clusters.labels],
            "probability": item.probability,
            "is_buyer": department.buyers[embedding.rows],
            "mixture_component": pa.array(components, mask=~mapped),
            "mixture_distance": pa.array(np.where(mapped, item.distances[place], 0.0), mask=~mapped),
        }
    )


def shap_table(item: Learned, table: FeatureTable) -> pa.Table:
    """Return the SHAP values of the first customers of the department's map, a row for each feature."""
    department = item.table()
    rows = item.segment_map.embedding.rows[: len(item.explanation.base)]
    names = [feature.name for feature in department.features]
    count = len(rows) * len(names)
    return pa.table(
        {
            "department_key": pa.array(np.full(count, item.department.key, dtype=np.int64)),
            "department": pa.array([item.department.name] * count, pa.string()),
            "customer_id": pa.array(table.customer_ids.take(np.repeat(department.rows[rows], len(names)))),
            "feature": pa.array(names * len(rows), pa.string()),
            "value": department.values[rows].ravel(),
            "shap_value": item.explanation.shap.ravel(),
            "base_value": np.repeat(item.explanation.base, len(names)),
        }
    )
