"""The gate: when a department keeps the rules that it has, because new ones would change too much or rank worse.

In: what new rules exchange of each audience, and how good they are, next to the previous state. Out: the departments to
hold back, each with the reason. Keeping their cards is left to `results/carry.py`.

What is never held back: what the data changes; what the budget, the control share or the salt change, since somebody
changed them on purpose; a department that had no card, or whose card the new data can't be read with. New settings of
`[learning]` ask for other rules, so after such a change churn holds nothing back either; lower quality still does.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from segwarehouse.config import Config
from segwarehouse.evaluate.bootstrap import Estimate
from segwarehouse.evaluate.judge import RULES
from segwarehouse.ledger.history import settings_of_run
from segwarehouse.refresh.compare import Churn, Compared
from segwarehouse.refresh.previous import Previous
from segwarehouse.refresh.task import DepartmentResult

_CHANGE_NO_RULES = {"jobs", "departments", "min_buyers"}
"""Settings of `[learning]` that say how much is learned, not how."""


def hold_back(
    config: Config, previous: Previous | None, compared: Compared, lifts: Mapping[str, Estimate | None]
) -> dict[str, str]:
    """Return the departments whose new rules are not published, with the reason.

    Parameters
    ----------
    previous
        The previous state.
    compared
        What new rules exchange.
    lifts
        Of each department that was learned, the lift of its rules at the budget, None where it was not measured.
    """
    if previous is None:
        return {}
    found: dict[str, str] = {}
    judge_churn = not new_settings(config, previous)
    for name, churn in compared.churn.items():
        if not compared.reread[name].is_same:
            continue
        reasons = [
            *(_too_much(config, churn) if judge_churn else ()),
            *_worse(config, previous, previous.quality[name], lifts.get(name)),
        ]
        if reasons:
            found[name] = "; ".join(reasons)
    return found


def lifts(learned: Sequence[DepartmentResult]) -> dict[str, Estimate | None]:
    """Return the lift of each department's new rules at the budget, as it was measured; None where it was not."""
    found: dict[str, Estimate | None] = {}
    for item in learned:
        comparison, budget = item.evaluation.comparison, item.evaluation.budget_share
        found[item.department.name] = comparison.qualities[RULES].at(budget).lift if comparison else None
    return found


def new_settings(config: Config, previous: Previous) -> list[str]:
    """Return the settings of `[learning]` that decide about rules and are not what they were."""
    before = previous.settings.get("learning", {})
    now: dict[str, Any] = json.loads(json.dumps(settings_of_run(config)["learning"]))
    return [key for key in now if key in before and before[key] != now[key] and key not in _CHANGE_NO_RULES]


def _too_much(config: Config, churn: Churn) -> tuple[str, ...]:
    if churn.share <= config.gate.max_changed_share:
        return ()
    return (f"new rules would exchange {churn.share:.0%} of the audience",)


def _worse(config: Config, previous: Previous, before: Mapping[str, Any], now: Estimate | None) -> tuple[str, ...]:
    """Say that the lift at the budget is lower by more than noise, where both are of the same budget and outcome."""
    outcome_days = previous.settings.get("learning", {}).get("outcome_days")
    comparable = before["budget"] == config.audience.budget and outcome_days == config.learning.outcome_days
    if now is None or not comparable or not config.gate.hold_lower_quality:
        return ()
    then = [before[f"lift_at_budget{bound}"] for bound in ("", "_low")]
    if None in then or not is_lower(then[0], then[1], now):
        return ()
    return (f"the lift at the budget fell from {then[0]:.2f} to {now.value:.2f}, by more than noise",)


def is_lower(value: float, low: float, now: Estimate) -> bool:
    """Tell whether an estimate is lower than a previous one by more than both intervals allow for.

    The difference of two estimates has the lower limit ``d - sqrt((value - low)^2 + (now.high - now.value)^2)`` where
    they are independent (Zou and Donner 2008, "Construction of confidence limits about effect measures", the MOVER
    method). It is lower where that is above 0: at most one time in forty by chance. Two nights share most of their
    data, so their estimates move together, and in truth it is rarer.

    >>> is_lower(2.0, 1.6, Estimate(1.7, 1.4, 2.0, 0.15)), is_lower(2.0, 1.6, Estimate(1.3, 1.0, 1.6, 0.15))
    (False, True)
    """
    reach = math.hypot(value - low, now.high - now.value)
    return value - now.value > reach
