"""One row a department: what is thought of it, its card as data, and how much of the card stays in refits.

In: nothing. Out: the declarations of `departments`, `cards` and `stability`. Their rows are made in `rows.py`.
"""

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
from segwarehouse.results.suppress import hide_departments

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
)
