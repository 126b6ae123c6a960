"""A department learned whole: the card obeys its limits, and nothing depends on threads or on explaining."""

import dataclasses
from functools import cache

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from segwarehouse.domain import Column, Condition, Feature, FloatArray, IntArray, Operator, Rule
from segwarehouse.errors import SegwarehouseError
from segwarehouse.learn import department
from segwarehouse.learn.activity import activity_columns
from segwarehouse.learn.affinity import high_propensity_cluster
from segwarehouse.learn.card import CardParameters, leading_rules, top_group
from segwarehouse.learn.department import DepartmentLearned, DepartmentParameters, learn_department
from segwarehouse.learn.embed import Embedding
from segwarehouse.learn.selection import SelectionParameters
from segwarehouse.table import DepartmentTable

COUNT = 1200
NAMES = ("departments_log", "amount_log")


@cache
def table() -> DepartmentTable:
    generator = np.random.default_rng(12)
    level = generator.normal(size=COUNT)
    counts = generator.poisson(np.exp(0.8 + 0.6 * level[:, None] + 0.4 * generator.normal(size=(COUNT, 6))))
    values = np.column_stack([counts, np.floor(generator.exponential(40.0, COUNT))]).astype(np.float64)
    features = (
        *(Feature(f"purchases_{at}", "department", f"purchases in D{at}", "count") for at in range(6)),
        Feature("recency_days", "behaviour", "days since the last purchase", "days"),
    )
    log_odds = -1.5 + level + 1.5 * (counts[:, 0] >= 3) + 1.0 * (values[:, 6] < 30.0)
    labels = generator.random(COUNT) < 1.0 / (1.0 + np.exp(-log_odds))
    raw = np.column_stack([(counts > 0).sum(axis=1), np.exp(3.0 + level)])
    return DepartmentTable.of(values, features, labels, np.floor(1000.0 * np.log1p(raw)), NAMES)


@cache
def learned() -> DepartmentLearned:
    return learn_department(table(), seed=42, explain=False)


def columns() -> dict[str, Column]:
    found = {feature.name: Column.complete(table().values[:, at]) for at, feature in enumerate(table().features)}
    return found | activity_columns(table().activity_values, NAMES)


def test_card_obeys_its_limits_and_is_calibrated() -> None:
    card = learned().card
    limits = SelectionParameters()
    assert 1 <= card.condition_count <= limits.max_conditions
    assert all(rule.points >= 1 and len(rule.conditions) <= 2 for rule in card.rules)
    assert [rule.points for rule in card.rules] == sorted((rule.points for rule in card.rules), reverse=True)
    assert len(card.probabilities) == 1 + card.activity.cap + sum(rule.points for rule in card.rules)
    assert list(card.probabilities) == sorted(card.probabilities)
    scored = card.apply(columns(), COUNT)
    assert scored.score.mean() == pytest.approx(table().buyers.mean(), abs=0.01)
    assert {"purchases_0", "recency_days"} <= set(card.features)
    assert card.activity.cap > 0


def test_card_ranks_buyers_above_activity_alone() -> None:
    labels = table().buyers
    scored = learned().card.apply(columns(), COUNT)

    def area(score: FloatArray) -> float:
        difference = score[labels][:, None] - score[~labels][None, :]
        return float((difference > 0.0).mean() + 0.5 * (difference == 0.0).mean())

    assert area(scored.score) > area(learned().activity_log_odds) + 0.02


def test_the_same_seed_gives_the_same_department_whatever_the_threads() -> None:
    with threadpool_limits(2):
        again = learn_department(table(), seed=42, explain=False)
    assert again.card == learned().card
    assert again.confusion == learned().confusion
    assert again.activity_log_odds.tobytes() == learned().activity_log_odds.tobytes()


def test_limits_of_the_card_can_be_set() -> None:
    parameters = DepartmentParameters(
        card=CardParameters(selection=SelectionParameters(max_conditions=2), max_rule_conditions=1, point=0.5)
    )
    card = learn_department(table(), seed=42, explain=False, parameters=parameters).card
    assert card.condition_count <= 2
    assert all(len(rule.conditions) == 1 for rule in card.rules)
    assert max(rule.points for rule in card.rules) < max(rule.points for rule in learned().card.rules)


def test_explaining_adds_segments_and_changes_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def first_two(shap: FloatArray, *, seed: int, order: IntArray) -> Embedding:
        order = np.argsort(-np.abs(shap).mean(axis=0), kind="stable")[:2]
        rows = np.arange(0, COUNT, 2)
        return Embedding(rows, shap[rows][:, order])

    monkeypatch.setattr(department, "embed", first_two)
    explained = learn_department(table(), seed=42)
    assert explained.card == learned().card
    assert learned().segment_map is None
    found = explained.segment_map
    assert found is not None
    assert sum(segment.size for segment in found.segments) == COUNT // 2
    assert len(found.segments) >= 3
    assert min(segment.size for segment in found.segments) >= 20
    shares = [segment.buyer_share for segment in found.segments]
    assert shares[0] > shares[-1]
    assert any("purchases in D0" in driver for segment in found.segments for driver in segment.drivers)


def test_nothing_to_learn_from_still_gives_a_card_with_the_prevalence() -> None:
    flat = dataclasses.replace(
        table(), values=np.zeros((COUNT, 7)), activity_values=np.zeros((COUNT, 0)), activity_features=()
    )
    card = learn_department(flat, seed=1, explain=False).card
    assert card.rules == ()
    assert card.activity.terms == ()
    assert len(card.probabilities) == 1
    assert card.probabilities[0] == pytest.approx(flat.buyers.mean(), abs=0.001)


def test_a_table_must_fit_together_and_be_finite() -> None:
    whole = table()
    with pytest.raises(SegwarehouseError, match=r"values has shape \(1200, 6\), not \(1200, 7\)"):
        dataclasses.replace(whole, values=whole.values[:, :6])
    broken = whole.activity_values.copy()
    broken[3, 0] = np.nan
    with pytest.raises(SegwarehouseError, match="activity_values holds a value that is not finite"):
        dataclasses.replace(whole, activity_values=broken)


def test_top_group_is_smaller_than_any_rule_and_holds_the_strongest() -> None:
    card = learned().card
    matched = np.eye(len(card.rules), dtype=np.bool_)
    weak: tuple[Rule, ...] = (*card.rules, Rule(card.rules[0].conditions, points=1))
    assert len(card.rules) not in leading_rules(weak)
    selected = top_group(card.rules, matched)
    assert selected[0]
    assert selected.tolist() == [2 * rule.points >= card.rules[0].points for rule in card.rules]
    assert not top_group((), np.zeros((4, 0), dtype=np.bool_)).any()


def resampled(seed: int) -> DepartmentTable:
    """Return customers drawn from the same population, with replacement."""
    rows = np.random.default_rng(seed).integers(0, COUNT, COUNT)
    whole = table()
    return dataclasses.replace(
        whole, values=whole.values[rows], buyers=whole.buyers[rows], activity_values=whole.activity_values[rows]
    )


def test_a_former_card_stays_while_a_new_one_is_no_better_beyond_chance() -> None:
    previous = learned().card
    later = resampled(8)
    again = learn_department(later, seed=42, explain=False, previous=previous)
    assert again.kept
    assert (again.card.rules, again.card.activity) == (previous.rules, previous.activity)
    scored = again.card.apply(_columns_of(later), COUNT)
    assert scored.score.mean() == pytest.approx(later.buyers.mean(), abs=0.01)  # calibrated on the customers of now
    assert learn_department(later, seed=42, explain=False).card.rules != previous.rules


def test_a_former_card_goes_where_a_new_one_is_better_or_it_breaks_the_limits() -> None:
    previous = learned().card
    poor = dataclasses.replace(previous, rules=(Rule((Condition("recency_days", Operator.AT_LEAST, 1.0),), 9),))
    assert not learn_department(table(), seed=42, explain=False, previous=poor).kept
    strict = DepartmentParameters(card=CardParameters(selection=SelectionParameters(max_conditions=1)))
    long = dataclasses.replace(
        previous, rules=(*previous.rules, Rule((Condition("purchases_1", Operator.AT_LEAST, 9.0),), 1))
    )
    assert not learn_department(table(), seed=42, explain=False, parameters=strict, previous=long).kept
    foreign = dataclasses.replace(previous, rules=(Rule((Condition("gone", Operator.AT_LEAST, 1.0),), 9),))
    assert not learn_department(table(), seed=42, explain=False, previous=foreign).kept


def test_rules_say_how_often_halves_of_the_customers_choose_them() -> None:
    frequency = learned().frequency
    assert set(frequency) == {rule.conditions for rule in learned().card.rules}
    assert all(0.0 <= often <= 1.0 for often in frequency.values())
    assert frequency[learned().card.rules[0].conditions] >= 0.5


def test_rules_can_describe_the_high_propensity_cluster_instead() -> None:
    found = learn_department(table(), seed=42, explain=False, parameters=DepartmentParameters(target="clusters"))
    inside = high_propensity_cluster(found.propensity, seed=42) >= 0.5
    labels = table().buyers
    assert labels[inside].mean() > 1.5 * labels[~inside].mean()
    scored = found.card.apply(columns(), COUNT)
    assert np.corrcoef(scored.points, inside)[0, 1] > 0.5
    assert scored.score.mean() == pytest.approx(labels.mean(), abs=0.01)  # the score is still that of being a buyer
    assert not inside[labels].all()  # the cluster is out of fold: it is no copy of the labels


def _columns_of(given: DepartmentTable) -> dict[str, Column]:
    found = {feature.name: Column.complete(given.values[:, at]) for at, feature in enumerate(given.features)}
    return found | activity_columns(given.activity_values, NAMES)
