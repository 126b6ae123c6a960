"""How much of a card and of its audience would stay if it were learned again from other customers.

In: a department's table, its settings and the card that was learned. Out: `Stability`. Each refit learns everything
anew, classifier and all, from 63.2 percent of the customers, which is what a bootstrap resample holds of them; each of
these once, since a customer who is drawn twice would stand in both the learning and the held-out part of a fold.
"""

from dataclasses import dataclass

import numpy as np

from segwarehouse.domain import BoolArray, Card, FloatArray, IntArray
from segwarehouse.evaluate.judge import as_published, budget_share, contacts_among, learn
from segwarehouse.evaluate.settings import Settings
from segwarehouse.table import DepartmentTable

REFIT_SHARE = 0.632
FEWEST_BUYERS = 30
"""A refit with fewer buyers says nothing."""


@dataclass(frozen=True, slots=True)
class Stability:
    """What stays of a card from refit to refit.

    Attributes
    ----------
    refits
        How many there were.
    audience_jaccard
        float64 (refits,): the customers within the budget that the card and a refit have in common, as a share of those
        that either of them has.
    rule_overlap
        float64 (refits,): the same for what their conditions read, a feature and a direction.
    """

    refits: int
    audience_jaccard: FloatArray
    rule_overlap: FloatArray


def measure_stability(table: DepartmentTable, settings: Settings, card: Card, refits: int) -> Stability | None:
    """Learn a department again and again, and compare.

    Parameters
    ----------
    table
        n customers, as the card was learned from.
    settings
        As the card was learned with.
    card
        What the refits are compared with.
    refits
        How many.

    Returns
    -------
    Stability or None
        None where no refit has buyers enough.
    """
    audience = best_candidates(table, settings, card)
    read = sides(card)
    jaccard, overlap = [], []
    for part in refit_parts(len(table.buyers), settings.seed, refits):
        again = table.subset(part)
        if min(int(again.buyers.sum()), int((~again.buyers).sum())) < FEWEST_BUYERS:
            continue
        other = learn(again, settings, explain=False).card
        jaccard.append(alike(set(audience.tolist()), set(best_candidates(table, settings, other).tolist())))
        overlap.append(alike(read, sides(other)))
    return Stability(len(jaccard), np.array(jaccard), np.array(overlap)) if jaccard else None


def refit_parts(count: int, seed: int, refits: int) -> list[BoolArray]:
    """Return for each refit which of `count` customers it sees, bool (count,)."""
    return [np.random.default_rng([seed, refit]).random(count) < REFIT_SHARE for refit in range(refits)]


def best_candidates(table: DepartmentTable, settings: Settings, card: Card) -> IntArray:
    """Return the rows of a table whom the card would contact within the budget."""
    candidates = np.flatnonzero(~table.buyers)
    ranked = as_published(table.score(card))[candidates]
    most = contacts_among(budget_share(settings, table.department), len(candidates))
    return candidates[np.argsort(-ranked, kind="stable")[:most]]


def sides(card: Card) -> set[object]:
    """Return what a card's conditions read: features, each with a direction."""
    return {(condition.feature, condition.operator) for rule in card.rules for condition in rule.conditions}


def alike(first: set[object], second: set[object]) -> float:
    """Return the Jaccard index of two sets; that of two empty ones is 1.

    >>> alike({1, 2, 3}, {2, 3, 4}), alike(set(), set())
    (0.5, 1.0)
    """
    either = first | second
    return len(first & second) / len(either) if either else 1.0
