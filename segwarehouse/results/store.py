"""From what was learned to the tables of schema `learned`, which `models/targeting/` shapes for analysts.

In: departments, their audiences and the map of customers. Out: nothing; tables with the columns that stand here, in
which small counts are left out (`suppress.py`). What a row says is left to `rows.py` and `quality.py`.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from segwarehouse.config import Config
from segwarehouse.domain import Department
from segwarehouse.evaluate.judge import Evaluation
from segwarehouse.features import FeatureTable
from segwarehouse.project import create_schema
from segwarehouse.results.learned import CustomersMap, Learned
from segwarehouse.results.quality import curve_rows, difference_rows, evaluation_rows, profit_rows, reliability_rows
from segwarehouse.results.reach import Reach
from segwarehouse.results.rows import (
    Rows,
    card_row,
    cluster_score_rows,
    confusion_rows,
    correlation_rows,
    customers_map_table,
    department_map_table,
    department_row,
    evaluated_rule_rows,
    mixture_rows,
    named_segment_rows,
    names_of,
    refused_row,
    rule_rows,
    shap_table,
    stability_rows,
    totals_of,
)
from segwarehouse.results.suppress import publishable, without_segments
from segwarehouse.rules.compile import ViewSpec
from segwarehouse.warehouse import Engine, Relation


def store(
    config: Config,
    warehouse: Engine,
    table: FeatureTable,
    learned: Sequence[Learned],
    specs: Mapping[str, ViewSpec],
    reach: Mapping[str, Reach],
    refused: Sequence[tuple[Department, str]],
    customers_map: CustomersMap,
) -> None:
    """Write every table of schema `learned`."""
    warehouse.execute(create_schema("learned"))
    trials = sum(item.evaluation.comparison is not None for item in learned)
    cards = [(item, specs[item.department.name]) for item in learned]
    rows: dict[str, Iterable[dict[str, Any]]] = {
        "features": (asdict(feature) for feature in table.catalogue.features),
        "departments": [
            *(department_row(config, item, spec, reach[item.department.name], trials) for item, spec in cards),
            *(refused_row(department, why) for department, why in refused),
        ],
        "cards": (card_row(config, item, spec) for item, spec in cards),
        "rules": (row for item, spec in cards for row in rule_rows(item, spec)),
        "evaluated_rules": (row for item in learned for row in evaluated_rule_rows(item, specs)),
        "evaluation": _by_department(learned, reach, evaluation_rows),
        "curves": _by_department(learned, reach, curve_rows),
        "differences": _by_department(learned, reach, difference_rows),
        "reliability": _by_department(learned, reach, reliability_rows),
        "profit": _by_department(learned, reach, profit_rows),
        "stability": (row for item in learned for row in stability_rows(item)),
        "segments": (row for item in learned for row in named_segment_rows(item)),
        "cluster_scores": (row for item in learned for row in cluster_score_rows(item)),
        "mixtures": (row for item in learned for row in mixture_rows(item)),
        "confusions": (row for item in learned for row in confusion_rows(item)),
        "correlations": correlation_rows(table),
    }
    shown = publishable(rows, {item.department.name: totals_of(item) for item in learned}, config.audience.min_cell)
    for name, produced in shown.items():
        warehouse.load(Relation("learned", name), _table(name, produced))
    ids = pa.array(table.customer_ids.take(customers_map.rows))
    warehouse.load(Relation("learned", "customers_map"), customers_map_table(ids, customers_map))
    if learned:  # without any, the rows of those that are carried over make these tables
        maps = [department_map_table(item, table, customers_map) for item in learned]
        whole = without_segments(pa.concat_tables(maps), shown["segments"])
        warehouse.load(Relation("learned", "department_maps"), whole)
        samples = [shap_table(item, table) for item in learned]
        warehouse.load(Relation("learned", "shap_values"), pa.concat_tables(samples))


_TYPES: Mapping[str, pa.DataType] = {"int": pa.int64(), "real": pa.float64(), "text": pa.string(), "day": pa.date32()}

_COLUMNS: Mapping[str, str] = {
    # table: name:type, "text" where none is given
    "features": "name kind phrase unit subject recent_days:int",
    "departments": (
        "department_key:int department view_name buyers:int candidates:int selected:int contactable:int contacts:int "
        "where_sql budget:int control_share:real rule_count:int condition_count:int evaluated_at:day cutoff_count:int "
        "outcome_buyers:int auc:real auc_low:real auc_high:real lift_at_budget:real lift_at_budget_low:real "
        "lift_at_budget_high:real lift_at_10_percent:real lift_at_10_percent_low:real "
        "lift_at_10_percent_high:real activity_auc:real activity_lift_at_budget:real "
        "activity_lift_at_10_percent:real single_measure single_measure_auc:real "
        "single_measure_lift_at_budget:real single_measure_lift_at_10_percent:real black_box_auc:real "
        "black_box_lift_at_budget:real black_box_lift_at_10_percent:real difference_from_activity:real "
        "difference_from_activity_low:real difference_from_activity_high:real judged_share:real judged_contacts:int "
        "expected_buyers:real expected_buyers_low:real expected_buyers_high:real extra_buyers:real "
        "extra_buyers_low:real extra_buyers_high:real score_basis expected_share:real expected_share_low:real "
        "expected_share_high:real calibration_error:real calibration_error_by_chance:real best_budget:int "
        "best_profit:real best_profit_low:real best_profit_high:real verdict verdict_at_budget remark"
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


def _by_department(
    learned: Sequence[Learned], reach: Mapping[str, Reach], rows: Callable[[Evaluation, Reach], Rows]
) -> Rows:
    return ({**names_of(item), **row} for item in learned for row in rows(item.evaluation, reach[item.department.name]))
