"""`simplify` changes how a card is written, never what it says."""

import math
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from segwarehouse.domain import Activity, ActivityTerm, Card, Column, Columns, Condition, Operator, Rule
from segwarehouse.rules.simplify import simplify

FEATURES = ("a", "b")
THRESHOLDS = (-1.0, -0.0, 0.0, 0.5, math.nextafter(1.0, 0.0), 1.0, 2.0, 2.0**53)
VALUES = (*THRESHOLDS, math.nan, math.inf, -math.inf, 1.5, 3.0)

conditions = st.builds(
    Condition, st.sampled_from(FEATURES), st.sampled_from(list(Operator)), st.sampled_from(THRESHOLDS)
)
rules = st.builds(Rule, st.lists(conditions, min_size=1, max_size=5).map(tuple), st.integers(1, 9))
cards = st.builds(
    Card,
    st.lists(rules, max_size=6).map(tuple),
    st.just(Activity((ActivityTerm("a", 3),), floor=1, unit=2, cap=4)),
    st.just((0.1, 0.2, 0.9)),
)


def every_pair_of_values() -> tuple[Columns, int]:
    pairs = [(left, right) for left in (*VALUES, None) for right in (*VALUES, None)]
    columns = {}
    for feature, values in zip(FEATURES, zip(*pairs, strict=True), strict=True):
        missing = np.array([value is None for value in values])
        columns[feature] = Column(np.array([0.0 if value is None else value for value in values]), missing)
    return columns, len(pairs)


@settings(max_examples=300, deadline=None)
@given(cards)
def test_a_simplified_card_says_the_same_of_every_customer(card: Card) -> None:
    columns, count = every_pair_of_values()
    before, after = card.apply(columns, count), simplify(card).apply(columns, count)
    assert np.array_equal(before.selected, after.selected)
    assert np.array_equal(before.points, after.points)
    assert np.array_equal(before.activity, after.activity)
    assert np.array_equal(before.score, after.score)


@settings(max_examples=200, deadline=None)
@given(cards, st.randoms(use_true_random=False))
def test_the_form_depends_neither_on_order_nor_on_how_often_it_is_applied(card: Card, random: Random) -> None:
    once = simplify(card)
    shuffled = [Rule(tuple(reversed(rule.conditions)), rule.points) for rule in card.rules]
    random.shuffle(shuffled)
    assert simplify(once) == once
    assert simplify(Card(tuple(shuffled), card.activity, card.probabilities)) == once


@settings(max_examples=200, deadline=None)
@given(cards)
def test_no_rule_is_left_that_nobody_can_satisfy_or_that_says_a_thing_twice(card: Card) -> None:
    simple = simplify(card).rules
    assert len({rule.conditions for rule in simple}) == len(simple)
    for rule in simple:
        assert len({(each.feature, each.operator) for each in rule.conditions}) == len(rule.conditions)
        lower = {each.feature: each.threshold for each in rule.conditions if each.operator is Operator.AT_LEAST}
        assert all(
            each.threshold > lower.get(each.feature, -math.inf)
            for each in rule.conditions
            if each.operator is Operator.BELOW
        )


def test_the_tightest_condition_stays_equal_rules_add_up_and_points_come_first() -> None:
    def rule(points: int, *parts: tuple[str, Operator, float]) -> Rule:
        return Rule(tuple(Condition(*part) for part in parts), points)

    at_least, below = Operator.AT_LEAST, Operator.BELOW
    card = Card(
        (
            rule(1, ("b", at_least, 1.0)),
            rule(2, ("a", at_least, 2.0), ("a", at_least, 3.0), ("a", below, 9.0), ("a", below, 8.0)),
            rule(4, ("a", at_least, 5.0), ("a", below, 5.0)),
            rule(2, ("b", at_least, 1.0)),
        ),
        Activity(),
        (0.5,),
    )
    assert simplify(card).rules == (
        rule(3, ("b", at_least, 1.0)),
        rule(2, ("a", below, 8.0), ("a", at_least, 3.0)),
    )
