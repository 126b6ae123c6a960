"""From what was learned of a department to rows.

In: a department's table, its learned card, maps and segments, and its evaluation. Out: rows, by the names of the
columns that `tables.py` has. Nothing is computed here that the learning or the evaluation has not found, counts of the
rules over all customers aside.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from segwarehouse.domain import Card, Condition, Department, Feature, FloatArray, IntArray
from segwarehouse.evaluate.bootstrap import Estimate
from segwarehouse.evaluate.intervals import Comparison, Quality, verdict
from segwarehouse.evaluate.judge import BASELINE, BEST_SINGLE, BLACK_BOX, RULES, Evaluation
from segwarehouse.evaluate.refits import Stability
from segwarehouse.evaluate.scores import LOOK_ALIKE
from segwarehouse.features import FeatureTable
from segwarehouse.learn.conversion import ExpectedShare
from segwarehouse.learn.explain import Explanation
from segwarehouse.learn.propensity import ConfusionMatrices
from segwarehouse.results.identity import MIXTURE, PERSONA, segment_rows
from segwarehouse.results.maps import CustomersMap, DepartmentMaps
from segwarehouse.results.quality import profit_rows
from segwarehouse.results.reach import Reach, judged_share
from segwarehouse.rules.compile import ViewSpec, compile_membership, compile_rule
from segwarehouse.rules.describe import describe_rule
from segwarehouse.rules.stored import card_to_json
from segwarehouse.table import DepartmentTable
from segwarehouse.templates import TEMPLATE_DIALECT

PLACE = "place"
"""The column of a worker's rows that says which customer: her place in the feature table. Workers know no ids."""

MOST_CORRELATED = 200
"""Correlations are stored for so many features at most."""

FLAG_BUYERS = 400
"""A department with fewer buyers is flagged."""

Rows = Iterator[dict[str, object]]

_INTERVALS = ("auc", "lift_at_budget", "lift_at_10_percent")


def named(department: Department, rows: Iterable[Mapping[str, object]]) -> Rows:
    """Yield rows with the columns that every row of a department starts with."""
    for row in rows:
        yield {"department_key": department.key, "department": department.name, **row}


def department_row(
    department: Department,
    evaluation: Evaluation,
    share: ExpectedShare | None,
    spec: ViewSpec,
    reach: Reach,
    trials: int,
) -> dict[str, object]:
    """Return what `targeting.departments` says of a department that is published; `trials` departments are judged."""
    comparison = evaluation.comparison
    remarks = [evaluation.remark] if evaluation.remark else []
    if department.buyers < FLAG_BUYERS:
        remarks.append(f"only {department.buyers} buyers")
    row: dict[str, object] = {
        "view_name": department.slug,
        "buyers": department.buyers,
        "candidates": department.candidates,
        "selected": reach.selected,
        "contactable": reach.contactable,
        "contacts": reach.contacts,
        "where_sql": compile_membership(spec.card).sql(TEMPLATE_DIALECT),
        "budget": spec.budget,
        "control_share": spec.control_share,
        "rule_count": len(spec.card.rules),
        "condition_count": spec.card.condition_count,
        "outcome_buyers": evaluation.outcome_buyers,
        **_verdicts(evaluation, trials),
        "remark": "; ".join(remarks) or None,
        **_score(evaluation, share),
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


def _score(evaluation: Evaluation, share: ExpectedShare | None) -> dict[str, object]:
    """Return what the department's scores rest on, and what they say on average."""
    if share is None or evaluation.conversion is None:
        return {"score_basis": LOOK_ALIKE}
    return {
        "score_basis": evaluation.conversion.basis,
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
        "buyers": department.buyers,
        "candidates": department.candidates,
        "verdict": "refused",
        "verdict_at_budget": "refused",
        "remark": why,
    }


def card_row(department: Department, spec: ViewSpec) -> dict[str, object]:
    """Return the card with all that `verify` compiles the view from again."""
    return {
        "view_name": department.slug,
        "budget": spec.budget,
        "control_share": spec.control_share,
        "salt": spec.salt,
        "card": card_to_json(spec.card),
        "words": json.dumps(list(spec.words), ensure_ascii=False),
    }


def rule_rows(table: DepartmentTable, card: Card, frequency: Mapping[tuple[Condition, ...], float]) -> Rows:
    """Yield each rule with its counts on the customers that were learned from, the target's lines left out."""
    matched, buyers = table.score(card).matched, table.buyers
    features = {feature.name: feature for feature in table.features}
    alone = matched & (matched.sum(axis=1, keepdims=True) == 1)
    for position, rule in enumerate(card.rules):
        mask = matched[:, position]
        support, hits = float(mask.mean()), int((mask & buyers).sum())
        precision = hits / mask.sum() if mask.any() else math.nan
        yield {
            "rule": f"R{position + 1}",
            "position": position + 1,
            "words": describe_rule(rule, features),
            "condition_sql": compile_rule(rule).sql(TEMPLATE_DIALECT),
            "points": rule.points,
            "sign": "+",
            "condition_count": len(rule.conditions),
            "frequency": frequency.get(rule.conditions),
            "support": support,
            "candidates": int((mask & ~buyers).sum()),
            "unique_candidates": int((alone[:, position] & ~buyers).sum()),
            "importance": rule.points * math.sqrt(support * (1.0 - support)),
            "learned_precision": precision,
            "learned_recall": hits / int(buyers.sum()),
            "learned_lift": precision / float(buyers.mean()),
        }


def stability_rows(found: Stability | None, *, is_kept: bool) -> Rows:
    """Yield what refits make of the department's card, a row where there were any."""
    if found is not None:
        yield {
            "refit_count": found.refits,
            "audience_jaccard": float(found.audience_jaccard.mean()),
            "audience_jaccard_lowest": float(found.audience_jaccard.min()),
            "rule_overlap": float(found.rule_overlap.mean()),
            "is_kept": int(is_kept),
        }


def evaluated_rule_rows(evaluation: Evaluation, features: Mapping[str, Feature]) -> Rows:
    """Yield each rule of the card that was learned at the latest cut-off, with its figures on customers after it."""
    for position, (rule, card) in enumerate(zip(evaluation.rules, evaluation.cards, strict=True)):
        yield {
            "rule": f"R{position + 1}",
            "words": describe_rule(rule, features),
            "condition_sql": compile_rule(rule).sql(TEMPLATE_DIALECT),
            "points": rule.points,
            "support": card.support.value,
            **{f"precision{suffix}": value for suffix, value in _bounds(card.precision)},
            "recall": card.recall.value,
            **{f"lift{suffix}": value for suffix, value in _bounds(card.lift)},
            "unique_coverage": card.unique_coverage.value,
        }


def named_segment_rows(maps: DepartmentMaps, features: Mapping[str, Feature]) -> Iterator[dict[str, Any]]:
    """Yield the personas and the components of the mixture."""
    yield from segment_rows(maps.segment_map.segments, PERSONA, maps.persona_identity, features)
    yield from segment_rows(maps.components, MIXTURE, maps.component_identity, features)


def cluster_score_rows(maps: DepartmentMaps) -> Rows:
    """Yield a row for each number of personas, and of components, that was tried."""
    chosen = len(maps.segment_map.clusters.centres)
    for tried in maps.segment_map.clusters.scores:
        yield {
            "kind": "persona",
            "number": tried.number,
            "silhouette": tried.silhouette,
            "stability": tried.stability,
            "is_chosen": int(tried.number == chosen),
        }
    for fitted in maps.mixture.scores:
        yield {
            "kind": "mixture",
            "number": fitted.number,
            "silhouette": fitted.silhouette,
            "stability": fitted.stability,
            "bic": fitted.bic,
            "is_chosen": int(fitted.number == len(maps.mixture.weights)),
        }


def mixture_rows(maps: DepartmentMaps) -> Rows:
    """Yield centre, spread and weight of each component."""
    mixture = maps.mixture
    for component, weight, mean, covariance in zip(
        maps.component_identity.ids.tolist(), mixture.weights, mixture.means, mixture.covariances, strict=True
    ):
        yield {
            "component": component,
            "weight": float(weight),
            "mean_x": float(mean[0]),
            "mean_y": float(mean[1]),
            "covariance_xx": float(covariance[0, 0]),
            "covariance_xy": float(covariance[0, 1]),
            "covariance_yy": float(covariance[1, 1]),
        }


def confusion_rows(confusion: ConfusionMatrices) -> Rows:
    """Yield the confusion matrix at the natural and at the balanced prior."""
    for prior in ("natural", "balanced"):
        yield {"prior": prior, **asdict(getattr(confusion, prior))}


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


def department_map_table(
    table: DepartmentTable, maps: DepartmentMaps, customers_map: CustomersMap, probability: FloatArray
) -> pa.Table:
    """Return the department's own map; distances are those of the same customers on the customers map."""
    embedding, clusters = maps.segment_map.embedding, maps.segment_map.clusters
    rows = table.rows[embedding.rows]
    place = pd.Index(customers_map.rows).get_indexer(pd.Index(rows))
    mapped = (place >= 0) & (maps.nearest[place] >= 0)
    components = np.append(maps.component_identity.ids, -1)[maps.nearest[place]]
    return pa.table(
        {
            **_names(table.department, len(rows)),
            PLACE: rows,
            "x": embedding.coordinates[:, 0],
            "y": embedding.coordinates[:, 1],
            "segment_id": maps.persona_identity.ids[clusters.labels],
            "probability": probability[embedding.rows],
            "is_buyer": table.buyers[embedding.rows],
            "mixture_component": pa.array(components, mask=~mapped),
            "mixture_distance": pa.array(np.where(mapped, maps.distances[place], 0.0), mask=~mapped),
        }
    )


def shap_table(table: DepartmentTable, rows: IntArray, explanation: Explanation) -> pa.Table:
    """Return the SHAP values of the customers at `rows` (k,) of a table, a row for each feature."""
    names = [feature.name for feature in table.features]
    shown = explanation.of(rows)
    return pa.table(
        {
            **_names(table.department, len(rows) * len(names)),
            PLACE: table.rows[np.repeat(rows, len(names))],
            "feature": pa.array(names * len(rows), pa.string()),
            "value": table.values[rows].ravel(),
            "shap_value": shown.shap.ravel(),
            "base_value": np.repeat(shown.base, len(names)),
        }
    )


def _names(department: Department, count: int) -> dict[str, object]:
    return {
        "department_key": pa.array(np.full(count, department.key, dtype=np.int64)),
        "department": pa.array([department.name] * count, pa.string()),
    }


def with_ids(table: pa.Table, customer_ids: "pd.Index[str]") -> pa.Table:
    """Return rows that tell of customers with their ids in the place of places in the feature table."""
    at = table.column_names.index(PLACE)
    ids = pa.array(customer_ids.take(table[PLACE].to_numpy()))
    return table.set_column(at, "customer_id", ids)
