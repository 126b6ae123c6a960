"""What is said of a campaign, in figures and in words.

In: what was planned, what took place as far as that is known, and what both arms bought. Out: `Campaign`, with what is
supposed, what was found, and how far it can be trusted. How it was found out is left to `measure.py`.
"""

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from segwarehouse import display
from segwarehouse.evaluate.bootstrap import Estimate
from segwarehouse.evaluate.campaign import Effect
from segwarehouse.measure.contacts import Contacts

FEW_REACHED = 0.9
"""Where fewer of the planned contacts took place, ids may be written in another way, and a sentence says so."""


@dataclass(frozen=True)
class Campaign:
    """What came of the audiences of one run.

    Attributes
    ----------
    run_id
        The run.
    since, until
        Purchases from the first day up to, and without, the second are counted.
    is_complete
        Whether that is the whole outcome window of the run.
    departments
        For each department: contacts that were planned, and how many took place; controls, and how many were contacted
        by mistake; how many of each arm bought. The difference of the shares, the buyers that it stands for and the
        uplift, with 95 percent intervals, and the smallest uplift that would be seen; none of these where the control
        group is small.
    added_buyers
        By all planned contacts, over all departments, with an interval over customers.
    uplift
        The same as a share of those who would have bought anyway.
    smallest_visible
        The uplift over all departments that would be seen in four of five campaigns; infinite where none would.
    planned
        Contacts that the run wanted, over all departments.
    took_place
        How many of them took place; None where that is supposed and not known.
    controls, controls_contacted
        Size of the control group over all departments, and how many of it were contacted by mistake.
    contacts
        What a list of contacts says; None where it is supposed that all went as planned.
    cost, value
        Of a contact and of a conversion, None where the configuration has none.
    """

    run_id: str
    since: dt.date
    until: dt.date
    is_complete: bool
    departments: Sequence[dict[str, object]]
    added_buyers: Estimate
    uplift: Estimate
    smallest_visible: float
    planned: int
    took_place: int | None
    controls: int
    controls_contacted: int | None
    contacts: Contacts | None
    cost: float | None
    value: float | None

    def __repr__(self) -> str:
        return display.brief(
            self,
            run_id=self.run_id,
            since=self.since.isoformat(),
            until=self.until.isoformat(),
            departments=len(self.departments),
            planned=self.planned,
            added_buyers=self.added_buyers.value,
        )

    @property
    def paid(self) -> int:
        """How many contacts were paid for: those made, or all that were planned where that is supposed."""
        return self.planned if self.contacts is None else self.contacts.made

    @property
    def profit(self) -> Estimate | None:
        """What the added buyers are worth less what the contacts cost; None without prices, or without a contact."""
        if self.cost is None or self.value is None or self.took_place == 0:
            return None
        added, spent = self.added_buyers, self.paid * self.cost
        return Estimate(
            added.value * self.value - spent,
            added.low * self.value - spent,
            added.high * self.value - spent,
            added.standard_error * self.value,
        )

    @property
    def expected_uplift(self) -> Estimate | None:
        """What `audience.expected_uplift` may be set to; None unless contacts took place and it is clear of zero."""
        return self.uplift if self.took_place != 0 and self.uplift.low > 0.0 else None

    @property
    def sentences(self) -> list[str]:
        """What is supposed, what was found, and how far it can be trusted, in words."""
        window = "the whole outcome window" if self.is_complete else "the outcome window has not passed yet"
        return [
            f"Run {self.run_id}, bought from {self.since} up to and without {self.until}: {window}.",
            *self._supposed(),
            *self._found(),
        ]

    def _supposed(self) -> Iterator[str]:
        if self.contacts is None:
            yield (
                f"It is supposed, and not known, that all {self.planned:,} planned contacts took place, and that none "
                f"of {counted(self.controls, 'control')} was contacted."
            )
            return
        mistaken, share = self.controls_contacted, _share(self.took_place, self.planned)
        yield (
            f"{self.took_place:,} of {self.planned:,} planned contacts took place{share}, and {mistaken:,} of "
            f"{counted(self.controls, 'control')} {_were(mistaken)} contacted by mistake."
        )
        yield from self._listed(self.contacts)

    def _listed(self, listed: Contacts) -> Iterator[str]:
        """Say what of the list of contacts has no part in the campaign."""
        if listed.unknown_customers:
            yield (
                f"{listed.unknown_customers:,} of {listed.customers:,} customers in the list of contacts are unknown: "
                "neither in the transactions nor in the audiences."
            )
        if self.took_place is not None and self.took_place < FEW_REACHED * self.planned:
            yield (
                "Fewer matched than were planned. If more were contacted, the list is not whole, or ids and "
                "departments in it are written otherwise than in the transactions."
            )
        for number, what in (
            (listed.outside_window, "before the run or after its outcome window, which do not count"),
            (listed.without_time, "whose time can't be read, which count as within the window"),
            (listed.other_departments, "of departments in which the run has no audience"),
        ):
            if number:
                yield f"Lines in the list of contacts {what}: {number:,}."
        if listed.lines and not listed.has_department:
            yield "The list names no departments: a contact counts in every audience of its customer."

    def _found(self) -> Iterator[str]:
        if self.took_place == 0:
            yield "No contact took place: what differs between the arms is chance, and there is no profit of it."
        yield (
            f"Buyers added by {self.planned:,} planned contacts, whoever was reached, all departments: "
            f"{_bounded(self.added_buyers)}."
        )
        yield "Believe the total first: of 20 departments, one is clear of zero by chance alone."
        yield f"{counted(self.controls, 'control')}, all departments: {visible(self.smallest_visible)}."
        yield from self._about_uplift()
        if (profit := self.profit) is not None:
            supposed = ", if all went as planned" if self.contacts is None else ""
            yield f"Profit, with {self.paid:,} contacts paid for{supposed}: {_bounded(profit)}."

    def _about_uplift(self) -> Iterator[str]:
        found = self.uplift
        if self.took_place == 0 or not math.isfinite(found.value):
            return
        low, high = found.low, found.high
        yield (
            f"Uplift of a planned contact, all departments: {found.value:+.0%} ({low:+.0%} to "
            f"{f'{high:+.0%}' if math.isfinite(high) else 'no end'}) of those who would have bought anyway."
        )
        if self.expected_uplift is not None:
            yield (
                "So that budgets and profits count on it: set audience.expected_uplift = "
                f"{found.value:.2f} ({low:.2f} to {f'{high:.2f}' if math.isfinite(high) else 'no end'})."
            )
        else:
            yield "It is not clear of zero: no audience.expected_uplift follows from it."

    def as_dict(self) -> dict[str, Any]:
        """Return the same as plain values, for JSON."""
        found: dict[str, Any] = {
            "run_id": self.run_id,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "is_complete": self.is_complete,
            "is_supposed": self.contacts is None,
            "planned": self.planned,
            "took_place": self.took_place,
            "controls": self.controls,
            "controls_contacted": self.controls_contacted,
            "contacts": asdict(self.contacts) if self.contacts else None,
            "departments": list(self.departments),
            **bounds("added_buyers", self.added_buyers),
            **bounds("uplift", self.uplift),
            "smallest_visible_uplift": self.smallest_visible,
            "expected_uplift": self.expected_uplift.value if self.expected_uplift else None,
        }
        return found | (bounds("profit", self.profit) if self.profit else {}) | {"sentences": self.sentences}

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return display.page(display.sentences(self.sentences), display.table("Departments", self.departments))


def visible(least: float) -> str:
    """Say which uplift a control group would show.

    >>> visible(0.724), visible(float("inf"))
    ('only an effect of at least +72% could be seen', 'too few to see any effect')
    """
    return (
        f"only an effect of at least {least:+.0%} could be seen"
        if math.isfinite(least)
        else "too few to see any effect"
    )


def bounds(name: str, found: Effect | Estimate) -> dict[str, float]:
    """Return a figure and its interval under the names that columns have."""
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def _bounded(found: Estimate) -> str:
    return f"{found.value:,.0f} ({found.low:,.0f} to {found.high:,.0f})"


def counted(number: int, noun: str) -> str:
    """Return so many of something.

    >>> counted(1, "control"), counted(4_400, "control")
    ('1 control', '4,400 controls')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _were(number: int | None) -> str:
    return "was" if number == 1 else "were"


def _share(part: int | None, whole: int) -> str:
    return f" ({(part or 0) / whole:.0%})" if whole else ""
