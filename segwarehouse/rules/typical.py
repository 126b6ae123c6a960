"""What is typical of a group of customers, in words that a marketer reads.

In: medians of features, and the `Feature` that each name stands for. Out: one line of English: "typically shops in 14
departments, bought 10 times in PRODUCE". Amounts and shares are rounded to two digits: a median may be the figure of
one customer.
"""

import math
from collections.abc import Mapping, Sequence

from segwarehouse.display import days_in_words
from segwarehouse.domain import Feature, Typical
from segwarehouse.errors import UnknownName, did_you_mean
from segwarehouse.rules.describe import number_in_words, on_one_line, percent_in_words

_BEHAVIOUR = {
    # {n} is the value, {share} the same in percent, {es} the plural's ending, {s} the subject and {days} how far back
    "recency_days": "last bought {n} day{es} ago",
    "tenure_days": "first bought {n} day{es} ago",
    "frequency_count": "made {n} purchase{es}",
    "breadth_count": "shops in {n} department{es}",
    "purchases_other_departments": "bought {n} time{es} in other departments",
    "lines_per_purchase": "buys {n} line{es} a purchase",
    "monetary_amount": "spent {n}",
    "amount_per_purchase": "spends {n} a purchase",
    "recent_frequency_count": "made {n} purchase{es} in the last {days}",
    "recent_breadth_count": "shopped in {n} department{es} in the last {days}",
    "recent_monetary_amount": "spent {n} in the last {days}",
    "frequency_trend": "bought {n} time{es} as often as usual in the last {days}",
    "monetary_trend": "spent {n} time{es} as much as usual in the last {days}",
    "recency_trend": "last bought {n} usual interval{es} ago",
    "recent_breadth_share": "shopped in {share} of the departments ever shopped in during the last {days}",
    "channel_count": "bought in {n} {s}{es}",
    "promotion_purchase_share": "{share} of purchases with a promotion",
    "promotion_line_share": "{share} of lines on promotion",
    "discount_per_purchase": "saved {n} a purchase",
    "discount_share": "saved {share} of the full price",
}
_BOUGHT = {0: "never bought in {s}", 1: "bought once in {s}"}
_WHOLE = ("count", "days")
_DIGITS = 2


def describe_typical(typical: Sequence[Typical], features: Mapping[str, Feature]) -> str:
    """Return what is typical in words; empty where there is nothing.

    Raises
    ------
    UnknownName
        If a feature is not among `features`.

    Examples
    --------
    >>> produce = Feature("purchases_produce", "department", "purchases in PRODUCE", "count", "PRODUCE")
    >>> breadth = Feature("breadth_count", "behaviour", "departments bought in", "count")
    >>> medians = [Typical("breadth_count", 14.0), Typical("purchases_produce", 9.5)]
    >>> describe_typical(medians, {"purchases_produce": produce, "breadth_count": breadth})
    'typically shops in 14 departments, bought 10 times in PRODUCE'
    """
    listed = ", ".join(_phrase(item, features) for item in typical)
    return f"typically {listed}" if listed else ""


def _phrase(item: Typical, features: Mapping[str, Feature]) -> str:
    feature = features.get(item.feature)
    if feature is None:
        raise UnknownName(
            f"no feature is called {item.feature!r}", did_you_mean(item.feature, features), name=item.feature
        )
    value = _rounded(item.value, feature.unit)
    return _words(feature, value).format(
        n=number_in_words(value),
        share=percent_in_words(value),
        es="" if value == 1.0 else "s",
        s=on_one_line(feature.subject),
        p=on_one_line(feature.phrase),
        days=days_in_words(feature.recent_days),
    )


def _words(feature: Feature, value: float) -> str:
    if feature.kind == "behaviour" and feature.name in _BEHAVIOUR:
        return _BEHAVIOUR[feature.name]
    if feature.kind in {"department", "category", "channel"} and feature.unit == "count":
        return _BOUGHT.get(int(value), "bought {n} times in {s}")
    if feature.unit == "flag":
        yes = value >= 0.5
        if feature.subject:
            return "{p} is {s}" if yes else "{p} is not {s}"
        return "{p}: yes" if yes else "{p}: no"
    return "{p} {n}"


def _rounded(value: float, unit: str) -> float:
    """Return the value to whole counts and days, to two digits otherwise.

    >>> _rounded(9.5, "count"), _rounded(1234.5, "amount"), _rounded(0.4567, "number"), _rounded(0.0, "number")
    (10.0, 1200.0, 0.46, 0.0)
    """
    if unit in _WHOLE or value == 0.0:
        return float(math.floor(value + 0.5))
    return float(f"{value:.{_DIGITS - 1}e}")
