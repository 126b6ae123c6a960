"""One row a rule: what it says and how it does, on the customers that it was learned from and on those after a cut-off.

In: `LearnedFacts`. Out: the declarations and the rows of `rules` and `evaluated_rules`. In `targeting.rules` the second
stand beside the first, as `held_out_` columns, which its model names.
"""

import math

from segwarehouse.results.declaration import DEPARTMENT, Table, bounds, interval, real, text, whole
from segwarehouse.results.facts import LearnedFacts, Rows
from segwarehouse.results.suppress import hide_evaluated_rules, hide_rules
from segwarehouse.rules.compile import compile_rule
from segwarehouse.rules.describe import describe_rule
from segwarehouse.templates import TEMPLATE_DIALECT


def rule_rows(facts: LearnedFacts) -> Rows:
    """Yield each rule with its counts on the customers that were learned from, the target's lines left out."""
    card, features, frequency = facts.card, facts.features, facts.learned.frequency
    matched, buyers = facts.table.score(card).matched, facts.table.buyers
    alone = matched & (matched.sum(axis=1, keepdims=True) == 1)
    for position, rule in enumerate(card.rules):
        mask = matched[:, position]
        support, hits = float(mask.mean()), int((mask & buyers).sum())
        precision = hits / mask.sum() if mask.any() else math.nan
        yield {
            "rule": f"R{position + 1}",
            "position": position + 1,
            "words": describe_rule(rule, features),
            "condition_sql": compile_rule(rule).sql(TEMPLATE_DIALECT),
            "points": rule.points,
            "sign": "+",
            "condition_count": len(rule.conditions),
            "frequency": frequency.get(rule.conditions),
            "support": support,
            "candidates": int((mask & ~buyers).sum()),
            "unique_candidates": int((alone[:, position] & ~buyers).sum()),
            "importance": rule.points * math.sqrt(support * (1.0 - support)),
            "learned_precision": precision,
            "learned_recall": hits / int(buyers.sum()),
            "learned_lift": precision / float(buyers.mean()),
        }


def evaluated_rule_rows(facts: LearnedFacts) -> Rows:
    """Yield each rule of the card that was learned at the latest cut-off, with its figures on customers after it."""
    evaluation, features = facts.evaluation, facts.features
    for position, (rule, card) in enumerate(zip(evaluation.rules, evaluation.cards, strict=True)):
        yield {
            "rule": f"R{position + 1}",
            "words": describe_rule(rule, features),
            "condition_sql": compile_rule(rule).sql(TEMPLATE_DIALECT),
            "points": rule.points,
            "support": card.support.value,
            **bounds("precision", card.precision),
            "recall": card.recall.value,
            **bounds("lift", card.lift),
            "unique_coverage": card.unique_coverage.value,
        }


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
    make_in_worker=rule_rows,
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
    make_in_worker=evaluated_rule_rows,
)
