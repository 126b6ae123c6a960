"""From an evaluation to rows: quality of every ranking, differences, reliability and profit.

In: what was found out about a department. Out: rows of `learned.evaluation`, `learned.differences`,
`learned.reliability` and `learned.profit`. Contacts are counted in customers of the whole warehouse, also where
only a sample of them was learned from. Nothing is computed here that the evaluation has not found.
"""

from collections.abc import Iterator

from segwarehouse.evaluate.bootstrap import Estimate
from segwarehouse.evaluate.intervals import Quality
from segwarehouse.refresh.evaluation import RULES, Evaluation

Rows = Iterator[dict[str, object]]


def evaluation_rows(evaluation: Evaluation) -> Rows:
    """Yield each ranking's quality, over all cut-offs (`evaluated_at` is None) and at each of them."""
    if evaluation.comparison is None:
        return
    parts = [(None, evaluation.comparison), *(part for part in evaluation.by_cutoff if part[0] is not None)]
    for cutoff, comparison in parts:
        for ranking, quality in comparison.qualities.items():
            for row in _measured(quality, evaluation.scale):
                yield {"ranking": ranking, "evaluated_at": cutoff, **row}
    if evaluation.calibration is not None:
        found = evaluation.calibration
        named = {"ranking": RULES, "evaluated_at": evaluation.cutoff}
        yield {**named, "metric": "brier score", **_estimate(found.brier)}
        yield {**named, "metric": "calibration error", **_estimate(found.error)}
        yield {**named, "metric": "calibration error by chance", "value": found.error_by_chance}


def difference_rows(evaluation: Evaluation) -> Rows:
    """Yield the rules' quality minus each other ranking's, over all cut-offs."""
    if evaluation.comparison is None:
        return
    for (ranking, other), quality in evaluation.comparison.pairs.items():
        for row in _measured(quality, evaluation.scale):
            yield {"ranking": ranking, "minus": other, **row}


def reliability_rows(evaluation: Evaluation) -> Rows:
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


def profit_rows(evaluation: Evaluation) -> Rows:
    """Yield the profit along the rules' curve; the best point says between which numbers the best one may lie."""
    curve = evaluation.profit
    for point in curve.points if curve else ():
        best = curve is not None and point is curve.best
        yield {
            "share": point.share,
            "contacts": round(point.contacts),
            "profit": point.profit.value,
            "profit_low": point.profit.low,
            "profit_high": point.profit.high,
            "is_best": int(best),
            "best_contacts_low": round(curve.best_contacts.low) if best and curve else None,
            "best_contacts_high": round(curve.best_contacts.high) if best and curve else None,
        }


def _measured(quality: Quality, scale: float) -> Rows:
    """Yield a row for each metric and budget. Budgets that come to the same number of contacts are there once."""
    yield {"metric": "auc", **_estimate(quality.auc)}
    yield {"metric": "average precision", **_estimate(quality.average_precision)}
    seen: set[int] = set()
    for budget in quality.budgets:
        contacts = round(budget.count * scale)
        if contacts in seen:
            continue
        seen.add(contacts)
        named = {"budget": contacts, "share": budget.share}
        yield {"metric": "precision", **named, **_estimate(budget.precision)}
        yield {"metric": "recall", **named, **_estimate(budget.recall)}
        yield {"metric": "lift", **named, **_estimate(budget.lift)}
        yield {"metric": "expected buyers", **named, **_estimate(budget.precision.times(budget.count * scale))}


def _estimate(estimate: Estimate) -> dict[str, object]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}
