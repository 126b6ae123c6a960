"""Features as of a cut-off must not know what happened afterwards. Here that is proved for the data at hand.

In: the feature models of a cut-off that has later transactions, already built. Out: nothing, or a `CheckFailed` that
names the feature. The same models are built once more, aside, on relations from which every row with a time on or
after the cut-off is taken away; whatever comes out differently has read the future. A quality measured with such a
feature would be too good to be true.

What a model reads from relations without a time (customers, extra sources) can't be judged so, and is left to whoever
writes it.
"""

from collections.abc import Sequence

from sqlglot import exp

from segwarehouse.config import Config
from segwarehouse.errors import CheckFailed
from segwarehouse.features import Catalogue, Window
from segwarehouse.project import Model, create_schema, statements
from segwarehouse.warehouse import AS_NAMED, Engine, Place, Places, Relation

SCHEMA = "truncated"
_TOLERANCE = "1e-9"
"""Relative: sums of DOUBLE may differ in the last bits from build to build."""

_GROUPS = {
    "category": Relation("features", "categories_without"),
    "channel": Relation("features", "channels_without"),
}
"""What the data may have, and the relation that counts purchases in it without a department."""


def require_no_later_data(
    warehouse: Engine,
    config: Config,
    catalogue: Catalogue,
    models: Sequence[Model],
    window: Window,
    places: Places = AS_NAMED,
) -> None:
    """Build the feature models without anything later than the cut-off, and compare.

    What is built stays in schema `truncated`, for the caller to drop: a table that is made and dropped in one
    transaction keeps DuckDB 2.0 from committing it.

    Parameters
    ----------
    warehouse
        With `models` built as of `window`, on all transactions.
    config, catalogue
        What the time is called in the source, and which features are learned from.
    models
        Those of `models/features/`, in the order in which they are built.
    window
        The cut-off.
    places
        Where the features of that cut-off are.

    Raises
    ------
    CheckFailed
        If a feature comes out differently.
    """
    warehouse.execute(create_schema(SCHEMA))
    aside = {model.relation: _aside(model.relation) for model in models}
    read = {relation for model in models for relation in model.references}
    for relation in sorted(read - aside.keys()):
        if view := _truncated(warehouse, config, relation, window):
            warehouse.execute(view)
            aside[relation] = _aside(relation)
    for model in models:
        for statement in statements(model, Places(aside)):
            warehouse.execute(statement)
    customers = [*(feature.name for feature in catalogue.features), *catalogue.activity]
    keys = ("customer_id", "department_key")
    compared: dict[Relation, tuple[Sequence[str], Sequence[str]]] = {
        Relation("features", "customers"): (("customer_id",), customers),
        Relation("features", "sampled"): (("customer_id",), ("place",)),
        Relation("features", "behaviour"): (keys, catalogue.behaviour),
    }
    for group, counts in _GROUPS.items():
        if catalogue.has[group]:
            compared[counts] = ((*keys, f"{group}_key"), ("purchase_count",))
    for relation, (key, columns) in compared.items():
        worst, rows = _most_different(warehouse, places.of(relation), aside[relation], key, columns)
        if rows:
            raise CheckFailed(
                f"{relation}: {worst} depends on transactions on or after {window.cutoff.date()}, the cut-off: "
                f"without them {rows} rows are different",
                "a feature may only read what is known before the cut-off: features.known_lines holds that; "
                "for other relations write occurred_at < {{ cutoff | literal }}",
                check="no later data in features",
                rows=rows,
            )


def _aside(relation: Relation) -> Place:
    return Place(SCHEMA, f"{relation.schema}_{relation.name}")


def _truncated(warehouse: Engine, config: Config, relation: Relation, window: Window) -> exp.Create | None:
    """Return the view of a relation's rows before the cut-off, None where the relation has no time."""
    time = config.source.occurred_at if relation.schema == "source" else "occurred_at"
    if time is None or time not in warehouse.columns(relation):
        return None
    moment = exp.TryCast(this=exp.column(time, quoted=True), to=exp.DataType.build("timestamp"))
    cutoff = exp.cast(exp.Literal.string(window.cutoff.isoformat(sep=" ")), "timestamp")
    known = exp.or_(exp.LT(this=moment, expression=cutoff), moment.copy().is_(exp.null()))
    rows = exp.select("*").from_(relation.table()).where(known)
    return exp.Create(this=_aside(relation).table(), kind="VIEW", replace=True, expression=rows)


def _most_different(
    warehouse: Engine, built: Place, aside: Place, keys: Sequence[str], columns: Sequence[str]
) -> tuple[str, int]:
    """Return the column that differs in most rows between two builds of a relation, and in how many."""
    pairs = [(exp.column(key, "a", quoted=True), exp.column(key, "b", quoted=True)) for key in keys]
    alone = exp.or_(*(side.is_(exp.null()) for pair in pairs for side in pair))
    counted = [_count_if(alone).as_("c0")]
    counted += [_count_if(_differs(column)).as_(f"c{at}") for at, column in enumerate(columns, start=1)]
    both = exp.and_(*(left.copy().eq(right.copy()) for left, right in pairs))
    query = exp.select(*counted).from_(built.table("a")).join(aside.table("b"), on=both, join_type="full outer")
    found = warehouse.fetch(query)
    differing = {
        name: int(found[f"c{at}"][0].as_py() or 0) for at, name in enumerate(["which rows there are", *columns])
    }
    worst = max(differing, key=lambda name: differing[name])
    return worst, differing[worst]


def _differs(column: str) -> exp.Expr:
    left, right = (exp.column(column, side, quoted=True) for side in ("a", "b"))
    distance = exp.func("ABS", exp.Sub(this=left, expression=right))
    size = exp.Add(this=exp.func("ABS", left.copy()), expression=exp.func("ABS", right.copy()))
    return exp.GT(this=distance, expression=exp.Mul(this=exp.Literal.number(_TOLERANCE), expression=exp.paren(size)))


def _count_if(condition: exp.Expr) -> exp.Expr:
    return exp.Sum(this=exp.Case().when(condition, exp.Literal.number(1)).else_(exp.Literal.number(0)))
