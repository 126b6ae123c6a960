"""The rows that need more than one department's own customers: all departments, or all customers of today.

In: results of workers, what views are compiled from, and how many customers each reaches. Out: tables by name. Quality
is measured as shares of candidates, and becomes numbers of today's customers here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

import pandas as pd
import pyarrow as pa

from segwarehouse.domain import Department
from segwarehouse.evaluate.judge import Evaluation
from segwarehouse.refresh.department import DepartmentResult
from segwarehouse.refresh.departments import outcome_of
from segwarehouse.results.quality import curve_rows, difference_rows, evaluation_rows, profit_rows, reliability_rows
from segwarehouse.results.reach import Reach
from segwarehouse.results.rows import PLACE, Rows, card_row, department_row, named, refused_row, with_ids
from segwarehouse.results.store import table_of
from segwarehouse.results.suppress import hide, hide_counts
from segwarehouse.rules.compile import ViewSpec

_QUALITY: Mapping[str, Callable[[Evaluation, Reach], Rows]] = {
    "evaluation": evaluation_rows,
    "curves": curve_rows,
    "differences": difference_rows,
    "reliability": reliability_rows,
    "profit": profit_rows,
}


def overall_tables(
    learned: Sequence[DepartmentResult],
    specs: Mapping[str, ViewSpec],
    reach: Mapping[str, Reach],
    refused: Sequence[tuple[Department, str]],
    least: int,
) -> dict[str, pa.Table]:
    """Return departments, cards and quality of what was learned.

    Parameters
    ----------
    specs, reach
        What each view is compiled from, and whom it reaches, by department.
    refused
        Departments without a view, with the reason.
    least
        `audience.min_cell`.
    """
    trials = sum(result.evaluation.comparison is not None for result in learned)
    departments = [
        *((result.department, _department_row(result, specs, reach, trials, least)) for result in learned),
        *((department, hide_counts(refused_row(department, why), least)) for department, why in refused),
    ]
    cards = [(result.department, card_row(result.department, specs[result.department.name])) for result in learned]
    return {
        "departments": table_of("departments", _rows_of(departments)),
        "cards": table_of("cards", _rows_of(cards)),
        **{name: table_of(name, _quality_rows(name, learned, reach, least)) for name in _QUALITY},
    }


def _rows_of(rows: Iterable[tuple[Department, dict[str, object]]]) -> Rows:
    return chain.from_iterable(named(department, [row]) for department, row in rows)


def _department_row(
    result: DepartmentResult, specs: Mapping[str, ViewSpec], reach: Mapping[str, Reach], trials: int, least: int
) -> dict[str, object]:
    name = result.department.name
    outcome = outcome_of(result)
    share = outcome.expected_share if outcome else None
    row = department_row(result.department, result.evaluation, share, specs[name], reach[name], trials)
    hides_unique = result.tables["rules"]["unique_candidates"].null_count > 0
    return hide_counts(row, least, hides_unique=hides_unique)


def _quality_rows(name: str, learned: Sequence[DepartmentResult], reach: Mapping[str, Reach], least: int) -> Rows:
    for result in learned:
        rows = _QUALITY[name](result.evaluation, reach[result.department.name])
        yield from named(result.department, hide(name, rows, result.totals, least))


def with_customers(result: DepartmentResult, customer_ids: "pd.Index[str]") -> dict[str, pa.Table]:
    """Return a worker's tables with the ids of customers, (n,) by their places in the feature table."""
    return {
        name: with_ids(table, customer_ids) if PLACE in table.column_names else table
        for name, table in result.tables.items()
    }
