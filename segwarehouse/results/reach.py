"""How many customers can be contacted today: the one source of every number of contacts that is published.

In: what the views are compiled from, over the features of now. Out: a `Reach` for each department. Quality is measured
in the past as a share of the candidates of that time; here such a share becomes a number of today's customers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from segwarehouse.domain import Department
from segwarehouse.project import read_query
from segwarehouse.rules.compile import ViewSpec, department_view
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import Engine

MOST_SHARE = 0.5
"""A budget that reaches more than this share of the candidates tells no ranking from another."""

STANDARD_SHARE = 0.1
"""Where a ranking is judged instead."""


@dataclass(frozen=True)
class Reach:
    """A department's candidates of today.

    Attributes
    ----------
    candidates
        Customers who do not buy here yet.
    selected
        Those in the view: they satisfy at least one rule.
    contactable
        Those of them in the target arm.
    contacts
        Those of them within the budget.
    control_share
        The share of all that is held back as control group.
    """

    candidates: int
    selected: int
    contactable: int
    contacts: int
    control_share: float

    @property
    def reachable(self) -> int:
        """How many candidates may be contacted, rule or no rule: all but the control group, as it is expected to be."""
        return max(round(self.candidates * (1.0 - self.control_share)), self.contactable)

    def contacts_at(self, share: float) -> int:
        """Return how many are contacted when the best `share` of the candidates is, the control group left out.

        >>> Reach(candidates=1000, selected=600, contactable=540, contacts=200, control_share=0.1).contacts_at(0.1)
        90
        """
        return round(share * self.reachable)


def judged_share(budget_share: float) -> float:
    """Return the share of the candidates at which a ranking is judged: the budget's, or a tenth where that is most.

    >>> judged_share(0.2), judged_share(0.8)
    (0.2, 0.1)
    """
    return budget_share if budget_share <= MOST_SHARE else STANDARD_SHARE


def measure_reach(
    warehouse: Engine, departments: Iterable[Department], specs: Mapping[str, ViewSpec]
) -> dict[str, Reach]:
    """Count each department's audience on the features of now.

    Parameters
    ----------
    departments
        As the data has them; those without an audience are left out.
    specs
        What each view is compiled from, by department.
    """
    sql = TemplateFolder.of("sql")
    found: dict[str, Reach] = {}
    for department in departments:
        if (spec := specs.get(department.name)) is None:
            continue
        query = read_query(sql, "publish/reach.sql", {"department": department.name})
        row = warehouse.fetch(query.with_("audience", as_=department_view(spec), copy=False)).to_pylist()[0]
        found[department.name] = Reach(
            candidates=department.candidates,
            selected=row["selected"],
            contactable=row["contactable"],
            contacts=row["contacts"],
            control_share=spec.control_share,
        )
    return found
