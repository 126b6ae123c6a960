"""A compiler with a fault is caught every time: the proof is worth what it notices."""

import datetime as dt
import math
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from sqlglot import exp

from segwarehouse.domain import Activity, ActivityTerm, Card, Condition, Feature, Operator, Rule
from segwarehouse.errors import DataError, ProofFailed, StatementRefused, WarehouseError
from segwarehouse.rules import prove
from segwarehouse.rules.compile import CUSTOMERS, DEPARTMENT_COUNTS, ViewSpec, department_view
from segwarehouse.rules.nodes import number
from segwarehouse.rules.prove import prove_on_boundaries, prove_on_customers
from segwarehouse.warehouse import Relation, SourceEngine
from tests.engines import DIALECT, OpenEngine

AT_LEAST, BELOW = Operator.AT_LEAST, Operator.BELOW
CARD = Card(
    (
        Rule((Condition("purchases", AT_LEAST, 3.0), Condition("recency", BELOW, 30.0)), 4),
        Rule((Condition("spend", AT_LEAST, 50.5), Condition("spend", BELOW, 1e22)), 3),
        Rule((Condition("breadth", AT_LEAST, 5.0),), 2),
        Rule((Condition("visits", BELOW, -0.1), Condition("recency", AT_LEAST, 7.0)), 1),
    ),
    Activity((ActivityTerm("breadth_log", 31), ActivityTerm("recency_log", -7)), floor=40, unit=300, cap=8),
    (0.01, 0.1 + 0.2, 1 / 3, 0.4, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.82, 0.84, 0.86, 0.88, 0.9, 0.92, 0.94, 0.96),
)
FEATURES = {name: Feature(name, "customer", name, "number") for name in CARD.features}
AUDIENCE = ViewSpec(CARD, FEATURES, 7, 500, 0.3, "salt", dt.date(2026, 11, 1), "run")

View = exp.Select
Mutation = Callable[[View], exp.Expr]


@pytest.fixture(scope="module")
def warehouse(open_engine: OpenEngine) -> Iterator[SourceEngine]:
    with closing(open_engine()) as opened:
        opened.execute(exp.Create(this=exp.Table(db=exp.to_identifier("features")), kind="SCHEMA"))
        yield opened


def comparisons(view: exp.Expr) -> list[exp.Expr]:
    """Every comparison of a feature with a threshold: once for the rule's column, once for the WHERE clause."""
    assert isinstance(view, exp.Select)
    members = view.ctes[0].this
    return [
        node
        for node in members.find_all(exp.GTE, exp.LT)
        if node.this.name in FEATURES and not node.this.name.endswith("_log")
    ]


FAILS = "the engine fails"
COMPARISONS = len(comparisons(department_view(AUDIENCE)))


def threshold_of(node: exp.Expr) -> float:
    return float(node.expression.sql(DIALECT))


def other_edge(node: exp.Expr) -> exp.Expr:
    return (exp.GT if isinstance(node, exp.GTE) else exp.LTE)(this=node.this, expression=node.expression)


def other_way(node: exp.Expr) -> exp.Expr:
    return (exp.LT if isinstance(node, exp.GTE) else exp.GTE)(this=node.this, expression=node.expression)


def ulp_up(node: exp.Expr) -> exp.Expr:
    return type(node)(this=node.this, expression=number(math.nextafter(threshold_of(node), math.inf)))


def ulp_down(node: exp.Expr) -> exp.Expr:
    return type(node)(this=node.this, expression=number(math.nextafter(threshold_of(node), -math.inf)))


def null_as_zero(node: exp.Expr) -> exp.Expr:
    return type(node)(this=exp.func("coalesce", node.this, exp.Literal.number(0)), expression=node.expression)


def nan_as_null(node: exp.Expr) -> exp.Expr:
    return exp.And(this=exp.Not(this=exp.func("isnan", node.this)), expression=node)


def as_float(node: exp.Expr) -> exp.Expr:
    return type(node)(this=exp.cast(node.this, "float"), expression=node.expression)


def is_noticed(warehouse: SourceEngine, monkeypatch: pytest.MonkeyPatch, mutation: Mutation) -> set[str]:
    """Return what the proof says when the compiler is changed like this."""

    def mutated(audience: ViewSpec, **options: Any) -> exp.Expr:
        original = department_view(audience, **options)
        changed = mutation(original.copy())
        assert changed != original
        return changed

    monkeypatch.setattr(prove, "department_view", mutated)
    monkeypatch.setattr(prove, "validate_view", lambda *_, **__: None)
    try:
        return {difference.aspect for difference in prove_on_boundaries(warehouse, [AUDIENCE])[0].differences}
    except WarehouseError:
        return {FAILS}


def test_without_a_fault_the_proof_holds(warehouse: SourceEngine) -> None:
    proof = prove_on_boundaries(warehouse, [AUDIENCE])[0]
    assert proof.holds
    assert 2000 < proof.rows < 8000
    assert 500 < proof.selected < proof.rows


@pytest.mark.parametrize("number", range(COMPARISONS))
@pytest.mark.parametrize("change", [other_edge, other_way, ulp_up, ulp_down], ids=lambda change: change.__name__)
def test_a_wrong_edge_of_any_single_comparison_is_noticed(
    warehouse: SourceEngine,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    change: Callable[[exp.Expr], exp.Expr],
) -> None:
    def mutation(view: View) -> exp.Expr:
        node = comparisons(view)[number]
        node.replace(change(node.copy()))
        return view

    assert is_noticed(warehouse, monkeypatch, mutation)


def each_comparison(change: Callable[[exp.Expr], exp.Expr]) -> Mutation:
    def mutation(view: View) -> exp.Expr:
        for node in comparisons(view):
            node.replace(change(node.copy()))
        return view

    return mutation


def by_text(find: str, by: str, *, times: int = -1) -> Mutation:
    def mutation(view: View) -> exp.Expr:
        text = view.sql(DIALECT, comments=False)
        assert find in text
        return exp.maybe_parse(text.replace(find, by, times), dialect=DIALECT)

    return mutation


def and_to_or(view: View) -> exp.Expr:
    for node in list(view.ctes[0].this.find_all(exp.And)):
        if isinstance(node.this, exp.GTE) and node.this.this.name == "purchases":
            node.replace(exp.Or(this=node.this, expression=node.expression))
    return view


def budget_off_by(step: int) -> Mutation:
    def mutation(view: View) -> exp.Expr:
        node = next(each for each in view.find_all(exp.LTE) if each.this.name == "rank_in_arm")
        node.set("expression", exp.Literal.number(int(node.expression.this) + step))
        return view

    return mutation


def without_last_key(view: View) -> exp.Expr:
    for order in view.find_all(exp.Order):
        order.expressions.pop()
    return view


ORDER = '"points" DESC, "activity" DESC, "customer_id"'
RANK = f"ROW_NUMBER() OVER (ORDER BY {ORDER})"
MUTATIONS: dict[str, tuple[Mutation, str]] = {
    "NULL handled as 0": (each_comparison(null_as_zero), "customers that only SQL selects"),
    "NaN handled as NULL": (each_comparison(nan_as_null), "customers that SQL misses"),
    "compared as FLOAT": (each_comparison(as_float), FAILS),
    "AND became OR": (and_to_or, "customers that only SQL selects"),
    "a rule is not in WHERE": (by_text(' OR "breadth" >= 5', ""), "customers that SQL misses"),
    "a rule gives no points": (by_text(' + CASE WHEN "r3" = 1 THEN 2 ELSE 0 END', ""), "points"),
    "a rule gives one point more": (by_text('WHEN "r3" = 1 THEN 2 ELSE', 'WHEN "r3" = 1 THEN 3 ELSE'), "points"),
    "buyers are not left out": (
        by_text('"department_key" = 7', '"department_key" = 9'),
        "customers that only SQL selects",
    ),
    "buyers of another department are left out": (
        by_text('"department_key" = 7', '"department_key" = 8'),
        "customers that SQL misses",
    ),
    "activity without its upper limit": (by_text(' AND "breadth_log" <= 1000000', ""), FAILS),
    "activity limit is exclusive": (by_text('"breadth_log" <= 1000000', '"breadth_log" < 1000000'), "activity"),
    "activity without its lower limit": (by_text('"recency_log" >= 0 AND ', ""), FAILS),
    "activity rounds instead of flooring": (by_text("FLOOR(CASE", "ROUND(CASE"), "activity"),
    "activity weight off by one": (by_text("31 * CAST", "32 * CAST"), "activity"),
    "activity floor off by one": (by_text('"activity" - 40 ', '"activity" - 41 '), "points"),
    "activity unit off by one": (by_text(") / 300", ") / 301"), "points"),
    "activity cap off by one": (by_text("THEN 8 ELSE", "THEN 9 ELSE"), "points"),
    "ranked without a last key": (without_last_key, "rank"),
    "ranked by id backwards": (by_text(ORDER, f"{ORDER} DESC"), "rank"),
    "ranked without activity": (by_text(ORDER, '"points" DESC, "customer_id"', times=1), "rank"),
    "ranked by fewest points": (by_text(ORDER, '"points", "activity" DESC, "customer_id"', times=1), "rank"),
    "RANK for ROW_NUMBER": (by_text(RANK, 'RANK() OVER (ORDER BY "points" DESC)'), "rank"),
    "wrong salt": (by_text("'salt:'", "'salt'"), "arm"),
    "share of 0.31 for 0.3": (by_text("'4ccccccc'", "'4f5c28f5'"), "arm"),
    "arms swapped": (by_text("THEN 'control' ELSE 'target'", "THEN 'target' ELSE 'control'"), "arm"),
    "budget one more": (budget_off_by(1), "in_budget"),
    "budget one less": (budget_off_by(-1), "in_budget"),
    "budget counts the control group": (by_text('PARTITION BY "arm" ', ""), "in_budget"),
    "control group in budget": (by_text("\"arm\" = 'target' AND ", ""), "in_budget"),
    "score of another total": (by_text('"points" < 2 THEN', '"points" <= 2 THEN'), "score"),
    "score one ulp off": (by_text("0.30000000000000004e0", "0.3e0"), "score"),
    "score as FLOAT": (by_text("0.30000000000000004e0", "CAST(CAST(0.3e0 AS FLOAT) AS DOUBLE)"), "score"),
    "wrong name of a rule": (by_text("', R2'", "', R3'"), "rules_matched"),
    "four reasons": (by_text('"r1" + "r2" + "r3" < 3', '"r1" + "r2" + "r3" < 4'), "reasons"),
    "reason of another rule": (by_text("'; breadth is 5 or more'", "'; breadth is 6 or more'"), "reasons"),
    "nearest missed has another order": (by_text('WHEN "r1" = 0', 'WHEN "r1" = 2'), "nearest_missed"),
    "another day": (by_text("'2026-11-01'", "'2026-11-02'"), "as_of"),
    "another run": (by_text("'run'", "'ran'"), "run_id"),
    "customers twice": (
        by_text('AS "f" WHERE', 'AS "f" CROSS JOIN (SELECT UNNEST([1, 2])) AS "two" WHERE'),
        "customers that SQL repeats",
    ),
    "columns in another order": (
        by_text('"reasons", "nearest_missed", CAST(', '"nearest_missed", "reasons", CAST('),
        "columns: ",
    ),
    "score is a DECIMAL": (by_text('END AS "score"', 'END::DECIMAL(9, 8) AS "score"'), "columns: "),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_fault_in_any_other_part_is_noticed_for_what_it_is(
    warehouse: SourceEngine, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    mutation, aspect = MUTATIONS[name]
    noticed = is_noticed(warehouse, monkeypatch, mutation)
    assert any(each.startswith(aspect) for each in noticed), noticed


def load_customers(warehouse: SourceEngine, ids: pa.Array, **changed: pa.Array) -> None:
    count = len(ids)
    features = {name: pa.array([float(row % 11) for row in range(count)]) for name in CARD.features}
    warehouse.load(CUSTOMERS, pa.table({"customer_id": ids, **features, **changed}))
    keys = pa.array([7] * (count // 4), pa.int64())
    warehouse.load(DEPARTMENT_COUNTS, pa.table({"customer_id": ids.slice(0, count // 4), "department_key": keys}))


def test_a_published_view_is_proved_as_it_stands(warehouse: SourceEngine) -> None:
    load_customers(warehouse, pa.array([f"{number:05d}" for number in range(3000)]))
    published = Relation("features", "published")
    small = replace(AUDIENCE, budget=50)
    for audience in (small, replace(small, budget=51)):
        view = exp.Create(this=published.table(), kind="VIEW", replace=True, expression=department_view(audience))
        warehouse.execute(view)
        proof = prove_on_customers(warehouse, small, view=exp.select("*").from_(published.table()))
        assert [difference.aspect for difference in proof.differences] == ([] if audience is small else ["in_budget"])


def test_a_proof_that_does_not_hold_stops_and_names_no_customer(warehouse: SourceEngine) -> None:
    load_customers(warehouse, pa.array([f"person-{number:05d}" for number in range(3000)]))
    proof = prove_on_customers(
        warehouse, replace(AUDIENCE, salt="a"), view=department_view(replace(AUDIENCE, salt="b"))
    )
    with pytest.raises(
        ProofFailed, match=r"WINE: SQL and Python disagree on 3,000 customers: in_budget \(\d+\), arm"
    ) as caught:
        proof.require("WINE")
    assert "person" not in str(caught.value)
    assert caught.value.facts["differences"] == proof.differences
    prove_on_customers(warehouse, AUDIENCE).require("WINE")


def test_repeated_and_missing_ids_are_errors_of_the_data(warehouse: SourceEngine) -> None:
    load_customers(warehouse, pa.array([1, 2, 2, None], pa.int64()))
    with pytest.raises(DataError, match="1 NULL and 1 repeated"):
        prove_on_customers(warehouse, AUDIENCE)


def test_ids_that_order_differently_from_engine_to_engine_are_refused(warehouse: SourceEngine) -> None:
    load_customers(warehouse, pa.array([1.5, 2.5]))
    with pytest.raises(DataError, match="neither text, integer nor UUID"):
        prove_on_customers(warehouse, AUDIENCE)


def test_a_feature_that_is_not_double_is_refused(warehouse: SourceEngine) -> None:
    load_customers(warehouse, pa.array([1, 2, 3, 4]), spend=pa.array([1.0, 2.0, 3.0, 4.0], pa.float32()))
    with pytest.raises(StatementRefused, match="'spend' is float, not DOUBLE"):
        prove_on_customers(warehouse, AUDIENCE)


def test_a_view_that_validation_refuses_never_runs(warehouse: SourceEngine) -> None:
    warehouse.load(CUSTOMERS, pa.table({"customer_id": pa.array([1])}))
    with pytest.raises(StatementRefused, match="not a known column"):
        prove_on_customers(warehouse, AUDIENCE)


def test_the_scratch_tables_are_gone_afterwards(warehouse: SourceEngine) -> None:
    prove_on_boundaries(warehouse, [AUDIENCE], scratch_schema="aside")
    assert warehouse.columns(Relation("aside", "boundary_customers")) == {}
    assert warehouse.columns(Relation("aside", "boundary_department_counts")) == {}
