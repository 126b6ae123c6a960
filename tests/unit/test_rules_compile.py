"""What the compiler writes: literals that read back, names that survive, trees that stay shallow."""

import datetime as dt
import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlglot import exp
from sqlglot.errors import ErrorLevel

from segwarehouse.domain import Activity, ActivityTerm, Card, Column, Condition, Feature, Operator, Rule
from segwarehouse.errors import StatementRefused, UnknownName
from segwarehouse.project import create_schema
from segwarehouse.rules.compile import (
    MAX_RULES,
    VIEW_COLUMNS,
    ViewSpec,
    compile_activity,
    compile_arm,
    compile_condition,
    compile_membership,
    compile_points,
    compile_score,
    department_view,
)
from segwarehouse.rules.nodes import number
from segwarehouse.rules.validate import parse_back, validate_view
from segwarehouse.warehouse import Relation, SourceEngine
from tests.engines import DIALECT, OpenEngine, fetch_rows

finite = st.floats(allow_nan=False, allow_infinity=False)
ROWS = Relation("features", "rows")


@pytest.fixture(scope="module")
def engine(open_engine: OpenEngine) -> Iterator[SourceEngine]:
    with closing(open_engine()) as opened:
        opened.execute(create_schema(ROWS.schema))
        yield opened


def value_of(engine: SourceEngine, expression: exp.Expr) -> object:
    return fetch_rows(engine, exp.select(expression))[0][0]


def audience(rules: tuple[Rule, ...], activity: Activity | None = None) -> ViewSpec:
    card = Card(rules, activity or Activity(), (0.1, 0.2))
    features = {name: Feature(name, "customer", name.replace("\0", ""), "number") for name in card.features}
    return ViewSpec(card, features, 7, 500, 0.1, "salt", dt.date(2026, 11, 1), "run")


def at_least(feature: str, threshold: float, points: int = 1) -> Rule:
    return Rule((Condition(feature, Operator.AT_LEAST, threshold),), points)


@settings(max_examples=300, deadline=None)
@given(finite)
@example(5e-324)
@example(-1.7976931348623157e308)
@example(2.0**53)
@example(2.0**53 - 1)
@example(-0.0)
def test_a_literal_reads_back_as_the_same_double(engine: SourceEngine, value: float) -> None:
    literal = number(value)
    whole = value.is_integer() and abs(value) < 2**53
    assert value_of(engine, exp.cast(literal, "double")) == value
    assert whole or engine.fetch(exp.select(literal)).schema.types == [pa.float64()]
    parse_back(literal)


@settings(max_examples=200, deadline=None)
@given(finite, st.sampled_from(list(Operator)))
@example(2.0**53 - 1, Operator.AT_LEAST)
@example(3.0, Operator.BELOW)
@example(-9007199254740991.0, Operator.AT_LEAST)
def test_the_engine_compares_a_double_column_with_a_literal_as_doubles(
    engine: SourceEngine, threshold: float, operator: Operator
) -> None:
    values = [
        math.nextafter(threshold, -math.inf),
        threshold,
        math.nextafter(threshold, math.inf),
        *(math.nan, math.inf, -math.inf, 0.0, -0.0),
    ]
    condition = Condition("x", operator, threshold)
    engine.load(ROWS, pa.table({"place": range(len(values) + 1), "x": pa.array([*values, None], pa.float64())}))
    query = exp.select("place").from_(ROWS.table()).where(compile_condition(condition))
    found = {place for (place,) in fetch_rows(engine, query)}
    column = Column(np.array([*values, 0.0]), np.array([False] * len(values) + [True]))
    assert found == set(np.flatnonzero(condition.matches({"x": column})))


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1).filter(lambda name: "\0" not in name))
@example('"; DROP TABLE x; --')
@example("select")
@example("日 本\n'")
def test_any_name_is_one_quoted_identifier(name: str) -> None:
    node = compile_condition(Condition(name, Operator.AT_LEAST, 1.5))
    for dialect in (DIALECT, "spark"):
        assert parse_back(node, dialect)
    assert [column.name for column in node.find_all(exp.Column)] == [name]


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_a_name_that_no_engine_takes_is_refused(name: str) -> None:
    with pytest.raises(StatementRefused, match="can't name a column"):
        compile_condition(Condition(name, Operator.AT_LEAST, 1.0))


def test_every_total_gets_its_probability_and_higher_ones_the_last(engine: SourceEngine) -> None:
    table = (0.01, 0.01, 0.1 + 0.2, 1 / 3, 1 / 3, 1.0)
    node = compile_score(table, exp.column("points"))
    engine.load(ROWS, pa.table({"points": range(9)}))
    query = exp.select(node).from_(ROWS.table()).order_by("points")
    found = [score for (score,) in fetch_rows(engine, query)]
    assert found == [table[min(points, 5)] for points in range(9)]


def test_standing_alone_points_are_computed_from_features(engine: SourceEngine) -> None:
    activity = Activity((ActivityTerm("a", 3), ActivityTerm("b", -2)), floor=-5, unit=4, cap=9)
    card = Card((at_least("a", 2.0, points=5), at_least("b", 1.5, points=7)), activity, (0.5,))
    values = {"a": [0.0, 2.0, 2.9, 30.0, math.nan], "b": [0.0, 1.5, 9.0, 1e6, 2.0]}
    columns = {name: Column.complete(np.array(found)) for name, found in values.items()}
    engine.load(ROWS, pa.table({"place": range(5), **values}))
    query = exp.select(compile_points(card), compile_activity(activity)).from_(ROWS.table()).order_by("place")
    scored = card.apply(columns, 5)
    expected = list(zip(scored.points.tolist(), scored.activity.tolist(), strict=True))
    assert fetch_rows(engine, query) == expected


def test_the_control_group_has_the_size_that_was_asked_for_and_stays_the_same(engine: SourceEngine) -> None:
    engine.load(ROWS, pa.table({"id": range(20000)}))

    def controls(salt: str, share: float) -> set[int]:
        arm = compile_arm(salt, share, exp.column("id"))
        query = exp.select("id").from_(ROWS.table()).where(arm.eq("control"))
        return {customer for (customer,) in fetch_rows(engine, query)}

    assert abs(len(controls("a", 0.1)) - 2000) < 150
    assert controls("a", 0.1) == controls("a", 0.1) < controls("a", 0.2)
    assert controls("a", 0.1) != controls("b", 0.1)
    assert controls("a", 0.0) == set()
    assert len(controls("a", math.nextafter(1.0, 0.0))) == 20000


def test_a_card_without_rules_selects_nobody() -> None:
    assert compile_membership(Card((), Activity(), (0.5,))).sql(DIALECT) == "FALSE"
    validate_view(department_view(audience(())), {"customer_id"})


def test_long_cards_stay_shallow_and_longer_ones_are_refused() -> None:
    many = tuple(at_least(f"x{number}", 1.0) for number in range(MAX_RULES))
    view = department_view(audience(many))
    validate_view(view, {"customer_id", *(f"x{number}" for number in range(MAX_RULES))})
    long_rule = Rule(tuple(Condition(f"x{number}", Operator.BELOW, 1.0) for number in range(3000)), 1)
    depth = max(node.depth for node in compile_membership(audience((long_rule,)).card).walk())
    assert depth < 200
    with pytest.raises(StatementRefused, match="201 rules"):
        audience((*many, at_least("y", 1.0)))


def test_sums_that_could_leave_exact_arithmetic_are_refused() -> None:
    with pytest.raises(StatementRefused, match="exact arithmetic"):
        compile_activity(Activity((ActivityTerm("a", 2**40),)))
    with pytest.raises(StatementRefused, match="points"):
        compile_points(Card((at_least("a", 1.0, points=2**31),), Activity(), (0.5,)))


@pytest.mark.parametrize("share", [-0.1, 1.0, math.nan])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(StatementRefused, match="control share"):
        replace(audience((at_least("a", 1.0),)), control_share=share)


def test_a_negative_budget_and_a_salt_with_nul_are_refused() -> None:
    with pytest.raises(StatementRefused, match="budget"):
        replace(audience((at_least("a", 1.0),)), budget=-1)
    with pytest.raises(StatementRefused, match="NUL"):
        department_view(replace(audience((at_least("a", 1.0),)), salt="\0"))


def test_a_rule_over_a_feature_without_words_is_an_unknown_name() -> None:
    with pytest.raises(UnknownName, match="'a'"):
        department_view(replace(audience((at_least("a", 1.0),)), features={}))


def test_the_view_has_exactly_the_promised_columns_and_the_proof_two_more() -> None:
    given_audience = audience((at_least("a", 1.0),))
    assert tuple(department_view(given_audience).named_selects) == VIEW_COLUMNS
    with_points = department_view(given_audience, with_points=True)
    assert tuple(with_points.named_selects) == (*VIEW_COLUMNS, "points", "activity")
    with_points.set("expressions", with_points.expressions[:-2])
    assert with_points == department_view(given_audience)


@pytest.mark.parametrize("dialect", ["spark", "databricks", "postgres", "snowflake", "bigquery", "trino"])
def test_the_view_can_be_said_in_other_dialects_and_reads_back(dialect: str) -> None:
    activity = Activity((ActivityTerm("a b", 300), ActivityTerm("c", -200)), floor=-10, unit=250, cap=6)
    view = department_view(audience((at_least("a b", 0.1, 3), at_least("c", 2.0)), activity))
    assert view.sql(dialect, unsupported_level=ErrorLevel.RAISE)
    validate_view(view, {"customer_id", "a b", "c"}, dialect=dialect)
