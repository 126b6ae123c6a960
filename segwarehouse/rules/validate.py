"""What compiled SQL must be before it runs.

In: a syntax tree. Out: nothing, or `StatementRefused` with the offending part and the reason. Everything is an
allow-list of what `compile.py` writes: a node, function, table or column that is not on it is refused, whatever it
does. `parse_back` makes sure that the text which the engine will see means the tree that was checked.
"""

import re
from collections.abc import Collection, Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from segwarehouse.errors import StatementRefused, did_you_mean
from segwarehouse.rules.compile import CUSTOMERS, DEPARTMENT_COUNTS
from segwarehouse.templates import TEMPLATE_DIALECT
from segwarehouse.warehouse import Relation

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")
_TYPES = {exp.DType.BIGINT, exp.DType.DATE, exp.DType.DOUBLE, exp.DType.TEXT}
_CLAUSES = {"expressions", "from_", "where", "with_"}
_COUNT_COLUMNS = ("customer_id", "department_key")
_PARTS = (
    *(exp.Select, exp.With, exp.CTE, exp.From, exp.Where, exp.Table, exp.TableAlias, exp.Alias),
    *(exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.DataType, exp.Cast),
    *(exp.And, exp.Or, exp.Not, exp.Exists, exp.EQ, exp.GTE, exp.LT, exp.LTE, exp.Case, exp.If),
    *(exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg, exp.Floor, exp.DPipe, exp.Substring, exp.MD5),
    *(exp.Window, exp.RowNumber, exp.Order, exp.Ordered),
)


def validate_condition(condition: exp.Expr, known_columns: Collection[str]) -> None:
    """Refuse anything but comparisons of known columns with numbers, joined by AND and OR.

    Parameters
    ----------
    condition
        A condition, a rule or a membership, as `compile.py` writes them.
    known_columns
        The columns that it may read.

    Raises
    ------
    StatementRefused
        With what is wrong with it.

    Examples
    --------
    >>> validate_condition(sqlglot.condition('"x" >= 3 AND "y" < 1e0'), {"x", "y"})
    >>> validate_condition(sqlglot.condition("sleep(9)"), {"x"})
    Traceback (most recent call last):
    segwarehouse.errors.StatementRefused: SLEEP(9) is not a comparison of a column with a number
    """
    pending = [condition]
    while pending:
        node = pending.pop()
        match node:
            case exp.And() | exp.Or():
                pending += [node.this, node.expression]
            case exp.Paren():
                pending.append(node.this)
            case exp.GTE() | exp.LT():
                _check_comparison(node, known_columns)
            case exp.Boolean():
                pass
            case _:
                raise _refused(node, "is not a comparison of a column with a number")
    parse_back(condition)


def validate_view(view: exp.Expr, customer_columns: Collection[str], *, dialect: str = TEMPLATE_DIALECT) -> None:
    """Refuse anything but one SELECT over the two known relations and their known columns.

    Parameters
    ----------
    view
        What `department_view` returned.
    customer_columns
        The columns of `features.customers`.
    dialect
        The engine's name in sqlglot.

    Raises
    ------
    StatementRefused
        With what is wrong with it.
    """
    if not isinstance(view, exp.Select):
        raise _refused(view, "is not one SELECT")
    columns = {CUSTOMERS: customer_columns, DEPARTMENT_COUNTS: _COUNT_COLUMNS}
    named = [cte.alias for cte in view.ctes]
    if len(set(named)) < len(named):
        raise _refused(view, "names a part twice")
    for node in view.walk():
        _check_part(node, root=view)
        if isinstance(node, exp.Table):
            _check_table(node, columns, named)
    for select in view.find_all(exp.Select):
        _check_columns(select, columns, view)
    parse_back(view, dialect)


def parse_back(tree: exp.Expr, dialect: str = TEMPLATE_DIALECT) -> str:
    """Return the text of a tree for an engine, once it is certain that the text means the tree.

    The text in DuckDB's dialect, parsed again, must equal the tree. The text for another engine, where a tree may
    legitimately differ (``NULLS LAST`` is spelt out), must come back as the same text.

    Raises
    ------
    StatementRefused
        If it does not, or if the dialect has no way to say it.
    """
    native = _parsed(tree.sql(TEMPLATE_DIALECT, comments=False), TEMPLATE_DIALECT)
    if native != tree:
        raise _refused(tree, "does not read back as it was built")
    if dialect == TEMPLATE_DIALECT:
        return native.sql(dialect)
    try:
        text = native.sql(dialect, identify=True, unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        raise StatementRefused(f"{dialect} can't say it: {error}", statement=tree.sql(TEMPLATE_DIALECT)) from error
    if _parsed(text, dialect).sql(dialect, identify=True) != text:
        raise _refused(tree, f"does not read back as it was written for {dialect}")
    return text


def _parsed(text: str, dialect: str) -> exp.Expr:
    try:
        statements = sqlglot.parse(text, read=dialect)
    except SqlglotError as error:
        reason = str(error).split("\n", 1)[0]
        raise StatementRefused(f"compiled SQL does not parse: {reason}", statement=text) from error
    if len(statements) != 1 or statements[0] is None:
        raise StatementRefused(f"compiled SQL is {len(statements)} statements, not one", statement=text)
    return statements[0]


def _check_comparison(node: exp.Expr, known: Collection[str]) -> None:
    column, number = node.this, node.expression
    if not isinstance(column, exp.Column) or not isinstance(column.this, exp.Identifier) or column.table:
        raise _refused(node, "does not compare a column")
    if column.name not in known:
        raise _refused(column, "is not a known column", did_you_mean(column.name, known))
    value = number.this if isinstance(number, exp.Neg) else number
    if not isinstance(value, exp.Literal) or value.is_string or not _NUMBER.fullmatch(value.this):
        raise _refused(node, "does not compare with a number")


def _check_part(node: exp.Expr, root: exp.Expr) -> None:
    """Refuse a node that `compile.py` never writes, or one with something attached to it."""
    if type(node) not in _PARTS:
        raise _refused(node, f"is not allowed in a view ({type(node).__name__})")
    if isinstance(node, exp.Select):
        extra = [name for name, value in node.args.items() if value and name not in _CLAUSES]
        if "from_" not in node.args:
            raise _refused(node, "reads no relation")
        if extra:
            raise _refused(node, f"has a clause that is not allowed ({', '.join(extra)})")
        if node is not root and not isinstance(node.parent, exp.CTE | exp.Exists):
            raise _refused(node, "is a subquery where none is allowed")
    elif isinstance(node, exp.With | exp.CTE | exp.TableAlias):
        extra = [name for name, value in node.args.items() if value and name not in {"this", "alias", "expressions"}]
        if extra:
            raise _refused(node, f"says more than a name ({', '.join(extra)})")
    elif isinstance(node, exp.Cast) and node.to.this not in _TYPES:
        raise _refused(node, "casts to a type that is not allowed")
    elif isinstance(node, exp.Literal) and not node.is_string and not _NUMBER.fullmatch(node.this):
        raise _refused(node, "is not a number")


def _check_table(table: exp.Table, columns: Mapping[Relation, Collection[str]], named: Collection[str]) -> None:
    attached = {name for name, value in table.args.items() if value} - {"this", "db", "alias"}
    if attached or not isinstance(table.this, exp.Identifier):
        raise _refused(table, "is not a plain table")
    if Relation(table.db, table.name) not in columns and (table.db or table.name not in named):
        raise _refused(table, "is not a relation that a view may read", f"it may read {', '.join(map(str, columns))}")


def _check_columns(select: exp.Select, columns: Mapping[Relation, Collection[str]], view: exp.Select) -> None:
    """Refuse a column of this SELECT that its own table, or the table around an EXISTS, does not have."""
    parts = {cte.alias: cte.this.named_selects for cte in view.ctes}
    source = select.args["from_"].this
    place = Relation(source.db, source.name)
    own = columns[place] if place in columns else parts[source.name]
    by_alias: dict[str, Collection[str]] = {"": own, source.alias_or_name: own}
    around = select.parent_select if isinstance(select.parent, exp.Exists) else None
    if around is not None:
        outer = around.args["from_"].this
        by_alias[outer.alias_or_name] = columns.get(Relation(outer.db, outer.name), ())
    for column in select.find_all(exp.Column):
        if column.parent_select is not select:
            continue
        known = by_alias.get(column.table, ())
        if column.name not in known or column.args.get("db"):
            raise _refused(column, "is not a known column", did_you_mean(column.name, known))


def _refused(node: exp.Expr, why: str, hint: str = "") -> StatementRefused:
    text = node.sql(TEMPLATE_DIALECT, comments=False)
    shown = text if len(text) <= 120 else f"{text[:117]}…"
    return StatementRefused(f"{shown} {why}", hint, statement=text)
