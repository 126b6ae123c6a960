"""A card as one query over a table that holds its features: points, probability and membership of every row.

What comes out, shortened::

    WITH features AS (SELECT customer_id, CAST(visits AS DOUBLE) AS visits, ... FROM customers),
    matched AS (SELECT customer_id, <activity> AS activity, CASE WHEN visits >= 3 THEN 1 ELSE 0 END AS r1, ...),
    scored AS (SELECT customer_id, <points> AS points, <any rule matches> AS selected FROM matched)
    SELECT customer_id, points, <probability of these points> AS probability, selected FROM scored

In: a card, and where its features are. Out: a sqlglot tree that `validate.py` has let through. Unlike a department's
view it leaves nobody out and ranks nobody. Text of it is left to `render.py`, the comparison with Python to
`prove_scores.py`.

Why features are cast: a threshold is a double, and an engine may compare a DECIMAL or a whole number with it otherwise.
"""

from collections.abc import Collection

from sqlglot import exp

from segwarehouse.domain import Card
from segwarehouse.errors import StatementRefused
from segwarehouse.rules.compile import (
    CUSTOMERS,
    MAX_RULES,
    compile_activity,
    compile_points,
    compile_score,
    rule_columns,
    rule_flag,
)
from segwarehouse.rules.validate import validate_view
from segwarehouse.warehouse.place import Relation

POINTS, PROBABILITY, SELECTED = "points", "probability", "selected"
"""The columns of the query, besides the key."""

_ACTIVITY = "activity"
_FEATURES, _MATCHED, _SCORED = _PARTS = "features", "matched", "scored"


def scores_query(card: Card, *, table: str, key: str, columns: Collection[str]) -> exp.Select:
    """Return the query of a card's points, probability and membership, one row for each row of a table.

    Parameters
    ----------
    card
        The card.
    table
        Where the features are: `name` or `schema.name`.
    key
        The column that says which row is which.
    columns
        The columns of the table that a card may read.

    Raises
    ------
    StatementRefused
        If a name or number can't be written, two columns would have one name, or the card is too long.
    """
    if len(card.rules) > MAX_RULES:
        raise StatementRefused(
            f"a card of {len(card.rules)} rules is too long", f"{MAX_RULES} is the most; learn fewer"
        )
    source = _source(table)
    _require_distinct(card, key)
    validate_view(_query(card, key, CUSTOMERS.table()), {key, *columns})  # the same, but for where it reads
    return _query(card, key, _table(source))


def _query(card: Card, key: str, source: exp.Table) -> exp.Select:
    tests: list[exp.Expr] = [rule_flag(position).eq(1) for position in range(len(card.rules))]
    read = [_as_double(name) for name in card.features]
    activity = exp.alias_(compile_activity(card.activity), _ACTIVITY, quoted=True)
    points = compile_points(card, activity=_column(_ACTIVITY), matched=tests)
    steps = [
        _select(_column(key), *read, source=source),
        _select(_column(key), activity, *rule_columns(card), source=_table(Relation("", _FEATURES))),
        _select(
            _column(key),
            exp.alias_(points, POINTS, quoted=True),
            exp.alias_(_any(tests), SELECTED, quoted=True),
            source=_table(Relation("", _MATCHED)),
        ),
    ]
    probability = exp.alias_(compile_score(card.probabilities, _column(POINTS)), PROBABILITY, quoted=True)
    query = _select(_column(key), _column(POINTS), probability, _column(SELECTED), source=_table(Relation("", _SCORED)))
    parts = [
        exp.CTE(this=step, alias=exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
        for name, step in zip(_PARTS, steps, strict=True)
    ]
    query.set("with_", exp.With(expressions=parts))
    return query


def _source(table: str) -> Relation:
    """Return the relation that a name stands for; one without a schema has an empty one."""
    schema, _, name = table.rpartition(".")
    if not name or "." in schema or "\0" in table or (table.startswith(".")):
        raise StatementRefused(f"{table!r} can't name a table", "write name or schema.name")
    if not schema and name.casefold() in _PARTS:
        raise StatementRefused(f"{table!r} is what a part of the query is called", "name the table with its schema")
    return Relation(schema, name)


def _require_distinct(card: Card, key: str) -> None:
    """Refuse columns that an engine could take for one another: case plays no part in many of them."""
    flags = (f"r{position}" for position in range(1, len(card.rules) + 1))
    taken = {name.casefold() for name in (_ACTIVITY, POINTS, PROBABILITY, SELECTED, *flags)}
    for name in (key, *card.features):
        if name.casefold() in taken:
            raise StatementRefused(
                f"two columns of the query would be called {name!r}", "rename that column, or name another key"
            )
        taken.add(name.casefold())


def _column(name: str) -> exp.Column:
    return exp.column(name, quoted=True)


def _table(place: Relation) -> exp.Table:
    """Return the node of a relation, or of a name that has no schema."""
    return place.table() if place.schema else exp.Table(this=exp.to_identifier(place.name, quoted=True))


def _as_double(name: str) -> exp.Expr:
    return exp.alias_(exp.cast(_column(name), "double"), name, quoted=True)


def _select(*columns: exp.Expr, source: exp.Table) -> exp.Select:
    return exp.select(*columns).from_(source)


def _any(tests: list[exp.Expr]) -> exp.Expr:
    """Return TRUE where any test holds, FALSE otherwise, never NULL."""
    if not tests:
        return exp.false()
    return exp.Case(ifs=[exp.If(this=test.copy(), true=exp.true()) for test in tests], default=exp.false())
