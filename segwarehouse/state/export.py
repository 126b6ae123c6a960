"""A department's view in the SQL of another warehouse.

In: a published state and an engine's name. Out: a CREATE VIEW, rendered by sqlglot from the same syntax tree as the
published view, with `as_of` and `run_id` written out so that it needs nothing but the two feature tables. It is
labelled by what was done with it: run on the state and compared with Python, or only translated.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel

from segwarehouse.config import Config
from segwarehouse.errors import StatementRefused
from segwarehouse.lookup import find_name
from segwarehouse.outgoing import visible
from segwarehouse.rules.compile import CUSTOMERS, DEPARTMENT_COUNTS, ViewSpec, department_view
from segwarehouse.rules.prove import CustomerIds, prove_on_customers
from segwarehouse.rules.validate import parse_back, validate_view
from segwarehouse.state.published import PublishedState
from segwarehouse.warehouse import Relation

PROVED = "executed and proved"
TRANSPILED = "transpiled, not executed"

DIALECTS = (
    "duckdb", "postgres", "redshift", "snowflake", "bigquery", "databricks", "spark", "trino", "clickhouse",
)  # fmt: skip
"""Engines that have all that a view says: a boolean column, hexadecimal MD5, window functions, `NOT EXISTS`."""


@dataclass(frozen=True)
class Exported:
    """A department's view as SQL for an engine.

    Attributes
    ----------
    label
        `PROVED` or `TRANSPILED`.
    sql
        One CREATE VIEW statement, with what it is as a comment before it.
    """

    department: str
    view_name: str
    dialect: str
    label: str
    sql: str

    def as_dict(self) -> dict[str, Any]:
        """Return the same as plain values."""
        return {
            "department": self.department,
            "view_name": self.view_name,
            "dialect": self.dialect,
            "label": self.label,
            "sql": self.sql,
        }


def export(config: Config, departments: Sequence[str] = (), dialect: str = "duckdb") -> list[Exported]:
    """Return the published views as SQL for an engine.

    Parameters
    ----------
    departments
        Only these; empty: all that have a view.
    dialect
        One of `DIALECTS`.

    Raises
    ------
    UnknownName
        If there is no such department or dialect.
    NothingPublished
        If nothing has been published.
    ProofFailed
        If the text for DuckDB does not select, rank and score as Python does.
    """
    dialect = find_name(dialect, DIALECTS, "dialect")
    with PublishedState.open(config) as state:
        names = {find_name(name, state.specs) for name in departments} or set(state.specs)
        return list(_exported(state, {name: spec for name, spec in state.specs.items() if name in names}, dialect))


def _exported(state: PublishedState, wanted: Mapping[str, ViewSpec], dialect: str) -> Iterator[Exported]:
    proves = dialect == state.engine.dialect
    everyone = CustomerIds.read(state.engine) if proves else None
    columns = state.engine.columns(CUSTOMERS)
    for department, spec in wanted.items():
        view_name = state.views[department]
        validate_view(department_view(spec), columns, dialect=dialect)
        label = TRANSPILED
        if everyone is not None:
            text = render(department_view(spec), dialect)
            executed = sqlglot.parse_one(text, read=dialect, into=exp.Select)
            prove_on_customers(state.engine, spec, everyone=everyone, view=executed).require(department)
            label = PROVED
        text = create_view(department, view_name, spec, dialect, label)
        yield Exported(department, view_name, dialect, label, text)


def create_view(department: str, view_name: str, spec: ViewSpec, dialect: str, label: str) -> str:
    """Return the statement that creates a department's view, with remarks that say what it is."""
    view = Relation("targeting", view_name).table()
    statement = exp.Create(this=view, kind="VIEW", expression=department_view(spec))
    statement.add_comments(list(_remarks(department, spec, label, dialect)))
    return f"{render(statement, dialect, comments=True)};"


def render(tree: exp.Expr, dialect: str, *, comments: bool = False) -> str:
    """Return a tree as laid-out text for an engine, once it is certain that the text means the tree.

    Raises
    ------
    StatementRefused
        If the dialect has no way to say it, or the text reads back as something else.
    """
    plain = parse_back(tree, dialect)
    text = tree.sql(dialect, identify=True, pretty=True, unsupported_level=ErrorLevel.RAISE, comments=comments)
    back = sqlglot.parse_one(text, read=dialect)
    if back.sql(dialect, identify=True, comments=False) != sqlglot.parse_one(plain, read=dialect).sql(
        dialect, identify=True, comments=False
    ):
        raise StatementRefused(f"the text for {dialect} does not read back as it was written", statement=text)
    return text


def _remarks(department: str, spec: ViewSpec, label: str, dialect: str) -> Iterator[str]:
    run = f"Run {spec.run_id}."
    yield f" {visible(department)}: customers who do not buy there yet and resemble those who do. {run} "
    if label == PROVED:
        yield f" {label}: on the published state it selects, ranks and scores every customer as Python does. "
    else:
        yield f" {label}: written for {dialect} by sqlglot, and run nowhere. Compare it with DuckDB's result first. "
    yield f" It reads {CUSTOMERS} and {DEPARTMENT_COUNTS}: copy these two tables of the state. "
