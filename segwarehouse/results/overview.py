"""One row a department: what is thought of it, its card as data, and how much of the card stays in refits.

In: `OverallFacts`, or `LearnedFacts`. Out: the declarations and the rows of `departments`, `cards` and `stability`.
"""

import json

from segwarehouse.domain import Department
from segwarehouse.evaluate.bootstrap import Estimate
from segwarehouse.evaluate.intervals import Comparison, Quality, verdict
from segwarehouse.evaluate.judge import BASELINE, BEST_SINGLE, BLACK_BOX, RULES, Evaluation
from segwarehouse.evaluate.scores import LOOK_ALIKE
from segwarehouse.learn.conversion import ExpectedShare
from segwarehouse.results.declaration import (
    DEPARTMENT,
    OnToday,
    Table,
    bounded,
    day,
    interval,
    real,
    text,
    whole,
)
from segwarehouse.results.facts import LearnedFacts, OverallFacts, Rows
from segwarehouse.results.quality import profit_rows
from segwarehouse.results.reach import Reach, judged_share
from segwarehouse.results.suppress import hide_departments
from segwarehouse.rules.compile import compile_membership
from segwarehouse.rules.stored import card_to_json
from segwarehouse.templates import TEMPLATE_DIALECT

FLAG_BUYERS = 400
"""A department with fewer buyers is flagged."""

_INTERVALS = ("auc", "lift_at_budget", "lift_at_10_percent")


def department_rows(facts: OverallFacts) -> Rows:
    """Yield what `targeting.departments` says of a department that is published."""
    evaluation, department, spec, reach = facts.evaluation, facts.department, facts.spec, facts.reach
    comparison = evaluation.comparison
    remarks = [evaluation.remark] if evaluation.remark else []
    if department.buyers < FLAG_BUYERS:
        remarks.append(f"only {department.buyers} buyers")
    row: dict[str, object] = {
        "view_name": department.slug,
        "buyers": department.buyers,
        "candidates": department.candidates,
        "selected": reach.selected,
        "contactable": reach.contactable,
        "contacts": reach.contacts,
        "where_sql": compile_membership(spec.card).sql(TEMPLATE_DIALECT),
        "budget": spec.budget,
        "control_share": spec.control_share,
        "rule_count": len(spec.card.rules),
        "condition_count": spec.card.condition_count,
        "outcome_buyers": evaluation.outcome_buyers,
        **_verdicts(evaluation, facts.trials),
        "remark": "; ".join(remarks) or None,
        **_score(evaluation, facts.expected_share),
    }
    if comparison is not None:
        row |= _quality(evaluation, comparison, reach)
    yield row


def _quality(evaluation: Evaluation, comparison: Comparison, reach: Reach) -> dict[str, object]:
    """Return what was measured of the rules, next to what a sceptic would use."""
    measured = {name: _headline(quality, evaluation.budget_share) for name, quality in comparison.qualities.items()}
    others = {"activity": BASELINE, "single_measure": BEST_SINGLE, "black_box": BLACK_BOX}
    difference = comparison.differences[RULES].auc
    return {
        "evaluated_at": evaluation.cutoff,
        "cutoff_count": len(evaluation.by_cutoff),
        **{f"{name}{suffix}": value for name in _INTERVALS for suffix, value in _bounds(measured[RULES][name])},
        "single_measure": evaluation.single_measure,
        **{
            f"{column}_{name}": measured[ranking][name].value
            for column, ranking in others.items()
            if ranking in measured
            for name in _INTERVALS
        },
        "difference_from_activity": difference.value,
        "difference_from_activity_low": difference.low,
        "difference_from_activity_high": difference.high,
        **({} if evaluation.is_look_alike else _at_budget(comparison, evaluation.budget_share, reach)),
        **_calibration_and_profit(evaluation, reach),
    }


def _verdicts(evaluation: Evaluation, trials: int) -> dict[str, object]:
    """Return what is to be thought of the rules over all candidates, and of what they find with the budget."""
    comparison = evaluation.comparison
    if comparison is None:
        return dict.fromkeys(("verdict", "verdict_at_budget"), "not evaluated")
    if evaluation.is_look_alike:
        return dict.fromkeys(("verdict", "verdict_at_budget"), "look-alike only")
    share = judged_share(evaluation.budget_share)
    return {
        "verdict": verdict(comparison, trials),
        "verdict_at_budget": verdict(comparison, trials, budget=share),
    }


def _at_budget(comparison: Comparison, budget_share: float, reach: Reach) -> dict[str, object]:
    """Return what the rules find with the budget, or with a tenth of the candidates where the budget is for most."""
    share = judged_share(budget_share)
    contacts = reach.contacts_at(share)
    own = comparison.qualities[RULES].at(share).precision
    extra = comparison.differences[RULES].at(share).precision
    return {
        "judged_share": share,
        "judged_contacts": contacts,
        **{f"expected_buyers{suffix}": value for suffix, value in _bounds(own.times(contacts))},
        **{f"extra_buyers{suffix}": value for suffix, value in _bounds(extra.times(contacts))},
    }


def _score(evaluation: Evaluation, share: ExpectedShare | None) -> dict[str, object]:
    """Return what the department's scores rest on, and what they say on average."""
    if share is None or evaluation.conversion is None:
        return {"score_basis": LOOK_ALIKE}
    return {
        "score_basis": evaluation.conversion.basis,
        "expected_share": share.value,
        "expected_share_low": share.low,
        "expected_share_high": share.high,
    }


def _calibration_and_profit(evaluation: Evaluation, reach: Reach) -> dict[str, object]:
    row: dict[str, object] = {}
    if found := evaluation.calibration:
        row |= {"calibration_error": found.error.value, "calibration_error_by_chance": found.error_by_chance}
    best = next((point for point in profit_rows(evaluation, reach) if point["is_best"]), None)
    if best:
        row |= {"best_budget": best["contacts"]}
        row |= {f"best_profit{suffix}": best[f"profit{suffix}"] for suffix in ("", "_low", "_high")}
    return row


def _headline(quality: Quality, budget: float) -> dict[str, Estimate]:
    return {
        "auc": quality.auc,
        "lift_at_budget": quality.at(budget).lift,
        "lift_at_10_percent": quality.at(0.1).lift,
    }


def _bounds(estimate: Estimate) -> tuple[tuple[str, float], ...]:
    return (("", estimate.value), ("_low", estimate.low), ("_high", estimate.high))


def refused_row(department: Department, why: str) -> dict[str, object]:
    """Return what `targeting.departments` says of a department that is left out."""
    return {
        "buyers": department.buyers,
        "candidates": department.candidates,
        "verdict": "refused",
        "verdict_at_budget": "refused",
        "remark": why,
    }


def card_rows(facts: OverallFacts) -> Rows:
    """Yield the card with all that `verify` compiles the view from again."""
    spec = facts.spec
    yield {
        "view_name": facts.department.slug,
        "budget": spec.budget,
        "control_share": spec.control_share,
        "salt": spec.salt,
        "card": card_to_json(spec.card),
        "words": json.dumps(list(spec.words), ensure_ascii=False),
    }


def stability_rows(facts: LearnedFacts) -> Rows:
    """Yield what refits make of the department's card, a row where there were any."""
    found = facts.stability
    if found is not None:
        yield {
            "refit_count": found.refits,
            "audience_jaccard": float(found.audience_jaccard.mean()),
            "audience_jaccard_lowest": float(found.audience_jaccard.min()),
            "rule_overlap": float(found.rule_overlap.mean()),
            "is_kept": int(facts.learned.kept),
        }


_ACTIVITY = "of sorting by activity alone"
_SINGLE = "of sorting by single_measure"
_BLACK_BOX = "of the classifier that the rules were distilled from"

DEPARTMENTS = Table(
    "departments",
    (
        DEPARTMENT[0],
        text("department", "the name as it came"),
        text("view_name", "the view in this schema; NULL where the department was refused"),
        whole("buyers", "customers who have bought here"),
        whole("candidates", "customers who have not"),
        whole("selected", "candidates in the view: they satisfy at least one rule"),
        whole("contactable", "those of them in the target arm"),
        whole("contacts", "those of them within the budget"),
        text("where_sql", "the WHERE clause of the view: at least one rule holds"),
        whole("budget", "customers of the target arm to contact"),
        real("control_share", "share of the audience that is held back as control group"),
        whole("rule_count", "rules of the card"),
        whole("condition_count", "conditions, over all its rules"),
        day("evaluated_at", "the latest cut-off at which quality was measured"),
        whole("cutoff_count", "how many there were"),
        whole("outcome_buyers", "candidates who bought in the outcome window"),
        *interval("auc", "of the rules"),
        *interval("lift_at_budget", "how many times as many buyers the rules find at the budget as chance does"),
        *interval("lift_at_10_percent", "the same for the best tenth of the candidates"),
        real("activity_auc", _ACTIVITY),
        real("activity_lift_at_budget", _ACTIVITY),
        real("activity_lift_at_10_percent", _ACTIVITY),
        text("single_measure", "the one column that tells the buyers of the cut-off from others best"),
        real("single_measure_auc", "of sorting by it"),
        real("single_measure_lift_at_budget", _SINGLE),
        real("single_measure_lift_at_10_percent", _SINGLE),
        real("black_box_auc", _BLACK_BOX),
        real("black_box_lift_at_budget", _BLACK_BOX),
        real("black_box_lift_at_10_percent", _BLACK_BOX),
        *interval("difference_from_activity", "in AUC"),
        real(
            "judged_share", "of the candidates: the budget, or a tenth where the budget is for more than half of them"
        ),
        whole("judged_contacts", "the same in customers of today, the control group left out"),
        *interval("expected_buyers", "of these contacts, going by the past"),
        *interval("extra_buyers", "more of these contacts than of as many of the most active customers"),
        text("score_basis", "own outcomes, all departments, or look-alike"),
        *interval(
            "expected_share",
            "of today's candidates who will buy within outcome_days: the mean of score over all of them",
        ),
        real(
            "calibration_error", "mean distance between predicted and observed share of buyers, in bins of equal size"
        ),
        real("calibration_error_by_chance", "what it would be if the probabilities were exactly true"),
        whole("best_budget", "contacts with the highest expected profit; NULL without audience.expected_uplift"),
        *interval("best_profit", "expected profit at best_budget, against not contacting"),
        text(
            "verdict",
            "whether the rules rank all candidates better than activity, beyond doubt: beats activity, ties, trails, "
            "not evaluated, look-alike only (no times), or refused",
        ),
        text("verdict_at_budget", "the same of the buyers that are found with judged_contacts"),
        text("remark", "why it was refused, or what to beware of"),
    ),
    hide=hide_departments,
    on_today=OnToday(
        "judged_share",
        "judged_contacts",
        (*bounded("expected_buyers"), *bounded("extra_buyers"), *bounded("best_profit"), "best_budget"),
    ),
    make_in_parent=department_rows,
)

CARDS = Table(
    "cards",
    (
        *DEPARTMENT,
        text("view_name", "the department's view in this schema"),
        whole("budget", "customers of the target arm to contact"),
        real("control_share", "share of the audience that is held back as control group"),
        text("salt", "decides with the id who is in the control group"),
        text("card", "rules, activity and probabilities, as JSON"),
        text("words", "each rule in words, as JSON"),
    ),
    make_in_parent=card_rows,
)

STABILITY = Table(
    "stability",
    (
        *DEPARTMENT,
        whole("refit_count", "how often it was learned again"),
        real(
            "audience_jaccard",
            "customers within the budget that the card and a refit share, of those that either has; mean",
        ),
        real("audience_jaccard_lowest", "the same for the refit that is least alike"),
        real("rule_overlap", "the same for what the rules read, features with a direction; mean"),
        whole("is_kept", "1 where the former rules are kept, since new ones are not better beyond chance"),
    ),
    make_in_worker=stability_rows,
)
