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
from segwarehouse.errors import PublishError
from segwarehouse.lookup import find_name
from segwarehouse.rules.compile import VIEW_COLUMNS, ViewSpec
from segwarehouse.rules.prove import (
    Asked,
    Discrepancy,
    Proof,
    prove_all,
    prove_on_boundaries,
)
from segwarehouse.state.published import PublishedState
from segwarehouse.warehouse import Relation, connect


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


def audit_boundaries(specs: Mapping[str, ViewSpec]) -> None:
    """Compare every card with its SQL on a table of boundary values, on an engine of its own.

    Raises
    ------
    ProofFailed
        For the first department where they differ.
    """
    with connect(None) as scratch:
        proofs = prove_on_boundaries(scratch, list(specs.values()))
        for name, proof in zip(specs, proofs, strict=True):
            proof.require(name)


def prove_state(state: PublishedState) -> int:
    """Prove every view of a state on all its customers, and return how many there are.

    Raises
    ------
    ProofFailed
        If a view, or what the compiler makes of its card, is not what Python says.
    """
    asked = [Asked(spec, (None, published_rows(state.views[name]))) for name, spec in state.specs.items()]
    for department, proofs in zip(state.specs, prove_all(state.engine, asked), strict=True):
        for proof in proofs:
            proof.require(department)
    return len(asked)


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
        names = {find_name(name, state.specs) for name in departments} or set(state.specs)
        wanted = {name: spec for name, spec in state.specs.items() if name in names}
        asked = [Asked(spec, (published_rows(state.views[name]),)) for name, spec in wanted.items()]
        on_customers = prove_all(state.engine, asked)
        on_boundaries = prove_on_boundaries(scratch, list(wanted.values()))
        return [
            Verified(name, state.views[name], proofs[0], boundaries)
            for name, proofs, boundaries in zip(wanted, on_customers, on_boundaries, strict=True)
        ]


def published_rows(view: str) -> exp.Query:
    """Return the query that reads a published view."""
    return exp.select(*(exp.column(name, quoted=True) for name in VIEW_COLUMNS)).from_(
        Relation("targeting", view).table()
    )
