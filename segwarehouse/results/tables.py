"""The tables of schema `learned`: what follows from their declarations, for all of them.

In: the declarations of every family. Out: `TABLES`; a department's rows, without what is too small to be published
(`worker_tables`, `parent_tables`); words for the comments in a published state. See `declaration.py` for what a new
column means.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import pyarrow as pa

from segwarehouse.results.declaration import Row, Table
from segwarehouse.results.explanations import CORRELATIONS, FEATURES, SHAP_VALUES
from segwarehouse.results.facts import LearnedFacts, OverallFacts, named
from segwarehouse.results.groups import (
    CLUSTER_SCORES,
    CONFUSIONS,
    CUSTOMERS_MAP,
    DEPARTMENT_MAPS,
    MIXTURES,
    SEGMENTS,
)
from segwarehouse.results.overview import CARDS, DEPARTMENTS, STABILITY
from segwarehouse.results.quality import CURVES, DIFFERENCES, EVALUATION, PROFIT, RELIABILITY
from segwarehouse.results.rule_lines import EVALUATED_RULES, RULES
from segwarehouse.results.suppress import Disclosure, Made, Totals

TABLES: Mapping[str, Table] = MappingProxyType(
    {
        table.name: table
        for table in (
            *(RULES, EVALUATED_RULES, CARDS, STABILITY, DEPARTMENTS),
            *(EVALUATION, CURVES, DIFFERENCES, RELIABILITY, PROFIT),
            *(SEGMENTS, CLUSTER_SCORES, MIXTURES, CONFUSIONS, DEPARTMENT_MAPS, CUSTOMERS_MAP),
            *(FEATURES, CORRELATIONS, SHAP_VALUES),
        )
    }
)
"""By name. What is shown of a table may depend on what is shown of those before it: departments on their rules, and
maps on their segments."""

OF_DEPARTMENTS = tuple(name for name, table in TABLES.items() if table.is_of_departments)
"""The tables whose rows tell of one department each, in schema `targeting` as in schema `learned`."""

COMMENTS: Mapping[str, Mapping[str, str]] = MappingProxyType({name: table.comments for name, table in TABLES.items()})
"""What each column is, in words, by table."""


def worker_tables(facts: LearnedFacts, least: int) -> dict[str, pa.Table]:
    """Return the rows of one department that its own customers decide, without what is too small.

    Those that tell of customers have their places in the feature table instead of their ids.

    Parameters
    ----------
    facts
        What was learned of the department.
    least
        `audience.min_cell`.
    """
    made = {name: _made(table.make_in_worker(facts)) for name, table in TABLES.items() if table.make_in_worker}
    shown = publishable(made, facts.totals, least)
    department = facts.table.department
    return {
        name: rows if isinstance(rows, pa.Table) else arrow(name, named(department, rows))
        for name, rows in shown.items()
    }


def parent_tables(
    facts: OverallFacts, result: Mapping[str, pa.Table], totals: Totals, least: int
) -> dict[str, pa.Table]:
    """Return the rows of one department that need all departments, or all customers, without what is too small.

    Parameters
    ----------
    facts
        What is known of the department.
    result
        What its worker has made, by table: what is shown here may depend on what is shown there.
    totals
        Of the department.
    least
        `audience.min_cell`.
    """
    made = {name: _made(table.make_in_parent(facts)) for name, table in TABLES.items() if table.make_in_parent}
    shown: dict[str, Made] = {"rules": result["rules"].to_pylist()}
    return {
        name: arrow(name, named(facts.department, hide(name, rows, totals, least, shown)))
        for name, rows in made.items()
    }


def _made(rows: Made | Iterable[Row]) -> Made:
    return rows if isinstance(rows, pa.Table) else list(rows)


def hide(name: str, made: Made, totals: Totals, least: int, shown: Mapping[str, Made] = MappingProxyType({})) -> Made:
    """Return the rows of one department in a table without what is too small.

    Parameters
    ----------
    name
        The table.
    made
        Its rows, or an Arrow table of them where its maker makes one.
    totals
        Of the department.
    least
        `audience.min_cell`.
    shown
        What is shown of the department in the tables before it, by name.
    """
    treat = TABLES[name].hide
    if treat is None:
        return made
    return treat(made, Disclosure(totals, least, shown))


def publishable(made: Mapping[str, Made], totals: Totals, least: int) -> dict[str, Made]:
    """Return what may be shown of one department, by table; see `hide`."""
    shown: dict[str, Made] = {}
    for name in TABLES:
        if name in made:
            shown[name] = hide(name, made[name], totals, least, shown)
    return shown


def arrow(name: str, made: Made | Iterable[Row]) -> pa.Table:
    """Return what was made for a table as Arrow, in the columns that are declared."""
    if isinstance(made, pa.Table):
        return made.select(list(TABLES[name].names))
    return TABLES[name].arrow(made)
