"""Conditions read like a sentence about a customer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwarehouse.domain import Condition, Feature, Operator, Rule
from segwarehouse.errors import UnknownName
from segwarehouse.rules.describe import describe_condition, describe_rule

FEATURES = {
    feature.name: feature
    for feature in (
        Feature("purchases_produce", "department", "purchases in PRODUCE", "count", "PRODUCE"),
        Feature("spend_wine", "department", "spend in WINE", "amount", "WINE"),
        Feature("share_wine", "department", "share of WINE", "number", "WINE"),
        Feature("recency_days", "behaviour", "days since the last purchase", "days"),
        Feature("tenure_days", "behaviour", "days since the first purchase", "days"),
        Feature("frequency_count", "behaviour", "purchases", "count"),
        Feature("monetary_amount", "behaviour", "spend", "amount"),
        Feature("breadth_count", "behaviour", "departments", "count"),
        Feature("lines_per_purchase", "behaviour", "lines per purchase", "number"),
        Feature("amount_per_purchase", "behaviour", "spend per purchase", "amount"),
        Feature("recent_frequency_count", "behaviour", "purchases in the last 28 days", "count", recent_days=28),
        Feature("recent_monetary_amount", "behaviour", "spend in the last 28 days", "amount", recent_days=28),
        Feature(
            "recent_breadth_count", "behaviour", "departments bought in during the last day", "count", recent_days=1
        ),
        Feature("purchases_other_departments", "behaviour", "purchases in other departments", "count"),
        Feature("visits_to_the_moon", "behaviour", "visits to the moon", "count"),
        Feature("days_to_renewal", "customer", "time to renewal", "days"),
        Feature("age", "customer", "age", "number"),
        Feature("income_35_49k", "customer", "income", "flag", "35-49K"),
        Feature("member", "customer", "member", "flag"),
        Feature("purchases_odd", "department", "purchases", "count", "{n}\n'Käse' \0& <b>"),
    )
}


@pytest.mark.parametrize(
    ("feature", "operator", "threshold", "words"),
    [
        ("purchases_produce", ">=", 3.0, "bought 3 or more times in PRODUCE"),
        ("purchases_produce", ">=", 2.5, "bought 3 or more times in PRODUCE"),
        ("purchases_produce", "<", 2.5, "bought fewer than 3 times in PRODUCE"),
        ("purchases_produce", "<", 1.0, "never bought in PRODUCE"),
        ("purchases_produce", "<", 0.5, "never bought in PRODUCE"),
        ("purchases_produce", ">=", 0.5, "bought at least once in PRODUCE"),
        ("spend_wine", ">=", 1250.5, "spent 1,250.5 or more in WINE"),
        ("spend_wine", "<", 1.0, "spent less than 1 in WINE"),
        ("share_wine", "<", 0.25, "share of WINE is less than 0.25"),
        ("recency_days", "<", 30.0, "last purchase less than 30 days ago"),
        ("recency_days", ">=", 90.0, "last purchase 90 or more days ago"),
        ("recency_days", "<", 1.0, "last purchase less than 1 day ago"),
        ("tenure_days", ">=", 365.0, "first purchase 365 or more days ago"),
        ("frequency_count", ">=", 1.0, "made at least 1 purchase"),
        ("frequency_count", "<", 10.0, "made fewer than 10 purchases"),
        ("monetary_amount", ">=", 50.0, "spent 50 or more"),
        ("breadth_count", ">=", 5.0, "shopped in 5 or more departments"),
        ("lines_per_purchase", ">=", 2.5, "bought 2.5 or more lines per purchase"),
        ("amount_per_purchase", "<", 20.0, "spent less than 20 per purchase"),
        ("recent_frequency_count", ">=", 2.0, "made 2 or more purchases in the last 28 days"),
        ("recent_frequency_count", "<", 1.0, "made no purchase in the last 28 days"),
        ("recent_monetary_amount", ">=", 25.0, "spent 25 or more in the last 28 days"),
        ("recent_breadth_count", "<", 3.0, "shopped in fewer than 3 departments in the last day"),
        ("purchases_other_departments", ">=", 3.0, "bought 3 or more times in other departments"),
        ("visits_to_the_moon", ">=", 2.0, "has 2 or more visits to the moon"),
        ("days_to_renewal", "<", 30.0, "time to renewal is less than 30 days"),
        ("age", ">=", 35.0, "age is 35 or more"),
        ("age", "<", -1.5, "age is less than -1.5"),
        ("income_35_49k", ">=", 1.0, "income is 35-49K"),
        ("income_35_49k", "<", 0.5, "income is not 35-49K"),
        ("income_35_49k", ">=", 2.0, "income is 2 or more"),
        ("member", ">=", 1.0, "member: yes"),
        ("member", "<", 1.0, "member: no"),
        ("purchases_odd", ">=", 3.0, "bought 3 or more times in {n} 'Käse' & <b>"),
    ],
)
def test_a_condition_reads_as_a_marketer_would_say_it(
    feature: str, operator: str, threshold: float, words: str
) -> None:
    assert describe_condition(Condition(feature, Operator(operator), threshold), FEATURES) == words


def test_a_rule_joins_its_conditions_with_and() -> None:
    rule = Rule(
        (Condition("purchases_produce", Operator.AT_LEAST, 3.0), Condition("recency_days", Operator.BELOW, 30.0)), 2
    )
    assert describe_rule(rule, FEATURES) == (
        "bought 3 or more times in PRODUCE and last purchase less than 30 days ago"
    )


def test_an_unknown_feature_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="purchases_produce") as caught:
        describe_condition(Condition("purchases_product", Operator.BELOW, 1.0), FEATURES)
    assert caught.value.facts["name"] == "purchases_product"


@given(st.sampled_from(sorted(FEATURES)), st.floats(allow_nan=False, allow_infinity=False))
def test_both_directions_are_told_apart_and_leave_no_gap_in_the_sentence(feature: str, threshold: float) -> None:
    both = [describe_condition(Condition(feature, operator, threshold), FEATURES) for operator in Operator]
    assert both[0] != both[1]
    assert all(words and "\0" not in words and "\n" not in words for words in both)


@given(
    st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0),
)
def test_different_amounts_never_read_the_same(left: float, right: float) -> None:
    words = [describe_condition(Condition("age", Operator.AT_LEAST, each), FEATURES) for each in (left, right)]
    assert (words[0] == words[1]) == (left == right)
