"""Prove a published state: every view is, row by row, what its card says.

In: a state, opened read-only. Out: proofs. The same is asked of a state before it is published (`audit`) and at any
later time (`verify`); the card is read back from the state itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from segwarehouse import display
from segwarehouse.config import Config
from segwarehouse.domain import Feature
from segwarehouse.errors import NothingPublished, PublishError
from segwarehouse.features.catalogue import RECENT
from segwarehouse.lookup import find_name
from segwarehouse.rules.compile import VIEW_COLUMNS, ViewSpec
from segwarehouse.rules.prove import CustomerIds, Discrepancy, Proof, prove_on_boundaries, prove_on_customers
from segwarehouse.rules.stored import card_from_json
from segwarehouse.warehouse import DuckDBWarehouse, Relation, Warehouse, connect, relation


@dataclass(frozen=True)
class Verified:
    """The proofs of one department's view.

    Attributes
    ----------
    department, view
        The department, and what its view is called in schema `targeting`.
    customers, boundaries
        SQL compared with Python on all customers, and on the table of boundary values.
    """

    department: str
    view: str
    customers: Proof
    boundaries: Proof

    def __repr__(self) -> str:
        return display.brief(self, department=self.department, customers=self.customers.rows, proved=self.proved)

    @property
    def differences(self) -> tuple[Discrepancy, ...]:
        """Every respect in which SQL and Python differ; empty where the view is proved."""
        return (*self.customers.differences, *self.boundaries.differences)

    @property
    def proved(self) -> bool:
        """Whether SQL and Python agree in everything."""
        return not self.differences

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as plain values."""
        return {
            "department": self.department,
            "view": f"targeting.{self.view}",
            "customers": self.customers.rows,
            "selected": self.customers.selected,
            "boundary_rows": self.boundaries.rows,
            "proved": self.proved,
            "differences": [f"{item.aspect} ({item.rows:,})" for item in self.differences],
        }


def audit(state: Warehouse, specs: Mapping[str, ViewSpec]) -> None:
    """Prove a finished state before anyone else sees it.

    Parameters
    ----------
    state
        The state, read-only.
    specs
        What each department's view was compiled from, by department.

    Raises
    ------
    ProofFailed
        If a view, or what the compiler makes of its card, is not what Python says.
    PublishError
        If the cards in the state are not the ones that were compiled.
    """
    stored = stored_specs(state)
    if {department: spec.card for department, (_, spec) in stored.items()} != {
        department: spec.card for department, spec in specs.items()
    }:
        raise PublishError("the cards in the new state are not the ones that were learned", "run it again")
    prove_state(state)


def prove_state(state: Warehouse) -> int:
    """Prove every view of a state on all its customers, and return how many there are.

    Raises
    ------
    ProofFailed
        If a view, or what the compiler makes of its card, is not what Python says.
    """
    stored = stored_specs(state)
    everyone = CustomerIds.read(state)
    for department, (view, spec) in stored.items():
        prove_on_customers(state, spec, everyone=everyone).require(department)
        prove_on_customers(state, spec, everyone=everyone, view=published_rows(view)).require(department)
    return len(stored)


def verify(config: Config, departments: Sequence[str] = ()) -> list[Verified]:
    """Prove every view of the published state, on all customers and on boundary values.

    Raises
    ------
    NothingPublished
        If nothing has been published.
    UnknownName
        If a department has no view.
    """
    with open_published(config) as state, connect(None) as scratch:
        everyone, stored = CustomerIds.read(state), stored_specs(state)
        names = {find_name(name, stored) for name in departments} or set(stored)
        return [
            Verified(
                department,
                view,
                prove_on_customers(state, spec, everyone=everyone, view=published_rows(view)),
                prove_on_boundaries(scratch, spec),
            )
            for department, (view, spec) in stored.items()
            if department in names
        ]


def published_rows(view: str) -> exp.Query:
    """Return the query that reads a published view."""
    return exp.select(*(exp.column(name, quoted=True) for name in VIEW_COLUMNS)).from_(
        Relation("targeting", view).table()
    )


def open_published(config: Config) -> DuckDBWarehouse:
    """Open the published state, read-only.

    Raises
    ------
    NothingPublished
        If nothing has been published.
    """
    path = config.publish.url.path
    if not path.exists():
        raise NothingPublished(f"nothing is published at {path}", "run: segwarehouse refresh", path=path)
    state = connect(path, read_only=True)
    if not state.columns(relation("targeting.cards")):
        state.close()
        raise NothingPublished(f"{path} holds no published state", "run: segwarehouse refresh", path=path)
    return state


def _former_days(feature: str) -> int:
    """Return how far a feature looked back in the words of a state that does not say so: 28 days, whatever was set."""
    return 28 if feature in RECENT else 0


def stored_specs(state: Warehouse) -> dict[str, tuple[str, ViewSpec]]:
    """Return each department's view name and what it was compiled from, read back from a published state."""
    described = state.fetch(exp.select("*").from_("targeting.features")).to_pylist()
    features = {row["name"]: Feature(**{"recent_days": _former_days(row["name"]), **row}) for row in described}
    run = state.fetch(exp.select("run_id", "as_of").from_("targeting.run")).to_pylist()[0]
    cards = state.fetch(exp.select("*").from_("targeting.cards").order_by("department_key")).to_pylist()
    return {
        row["department"]: (
            row["view_name"],
            ViewSpec(
                card=card_from_json(row["card"]),
                features=features,
                department_key=row["department_key"],
                budget=row["budget"],
                control_share=row["control_share"],
                salt=row["salt"],
                as_of=run["as_of"],
                run_id=run["run_id"],
            ),
        )
        for row in cards
    }
