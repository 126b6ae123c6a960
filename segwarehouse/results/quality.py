"""From an evaluation to rows: quality of every ranking, the whole curve, differences, reliability and profit.

In: what was found out about a department, and how many customers can be contacted today. Out: rows of
`learned.evaluation`, `learned.curves`, `learned.differences`, `learned.reliability` and `learned.profit`. A share of
the candidates of the past stands for the same share of today's: contacts and buyers are counted on these, also where
only a sample of them was learned from. Nothing is computed here that the evaluation has not found.
"""

from segwarehouse.evaluate.bootstrap import Estimate
from segwarehouse.evaluate.intervals import STANDARD_SHARES, BudgetQuality, Quality
from segwarehouse.evaluate.judge import RULES, Evaluation
from segwarehouse.evaluate.profit import ProfitPoint
from segwarehouse.results.declaration import (
    DEPARTMENT,
    OnToday,
    Table,
    bounded,
    bounds,
    day,
    interval,
    real,
    text,
    whole,
)
from segwarehouse.results.facts import Rows
from segwarehouse.results.reach import Reach, judged_share
from segwarehouse.results.suppress import hide_reliability
from segwarehouse.state.comments import bound

EXPECTED_BUYERS = "expected buyers"
"""The metric that counts customers; the others are shares or ratios."""

_AT_CONTACTS = "the same in customers of today, the control group left out"
_MEASURED = (
    whole("budget", "customers of today who are contacted, NULL for metrics of the whole ranking"),
    real("share", "the same as a share of the candidates, the control group among them"),
)
_LOW, _HIGH = real("low", bound("lower", "value")), real("high", bound("upper", "value"))

EVALUATION = Table(
    "evaluation",
    (
        *DEPARTMENT,
        text("ranking", "how the candidates were ordered: rules, black box, activity, best single measure or random"),
        day("evaluated_at", "cut-off at which it was measured; NULL for the mean over all"),
        text(
            "metric",
            "auc, average precision, precision, recall, lift, expected buyers, brier score, calibration error",
        ),
        *_MEASURED,
        real("value", "the figure"),
        _LOW,
        _HIGH,
    ),
    make_in_parent=lambda facts: evaluation_rows(facts.evaluation, facts.reach),
    on_today=OnToday("share", "budget", ("value", "low", "high")),
)

CURVES = Table(
    "curves",
    (
        *DEPARTMENT,
        text("ranking", "rules, black box, activity, best single measure, random"),
        real("share", "of the candidates that are contacted, 0 to 1"),
        whole("contacts", _AT_CONTACTS),
        *interval("expected_buyers", "of these contacts, going by the past: precision times contacts"),
        *interval("precision", "share of the contacted who bought in the outcome window"),
        *interval("recall", "and as a share of all candidates who bought"),
        *interval("lift", "precision over the share of buyers among all candidates"),
    ),
    make_in_parent=lambda facts: curve_rows(facts.evaluation, facts.reach),
    on_today=OnToday("share", "contacts", bounded("expected_buyers")),
)

DIFFERENCES = Table(
    "differences",
    (
        *DEPARTMENT,
        text("ranking", "the ranking that is subtracted from"),
        text("minus", "the ranking that is subtracted"),
        text("metric", "what was measured"),
        *_MEASURED,
        real("value", "the difference"),
        _LOW,
        _HIGH,
    ),
    make_in_parent=lambda facts: difference_rows(facts.evaluation, facts.reach),
    on_today=OnToday("share", "budget", ("value", "low", "high")),
)

RELIABILITY = Table(
    "reliability",
    (
        *DEPARTMENT,
        whole("bin", "1 has the lowest probabilities"),
        whole("candidates", "candidates in the bin"),
        real("predicted", "mean probability"),
        *interval("observed", "share that bought in the outcome window"),
    ),
    make_in_parent=lambda facts: reliability_rows(facts.evaluation, facts.reach),
    hide=hide_reliability,
)

PROFIT = Table(
    "profit",
    (
        *DEPARTMENT,
        real("share", "of the candidates"),
        whole("contacts", _AT_CONTACTS),
        *interval("profit", "expected profit against not contacting"),
        whole("is_best", "1 where the profit is highest, among the customers in the view's target arm"),
        whole("best_contacts_low", "between this"),
        whole("best_contacts_high", "and this number of contacts the best one lies; NULL on other rows"),
    ),
    make_in_parent=lambda facts: profit_rows(facts.evaluation, facts.reach),
    on_today=OnToday("share", "contacts", (*bounded("profit"), "best_contacts_low", "best_contacts_high")),
)


def evaluation_rows(evaluation: Evaluation, reach: Reach) -> Rows:
    """Yield each ranking's quality, over all cut-offs (`evaluated_at` is None) and at each of them."""
    if evaluation.comparison is None:
        return
    parts = [(None, evaluation.comparison), *(part for part in evaluation.by_cutoff if part[0] is not None)]
    for cutoff, comparison in parts:
        for ranking, quality in comparison.qualities.items():
            for row in _measured(quality, evaluation, reach):
                yield {"ranking": ranking, "evaluated_at": cutoff, **row}
    if evaluation.calibration is not None:
        found = evaluation.calibration
        named = {"ranking": RULES, "evaluated_at": evaluation.cutoff}
        yield {**named, "metric": "brier score", **_estimate(found.brier)}
        yield {**named, "metric": "calibration error", **_estimate(found.error)}
        yield {**named, "metric": "calibration error by chance", "value": found.error_by_chance}


def curve_rows(evaluation: Evaluation, reach: Reach) -> Rows:
    """Yield each ranking's quality along the whole budget curve, over all cut-offs, by share upwards."""
    if evaluation.comparison is None:
        return
    for ranking, quality in evaluation.comparison.qualities.items():
        for contacts, budget in sorted(_at_contacts(quality, evaluation, reach).items()):
            yield {
                "ranking": ranking,
                "share": budget.share,
                "contacts": contacts,
                **({} if evaluation.is_look_alike else bounds("expected_buyers", budget.precision.times(contacts))),
                **bounds("precision", budget.precision),
                **bounds("recall", budget.recall),
                **bounds("lift", budget.lift),
            }


def difference_rows(evaluation: Evaluation, reach: Reach) -> Rows:
    """Yield the rules' quality minus each other ranking's, over all cut-offs."""
    if evaluation.comparison is None:
        return
    for (ranking, other), quality in evaluation.comparison.pairs.items():
        for row in _measured(quality, evaluation, reach):
            yield {"ranking": ranking, "minus": other, **row}


def reliability_rows(evaluation: Evaluation, _reach: Reach) -> Rows:
    """Yield the reliability table of the rules' probabilities, lowest first."""
    bins = evaluation.calibration.bins if evaluation.calibration else ()
    for position, found in enumerate(bins, start=1):
        yield {
            "bin": position,
            "candidates": round(found.candidates * evaluation.scale),
            "predicted": found.predicted,
            "observed": found.observed.value,
            "observed_low": found.observed.low,
            "observed_high": found.observed.high,
        }


def profit_rows(evaluation: Evaluation, reach: Reach) -> Rows:
    """Yield the profit along the rules' curve; the best point says between which numbers the best one may lie.

    It is sought among the customers in the view's target arm: nobody else can be contacted by it.
    """
    curve = evaluation.profit
    if curve is None:
        return
    by_contacts: dict[int, ProfitPoint] = {}
    for point in curve.points:
        by_contacts.setdefault(reach.contacts_at(point.share), point)
    best = max(
        (contacts for contacts in by_contacts if contacts <= reach.contactable),
        key=lambda contacts: by_contacts[contacts].profit.value,
    )
    low, high = (
        min(reach.contacts_at(share), reach.contactable) for share in (curve.best_share.low, curve.best_share.high)
    )
    for contacts, point in by_contacts.items():
        is_best = contacts == best
        yield {
            "share": point.share,
            "contacts": contacts,
            **bounds("profit", point.profit.times(reach.reachable)),
            "is_best": int(is_best),
            "best_contacts_low": low if is_best else None,
            "best_contacts_high": high if is_best else None,
        }


def _measured(quality: Quality, evaluation: Evaluation, reach: Reach) -> Rows:
    """Yield a row for each metric, and for each at the budget and at the standard shares."""
    yield {"metric": "auc", **_estimate(quality.auc)}
    yield {"metric": "average precision", **_estimate(quality.average_precision)}
    for contacts, budget in _at_contacts(quality, evaluation, reach).items():
        if not _is_headline(budget, evaluation):
            continue
        named = {"budget": contacts, "share": budget.share}
        yield {"metric": "precision", **named, **_estimate(budget.precision)}
        yield {"metric": "recall", **named, **_estimate(budget.recall)}
        yield {"metric": "lift", **named, **_estimate(budget.lift)}
        if not evaluation.is_look_alike:
            yield {"metric": EXPECTED_BUYERS, **named, **_estimate(budget.precision.times(contacts))}


def _at_contacts(quality: Quality, evaluation: Evaluation, reach: Reach) -> dict[int, BudgetQuality]:
    """Return what was measured by number of contacts; of shares that come to the same number the one judged at."""
    judged = judged_share(evaluation.budget_share)
    found: dict[int, BudgetQuality] = {}
    for budget in sorted(
        quality.budgets, key=lambda budget: (abs(budget.share - judged) > 1e-12, not _is_headline(budget, evaluation))
    ):
        contacts = reach.contacts_at(budget.share)
        if contacts > 0:
            found.setdefault(contacts, budget)
    return found


def _is_headline(budget: BudgetQuality, evaluation: Evaluation) -> bool:
    """Tell whether a share is the budget's or a standard one; the rest is the curve between them."""
    return any(abs(budget.share - share) < 1e-12 for share in (*STANDARD_SHARES, evaluation.budget_share))


def _estimate(estimate: Estimate) -> dict[str, object]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}
