"""The rows that need more than one department's own customers: all departments, or all customers of today.

In: results of workers, what views are compiled from, and how many customers each reaches. Out: tables by name. Quality
is measured as shares of candidates, and becomes numbers of today's customers here.
"""

from collections.abc import Mapping, Sequence

import pandas as pd
import pyarrow as pa

from segwarehouse.domain import Department
from segwarehouse.refresh.departments import outcome_of
from segwarehouse.refresh.task import DepartmentResult
from segwarehouse.results.facts import PLACE, OverallFacts, named, with_ids
from segwarehouse.results.overview import refused_row
from segwarehouse.results.reach import Reach
from segwarehouse.results.suppress import Totals
from segwarehouse.results.tables import arrow, hide, parent_tables
from segwarehouse.rules.compile import ViewSpec


def tables_of(
    learned: Sequence[DepartmentResult],
    specs: Mapping[str, ViewSpec],
    reach: Mapping[str, Reach],
    customer_ids: "pd.Index[str]",
    least: int,
) -> list[Mapping[str, pa.Table]]:
    """Return the tables of each department that was learned.

    Parameters
    ----------
    specs, reach
        What each view is compiled from, and whom it reaches, by department.
    customer_ids
        Of the n customers of the feature table.
    least
        `audience.min_cell`.
    """
    trials = sum(result.evaluation.comparison is not None for result in learned)
    found: list[Mapping[str, pa.Table]] = []
    for result in learned:
        name, outcome = result.department.name, outcome_of(result)
        share = outcome.expected_share if outcome else None
        facts = OverallFacts(result.department, result.evaluation, share, specs[name], reach[name], trials)
        found.append(_with_customers(result.tables, customer_ids))
        found.append(parent_tables(facts, result.tables, result.totals, least))
    return found


def refused_tables(refused: Sequence[tuple[Department, str]], least: int) -> dict[str, pa.Table]:
    """Return what is said of departments without a view, each with the reason."""
    rows = [
        row
        for department, why in refused
        for row in named(department, hide("departments", [refused_row(department, why)], Totals(), least))
    ]
    return {"departments": arrow("departments", rows)}


def _with_customers(tables: Mapping[str, pa.Table], customer_ids: "pd.Index[str]") -> dict[str, pa.Table]:
    """Return a worker's tables with the ids of customers, (n,) by their places in the feature table."""
    return {
        name: arrow(name, with_ids(table, customer_ids)) if PLACE in table.column_names else table
        for name, table in tables.items()
    }
