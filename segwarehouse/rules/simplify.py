"""From a card to the shortest card that says the same.

In: a `Card`. Out: a `Card` that selects the same customers and gives them the same points, activity and score,
whatever their features hold (NULL, NaN and infinities too). Which rules are worth having is left to `learn/`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from segwarehouse.domain import Card, Condition, Operator, Rule


def simplify(card: Card) -> Card:
    """Return the card in canonical form.

    Conditions of a rule on the same feature and operator become the tightest of them, conditions stand in order
    (feature, operator, threshold), rules that nobody can satisfy are dropped, equal rules become one with their
    points added, and rules are ordered by points, most first, then by their conditions.

    >>> from segwarehouse.domain import Activity
    >>> at_least = [Condition("x", Operator.AT_LEAST, threshold) for threshold in (2.0, 3.0)]
    >>> rules = simplify(Card((Rule(tuple(at_least), 1),), Activity(), (0.5,))).rules
    >>> [(condition.feature, condition.threshold) for condition in rules[0].conditions]
    [('x', 3.0)]
    """
    points: dict[tuple[Condition, ...], int] = {}
    for rule in card.rules:
        conditions = _tightest(rule.conditions)
        if not _contradict(conditions):
            points[conditions] = points.get(conditions, 0) + rule.points
    rules = [Rule(conditions, total) for conditions, total in points.items()]
    return replace(card, rules=tuple(sorted(rules, key=lambda rule: (-rule.points, rule.conditions))))


def stricter_rules(rules: Sequence[Rule]) -> tuple[tuple[int, ...], ...]:
    """Return, for each rule, the positions of the rules that select some of its customers and nobody else.

    Whoever is told that a customer bought 5 times need not be told that she bought at least once. Of equal rules,
    the first stands for all.

    >>> rules = [Rule((Condition("x", Operator.AT_LEAST, threshold),), 1) for threshold in (1.0, 5.0)]
    >>> stricter_rules(rules)
    ((1,), ())
    """
    return tuple(
        tuple(
            other
            for other, stricter in enumerate(rules)
            if other != at and _implies(stricter, rule) and (other < at or not _implies(rule, stricter))
        )
        for at, rule in enumerate(rules)
    )


def _implies(stricter: Rule, rule: Rule) -> bool:
    """Tell whether each condition of `rule` follows from one of `stricter`."""
    return all(any(_follows(condition, given) for given in stricter.conditions) for condition in rule.conditions)


def _follows(condition: Condition, given: Condition) -> bool:
    if (condition.feature, condition.operator) != (given.feature, given.operator):
        return False
    if condition.operator is Operator.AT_LEAST:
        return given.threshold >= condition.threshold
    return given.threshold <= condition.threshold


def _tightest(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """Return one condition for each feature and operator, in order. Minus zero becomes zero."""
    tightest: dict[tuple[str, Operator], float] = {}
    for condition in conditions:
        key = (condition.feature, condition.operator)
        pick = max if condition.operator is Operator.AT_LEAST else min
        tightest[key] = pick(tightest.get(key, condition.threshold), condition.threshold) + 0.0
    return tuple(sorted(Condition(feature, operator, at) for (feature, operator), at in tightest.items()))


def _contradict(conditions: Iterable[Condition]) -> bool:
    """Tell whether no value, NaN included, is at least one threshold and below another one."""
    lower = {each.feature: each.threshold for each in conditions if each.operator is Operator.AT_LEAST}
    upper = {each.feature: each.threshold for each in conditions if each.operator is Operator.BELOW}
    return any(lower[feature] >= upper[feature] for feature in lower.keys() & upper.keys())
