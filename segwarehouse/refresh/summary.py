"""What a refresh did, as its caller sees it.

In: rows of `targeting.departments` and facts of the run. Out: a `RefreshReport`, as plain values or for a notebook.
"""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segwarehouse import display

DISPLAYED = (
    "department", "verdict_at_budget", "extra_buyers", "verdict", "contacts", "lift_at_budget", "buyers", "candidates",
    "rule_count", "auc", "activity_auc", "view_name", "remark",
)  # fmt: skip
"""What is shown of a published department, the most important first."""

VERDICTS = ("beats activity", "ties", "trails")
"""The best first; whatever else is said of a department proves less."""


@dataclass(frozen=True)
class RefreshReport:
    """What a refresh did.

    Attributes
    ----------
    run_id
        Names the run and the published state.
    as_of
        Everything before this day was known.
    published
        The file that readers open.
    protocol
        How quality was measured.
    departments
        What `targeting.departments` says of each published department.
    refused
        Departments without a view, with the reason.
    held_back
        Departments that keep their previous rules, with the reason.
    cleaning
        Transaction lines by reason for leaving them out. Those whose reason begins with ``kept`` are not left out; a
        ``kept duplicate`` equals another line in every column.
    seconds
        How long it took.
    report
        The HTML report of the state; None where it could not be made.
    report_failure
        Why it could not.
    """

    run_id: str
    as_of: dt.date
    published: Path
    protocol: str
    departments: Sequence[dict[str, object]]
    refused: Sequence[dict[str, object]]
    held_back: Sequence[dict[str, object]]
    cleaning: dict[str, int]
    seconds: float
    report: Path | None = None
    report_failure: str = ""

    def __repr__(self) -> str:
        return display.brief(
            self,
            run_id=self.run_id,
            as_of=self.as_of.isoformat(),
            departments=len(self.departments),
            refused=len(self.refused),
            held_back=len(self.held_back),
            published=str(self.published),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        return {
            "run_id": self.run_id,
            "as_of": self.as_of.isoformat(),
            "published": str(self.published),
            "protocol": self.protocol,
            "departments": list(self.departments),
            "refused": list(self.refused),
            "held_back": list(self.held_back),
            "cleaning": self.cleaning,
            "seconds": self.seconds,
            "report": str(self.report) if self.report else None,
            "report_failure": self.report_failure,
        }

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        found = self.as_dict()
        done = {name: found[name] for name in ("run_id", "as_of", "published", "protocol", "seconds")}
        return display.page(
            display.facts("Published", done),
            display.table("Departments", self.departments, DISPLAYED),
            display.table("Left out", self.refused),
        )


def strongest(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the row of the department with the strongest evidence: the best verdicts, then the largest lower bound.

    The verdict at the budget comes before the one over all candidates. The bound is that of the buyers more than by
    activity; a department without one comes last among its equals.
    """

    def evidence(row: Mapping[str, Any]) -> tuple[int, int, float]:
        at_budget, overall = (_place(row.get(name)) for name in ("verdict_at_budget", "verdict"))
        low = row.get("extra_buyers_low")
        return -at_budget, -overall, -math.inf if low is None or math.isnan(low) else float(low)

    return max(rows, key=evidence)


def _place(verdict: object) -> int:
    return VERDICTS.index(verdict) if verdict in VERDICTS else len(VERDICTS)
