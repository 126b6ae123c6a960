"""The entry rule: whom an audience may be filled up with when the card's rules select too few.

In: a card's rules and a department's table. Out: the rules, and where they need it one more, of a single condition and
a single point: the customer shops widely enough. A card that has learned two narrow rules ranks everybody else by
activity, and a budget that is larger than the narrow rules' customers is filled from there; the entry rule says so in
words, in the WHERE clause and in the reasons, in place of leaving the budget unspent.
"""

import numpy as np

from segwarehouse.domain import Condition, FloatArray, Operator, Rule
from segwarehouse.table import DepartmentTable

ENTRY_FEATURES = ("breadth_count", "frequency_count")
"""What says that a customer is active at all, best first."""

EVERYBODY = 0.95
"""A rule that more than this share of the candidates satisfy tells nobody from anybody: it is no rule."""


def telling_rules(rules: tuple[Rule, ...], table: DepartmentTable) -> tuple[Rule, ...]:
    """Return the rules without those that all candidates satisfy: they give everybody the same points and reason."""
    candidates = ~table.buyers
    columns = table.columns(candidates)
    return tuple(rule for rule in rules if not rule.matches(columns).all())


def with_entry_rule(rules: tuple[Rule, ...], table: DepartmentTable, least_share: float) -> tuple[Rule, ...]:
    """Return the rules, with an entry rule where they select less than `least_share` of those who don't buy yet.

    Its threshold is the highest whole number with which the card selects at least that share. Where only a rule that
    nearly everybody satisfies would do, it is the widest one that leaves some out, or none.

    Parameters
    ----------
    rules
        Of a card, at least one.
    table
        n customers.
    least_share
        0 to 1, of the candidates: the customers whose label is False.
    """
    candidates = ~table.buyers
    columns = table.columns(candidates)
    if not rules or not candidates.any():
        return rules
    selected = np.logical_or.reduce([rule.matches(columns) for rule in rules])
    if float(selected.mean()) >= least_share:
        return rules
    tried = [
        (float((selected | (columns[name].values >= threshold)).mean()), Condition(name, Operator.AT_LEAST, threshold))
        for name in ENTRY_FEATURES
        if name in columns
        for threshold in _thresholds(columns[name].values)
    ]
    enough = next((condition for share, condition in tried if share >= least_share), None)
    widest = max(tried, key=lambda item: item[0], default=None)
    if enough is None and widest is not None and widest[0] > float(selected.mean()):
        enough = widest[1]
    return (*rules, Rule((enough,), 1)) if enough is not None else rules


def _thresholds(measure: FloatArray) -> list[float]:
    """Return the whole numbers, downwards, that leave some customers out."""
    whole = np.unique(np.floor(measure))[::-1]
    return [float(threshold) for threshold in whole if float((measure >= threshold).mean()) <= EVERYBODY]
