"""The views of a state, as they are published.

In: what each department's view is compiled from. Out: validated views that read their run from `targeting.run`, with a
comment for people. Creating them is left to `publish.py`.
"""

from collections.abc import Mapping

from segwarehouse.domain import Department
from segwarehouse.rules.compile import CUSTOMERS, ViewSpec, department_view, naming_its_run
from segwarehouse.rules.describe import describe_rule
from segwarehouse.rules.validate import validate_view
from segwarehouse.state.publish import View
from segwarehouse.warehouse import Engine


def views_of(warehouse: Engine, specs: Mapping[Department, ViewSpec]) -> list[View]:
    """Return the departments' views, validated.

    Raises
    ------
    StatementRefused
        If a compiled view is not what may run.
    """
    columns = warehouse.columns(CUSTOMERS)
    views = []
    for department, spec in specs.items():
        query = department_view(spec)
        validate_view(query, columns, dialect=warehouse.dialect)
        words = "; ".join(describe_rule(rule, spec.features) for rule in spec.card.rules[:3])
        who = f"Customers who do not buy in {department.name} yet and resemble those who do, best first. They {words}."
        views.append(View(department, naming_its_run(query), who))
    return views
