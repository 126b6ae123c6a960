"""The entry rule: whom an audience may be filled up with when the card's rules select too few.

In: a card's rules and a population. Out: the rules, and where they need it one more, of a single condition and a
single point: the customer shops widely enough. A card that has learned two narrow rules ranks everybody else by
activity, and a budget that is larger than the narrow rules' customers is filled from there; the entry rule says so in
words, in the WHERE clause and in the reasons, in place of leaving the budget unspent.
"""

import numpy as np

from segwarehouse.domain import Column, Condition, Operator, Rule
from segwarehouse.learn.population import Population

ENTRY_FEATURES = ("breadth_count", "frequency_count")
"""What says that a customer is active at all, best first."""


def with_entry_rule(rules: tuple[Rule, ...], population: Population, least_share: float) -> tuple[Rule, ...]:
    """Return the rules, with an entry rule where they select less than `least_share` of those who don't buy yet.

    Its threshold is the highest whole number with which the card selects at least that share.

    Parameters
    ----------
    rules
        Of a card, at least one.
    population
        n customers.
    least_share
        0 to 1, of the candidates: the customers whose label is False.
    """
    candidates = ~population.labels
    names = [feature.name for feature in population.features]
    column = next((names.index(name) for name in ENTRY_FEATURES if name in names), None)
    if not rules or column is None or not candidates.any():
        return rules
    columns = {name: Column.complete(population.values[candidates, at]) for at, name in enumerate(names)}
    selected = np.logical_or.reduce([rule.matches(columns) for rule in rules])
    if float(selected.mean()) >= least_share:
        return rules
    measure = columns[names[column]].values
    for threshold in np.unique(np.floor(measure))[::-1]:
        if float((selected | (measure >= threshold)).mean()) >= least_share:
            return (*rules, Rule((Condition(names[column], Operator.AT_LEAST, float(threshold)),), 1))
    return rules
