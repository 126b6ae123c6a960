"""A card as data: what is stored with a published state, so that the state can be proved at any later time.

In: a `Card`. Out: JSON, and back to the same `Card` to the last bit.
"""

import json
from typing import Any

from segwarehouse.domain import Activity, ActivityTerm, Card, Condition, Operator, Rule


def card_to_json(card: Card) -> str:
    """Return a card as JSON. Numbers are written so that they read back as the same doubles."""
    activity = card.activity
    stored = {
        "rules": [
            {
                "points": rule.points,
                "conditions": [[c.feature, c.operator.value, c.threshold] for c in rule.conditions],
            }
            for rule in card.rules
        ],
        "activity": {
            "terms": [[term.feature, term.weight] for term in activity.terms],
            "floor": activity.floor,
            "unit": activity.unit,
            "cap": activity.cap,
        },
        "probabilities": list(card.probabilities),
    }
    return json.dumps(stored, ensure_ascii=False, allow_nan=False)


def card_from_json(text: str) -> Card:
    """Return the card that `card_to_json` wrote.

    >>> rule = Rule((Condition("x", Operator.AT_LEAST, 0.1),), 2)
    >>> card = Card((rule,), Activity(), (0.25, 1 / 3))
    >>> card_from_json(card_to_json(card)) == card
    True
    """
    stored: dict[str, Any] = json.loads(text)
    return Card(
        rules=tuple(
            Rule(
                conditions=tuple(
                    Condition(name, Operator(sign), float(threshold)) for name, sign, threshold in rule["conditions"]
                ),
                points=rule["points"],
            )
            for rule in stored["rules"]
        ),
        activity=Activity(
            terms=tuple(ActivityTerm(name, weight) for name, weight in stored["activity"]["terms"]),
            floor=stored["activity"]["floor"],
            unit=stored["activity"]["unit"],
            cap=stored["activity"]["cap"],
        ),
        probabilities=tuple(stored["probabilities"]),
    )
