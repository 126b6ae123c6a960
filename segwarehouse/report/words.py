"""What a picture or a figure says, in a sentence that anyone understands.

In: the plain values that `summarise` has found. Out: sentences. Each picture's sentence is its text alternative and
the first line of its caption, so it holds the main finding and not a description of axes.
"""

from collections.abc import Mapping, Sequence

from segwarehouse.report.numbers import count, plural, ratio, share, signed
from segwarehouse.report.state import Row

VERDICTS: Mapping[str, str] = {
    "beats activity": (
        "The rules find later buyers better than simply contacting the most active customers, by more than chance "
        "explains. Use them."
    ),
    "ties": (
        "Nobody can tell yet whether the rules are better than simply contacting the most active customers: the "
        "difference is within what chance alone would bring. They do say why each customer is in, at no loss that "
        "could be measured."
    ),
    "trails": (
        "The rules find fewer later buyers than simply contacting the most active customers, by more than chance "
        "explains. Contact the most active ones instead, and read the rules as a description."
    ),
    "not evaluated": (
        "Too few customers bought here for the first time in the past to say how good the rules are. Treat the "
        "audience as a guess."
    ),
    "refused": "There is no audience, and no view: see the reason.",
}
"""What each verdict means for a marketer."""


def verdict(row: Mapping[str, object]) -> str:
    """Return what a department's verdict means; the bare word where it is one that this version does not know."""
    return VERDICTS.get(str(row["verdict"]), f"The verdict is “{row['verdict']}”.")


def overview(departments: Sequence[Mapping[str, object]]) -> str:
    """Return the main finding over all departments."""
    published = [row for row in departments if row["view"]]
    refused = len(departments) - len(published)
    tally = {word: sum(row["verdict"] == word for row in published) for word in VERDICTS}
    said = [
        f"in {count(number)} {'it' if number == 1 else 'they'} {phrase}"
        for word, phrase in (
            ("beats activity", "clearly beat plain activity" if tally["beats activity"] != 1 else "clearly beats it"),
            ("trails", "clearly do worse"),
        )
        if (number := tally[word])
    ]
    parts = [f"{plural(len(published), 'department')} {'has' if len(published) == 1 else 'have'} an audience."]
    if tally["ties"] == len(published) and published:
        parts.append("The rules do as well as contacting the most active customers; no difference is beyond doubt.")
    elif said:
        rest = tally["ties"]
        parts.append(
            f"Held against contacting the most active customers, {' and '.join(said)}"
            + (f"; in {count(rest)} the difference is within chance." if rest else ".")
        )
    if refused:
        parts.append(
            f"{plural(refused, 'department')} {'was' if refused == 1 else 'were'} left out; the table says why."
        )
    return " ".join(parts)


def headline(row: Mapping[str, object], outcome_days: object) -> str:
    """Return what contacting the budget of one department has brought in the past."""
    lift = row["lift_at_budget"]
    if not isinstance(lift, int | float):
        return "How many of the contacted would buy is not known."
    within = f"within {outcome_days} days" if outcome_days else "later"
    if ratio(lift) == ratio(row["lift_at_budget_low"]) == ratio(row["lift_at_budget_high"]) == "1.00":
        return (
            f"The budget of {count(row['budget'])} is enough to contact everyone who does not buy here yet, so any "
            "order finds the same buyers. A smaller budget, below, shows what the rules are worth."
        )
    return (
        f"Of the best {count(row['budget'])}, {ratio(lift)} times as many bought {within} as of as many customers "
        f"picked at random ({ratio(row['lift_at_budget_low'])} to {ratio(row['lift_at_budget_high'])})."
    )


def curve(curves: Mapping[str, Mapping[str, Sequence[float]]], budget: object, names: Mapping[str, str]) -> str:
    """Return how many buyers each ranking finds with the budget, or as near to it as was measured."""
    rules = curves.get("rules")
    if not rules or not isinstance(budget, int | float):
        return ""
    place = min(range(len(rules["contacts"])), key=lambda at: abs(rules["contacts"][at] - budget))
    others = [
        f"{count(found['expected_buyers'][place])} by {names[ranking]}"
        for ranking, found in curves.items()
        if ranking != "rules" and len(found["contacts"]) > place
    ]
    return (
        f"Contacting {count(rules['contacts'][place])}, the rules find about {count(rules['expected_buyers'][place])} "
        f"later buyers ({count(rules['expected_buyers_low'][place])} to "
        f"{count(rules['expected_buyers_high'][place])}); it would be {_listing(others)}."
    )


def calibration(row: Mapping[str, object], bins: Sequence[Row]) -> str:
    """Return how true the probabilities were."""
    if not bins:
        return ""
    error, chance = row.get("calibration_error"), row.get("calibration_error_by_chance")
    customers = sum(_number(b["candidates"]) for b in bins)
    predicted = sum(_number(b["candidates"]) * _number(b["predicted"]) for b in bins) / customers
    observed = sum(_number(b["candidates"]) * _number(b["observed"]) for b in bins) / customers
    leaning = (
        "about right"
        if abs(predicted - observed) < 0.1 * max(observed, 1e-9)
        else ("too high" if predicted > observed else "too low")
    )
    size = ""
    if isinstance(error, int | float):
        size = f" A score was off by {share(error)} on average"
        size += f"; {share(chance)} would be pure chance." if isinstance(chance, int | float) else "."
    return (
        f"The scores promised that {share(predicted)} would buy, and {share(observed)} did: on the whole they were "
        f"{leaning}.{size}"
    )


def reasons(found: Sequence[Row], people: int) -> str:
    """Return the most common reason."""
    known = [row for row in found if isinstance(row["customers"], int)]
    if not known:
        return ""
    best = max(known, key=lambda row: _number(row["customers"]))
    return f"Most often: “{best['words']}”, true of {count(best['customers'])} of the {count(people)} to contact."


def drivers(features: Sequence[Row]) -> str:
    """Return what moves the black box most."""
    if not features:
        return ""
    said = [f"{row['feature']}{_more_or_fewer(row['direction'])}" for row in features[:3]]
    return f"What moves the chance to buy most: {_listing(said)}."


def stability(row: Mapping[str, object] | None) -> str:
    """Return how much of the rules and of the audience stays when the department is learned again."""
    if not row or not row.get("refit_count"):
        return ""
    kept = row.get("is_kept")
    lowest = row.get("audience_jaccard_lowest")
    often = "once" if row["refit_count"] == 1 else f"{count(row['refit_count'])} times"
    return (
        f"The department was learned again {often} from "
        f"a part of the customers. Of all who were in the budget of either, {share(row.get('audience_jaccard'))} were "
        f"in both on average{f' ({share(lowest)} at least)' if lowest is not None else ''}, and "
        f"{share(row.get('rule_overlap'))} of what the rules read was the same."
        + (" The rules of the run before are kept, since new ones are not better beyond chance." if kept else "")
    )


def force(found: Mapping[str, object]) -> str:
    """Return whether single measures decide, or many together."""
    if not found:
        return ""
    customers, alone = found["customers"], found["alone"]
    many = _number(alone) < 0.5 * _number(customers)
    return (
        f"{'Several measures together' if many else 'Mostly one measure alone'} decide{'' if many else 's'} who is "
        f"likely to buy: for {count(alone)} of {count(customers)} customers a single one makes up more than half of "
        "the push."
    )


def truth(buyers: Sequence[int]) -> str:
    """Return how many of the customers of a map buy."""
    if not buyers:
        return ""
    return f"{count(sum(buyers))} of the {count(len(buyers))} customers on the map buy here already."


def groups(personas: Sequence[Row], buyer_share: float | None) -> str:
    """Return how the personas of the SHAP map differ."""
    known = [row for row in personas if isinstance(row["buyer_share"], int | float)]
    if len(known) < 2:
        return "The customers form one group as far as this department is concerned."
    best = max(known, key=lambda row: _number(row["buyer_share"]))
    worst = min(known, key=lambda row: _number(row["buyer_share"]))
    average = f"; of all customers on the map, {share(buyer_share)}" if buyer_share is not None else ""
    return (
        f"Customers fall into {len(known)} groups by what moves their chance to buy. In “{best['name']}” "
        f"{share(best['buyer_share'])} buy here already, in “{worst['name']}” {share(worst['buyer_share'])}{average}."
    )


def mixture(components: Sequence[Row], buyers: int) -> str:
    """Return where the buyers are."""
    if not components:
        return ""
    if len(components) == 1:
        return f"The {count(buyers)} buyers of the sample lie around one centre: there is one kind of buyer."
    largest = max(_number(row["weight"]) for row in components)
    return (
        f"The {count(buyers)} buyers of the sample lie around {len(components)} centres; the largest group holds "
        f"{share(largest)} of them."
    )


def scores(rows: Sequence[Row]) -> str:
    """Return which number of mixture components was chosen."""
    chosen = next((row for row in rows if row["is_chosen"]), None)
    if chosen is None:
        return ""
    value = f" with a score of {ratio(chosen['silhouette'])}" if chosen["silhouette"] is not None else ""
    tried = [_number(row["number"]) for row in rows]
    return (
        f"{plural(chosen['number'], 'group')} of buyers {'was' if chosen['number'] == 1 else 'were'} chosen{value}, "
        f"out of {count(min(tried))} to {count(max(tried))} that were tried."
    )


def correlations(found: Mapping[str, object]) -> str:
    """Return the strongest correlation."""
    strongest = found.get("strongest")
    if not isinstance(strongest, dict):
        return ""
    return (
        f"The two measures that go together most are {strongest['feature']} and {strongest['other']} "
        f"({signed(strongest['correlation'], 2)} of 1)."
    )


def customers(names: Sequence[str], points: Mapping[str, Sequence[int]]) -> str:
    """Return which department most customers of the map buy most in."""
    places = points.get("department", ())
    if not names or not places:
        return ""
    first = sum(place == 0 for place in places) / len(places)
    return f"{share(first)} of the customers on the map buy most in {names[0]}."


def _more_or_fewer(direction: object) -> str:
    return {1: " (more is better)", -1: " (less is better)"}.get(direction, "") if isinstance(direction, int) else ""


def _listing(parts: Sequence[str]) -> str:
    """Return parts as a list in words.

    >>> _listing(["a", "b", "c"]), _listing(["a"])
    ('a, b and c', 'a')
    """
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
