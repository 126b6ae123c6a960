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
from segwarehouse.results.suppress import Made, Totals
from segwarehouse.results.tables import arrow, hide
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
        *((result.department, _department_rows(result, specs, reach, trials, least)) for result in learned),
        *(
            (department, hide("departments", [refused_row(department, why)], Totals(), least))
            for department, why in refused
        ),
    ]
    cards = [(result.department, [card_row(result.department, specs[result.department.name])]) for result in learned]
    return {
        "departments": arrow("departments", _rows_of(departments)),
        "cards": arrow("cards", _rows_of(cards)),
        **{name: arrow(name, _quality_rows(name, learned, reach, least)) for name in _QUALITY},
    }


def _rows_of(made: Iterable[tuple[Department, Made]]) -> Rows:
    return chain.from_iterable(named(department, rows) for department, rows in made)


def _department_rows(
    result: DepartmentResult, specs: Mapping[str, ViewSpec], reach: Mapping[str, Reach], trials: int, least: int
) -> Made:
    name = result.department.name
    outcome = outcome_of(result)
    share = outcome.expected_share if outcome else None
    row = department_row(result.department, result.evaluation, share, specs[name], reach[name], trials)
    return hide("departments", [row], result.totals, least, {"rules": result.tables["rules"].to_pylist()})


def _quality_rows(name: str, learned: Sequence[DepartmentResult], reach: Mapping[str, Reach], least: int) -> Rows:
    for result in learned:
        rows = list(_QUALITY[name](result.evaluation, reach[result.department.name]))
        yield from named(result.department, hide(name, rows, result.totals, least))


def with_customers(result: DepartmentResult, customer_ids: "pd.Index[str]") -> dict[str, pa.Table]:
    """Return a worker's tables with the ids of customers, (n,) by their places in the feature table."""
    return {
        name: arrow(name, with_ids(table, customer_ids)) if PLACE in table.column_names else table
        for name, table in result.tables.items()
    }
