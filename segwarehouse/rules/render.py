"""A checked syntax tree as laid-out text for an engine.

In: a tree of `compile.py` or `scores.py`, and an engine's name. Out: text that means the tree. Whether the engine then
answers as Python does is left to the proofs.
"""

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel

from segwarehouse.errors import StatementRefused
from segwarehouse.rules.validate import parse_back

DIALECTS = (
    "duckdb", "postgres", "redshift", "snowflake", "bigquery", "databricks", "spark", "trino", "clickhouse",
)  # fmt: skip
"""Engines that have all that a view says: a boolean column, hexadecimal MD5, window functions, `NOT EXISTS`."""


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
