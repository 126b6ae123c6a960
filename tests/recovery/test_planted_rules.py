"""Planted rules come back: the card's top group is the planted selection.

The world: activity follows a normal latent level, which moves every count, spend and recency. Three rules of two
conditions each are planted on top of it, and satisfying any of them raises the log-odds of being a buyer.
"""

from itertools import starmap
from typing import NamedTuple

import numpy as np
import pytest

from segwarehouse.domain import BoolArray, Column, Condition, Feature, Operator
from segwarehouse.learn.activity import activity_columns
from segwarehouse.learn.card import top_group
from segwarehouse.learn.department import learn_department
from segwarehouse.table import DepartmentTable

CUSTOMERS = 10_000
DEPARTMENTS = 16
BASE_LOG_ODDS = -3.0
ACTIVITY_EFFECT = 0.8
RULE_EFFECT = 3.5
LEAST_JACCARD = 0.9
RATES = (3.0, 2.5, 5.0, 2.0, 3.0, 2.0)  # mean purchases in the first departments; the rest between 1 and 4.5
AT_LEAST, BELOW = Operator.AT_LEAST, Operator.BELOW
PLANTED = (
    (Condition("purchases_0", AT_LEAST, 5.0), Condition("purchases_1", AT_LEAST, 3.0)),
    (Condition("purchases_2", AT_LEAST, 10.0), Condition("recency_days", BELOW, 30.0)),
    (Condition("purchases_3", AT_LEAST, 3.0), Condition("purchases_4", BELOW, 2.0)),
)


class World(NamedTuple):
    """A population and who was planted."""

    table: DepartmentTable
    columns: dict[str, Column]
    planted: BoolArray


def plant(seed: int) -> World:
    """Draw the world."""
    generator = np.random.default_rng(seed)
    level = generator.normal(size=CUSTOMERS)
    rates = np.exp(generator.uniform(0.0, 1.5, DEPARTMENTS))
    rates[: len(RATES)] = RATES
    noise = 0.6 * generator.normal(size=(CUSTOMERS, DEPARTMENTS))
    counts = generator.poisson(rates * np.exp(0.5 * level[:, None] + noise)).astype(np.float64)
    recency = np.floor(generator.exponential(30.0 * np.exp(-0.4 * level)))
    spend = np.round(8.0 * counts.sum(axis=1) * np.exp(0.3 * generator.normal(size=CUSTOMERS)), 2)
    features = (
        *(Feature(f"purchases_{at}", "department", f"purchases in D{at}", "count") for at in range(DEPARTMENTS)),
        Feature("recency_days", "behaviour", "days since the last purchase", "days"),
        Feature("monetary_amount", "behaviour", "spend", "amount"),
    )
    values = np.column_stack([counts, recency, spend])
    columns = {feature.name: Column.complete(values[:, at]) for at, feature in enumerate(features)}
    planted = np.logical_or.reduce([one.matches(columns) & two.matches(columns) for one, two in PLANTED])
    log_odds = BASE_LOG_ODDS + ACTIVITY_EFFECT * level + RULE_EFFECT * planted
    labels = generator.random(CUSTOMERS) < 1.0 / (1.0 + np.exp(-log_odds))
    activity = np.floor(1000.0 * np.log1p(np.column_stack([(counts > 0.0).sum(axis=1), spend, recency])))
    names = ("departments_log", "amount_log", "recency_log")
    table = DepartmentTable.of(values, features, labels, activity, names)
    return World(table, columns | activity_columns(activity, names), planted)


def jaccard(one: BoolArray, two: BoolArray) -> float:
    """Return the share of the customers in either set that are in both."""
    return float((one & two).sum() / (one | two).sum())


@pytest.mark.parametrize("seed", [1, 2])
def test_top_group_of_the_card_is_the_planted_selection(seed: int) -> None:
    world = plant(seed)
    card = learn_department(world.table, seed=42, explain=False).card
    scored = card.apply(world.columns, CUSTOMERS)
    assert jaccard(top_group(card.rules, scored.matched), world.planted) >= LEAST_JACCARD
    found = {rule.conditions for rule in card.rules}
    assert sum(starmap(lambda *rule: tuple(sorted(rule)) in found, PLANTED)) == len(PLANTED)
    assert world.planted.mean() < 0.45


def test_without_a_planted_effect_the_selection_does_not_come_back() -> None:
    world = plant(1)
    shuffled = np.random.default_rng(9).permutation(world.table.buyers)
    nothing = DepartmentTable.of(
        world.table.values,
        world.table.features,
        shuffled,
        world.table.activity_values,
        world.table.activity_features,
    )
    card = learn_department(nothing, seed=42, explain=False).card
    scored = card.apply(world.columns, CUSTOMERS)
    assert jaccard(top_group(card.rules, scored.matched), world.planted) < 0.5
    assert card.condition_count <= 3
