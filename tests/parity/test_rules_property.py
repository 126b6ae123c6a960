"""SQL equals Python exactly, for any card and any customers."""

import datetime as dt
import math
import uuid
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from segwarehouse.domain import Activity, ActivityTerm, Condition, Feature, Operator, Rule, RuleSet
from segwarehouse.rules.compile import CUSTOMERS, DEPARTMENT_COUNTS, Audience
from segwarehouse.rules.prove import prove_on_boundaries, prove_on_customers
from segwarehouse.rules.simplify import simplify
from segwarehouse.warehouse.duckdb import DuckDBWarehouse

NAMES = ("x", "Order By", "r1", 'a"b')
THRESHOLDS = (0.0, 0.1, 1.0, 3.0, -2.5, 2.0**53 - 1, 2.0**53, 1e22, 5e-324, 1e6)
VALUES = (
    *(None, math.nan, math.inf, -math.inf, -0.0, 0.5, 2.0, 1e300, 999_999.5),
    *THRESHOLDS,
    *(math.nextafter(value, direction) for value in THRESHOLDS for direction in (-math.inf, math.inf)),
)
KEY = 4

thresholds = st.one_of(st.sampled_from(THRESHOLDS), st.floats(allow_nan=False, allow_infinity=False))
conditions = st.builds(Condition, st.sampled_from(NAMES), st.sampled_from(list(Operator)), thresholds)
rules = st.builds(Rule, st.lists(conditions, min_size=1, max_size=3).map(tuple), st.integers(1, 9))
activities = st.builds(
    Activity,
    st.lists(st.builds(ActivityTerm, st.sampled_from(NAMES), st.integers(-999, 999)), max_size=3).map(tuple),
    floor=st.integers(-5000, 5000),
    unit=st.integers(1, 2000),
    cap=st.integers(0, 9),
)
rule_sets = st.builds(
    RuleSet,
    st.lists(rules, max_size=5).map(tuple),
    activities,
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12).map(tuple),
)
audiences = st.builds(
    Audience,
    rule_sets,
    features=st.just({name: Feature(name, "customer", name, "number") for name in NAMES}),
    department_key=st.just(KEY),
    budget=st.integers(0, 12),
    control_share=st.floats(0.0, 0.9),
    salt=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
    as_of=st.dates(dt.date(1970, 1, 1), dt.date(2100, 1, 1)),
    run_id=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
)
values = st.one_of(st.sampled_from(VALUES), st.floats())
customers = st.lists(st.tuples(*[values] * len(NAMES), st.booleans()), max_size=25)
ids = st.sampled_from(["integer", "text", "uuid"])


@pytest.fixture(scope="module")
def warehouse() -> Iterator[DuckDBWarehouse]:
    with DuckDBWarehouse(None, threads=1) as opened:
        opened.execute(exp.Create(this=exp.Table(db=exp.to_identifier("features")), kind="SCHEMA"))
        yield opened


def ids_of(kind: str, count: int) -> pa.Array:
    mixed = [(number * 7919) % 1000 - 300 for number in range(count)]
    if kind == "integer":
        return pa.array(mixed, pa.int64())
    if kind == "text":
        return pa.array([f"{'0' * (number % 3)}{'éÀ漢🙂a'[number % 5]}{number}" for number in mixed], pa.string())
    return pa.array([str(uuid.UUID(int=(number % 1000) << 118)) for number in mixed], pa.string())


def load(warehouse: DuckDBWarehouse, rows: list[tuple[float | bool | None, ...]], kind: str) -> None:
    found = ids_of(kind, len(rows))
    table = {"customer_id": found}
    for position, name in enumerate(NAMES):
        column = [row[position] for row in rows]
        table[name] = pa.array(column, pa.float64(), from_pandas=False)
    bought = np.array([bool(row[-1]) for row in rows], dtype=np.bool_)
    buyers = found.filter(pa.array(bought))
    warehouse.load(CUSTOMERS, pa.table(table))
    warehouse.load(
        DEPARTMENT_COUNTS,
        pa.table({"customer_id": buyers, "department_key": pa.array([KEY] * len(buyers), pa.int64())}),
    )
    if kind == "uuid":
        for relation in (CUSTOMERS, DEPARTMENT_COUNTS):
            change = exp.AlterColumn(this=exp.to_identifier("customer_id"), dtype=exp.DataType.build("UUID"))
            warehouse.execute(exp.Alter(this=relation.table(), kind="TABLE", actions=[change]))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(audience=audiences, rows=customers, kind=ids)
def test_any_card_on_any_customers(
    warehouse: DuckDBWarehouse, audience: Audience, rows: list[tuple[float | bool | None, ...]], kind: str
) -> None:
    load(warehouse, rows, kind)
    proof = prove_on_customers(warehouse, audience)
    assert proof.differences == ()
    assert proof.rows == len(rows)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(audience=audiences)
def test_any_card_on_its_boundaries(warehouse: DuckDBWarehouse, audience: Audience) -> None:
    simple = Audience(
        simplify(audience.rule_set),
        audience.features,
        KEY,
        audience.budget,
        audience.control_share,
        "s",
        audience.as_of,
        "r",
    )
    for each in (audience, simple):
        assert prove_on_boundaries(warehouse, each).differences == ()
