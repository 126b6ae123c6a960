"""Nothing runs but what the compiler writes: each refusal names the part and the reason."""

import datetime as dt
from collections.abc import Callable

import pytest
import sqlglot
from sqlglot import exp

from segwarehouse.domain import Activity, ActivityTerm, Card, Condition, Feature, Operator, Rule
from segwarehouse.errors import StatementRefused
from segwarehouse.rules.compile import ViewSpec, department_view
from segwarehouse.rules.validate import parse_back, validate_condition, validate_view
from tests.engines import DIALECT

COLUMNS = {"customer_id", "x", "y"}


def view() -> exp.Select:
    rules = (
        Rule((Condition("x", Operator.AT_LEAST, 3.0), Condition("y", Operator.BELOW, 0.5)), 2),
        Rule((Condition("y", Operator.AT_LEAST, -1.0),), 1),
    )
    card = Card(rules, Activity((ActivityTerm("x", 3),), 0, 2, 4), (0.1, 0.2))
    features = {name: Feature(name, "customer", name, "number") for name in ("x", "y")}
    return department_view(ViewSpec(card, features, 7, 500, 0.1, "it's", dt.date(2026, 11, 1), "run"))


def condition(text: str) -> exp.Expr:
    return sqlglot.condition(text, dialect=DIALECT)


@pytest.mark.parametrize("text", ['"x" >= 3', '"x" >= -3 AND ("y" < 1.5e0 OR "x" < 5e-324)', "FALSE"])
def test_comparisons_joined_by_and_and_or_may_run(text: str) -> None:
    validate_condition(condition(text), COLUMNS)  # refuses by raising
    assert parse_back(condition(text))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('"z" >= 3', "not a known column"),
        ('"f"."x" >= 3', "does not compare a column"),
        ('"x" >= "y"', "does not compare with a number"),
        ("\"x\" >= 'a'", "does not compare with a number"),
        ('"x" >= (SELECT 1)', "does not compare with a number"),
        ('"x" >= random()', "does not compare with a number"),
        ('"x" >= 1 + 2', "does not compare with a number"),
        ("getenv('HOME') >= 3", "does not compare a column"),
        ('"x" IN (SELECT 1)', "not a comparison"),
        ("EXISTS (SELECT 1)", "not a comparison"),
        ('NOT "x" >= 3', "not a comparison"),
        ('"x" = 3', "not a comparison"),
        ('"x" > 3', "not a comparison"),
        ('"x" >= 3 AND sleep(9)', "not a comparison"),
        ('"x"', "not a comparison"),
        ("1", "not a comparison"),
        ("read_csv('/etc/passwd')", "not a comparison"),
    ],
)
def test_anything_else_in_a_condition_is_refused(text: str, reason: str) -> None:
    with pytest.raises(StatementRefused, match=reason) as caught:
        validate_condition(condition(text), COLUMNS)
    assert caught.value.facts["statement"]


def test_text_smuggled_in_as_a_number_is_refused() -> None:
    smuggled = exp.Literal(this="3 OR 1 = 1", is_string=False)
    column = exp.column("x", quoted=True)
    with pytest.raises(StatementRefused, match="does not compare with a number"):
        validate_condition(exp.GTE(this=column, expression=smuggled), COLUMNS)
    with pytest.raises(StatementRefused, match="read back"):
        parse_back(exp.GTE(this=column, expression=smuggled))


def test_a_tree_whose_text_means_another_tree_is_refused() -> None:
    bare = exp.And(
        this=exp.Or(this=condition('"x" >= 1'), expression=condition('"x" >= 2')), expression=condition('"y" >= 3')
    )
    with pytest.raises(StatementRefused, match="read back"):
        validate_condition(bare, COLUMNS)


def test_the_compiled_view_may_run() -> None:
    validate_view(view(), COLUMNS)  # refuses by raising
    assert parse_back(view()).startswith("WITH")


@pytest.mark.parametrize("gone", ["customer_id", "x", "y"])
def test_a_view_over_a_column_that_is_not_there_is_refused(gone: str) -> None:
    with pytest.raises(StatementRefused, match=f'"{gone}".* is not a known column'):
        validate_view(view(), COLUMNS - {gone})


def replaced(find: str, by: str) -> Callable[[], exp.Expr]:
    def change() -> exp.Expr:
        text = view().sql(DIALECT, comments=False)
        assert find in text
        return sqlglot.parse_one(text.replace(find, by, 1), read=DIALECT)

    return change


def with_number(text: str) -> Callable[[], exp.Expr]:
    def change() -> exp.Expr:
        changed = view()
        found = next(node for node in changed.find_all(exp.Literal) if node.this == "500")
        found.set("this", text)
        return changed

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda: sqlglot.parse_one("DROP TABLE features.customers"), "is not one SELECT"),
        (lambda: exp.union(view(), view()), "is not one SELECT"),
        (lambda: exp.select("1"), "reads no relation"),
        (replaced('"features"."customers"', '"secret"."customers"'), "not a relation that a view may read"),
        (replaced('"features"."customers"', '"other"."features"."customers"'), "not a plain table"),
        (replaced('"features"."customers" AS "f"', '"customers" AS "f"'), "not a relation that a view may read"),
        (replaced('"features"."department_counts"', "read_csv('/etc/passwd')"), "is not"),
        (replaced('FROM "scored"', 'FROM "scored" CROSS JOIN "scored" AS "b"'), "is not allowed"),
        (replaced('FROM "scored"', 'FROM (SELECT 1) AS "scored"'), "is not allowed"),
        (replaced('"x" >= 3', '"x" >= (SELECT 3)'), "is not allowed"),
        (replaced('"x" >= 3', '"x" >= RANDOM()'), "is not allowed"),
        (replaced('"x" >= 3', "getenv('HOME') >= 3"), "is not allowed"),
        (replaced('"x" >= 3', '"x" IN (SELECT 3)'), "is not allowed"),
        (replaced('"x" >= 3', '"x" >= CAST(3 AS HUGEINT)'), "casts to a type"),
        (replaced("SELECT ", "SELECT DISTINCT "), "is not allowed"),
        (replaced('SELECT "customer_id", "activity"', 'SELECT *, "activity"'), "is not allowed"),
        (replaced("WITH ", "WITH RECURSIVE "), "says more than a name"),
        (replaced('FROM "ranked"', 'FROM "ranked" LIMIT 3'), "is not allowed"),
        (replaced('FROM "ranked"', 'FROM "ranked" WHERE "secret" >= 1'), "not a known column"),
        (replaced('"bought"."customer_id"', '"bought"."name"'), "not a known column"),
        (replaced('"f"."customer_id"', '"other"."customer_id"'), "not a known column"),
        (with_number("500 OR 1 = 1"), "is not a number"),
    ],
)
def test_a_view_that_does_anything_else_is_refused(change: Callable[[], exp.Expr], reason: str) -> None:
    with pytest.raises(StatementRefused, match=reason):
        validate_view(change(), COLUMNS)


def test_a_view_of_two_statements_does_not_read_back() -> None:
    changed = view()
    changed.args["from_"].this.this.set("this", 'ranked"; DROP TABLE "x')
    with pytest.raises(StatementRefused):
        validate_view(changed, COLUMNS)
