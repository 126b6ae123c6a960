"""What a picture or a figure says, in a sentence that anyone understands.

In: the plain values that `summarise` has found. Out: sentences. Each picture's sentence is its text alternative and
the first line of its caption, so it holds the main finding and not a description of axes.
"""

from collections.abc import Mapping, Sequence

from segwarehouse.report.numbers import count, few, plural, ratio, share, signed, signed_few
from segwarehouse.state.published import Row

VERDICTS: Mapping[str, str] = {
    "beats activity": "better than sorting by plain activity, by more than chance explains",
    "ties": "as good as sorting by plain activity, as far as anybody can tell: the difference is within chance",
    "trails": "worse than sorting by plain activity, by more than chance explains",
    "not evaluated": "not measured: too few customers bought here for the first time in the past",
    "look-alike only": "about who has bought, not about who will: the data has no times to tell that by",
    "refused": "none: there is no audience, and no view; see the reason",
}
"""What a verdict says of the rules, with the budget or over all candidates."""

ADVICE: Mapping[str, str] = {
    "beats activity": "Use them.",
    "ties": (
        "They do say why each customer is in, but nobody can tell yet whether they find more buyers than simply "
        "contacting the most active customers."
    ),
    "trails": "Contact the most active customers instead, and read the rules as a description.",
    "not evaluated": "Treat the audience as a guess.",
    "look-alike only": (
        "Customers in the audience resemble buyers. That says nothing about whether they will buy: try it on a part of "
        "them first, beside a control group."
    ),
    "refused": "There is no audience, and no view: see the reason.",
}
"""What a marketer should do, by the verdict at the budget."""


ALONE_CLEAR = (
    "Taken by itself, this department finds more buyers by more than chance; but of so many departments that are "
    "judged at once, one or another does so by chance alone. Look at it again with the next window."
)
"""What to do where the department's own interval is above zero, and the verdict over all departments is not."""


def verdict(row: Mapping[str, object]) -> str:
    """Return what a department's two verdicts mean together, and what to do.

    A word that this version does not know is given as it is.
    """
    overall, at_budget = str(row["verdict"]), str(row.get("verdict_at_budget") or row["verdict"])
    if overall not in VERDICTS or at_budget not in VERDICTS:
        return f"The verdict is “{at_budget}”, and over all candidates “{overall}”."
    if overall == at_budget and overall in {"not evaluated", "look-alike only", "refused"}:
        return ADVICE[overall]
    contacts, low = row.get("judged_contacts"), row.get("extra_buyers_low")
    advice = ADVICE[at_budget]
    if at_budget == "ties" and isinstance(low, int | float) and low > 0:
        advice = ALONE_CLEAR
    among = f"the best {count(contacts)}" if isinstance(contacts, int | float) else "the budget"
    both = overall == at_budget
    return (
        f"Over {f'{among} and over ' if both else ''}all candidates the rules are {VERDICTS[overall]}"
        + ("" if both else f"; over {among} they are {VERDICTS[at_budget]}")
        + f". {advice}"
    )


def overview(departments: Sequence[Mapping[str, object]]) -> str:
    """Return the main finding over all departments: in how many the rules find more buyers with the budget."""
    published = [row for row in departments if row["view"]]
    refused = len(departments) - len(published)
    words = [str(row.get("verdict_at_budget") or row["verdict"]) for row in published]
    tally = {word: words.count(word) for word in VERDICTS}
    parts = [f"{plural(len(published), 'department')} {'has' if len(published) == 1 else 'have'} an audience."]
    if tally["beats activity"] or tally["ties"] or tally["trails"]:
        clear = [
            f"{phrase} in {count(tally[word])}"
            for word, phrase in (("beats activity", "more buyers beyond doubt"), ("trails", "clearly fewer"))
            if tally[word]
        ]
        if tally["ties"]:
            clear.append(
                f"a number that differs by no more than chance in {'' if clear else 'all '}{count(tally['ties'])}"
            )
        parts.append(
            f"Compared with contacting as many of the most active customers, the rules find {_listing(clear)}."
        )
    if tally["look-alike only"]:
        parts.append("Without times, the rules say who resembles buyers and not who will buy.")
    if tally["not evaluated"] and not tally["look-alike only"]:
        parts.append(f"In {count(tally['not evaluated'])} too few bought in the past to measure anything.")
    if refused:
        parts.append(
            f"{plural(refused, 'department')} {'was' if refused == 1 else 'were'} left out; the table says why."
        )
    return " ".join(parts)


def headline(row: Mapping[str, object], outcome_days: object) -> str:
    """Return what the budget of one department is worth, going by the past, next to the most active customers."""
    if row["verdict"] == "look-alike only":
        return f"{count(row.get('contacts'))} customers who resemble those who buy here, best first."
    expected, extra, contacts = (row.get(name) for name in ("expected_buyers", "extra_buyers", "judged_contacts"))
    if not isinstance(expected, int | float) or not isinstance(extra, int | float):
        return "How many of the contacted would buy is not known."
    within = f"within {outcome_days} days" if outcome_days else "later"
    return (
        f"{_covered(row)}Of the best {count(contacts)}, about {few(expected)} buy {within}, going by the past "
        f"({few(row['expected_buyers_low'])} to {few(row['expected_buyers_high'])}). That is {_more(extra)} than of as "
        f"many of the most active customers ({signed_few(row['extra_buyers_low'])} to "
        f"{signed_few(row['extra_buyers_high'])})."
    )


def _covered(row: Mapping[str, object]) -> str:
    """Say that the budget is for most candidates, where the best tenth is spoken of in its place."""
    contacts, judged = row.get("contacts"), row.get("judged_contacts")
    share_judged, budget = row.get("judged_share"), row["budget"]
    if not isinstance(judged, int | float) or share_judged != 0.1 or judged == budget:
        return ""
    reached = f"{count(contacts)} of the " if isinstance(contacts, int | float) else "most of the "
    return (
        f"The budget of {count(budget)} is enough for {reached}{count(row['candidates'])} who do not buy here yet, so "
        "that any order would find much the same buyers; a tenth of them shows what the rules are worth. "
    )


def _more(extra: float) -> str:
    """Return a difference of buyers in words.

    >>> _more(4.2), _more(-1.4), _more(0.2)
    ('4.2 more', '1.4 fewer', '0.2 more')
    """
    return f"{few(abs(extra))} {'fewer' if extra < 0 else 'more'}"


def curve(curves: Mapping[str, Mapping[str, Sequence[float]]], contacts: object, names: Mapping[str, str]) -> str:
    """Return how many buyers each ranking finds among so many contacts, as the table of departments says it."""
    rules = curves.get("rules")
    if not rules or not isinstance(contacts, int | float) or not any(map(_is_number, rules["expected_buyers"])):
        return ""
    place = min(range(len(rules["contacts"])), key=lambda at: abs(rules["contacts"][at] - contacts))
    others = [
        f"{few(found['expected_buyers'][place])} by {names[ranking]}"
        for ranking, found in curves.items()
        if ranking != "rules" and len(found["contacts"]) > place
    ]
    return (
        f"Contacting {count(rules['contacts'][place])}, the rules find about {few(rules['expected_buyers'][place])} "
        f"later buyers ({few(rules['expected_buyers_low'][place])} to "
        f"{few(rules['expected_buyers_high'][place])}); it would be {_listing(others)}."
    )


def calibration(row: Mapping[str, object], bins: Sequence[Row], least: int) -> str:
    """Return how true the probabilities were, over the groups whose outcome is published."""
    known = [b for b in bins if _is_number(b["observed"]) and _is_number(b["candidates"])]
    if not known:
        return f"Fewer than {least} bought in each group, so how true the scores were is not shown." if bins else ""
    error, chance = row.get("calibration_error"), row.get("calibration_error_by_chance")
    customers = sum(_number(b["candidates"]) for b in known)
    predicted = sum(_number(b["candidates"]) * _number(b["predicted"]) for b in known) / customers
    observed = sum(_number(b["candidates"]) * _number(b["observed"]) for b in known) / customers
    by_chance = 2.0 * (observed * (1.0 - observed) / customers) ** 0.5
    leaning = (
        "about right"
        if abs(predicted - observed) <= max(0.1 * observed, by_chance)
        else ("too high" if predicted > observed else "too low")
    )
    are = "are buyers" if row["verdict"] == "look-alike only" else "would buy"
    hidden = len(bins) - len(known)
    left_out = (
        f" {plural(hidden, 'group')} of {count(len(bins))} {'is' if hidden == 1 else 'are'} not counted here: fewer "
        f"than {least} bought, or did not."
        if hidden
        else ""
    )
    size = ""
    if _is_number(error):
        size = f" A score was off by {share(error)} on average"
        size += f"; {share(chance)} would be pure chance." if _is_number(chance) else "."
    return (
        f"Of {count(customers)} customers the scores promised that {share(predicted)} {are}, and {share(observed)} "
        f"{'are' if are == 'are buyers' else 'did'}: on the whole they were {leaning}.{left_out}{size}"
    )


def no_profit(profit: Mapping[str, object], *, is_look_alike: bool) -> str:
    """Say why no profit is shown, where costs are known; empty where none was asked for."""
    if profit.get("cost_per_contact") is None:
        return ""
    if is_look_alike:
        return "No profit is shown: without times nobody can tell who will buy."
    if profit.get("expected_uplift") is None:
        return (
            "No profit is shown, and no best number of contacts: most of those who rank high would buy without being "
            "contacted, and only audience.expected_uplift says how many a contact moves. Measure it on a control group."
        )
    return ""


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
    parts = [f"{row['feature']}{_more_or_fewer(row['direction'])}" for row in features[:3]]
    return f"What moves the chance to buy most: {_listing(parts)}."


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


def groups(personas: Sequence[Row], chosen: object, buyer_share: float | None) -> str:
    """Return how the personas of the SHAP map differ; `chosen` is how many there are, those too small to tell too."""
    number = chosen if isinstance(chosen, int) else len(personas)
    if number < 2:
        return "The customers form one group as far as this department is concerned."
    found = f"Customers fall into {count(number)} groups by what moves their chance to buy."
    known = [row for row in personas if _is_number(row["buyer_share"])]
    if len(known) < 2:
        return f"{found} How many of each buy here is too few to be shown."
    best = max(known, key=lambda row: _number(row["buyer_share"]))
    worst = min(known, key=lambda row: _number(row["buyer_share"]))
    average = f"; of all customers on the map, {share(buyer_share)}" if buyer_share is not None else ""
    return (
        f"{found} In “{best['name']}” {share(best['buyer_share'])} buy here already, in “{worst['name']}” "
        f"{share(worst['buyer_share'])}{average}{_hidden(number - len(known), 'group')}."
    )


def mixture(components: Sequence[Row], chosen: object, buyers: int) -> str:
    """Return where the buyers are; `chosen` is how many centres there are, those of few buyers too."""
    number = chosen if isinstance(chosen, int) else len(components)
    if not number:
        return ""
    if number == 1:
        return f"The {count(buyers)} buyers of the sample lie around one centre: there is one kind of buyer."
    found = f"The {count(buyers)} buyers of the sample lie around {count(number)} centres"
    if not components:
        return f"{found}, each of too few to be shown."
    largest = max(_number(row["weight"]) for row in components)
    return f"{found}; the largest group holds {share(largest)} of them{_hidden(number - len(components), 'group')}."


def _hidden(number: int, noun: str) -> str:
    return f"; {plural(number, noun)} {'is' if number == 1 else 'are'} too small to be shown" if number > 0 else ""


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


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
