"""The tables of schema `learned`, which `models/targeting/` shapes for analysts: their columns, and their loading.

In: rows, or tables of several departments. Out: Arrow tables with the columns that stand here, each loaded once. What
a row says is left to `rows.py` and `quality.py`, what is too small to be published to `suppress.py`.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict

import pyarrow as pa

from segwarehouse.features import FeatureTable
from segwarehouse.project import create_schema
from segwarehouse.results.maps import CustomersMap
from segwarehouse.results.rows import correlation_rows, customers_map_table
from segwarehouse.warehouse import Engine, Relation

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


def table_of(name: str, rows: Iterable[Mapping[str, object]]) -> pa.Table:
    """Return rows as an Arrow table with the columns of `_COLUMNS`; what a row does not have, and NaN, is NULL."""
    pairs = [item.partition(":") for item in _COLUMNS[name].split()]
    schema = pa.schema([(column, _TYPES[kind or "text"]) for column, _, kind in pairs])
    clean = [{column: _known(row.get(column)) for column in schema.names} for row in rows]
    return pa.Table.from_pylist(clean, schema=schema)


def _known(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value


def run_tables(table: FeatureTable, customers_map: CustomersMap) -> dict[str, pa.Table]:
    """Return the tables that tell of no department: features, their correlations, and the map of all customers."""
    ids = pa.array(table.customer_ids.take(customers_map.rows))
    return {
        "features": table_of("features", (asdict(feature) for feature in table.catalogue.features)),
        "correlations": table_of("correlations", correlation_rows(table)),
        "customers_map": customers_map_table(ids, customers_map),
    }


def merged(parts: Iterable[Mapping[str, pa.Table]]) -> dict[str, pa.Table]:
    """Return the rows of all parts, by table, in the order of the parts.

    A part may lack a table, or columns of it that an older version did not publish: they are NULL. The columns are
    those of the part that has a table first.
    """
    found: dict[str, list[pa.Table]] = {}
    for part in parts:
        for name, rows in part.items():
            found[name] = [*found[name], shaped(rows, found[name][0].schema)] if name in found else [rows]
    return {name: pa.concat_tables(tables).combine_chunks() for name, tables in found.items()}


def shaped(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return rows with the columns of a schema; one that they lack is NULL."""
    columns = [
        rows[field.name].cast(field.type) if field.name in rows.column_names else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def store(warehouse: Engine, tables: Mapping[str, pa.Table]) -> None:
    """Load every table of schema `learned`; those that nothing is known for are made too, without rows."""
    warehouse.execute(create_schema("learned"))
    for name, rows in {**{name: table_of(name, ()) for name in _COLUMNS}, **tables}.items():
        warehouse.load(Relation("learned", name), rows)
