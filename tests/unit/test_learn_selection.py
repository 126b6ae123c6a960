"""Which rules are taken, and the weights they get."""

import numpy as np
import pytest

from segwarehouse.domain import BoolArray, Condition, FloatArray, Operator
from segwarehouse.learn.log_odds import probability_of
from segwarehouse.learn.selection import (
    Candidates,
    SelectionParameters,
    candidates_of,
    chosen_by_halves,
    fit_weights,
    forward_steps,
    frequency_of,
    log_odds_with,
)

A = Condition("a", Operator.AT_LEAST, 1.0)
MORE_A = Condition("a", Operator.AT_LEAST, 2.0)
B = Condition("b", Operator.AT_LEAST, 1.0)
C = Condition("c", Operator.AT_LEAST, 1.0)
NOT_C = Condition("c", Operator.BELOW, 1.0)
RULES = ((A,), (B,), (C,), (MORE_A,), (NOT_C,), (A, B), (A, C))
UNITS = {"a": "count", "b": "count", "c": "count"}
COUNT = 4000


def features() -> dict[str, FloatArray]:
    generator = np.random.default_rng(1)
    return {name: generator.integers(0, 3, COUNT).astype(np.float64) for name in "abc"}


def candidates(values: dict[str, FloatArray]) -> Candidates:
    masks = np.ones((len(RULES), COUNT), dtype=np.bool_)
    for row, rule in enumerate(RULES):
        for condition in rule:
            above = values[condition.feature] >= condition.threshold
            masks[row] &= above if condition.operator is Operator.AT_LEAST else ~above
    return candidates_of(RULES, masks, UNITS)


def labels_of(log_odds: FloatArray) -> BoolArray:
    return np.random.default_rng(2).random(COUNT) < probability_of(log_odds)


def taken(log_odds: FloatArray, activity: FloatArray, parameters: SelectionParameters) -> list[tuple[Condition, ...]]:
    labels = labels_of(log_odds)
    steps = forward_steps(candidates(features()), activity, labels.astype(np.float64), labels, parameters)
    return [RULES[at] for at in steps[-1].chosen]


def test_a_pair_is_taken_whole_and_a_single_alone() -> None:
    values, activity = features(), np.random.default_rng(3).normal(size=COUNT)
    pair = (values["a"] >= 1.0) & (values["b"] >= 1.0)
    planted = -2.0 + activity + 2.0 * pair
    assert taken(planted, activity, SelectionParameters(price=12.0)) == [(A, B)]
    planted = -2.0 + activity + 2.0 * (values["b"] >= 1.0)
    assert taken(planted, activity, SelectionParameters(price=12.0)) == [(B,)]


def test_what_activity_explains_already_is_not_taken_again() -> None:
    values = features()
    activity = np.where(values["a"] >= 1.0, 1.0, -1.0)
    chosen = taken(activity + 1.0 * (values["c"] >= 1.0), activity, SelectionParameters(price=12.0))
    assert chosen == [(C,)]


def test_conjunctions_reuse_no_side_but_single_conditions_may_form_a_staircase() -> None:
    values, activity = features(), np.zeros(COUNT)
    steps = taken(-2.0 + 1.0 * values["a"], activity, SelectionParameters(price=5.0))
    assert set(steps) == {(A,), (MORE_A,)}
    pair = (values["a"] >= 1.0) & (values["b"] >= 1.0)
    patched = taken(-2.0 + 2.0 * pair + 0.8 * (values["a"] >= 2.0), activity, SelectionParameters(price=5.0))
    assert (A, B) in patched
    assert (MORE_A,) not in patched
    assert (A, C) not in patched


def test_the_card_spends_no_more_conditions_than_it_may() -> None:
    values, activity = features(), np.zeros(COUNT)
    planted = -2.0 + values["a"] + values["b"] + values["c"]
    chosen = taken(planted, activity, SelectionParameters(max_conditions=3, price=0.1))
    assert sum(len(rule) for rule in chosen) == 3
    assert taken(planted, activity, SelectionParameters(max_conditions=0)) == []


def test_a_condition_below_must_bring_more_than_one_at_least() -> None:
    table = candidates(features())
    assert table.costs.tolist() == [1.0, 1.0, 1.0, 1.0, 1.5, 2.0, 2.0]
    days = candidates_of(((NOT_C,),), np.ones((1, 4), dtype=np.bool_), {"c": "days"})
    assert days.costs.tolist() == [1.0]


def test_weights_are_those_of_scikit_learn_where_no_bound_holds() -> None:
    from sklearn.linear_model import LogisticRegression

    values, activity = features(), np.random.default_rng(3).normal(size=COUNT)
    labels = labels_of(-1.5 + 1.2 * activity + 0.9 * (values["a"] >= 1.0) + 0.5 * (values["b"] >= 1.0))
    table = candidates(values)
    design = np.column_stack([np.ones(COUNT), activity, table.masks[:, :2]])
    weights = fit_weights(design, labels.astype(np.float64), np.array([0.0, 1.0, 0.0, 0.0]), ridge=0.0)
    reference = LogisticRegression(C=np.inf, tol=1e-8).fit(design[:, 1:], labels)
    np.testing.assert_allclose(weights, [reference.intercept_[0], *reference.coef_[0]], atol=2e-3)


def test_a_harmful_rule_gets_no_weight_and_activity_keeps_half() -> None:
    values, activity = features(), np.random.default_rng(3).normal(size=COUNT)
    labels = labels_of(np.where(values["a"] >= 1.0, -2.0, -1.0))
    design = np.column_stack([np.ones(COUNT), activity, candidates(values).masks[:, :1]])
    weights = fit_weights(design, labels.astype(np.float64), np.array([0.0, 1.0, 0.0]), ridge=1.0)
    assert weights[2] == 0.0
    assert weights[1] == pytest.approx(0.5)


def test_log_odds_of_a_step_are_the_sum_of_its_parts() -> None:
    values, activity = features(), np.random.default_rng(3).normal(size=COUNT)
    labels = labels_of(-1.0 + activity + values["a"])
    table = candidates(values)
    step = forward_steps(table, activity, labels.astype(np.float64), labels, SelectionParameters())[-1]
    design = np.column_stack([np.ones(COUNT), activity, table.masks[:, list(step.chosen)]])
    np.testing.assert_allclose(log_odds_with(table, activity, step), design @ step.weights)
    held_out = np.arange(0, COUNT, 3)
    part = log_odds_with(table.of(held_out), activity[held_out], step)
    np.testing.assert_allclose(part, (design @ step.weights)[held_out])


def test_halves_find_what_was_planted_and_not_what_was_not() -> None:
    values, activity = features(), np.random.default_rng(5).normal(size=COUNT)
    labels = labels_of(-2.0 + activity + 2.0 * (values["b"] >= 1.0))
    table = candidates(values)
    soft = labels.astype(np.float64)
    parameters = SelectionParameters(price=6.0, halvings=4)
    chosen = chosen_by_halves(table, activity, soft, labels, parameters, seed=1)
    assert len(chosen) == 8
    often = frequency_of(table.masks, table, chosen, parameters.most_alike)
    assert often[RULES.index((B,))] == 1.0
    assert often[RULES.index((NOT_C,))] == 0.0


def test_of_near_ties_the_one_that_halves_choose_is_taken() -> None:
    values, activity = features(), np.random.default_rng(6).normal(size=COUNT)
    values["c"] = np.where(np.random.default_rng(7).random(COUNT) < 0.6, values["b"], values["c"])
    labels = labels_of(-2.0 + activity + 1.0 * (values["b"] >= 1.0) + 0.9 * (values["a"] >= 1.0))
    table, soft = candidates(values), labels.astype(np.float64)
    parameters = SelectionParameters(price=6.0, near=0.9, max_conditions=1)
    plain = forward_steps(table, activity, soft, labels, parameters)[-1].chosen
    favoured = RULES.index((A,)) if plain == (RULES.index((B,)),) else RULES.index((B,))
    often = np.zeros(len(RULES))
    often[favoured] = 1.0
    assert forward_steps(table, activity, soft, labels, parameters, often)[-1].chosen == (favoured,)
    strict = SelectionParameters(price=6.0, near=0.0, max_conditions=1)
    assert forward_steps(table, activity, soft, labels, strict, often)[-1].chosen == plain
