"""A card of figures for each rule.

In: which rules candidates satisfy that the learning never saw, and who of them bought. Out: support, precision,
recall, lift and unique coverage, with the intervals of `bootstrap`.
"""

from dataclasses import dataclass

import numpy as np

from segwarehouse.domain import BoolArray, FloatArray
from segwarehouse.errors import SegwarehouseError
from segwarehouse.evaluate.bootstrap import RESAMPLES, Estimate, resampled_weights


@dataclass(frozen=True, slots=True)
class RuleCard:
    """How one rule does on candidates that the learning never saw. Shares are 0 to 1.

    Attributes
    ----------
    matched
        How many candidates satisfy the rule.
    support
        Their share of all candidates.
    precision
        Buyers among them, as a share of them.
    recall
        Buyers among them, as a share of all buyers.
    lift
        Precision over the share of buyers among all candidates.
    unique_coverage
        Candidates who satisfy this rule and no other rule of the card, as a share of all candidates.
    """

    matched: int
    support: Estimate
    precision: Estimate
    recall: Estimate
    lift: Estimate
    unique_coverage: Estimate


def rule_cards(
    matched: BoolArray, outcomes: BoolArray, *, seed: int, resamples: int = RESAMPLES
) -> tuple[RuleCard, ...]:
    """Measure each rule of a card.

    Parameters
    ----------
    matched
        bool (n, r): which rule each candidate satisfies.
    outcomes
        bool (n,): who bought in the outcome window.
    seed
        Of the resamples; the same seed draws the same resamples as `compare`.
    resamples
        How many.

    Returns
    -------
    tuple of RuleCard
        One a rule, in the order of the columns.
    """
    if len(matched) != len(outcomes):
        raise SegwarehouseError(f"rules were matched on {len(matched)} candidates but there are {len(outcomes)}")
    once = np.ones((1, len(outcomes)), dtype=np.float64)
    exact = _rule_measures(matched, outcomes, once)
    blocks = [
        _rule_measures(matched, outcomes, weights) for weights in resampled_weights(len(outcomes), seed, resamples)
    ]
    resampled = np.concatenate(blocks, axis=1)
    cards = []
    for rule in range(matched.shape[1]):
        measured = [Estimate.of(exact[row, 0, rule], resampled[row, :, rule]) for row in range(len(exact))]
        cards.append(RuleCard(int(matched[:, rule].sum()), *measured))
    return tuple(cards)


def _rule_measures(matched: BoolArray, outcomes: BoolArray, weights: FloatArray) -> FloatArray:
    """Return support, precision, recall, lift and unique coverage (5, b, r) under weights (b, n)."""
    bought = outcomes[:, None]
    alone = matched & (matched.sum(axis=1, keepdims=True) == 1)
    count = weights @ matched.astype(np.float64)
    hits = weights @ (matched & bought).astype(np.float64)
    count_alone = weights @ alone.astype(np.float64)
    buyers = weights @ bought.astype(np.float64)
    candidates = weights.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = hits / count
        return np.stack(
            [count / candidates, precision, hits / buyers, precision / (buyers / candidates), count_alone / candidates]
        )
