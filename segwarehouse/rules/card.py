"""A card as data: what is stored with a published state, so that the state can be proved at any later time.

In: a `RuleSet`. Out: JSON, and back to the same `RuleSet` to the last bit.
"""

import json
from typing import Any

from segwarehouse.domain import Activity, ActivityTerm, Condition, Operator, Rule, RuleSet


def card_to_json(rule_set: RuleSet) -> str:
    """Return a card as JSON. Numbers are written so that they read back as the same doubles."""
    activity = rule_set.activity
    card = {
        "rules": [
            {
                "points": rule.points,
                "conditions": [[c.feature, c.operator.value, c.threshold] for c in rule.conditions],
            }
            for rule in rule_set.rules
        ],
        "activity": {
            "terms": [[term.feature, term.weight] for term in activity.terms],
            "floor": activity.floor,
            "unit": activity.unit,
            "cap": activity.cap,
        },
        "probabilities": list(rule_set.probabilities),
    }
    return json.dumps(card, ensure_ascii=False, allow_nan=False)


def card_from_json(text: str) -> RuleSet:
    """Return the card that `card_to_json` wrote.

    >>> rule = Rule((Condition("x", Operator.AT_LEAST, 0.1),), 2)
    >>> card = RuleSet((rule,), Activity(), (0.25, 1 / 3))
    >>> card_from_json(card_to_json(card)) == card
    True
    """
    card: dict[str, Any] = json.loads(text)
    return RuleSet(
        rules=tuple(
            Rule(
                conditions=tuple(
                    Condition(name, Operator(sign), float(threshold)) for name, sign, threshold in rule["conditions"]
                ),
                points=rule["points"],
            )
            for rule in card["rules"]
        ),
        activity=Activity(
            terms=tuple(ActivityTerm(name, weight) for name, weight in card["activity"]["terms"]),
            floor=card["activity"]["floor"],
            unit=card["activity"]["unit"],
            cap=card["activity"]["cap"],
        ),
        probabilities=tuple(card["probabilities"]),
    )
