"""Prove a published state: every view is, row by row, what its card says.

In: a state, opened read-only. Out: proofs. The same is asked of a state before it is published (`audit`) and at any
later time (`verify`); the card is read back from the state itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from segwarehouse.config import Config
from segwarehouse.errors import PublishError
from segwarehouse.lookup import find_name
from segwarehouse.rules.compile import VIEW_COLUMNS, ViewSpec
from segwarehouse.rules.prove import CustomerIds, Proof, prove_on_boundaries, prove_on_customers
from segwarehouse.state.published import PublishedState
from segwarehouse.warehouse import Relation, connect


@dataclass(frozen=True)
class Verified:
    """The proofs of one department's view."""

    department: str
    view: str
    customers: Proof
    boundaries: Proof

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as plain values."""
        differences = (*self.customers.differences, *self.boundaries.differences)
        return {
            "department": self.department,
            "view": f"targeting.{self.view}",
            "customers": self.customers.rows,
            "selected": self.customers.selected,
            "boundary_rows": self.boundaries.rows,
            "proved": not differences,
            "differences": [f"{item.aspect} ({item.rows:,})" for item in differences],
        }


def audit(state: PublishedState, specs: Mapping[str, ViewSpec]) -> None:
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
    if {department: spec.card for department, spec in state.specs.items()} != {
        department: spec.card for department, spec in specs.items()
    }:
        raise PublishError("the cards in the new state are not the ones that were learned", "run it again")
    prove_state(state)


def prove_state(state: PublishedState) -> int:
    """Prove every view of a state on all its customers, and return how many there are.

    Raises
    ------
    ProofFailed
        If a view, or what the compiler makes of its card, is not what Python says.
    """
    everyone = CustomerIds.read(state.engine)
    for department, spec in state.specs.items():
        view = published_rows(state.views[department])
        prove_on_customers(state.engine, spec, everyone=everyone).require(department)
        prove_on_customers(state.engine, spec, everyone=everyone, view=view).require(department)
    return len(state.specs)


def verify(config: Config, departments: Sequence[str] = ()) -> list[Verified]:
    """Prove every view of the published state, on all customers and on boundary values.

    Raises
    ------
    NothingPublished
        If nothing has been published.
    UnknownName
        If a department has no view.
    """
    with PublishedState.open(config) as state, connect(None) as scratch:
        everyone = CustomerIds.read(state.engine)
        names = {find_name(name, state.specs) for name in departments} or set(state.specs)
        return [
            Verified(
                department,
                view,
                prove_on_customers(state.engine, spec, everyone=everyone, view=published_rows(view)),
                prove_on_boundaries(scratch, spec),
            )
            for department, spec in state.specs.items()
            if department in names and (view := state.views[department])
        ]


def published_rows(view: str) -> exp.Query:
    """Return the query that reads a published view."""
    return exp.select(*(exp.column(name, quoted=True) for name in VIEW_COLUMNS)).from_(
        Relation("targeting", view).table()
    )
