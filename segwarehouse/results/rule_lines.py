"""One row a rule: what it says and how it does, on the customers that it was learned from and on those after a cut-off.

In: nothing. Out: the declarations of `rules` and `evaluated_rules`. Their rows are made in `rows.py`. In
`targeting.rules` the second stand beside the first, as `held_out_` columns, which its model names.
"""

from segwarehouse.results.declaration import DEPARTMENT, Table, interval, real, text, whole
from segwarehouse.results.suppress import hide_evaluated_rules, hide_rules

_WORDS = text("words", "in plain words")
_CONDITION = text("condition_sql", "the WHERE clause of this rule alone")
_POINTS = whole("points", "whole points that it adds to a customer's score")

RULES = Table(
    "rules",
    (
        *DEPARTMENT,
        text("rule", "R1 is the rule with the most points"),
        whole("position", "order, from 1"),
        _WORDS,
        _CONDITION,
        _POINTS,
        text("sign", "always +: a rule that spoke against buying was turned into its complement"),
        whole("condition_count", "conditions, over all its rules"),
        real(
            "frequency",
            "share of halves of the customers that choose this rule or one that selects nearly the same customers",
        ),
        real("support", "share of all customers that satisfy it"),
        whole("candidates", "customers who satisfy it and do not buy here yet"),
        whole("unique_candidates", "of these, how many satisfy no other rule"),
        real("importance", "points times the spread of the rule, as RuleFit has it"),
        real("learned_precision", "share of buyers among those who satisfy it"),
        real("learned_recall", "share of buyers who satisfy it"),
        real("learned_lift", "learned_precision over the share of buyers among all"),
    ),
    hide=hide_rules,
)

EVALUATED_RULES = Table(
    "evaluated_rules",
    (
        *DEPARTMENT,
        text("rule", "name of the rule; R1 has the most points"),
        _WORDS,
        _CONDITION,
        _POINTS,
        real("support", "share of candidates that satisfy it"),
        *interval("precision", "share of those who bought in the outcome window"),
        real("recall", "share of the buyers among them"),
        *interval("lift", "share of buyers over that of all"),
        real("unique_coverage", "share of candidates that satisfy it and no other rule"),
    ),
    hide=hide_evaluated_rules,
)
