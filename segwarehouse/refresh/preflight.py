"""The doctor: what a refresh would find in the data, and what it would do. Nothing is changed.

In: a configuration. Out: a `CheckReport`, or the error that a refresh would stop with.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segwarehouse import display
from segwarehouse.config import Config
from segwarehouse.errors import TooFewBuyers
from segwarehouse.evaluate.splits import choose_protocol
from segwarehouse.features import Catalogue, Staged, read_catalogue
from segwarehouse.features.staging import OPTIONAL_COLUMNS, UNIT_PRICE
from segwarehouse.project import read_query
from segwarehouse.refresh.advice import advise
from segwarehouse.refresh.choose import choose
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import SourceEngine
from segwarehouse.working import privately, stage_sources


@dataclass(frozen=True)
class CheckReport:
    """What was found.

    Attributes
    ----------
    as_of
        Everything before this day would be known.
    protocol
        How quality would be measured.
    first_at, last_at
        Extent of the transactions, None without times.
    customers
        How many there are.
    columns
        Which column plays which part.
    cleaning
        Transaction lines by reason for leaving them out, with their share of all. Those whose reason begins with
        ``kept`` are not left out; a ``kept duplicate`` equals another line in every column.
    departments
        Each department with buyers, candidates, whether it would be learned, why not, and how many of the buyers can
        be learned from since they bought elsewhere too.
    ignored_columns
        Columns of the customers table that would make no feature, with the reason.
    advice
        What one should know or change first, in sentences.
    """

    as_of: dt.date
    protocol: str
    first_at: dt.datetime | None
    last_at: dt.datetime | None
    customers: int
    columns: dict[str, str]
    cleaning: Sequence[dict[str, object]]
    departments: Sequence[dict[str, object]]
    ignored_columns: dict[str, str]
    advice: Sequence[str] = ()

    def __repr__(self) -> str:
        return display.brief(
            self,
            as_of=self.as_of.isoformat(),
            protocol=self.protocol,
            customers=self.customers,
            departments=len(self.departments),
            advice=len(self.advice),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        return {
            "source": {
                "customers": self.customers,
                "first_at": self.first_at.isoformat(sep=" ") if self.first_at else None,
                "last_at": self.last_at.isoformat(sep=" ") if self.last_at else None,
            },
            "columns": [{"key": key, "column": column} for key, column in self.columns.items()],
            "cleaning": list(self.cleaning),
            "departments": list(self.departments),
            "ignored_columns": self.ignored_columns,
            "advice": list(self.advice),
            "as_of": self.as_of.isoformat(),
            "protocol": self.protocol,
        }

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        found = self.as_dict()
        seen = {**found["source"], "as_of": found["as_of"], "protocol": found["protocol"]}
        return display.page(
            display.facts("What a refresh would find", seen),
            display.sentences(self.advice),
            display.table("Departments", self.departments),
            display.table("Transaction lines", self.cleaning),
        )


def check(config: Config, *, as_of: dt.date | None = None) -> CheckReport:
    """Read the sources, clean them and name the departments, in a database of its own.

    Raises
    ------
    SegwarehouseError
        What a refresh would stop with before it learns.
    """
    models = TemplateFolder.of("models", config.directory)

    def look(warehouse: SourceEngine) -> tuple[Staged, Catalogue, Mapping[str, int]]:
        staged = stage_sources(config, warehouse, models, as_of, None)
        breadth = warehouse.fetch(read_query(TemplateFolder.of("sql"), "check/usual_breadth.sql", {})).to_pylist()[0]
        return staged, read_catalogue(config, warehouse, staged), breadth

    staged, catalogue, breadth = privately(config, look)
    why = {department.key: "" for department in catalogue.departments}
    try:
        _, refused = choose(config, catalogue, ())
        why |= {department.key: reason for department, reason in refused}
    except TooFewBuyers as error:
        why = dict.fromkeys(why, error.message)
    total = sum(staged.cleaning.values())
    return CheckReport(
        as_of=staged.as_of.date(),
        protocol=choose_protocol(config, staged),
        first_at=staged.first_at,
        last_at=staged.last_at,
        customers=catalogue.departments[0].customers,
        columns={
            key: name
            for key in ("customer_id", "department", *OPTIONAL_COLUMNS, UNIT_PRICE)
            if (name := getattr(config.source, key)) is not None
        },
        cleaning=[
            {"reason": reason, "rows": rows, "share": round(rows / total, 6)}
            for reason, rows in sorted(staged.cleaning.items(), key=lambda item: -item[1])
        ],
        departments=[
            {
                "department": department.name,
                "buyers": department.buyers,
                "candidates": department.candidates,
                "eligible": not why[department.key],
                "why": why[department.key],
                "learnable_buyers": department.learnable_buyers,
            }
            for department in catalogue.departments
        ],
        ignored_columns=dict(catalogue.ignored_columns),
        advice=advise(config, staged, catalogue, why, breadth, is_dated=as_of is not None),
    )
