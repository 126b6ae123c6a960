"""From what was learned to the tables of schema `learned`, which `models/targeting/` shapes for analysts.

In: a department's table, its learned card, maps and segments, and its evaluation. Out: rows. Nothing is computed here
that the learning or the evaluation has not found, counts of the rules over all customers aside.
"""

import datetime as dt
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from segwarehouse.config import Config
from segwarehouse.domain import Department, FloatArray, IntArray, Segment
from segwarehouse.evaluate.bootstrap import Estimate
from segwarehouse.evaluate.intervals import Quality, verdict
from segwarehouse.features import DepartmentTable, FeatureTable
from segwarehouse.learn.department import DepartmentLearned, SegmentMap
from segwarehouse.learn.embed import Embedding, embed
from segwarehouse.learn.mixture import Mixture
from segwarehouse.project import create_schema
from segwarehouse.refresh.evaluation import BASELINE, BEST_SINGLE, BLACK_BOX, RULES, Evaluation, score
from segwarehouse.refresh.quality import curve_rows, difference_rows, evaluation_rows, profit_rows, reliability_rows
from segwarehouse.refresh.segments import MIXTURE, PERSONA, Grouped, Identity, PreviousSegments, segment_rows
from segwarehouse.refresh.stability import Stability
from segwarehouse.refresh.suppress import Totals, publishable, without_segments
from segwarehouse.rules.card import card_to_json
from segwarehouse.rules.compile import Audience, compile_membership, compile_rule
from segwarehouse.rules.describe import describe_rule
from segwarehouse.templates import TEMPLATE_DIALECT
from segwarehouse.warehouse import Relation, Warehouse

SHAP_CUSTOMERS = 200
"""How many customers' SHAP values are stored for each department."""

MOST_CORRELATED = 200
"""Correlations are stored for so many features at most."""

FLAG_BUYERS = 400
"""A department with fewer buyers is flagged."""

Rows = Iterator[dict[str, object]]


@dataclass(frozen=True)
class Learned:
    """One department: what it was learned from, what was learned, and how good that was in the past.

    Attributes
    ----------
    table, result, segment_map
        What it was learned from, what was learned, and its personas.
    mixture
        Of its buyers on the customers map of m customers.
    nearest, distances
        int64 and float64 (m,): the nearest component of every mapped customer, and how far its centre is.
    mapped_buyers
        How many of the mapped customers buy here.
    components
        The components as segments.
    evaluation
        How good its ranking was in the past.
    stability
        What refits make of it; None where there were none.
    persona_identity, component_identity
        What personas and components are called, by place.
    """

    table: DepartmentTable
    result: DepartmentLearned
    segment_map: SegmentMap
    mixture: Mixture
    nearest: IntArray
    distances: FloatArray
    mapped_buyers: int
    components: tuple[Segment, ...]
    evaluation: Evaluation
    stability: Stability | None
    persona_identity: Identity
    component_identity: Identity

    @property
    def department(self) -> Department:
        """The department that is learned."""
        return self.table.department


@dataclass(frozen=True)
class CustomersMap:
    """All customers, or a sample of them, in the plane, by what they buy.

    `rows` int64 (m,) are positions in the feature table, `coordinates` float64 (m, 2), `main_departments` (m,) names.
    """

    rows: IntArray
    coordinates: FloatArray
    main_departments: Sequence[str | None]


def identified(
    item: Learned, table: FeatureTable, mapped: CustomersMap, before: PreviousSegments, as_of: dt.date
) -> Learned:
    """Return what was learned of a department with its segments called as they were before, where they are the same."""
    clusters, rows = item.segment_map.clusters, item.table.rows[item.segment_map.embedding.rows]
    personas = Grouped(table.customer_ids.take(rows), clusters.labels, len(clusters.centres))
    components = Grouped(table.customer_ids.take(mapped.rows), item.nearest, len(item.components))
    name = item.department.name
    return replace(
        item,
        persona_identity=before.identify(name, PERSONA, personas, as_of),
        component_identity=before.identify(name, MIXTURE, components, as_of),
    )


def map_customers(table: FeatureTable, seed: int) -> CustomersMap:
    """Lay out customers by the logarithm of their purchases in each department: t-SNE, as in the recipe."""
    places = [i for i, feature in enumerate(table.catalogue.features) if feature.kind == "department"]
    names = [table.catalogue.features[i].subject for i in places]
    counts = table.values[:, places]
    found: Embedding = embed(np.log1p(counts), seed=seed, method="tsne", order=table.map_order)
    sampled = counts[found.rows]
    main = [names[best] if row[best] > 0 else None for row, best in zip(sampled, sampled.argmax(axis=1), strict=True)]
    return CustomersMap(found.rows, found.coordinates, main)


def store(
    config: Config,
    warehouse: Warehouse,
    table: FeatureTable,
    learned: Sequence[Learned],
    audiences: Mapping[str, Audience],
    refused: Sequence[tuple[Department, str]],
    customers_map: CustomersMap,
) -> None:
    """Write every table of schema `learned`."""
    warehouse.execute(create_schema("learned"))
    trials = sum(item.evaluation.comparison is not None for item in learned)
    cards = [(item, audiences[item.department.name]) for item in learned]
    rows: dict[str, Iterable[dict[str, Any]]] = {
        "features": (asdict(feature) for feature in table.catalogue.features),
        "departments": [
            *(_department(config, item, audience, trials) for item, audience in cards),
            *(_refused(department, why) for department, why in refused),
        ],
        "cards": (_card(config, item, audience) for item, audience in cards),
        "rules": (row for item, audience in cards for row in _rules(item, audience)),
        "evaluated_rules": (row for item in learned for row in _evaluated_rules(item, audiences)),
        "evaluation": _by_department(learned, evaluation_rows),
        "curves": _by_department(learned, curve_rows),
        "differences": _by_department(learned, difference_rows),
        "reliability": _by_department(learned, reliability_rows),
        "profit": _by_department(learned, profit_rows),
        "stability": (row for item in learned for row in _stability(item)),
        "segments": (row for item in learned for row in _segments(item)),
        "cluster_scores": (row for item in learned for row in _cluster_scores(item)),
        "mixtures": (row for item in learned for row in _mixtures(item)),
        "confusions": (row for item in learned for row in _confusions(item)),
        "correlations": _correlations(table),
    }
    shown = publishable(rows, {item.department.name: _totals(item) for item in learned}, config.audience.min_cell)
    for name, produced in shown.items():
        warehouse.load(Relation("learned", name), _table(name, produced))
    ids = pa.array(table.customer_ids.take(customers_map.rows))
    warehouse.load(Relation("learned", "customers_map"), _customers_map(ids, customers_map))
    if learned:  # without any, the rows of those that are carried over make these tables
        maps = [_department_map(item, table, customers_map) for item in learned]
        whole = without_segments(pa.concat_tables(maps), shown["segments"])
        warehouse.load(Relation("learned", "department_maps"), whole)
        samples = [_shap_values(item, table) for item in learned]
        warehouse.load(Relation("learned", "shap_values"), pa.concat_tables(samples))


_TYPES: Mapping[str, pa.DataType] = {"int": pa.int64(), "real": pa.float64(), "text": pa.string(), "day": pa.date32()}

_INTERVALS = ("auc", "lift_at_budget", "lift_at_10_percent")

_COLUMNS: Mapping[str, str] = {
    # table: name:type, "text" where none is given
    "features": "name kind phrase unit subject",
    "departments": (
        "department_key:int department view_name buyers:int candidates:int selected:int where_sql budget:int "
        "control_share:real rule_count:int condition_count:int evaluated_at:day cutoff_count:int "
        "outcome_buyers:int auc:real auc_low:real auc_high:real lift_at_budget:real lift_at_budget_low:real "
        "lift_at_budget_high:real lift_at_10_percent:real lift_at_10_percent_low:real "
        "lift_at_10_percent_high:real activity_auc:real activity_lift_at_budget:real "
        "activity_lift_at_10_percent:real single_measure single_measure_auc:real "
        "single_measure_lift_at_budget:real single_measure_lift_at_10_percent:real black_box_auc:real "
        "black_box_lift_at_budget:real black_box_lift_at_10_percent:real difference_from_activity:real "
        "difference_from_activity_low:real difference_from_activity_high:real calibration_error:real "
        "calibration_error_by_chance:real best_budget:int best_profit:real best_profit_low:real "
        "best_profit_high:real verdict remark"
    ),
    "cards": "department_key:int department view_name budget:int control_share:real salt card words",
    "rules": (
        "department_key:int department rule position:int words condition_sql points:int sign condition_count:int "
        "frequency:real support:real candidates:int unique_candidates:int importance:real learned_precision:real "
        "learned_recall:real learned_lift:real"
    ),
    "evaluated_rules": (
        "department_key:int department rule words condition_sql points:int support:real precision:real "
        "precision_low:real precision_high:real recall:real lift:real lift_low:real lift_high:real unique_coverage:real"
    ),
    "evaluation": (
        "department_key:int department ranking evaluated_at:day metric budget:int share:real value:real low:real "
        "high:real"
    ),
    "curves": (
        "department_key:int department ranking share:real contacts:int expected_buyers:real expected_buyers_low:real "
        "expected_buyers_high:real precision:real precision_low:real precision_high:real recall:real recall_low:real "
        "recall_high:real lift:real lift_low:real lift_high:real"
    ),
    "differences": (
        "department_key:int department ranking minus metric budget:int share:real value:real low:real high:real"
    ),
    "reliability": (
        "department_key:int department bin:int candidates:int predicted:real observed:real observed_low:real "
        "observed_high:real"
    ),
    "profit": (
        "department_key:int department share:real contacts:int profit:real profit_low:real profit_high:real "
        "is_best:int best_contacts_low:int best_contacts_high:int"
    ),
    "stability": (
        "department_key:int department refit_count:int audience_jaccard:real audience_jaccard_lowest:real "
        "rule_overlap:real is_kept:int"
    ),
    "segments": (
        "department_key:int department kind segment_id:int name size:int weight:real buyer_share:real lift:real "
        "drivers typical since:day"
    ),
    "cluster_scores": (
        "department_key:int department kind number:int silhouette:real stability:real bic:real is_chosen:int"
    ),
    "mixtures": (
        "department_key:int department component:int weight:real mean_x:real mean_y:real covariance_xx:real "
        "covariance_xy:real covariance_yy:real"
    ),
    "confusions": (
        "department_key:int department prior true_negatives:int false_positives:int false_negatives:int "
        "true_positives:int"
    ),
    "correlations": "feature other_feature correlation:real",
}


def _table(name: str, rows: Iterable[dict[str, object]]) -> pa.Table:
    """Return rows as an Arrow table with the columns of `_COLUMNS`; what a row does not have, and NaN, is NULL."""
    pairs = [item.partition(":") for item in _COLUMNS[name].split()]
    schema = pa.schema([(column, _TYPES[kind or "text"]) for column, _, kind in pairs])
    clean = [{column: _known(row.get(column)) for column in schema.names} for row in rows]
    return pa.Table.from_pylist(clean, schema=schema)


def _known(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value


def _by_department(learned: Sequence[Learned], rows: Callable[[Evaluation], Rows]) -> Rows:
    return ({**_names(item), **row} for item in learned for row in rows(item.evaluation))


def _names(item: Learned) -> dict[str, object]:
    return {"department_key": item.department.key, "department": item.department.name}


def _department(config: Config, item: Learned, audience: Audience, trials: int) -> dict[str, object]:
    evaluation, department = item.evaluation, item.department
    comparison = evaluation.comparison
    remarks = [evaluation.remark] if evaluation.remark else []
    if department.buyers < FLAG_BUYERS:
        remarks.append(f"only {department.buyers} buyers")
    row: dict[str, object] = {
        **_names(item),
        "view_name": department.slug,
        "buyers": department.buyers,
        "candidates": department.candidates,
        "selected": _selected(item, audience),
        "where_sql": compile_membership(audience.rule_set).sql(TEMPLATE_DIALECT),
        "budget": config.audience.budget,
        "control_share": config.audience.control_share,
        "rule_count": len(audience.rule_set.rules),
        "condition_count": audience.rule_set.condition_count,
        "outcome_buyers": evaluation.outcome_buyers,
        "verdict": verdict(comparison, trials) if comparison else "not evaluated",
        "remark": "; ".join(remarks) or None,
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
        **_calibration_and_profit(evaluation),
    }


def _calibration_and_profit(evaluation: Evaluation) -> dict[str, object]:
    row: dict[str, object] = {}
    if found := evaluation.calibration:
        row |= {"calibration_error": found.error.value, "calibration_error_by_chance": found.error_by_chance}
    if curve := evaluation.profit:
        row |= {"best_budget": round(curve.best.contacts), "best_profit": curve.best.profit.value}
        row |= {"best_profit_low": curve.best.profit.low, "best_profit_high": curve.best.profit.high}
    return row


def _headline(quality: Quality, budget: float) -> dict[str, Estimate]:
    return {
        "auc": quality.auc,
        "lift_at_budget": quality.at(budget).lift,
        "lift_at_10_percent": quality.at(0.1).lift,
    }


def _bounds(estimate: Estimate) -> tuple[tuple[str, float], ...]:
    return (("", estimate.value), ("_low", estimate.low), ("_high", estimate.high))


def _refused(department: Department, why: str) -> dict[str, object]:
    return {
        "department_key": department.key,
        "department": department.name,
        "buyers": department.buyers,
        "candidates": department.candidates,
        "verdict": "refused",
        "remark": why,
    }


def _selected(item: Learned, audience: Audience) -> int:
    return int((score(item.table, audience.rule_set).selected & ~item.table.buyers).sum())


def _card(config: Config, item: Learned, audience: Audience) -> dict[str, object]:
    return {
        **_names(item),
        "view_name": item.department.slug,
        "budget": config.audience.budget,
        "control_share": config.audience.control_share,
        "salt": config.audience.salt,
        "card": card_to_json(audience.rule_set),
        "words": json.dumps(list(audience.words), ensure_ascii=False),
    }


def _rules(item: Learned, audience: Audience) -> Rows:
    """Yield each rule with its counts on the customers that were learned from, the target's lines left out."""
    matched, buyers = score(item.table, audience.rule_set).matched, item.table.buyers
    alone = matched & (matched.sum(axis=1, keepdims=True) == 1)
    for position, rule in enumerate(audience.rule_set.rules):
        mask = matched[:, position]
        support, hits = float(mask.mean()), int((mask & buyers).sum())
        precision = hits / mask.sum() if mask.any() else math.nan
        yield {
            **_names(item),
            "rule": f"R{position + 1}",
            "position": position + 1,
            "words": audience.words[position],
            "condition_sql": compile_rule(rule).sql(TEMPLATE_DIALECT),
            "points": rule.points,
            "sign": "+",
            "condition_count": len(rule.conditions),
            "frequency": item.result.frequency.get(rule.conditions),
            "support": support,
            "candidates": int((mask & ~buyers).sum()),
            "unique_candidates": int((alone[:, position] & ~buyers).sum()),
            "importance": rule.points * math.sqrt(support * (1.0 - support)),
            "learned_precision": precision,
            "learned_recall": hits / int(buyers.sum()),
            "learned_lift": precision / float(buyers.mean()),
        }


def _stability(item: Learned) -> Rows:
    """Yield what refits make of the department's card, a row where there were any."""
    found = item.stability
    if found is not None:
        yield {
            **_names(item),
            "refit_count": found.refits,
            "audience_jaccard": float(found.audience_jaccard.mean()),
            "audience_jaccard_lowest": float(found.audience_jaccard.min()),
            "rule_overlap": float(found.rule_overlap.mean()),
            "is_kept": int(item.result.kept),
        }


def _evaluated_rules(item: Learned, audiences: Mapping[str, Audience]) -> Rows:
    features = audiences[item.department.name].features
    for position, (rule, card) in enumerate(zip(item.evaluation.rules, item.evaluation.cards, strict=True)):
        yield {
            **_names(item),
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


def _totals(item: Learned) -> Totals:
    """Return the sums that a reader may subtract from; of the latest cut-off, where there is one."""
    latest = item.evaluation.by_cutoff[0][1] if item.evaluation.by_cutoff else None
    return Totals(
        customers=len(item.table.buyers),
        buyers=int(item.table.buyers.sum()),
        mapped_buyers=item.mapped_buyers,
        candidates_then=latest.candidates if latest else 0,
        outcome_buyers=item.evaluation.outcome_buyers,
        scale=item.evaluation.scale,
    )


def _segments(item: Learned) -> Iterator[dict[str, Any]]:
    features = {feature.name: feature for feature in item.table.features}
    found = (
        (PERSONA, item.segment_map.segments, item.persona_identity),
        (MIXTURE, item.components, item.component_identity),
    )
    for kind, segments, identity in found:
        for row in segment_rows(segments, kind, identity, features):
            yield {**_names(item), **row}


def _cluster_scores(item: Learned) -> Rows:
    chosen = len(item.segment_map.clusters.centres)
    for tried in item.segment_map.clusters.scores:
        yield {
            **_names(item),
            "kind": "persona",
            "number": tried.number,
            "silhouette": tried.silhouette,
            "stability": tried.stability,
            "is_chosen": int(tried.number == chosen),
        }
    for fitted in item.mixture.scores:
        yield {
            **_names(item),
            "kind": "mixture",
            "number": fitted.number,
            "silhouette": fitted.silhouette,
            "stability": fitted.stability,
            "bic": fitted.bic,
            "is_chosen": int(fitted.number == len(item.mixture.weights)),
        }


def _mixtures(item: Learned) -> Rows:
    mixture = item.mixture
    for component, weight, mean, covariance in zip(
        item.component_identity.ids.tolist(), mixture.weights, mixture.means, mixture.covariances, strict=True
    ):
        yield {
            **_names(item),
            "component": component,
            "weight": float(weight),
            "mean_x": float(mean[0]),
            "mean_y": float(mean[1]),
            "covariance_xx": float(covariance[0, 0]),
            "covariance_xy": float(covariance[0, 1]),
            "covariance_yy": float(covariance[1, 1]),
        }


def _confusions(item: Learned) -> Rows:
    for prior in ("natural", "balanced"):
        yield {**_names(item), "prior": prior, **asdict(getattr(item.result.confusion, prior))}


def _correlations(table: FeatureTable) -> Rows:
    """Yield the correlation of every pair of features that vary, each pair once."""
    varying = np.flatnonzero(table.values.std(axis=0) > 0)[:MOST_CORRELATED]
    names = [table.catalogue.features[place].name for place in varying]
    matrix = np.atleast_2d(np.corrcoef(table.values[:, varying], rowvar=False))
    for i, feature in enumerate(names):
        for j in range(i):
            yield {"feature": feature, "other_feature": names[j], "correlation": float(matrix[i, j])}


def _customers_map(ids: pa.Array, found: CustomersMap) -> pa.Table:
    return pa.table(
        {
            "customer_id": ids,
            "x": found.coordinates[:, 0],
            "y": found.coordinates[:, 1],
            "main_department": pa.array(found.main_departments, pa.string()),
        }
    )


def _department_map(item: Learned, table: FeatureTable, customers_map: CustomersMap) -> pa.Table:
    """Return the department's own map; distances are those of the same customers on the customers map."""
    embedding, clusters = item.segment_map.embedding, item.segment_map.clusters
    rows = item.table.rows[embedding.rows]
    place = pd.Index(customers_map.rows).get_indexer(pd.Index(rows))
    mapped = place >= 0
    components = item.component_identity.ids[item.nearest[place]]
    return pa.table(
        {
            "department_key": pa.array(np.full(len(embedding.rows), item.department.key, dtype=np.int64)),
            "department": pa.array([item.department.name] * len(embedding.rows), pa.string()),
            "customer_id": pa.array(table.customer_ids.take(rows)),
            "x": embedding.coordinates[:, 0],
            "y": embedding.coordinates[:, 1],
            "segment_id": item.persona_identity.ids[clusters.labels],
            "probability": item.result.propensity.probability[embedding.rows],
            "is_buyer": item.table.buyers[embedding.rows],
            "mixture_component": pa.array(components, mask=~mapped),
            "mixture_distance": pa.array(np.where(mapped, item.distances[place], 0.0), mask=~mapped),
        }
    )


def _shap_values(item: Learned, table: FeatureTable) -> pa.Table:
    """Return the SHAP values of the first customers of the department's map, a row for each feature."""
    rows = item.segment_map.embedding.rows[:SHAP_CUSTOMERS]
    names = [feature.name for feature in item.table.features]
    count = len(rows) * len(names)
    explanation = item.result.propensity.explanation
    return pa.table(
        {
            "department_key": pa.array(np.full(count, item.department.key, dtype=np.int64)),
            "department": pa.array([item.department.name] * count, pa.string()),
            "customer_id": pa.array(table.customer_ids.take(np.repeat(item.table.rows[rows], len(names)))),
            "feature": pa.array(names * len(rows), pa.string()),
            "value": item.table.values[rows].ravel(),
            "shap_value": explanation.shap[rows].ravel(),
            "base_value": np.repeat(explanation.base[rows], len(names)),
        }
    )
