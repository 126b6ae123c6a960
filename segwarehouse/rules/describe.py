"""From a condition or a rule to words that a marketer reads.

In: domain objects, and the `Feature` that each name stands for. Out: one line of English in the past tense, with the
customer as its subject left out: "bought 3 or more times in PRODUCE and last purchase less than 30 days ago".
What the words are used for is left to others: `compile.py` puts them into the view, reports print them.

How a `Feature` becomes words:

- a behaviour with a known name (`recency_days`, `monetary_amount`, …) has its own wording, below;
- kinds ``department``, ``category`` and ``channel``, unit ``count``: "bought 3 or more times in <subject>"; unit
  ``amount``: "spent 50 or more in <subject>"; other units read like a number;
- unit ``flag`` with a subject: "<phrase> is <subject>" and "<phrase> is not <subject>"; without: "<phrase>: yes", "no";
- anything else: "has 3 or more <phrase>" for unit ``count``, "<phrase> is 3 or more" for the rest.
"""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from segwarehouse.display import days_in_words
from segwarehouse.domain import Condition, Feature, Operator, Rule
from segwarehouse.errors import UnknownName, did_you_mean


class Wording(NamedTuple):
    """How both directions of a condition read.

    ``{n}`` stands for the threshold, ``{share}`` for the threshold in percent, ``{s}`` for the subject and ``{days}``
    for the days that a feature of recent activity looks back.

    `whole` says that the feature holds whole numbers only, so that "2.5 or more" is said as "3 or more". `some` and
    `none` are what "1 or more" and "fewer than 1" read like.
    """

    at_least: str
    below: str
    whole: bool = False
    some: str = ""
    none: str = ""


_BEHAVIOUR = {
    "recency_days": Wording(
        "last purchase {n} or more days ago",
        "last purchase less than {n} days ago",
        whole=True,
        some="last purchase at least 1 day ago",
        none="last purchase less than 1 day ago",
    ),
    "tenure_days": Wording(
        "first purchase {n} or more days ago",
        "first purchase less than {n} days ago",
        whole=True,
        some="first purchase at least 1 day ago",
        none="first purchase less than 1 day ago",
    ),
    "frequency_count": Wording(
        "made {n} or more purchases",
        "made fewer than {n} purchases",
        whole=True,
        some="made at least 1 purchase",
        none="made no purchase",
    ),
    "monetary_amount": Wording("spent {n} or more", "spent less than {n}"),
    "breadth_count": Wording(
        "shopped in {n} or more departments",
        "shopped in fewer than {n} departments",
        whole=True,
        some="shopped in at least 1 department",
        none="shopped in no department",
    ),
    "lines_per_purchase": Wording("bought {n} or more lines per purchase", "bought fewer than {n} lines per purchase"),
    "amount_per_purchase": Wording("spent {n} or more per purchase", "spent less than {n} per purchase"),
    "recent_frequency_count": Wording(
        "made {n} or more purchases in the last {days}",
        "made fewer than {n} purchases in the last {days}",
        whole=True,
        some="made at least 1 purchase in the last {days}",
        none="made no purchase in the last {days}",
    ),
    "recent_monetary_amount": Wording("spent {n} or more in the last {days}", "spent less than {n} in the last {days}"),
    "recent_breadth_count": Wording(
        "shopped in {n} or more departments in the last {days}",
        "shopped in fewer than {n} departments in the last {days}",
        whole=True,
        some="shopped in at least 1 department in the last {days}",
        none="shopped in no department in the last {days}",
    ),
    "purchases_other_departments": Wording(
        "bought {n} or more times in other departments",
        "bought fewer than {n} times in other departments",
        whole=True,
        some="bought at least once in other departments",
        none="never bought in other departments",
    ),
    "frequency_trend": Wording(
        "bought {n} times as often as usual or more in the last {days}",
        "bought less than {n} times as often as usual in the last {days}",
    ),
    "monetary_trend": Wording(
        "spent {n} times as much as usual or more in the last {days}",
        "spent less than {n} times as much as usual in the last {days}",
    ),
    "recency_trend": Wording(
        "last purchase {n} or more usual intervals ago", "last purchase less than {n} usual intervals ago"
    ),
    "recent_breadth_share": Wording(
        "shopped in {share} or more of the departments ever shopped in during the last {days}",
        "shopped in less than {share} of the departments ever shopped in during the last {days}",
    ),
    "channel_count": Wording(
        "bought in {n} or more {s}s",
        "bought in fewer than {n} {s}s",
        whole=True,
        some="bought in at least 1 {s}",
        none="bought in no {s}",
    ),
    "promotion_purchase_share": Wording(
        "{share} or more of purchases with a promotion", "less than {share} of purchases with a promotion"
    ),
    "promotion_line_share": Wording("{share} or more of lines on promotion", "less than {share} of lines on promotion"),
    "discount_per_purchase": Wording("saved {n} or more per purchase", "saved less than {n} per purchase"),
    "discount_share": Wording("saved {share} or more of the full price", "saved less than {share} of the full price"),
}

_DEPARTMENT = {
    "count": Wording(
        "bought {n} or more times in {s}",
        "bought fewer than {n} times in {s}",
        whole=True,
        some="bought at least once in {s}",
        none="never bought in {s}",
    ),
    "amount": Wording("spent {n} or more in {s}", "spent less than {n} in {s}"),
}

_COUNT = Wording("has {n} or more {p}", "has fewer than {n} {p}")
_DAYS = Wording("{p} is {n} days or more", "{p} is less than {n} days")
_NUMBER = Wording("{p} is {n} or more", "{p} is less than {n}")
_CATEGORY = Wording("{p} is {s}", "{p} is not {s}")
_FLAG = Wording("{p}: yes", "{p}: no")


def describe_condition(condition: Condition, features: Mapping[str, Feature]) -> str:
    """Return a condition in words.

    Parameters
    ----------
    condition
        What to describe.
    features
        The features by name.

    Raises
    ------
    UnknownName
        If the condition reads a feature that is not among them.

    Examples
    --------
    >>> produce = Feature("purchases_produce", "department", "purchases in PRODUCE", "count", "PRODUCE")
    >>> describe_condition(Condition("purchases_produce", Operator.AT_LEAST, 2.5), {"purchases_produce": produce})
    'bought 3 or more times in PRODUCE'
    """
    feature = features.get(condition.feature)
    if feature is None:
        hint = did_you_mean(condition.feature, features)
        raise UnknownName(f"no feature is called {condition.feature!r}", hint, name=condition.feature)
    wording = _wording(feature, condition.threshold)
    at_least = condition.operator is Operator.AT_LEAST
    threshold = math.ceil(condition.threshold) if wording.whole else condition.threshold
    words = wording.at_least if at_least else wording.below
    if threshold == 1:
        words = (wording.some if at_least else wording.none) or words
    return words.format(
        n=number_in_words(threshold),
        share=percent_in_words(threshold),
        s=on_one_line(feature.subject),
        p=on_one_line(feature.phrase),
        days=days_in_words(feature.recent_days),
    )


def describe_rule(rule: Rule, features: Mapping[str, Feature]) -> str:
    """Return a rule in words, its conditions joined by "and". Raises `UnknownName`."""
    return " and ".join(describe_condition(condition, features) for condition in rule.conditions)


def _wording(feature: Feature, threshold: float) -> Wording:
    if feature.name in _BEHAVIOUR and feature.kind == "behaviour":
        return _BEHAVIOUR[feature.name]
    if feature.kind in {"department", "category", "channel"} and feature.unit in _DEPARTMENT:
        return _DEPARTMENT[feature.unit]
    if feature.unit == "flag" and 0.0 < threshold <= 1.0:
        return _CATEGORY if feature.subject else _FLAG
    return {"count": _COUNT, "days": _DAYS}.get(feature.unit, _NUMBER)


def number_in_words(value: float) -> str:
    """Return a number as a person writes it; different doubles read differently."""
    return f"{int(value):,}" if float(value).is_integer() and abs(value) < 1e16 else f"{float(value):,}"


def percent_in_words(value: float) -> str:
    """Return a share as percent; different doubles read differently.

    >>> percent_in_words(0.07), percent_in_words(1.0)
    ('7%', '100%')
    """
    return f"{(Decimal(repr(value)) * 100).normalize():f}%"


def on_one_line(text: str) -> str:
    """Return text from data without line breaks, tabs and NUL, which no marketer wants in a cell."""
    return " ".join(text.replace("\0", " ").split())
