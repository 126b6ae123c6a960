"""What a refresh takes on: which departments it learns.

In: a configuration and what the data has. Out: departments to learn, and to leave out with the reason. How quality is
measured is left to `evaluate/splits.py`.
"""

from collections.abc import Sequence

from segwarehouse.config import Config
from segwarehouse.domain import Department, is_small
from segwarehouse.errors import TooFewBuyers
from segwarehouse.features import Catalogue
from segwarehouse.lookup import find_name


def choose(
    config: Config, catalogue: Catalogue, asked: Sequence[str]
) -> tuple[list[Department], list[tuple[Department, str]]]:
    """Return the departments to learn, and the others with the reason why not.

    Raises
    ------
    UnknownName
        If a department was asked for that is not in the data, or may be several.
    TooFewBuyers
        If none has enough buyers that can be learned from, and enough candidates.
    """
    known = sorted(department.name for department in catalogue.departments)
    wanted = {find_name(name, known) for name in asked or config.learning.departments}
    least = config.learning.min_buyers
    chosen: list[Department] = []
    refused: list[tuple[Department, str]] = []
    for department in catalogue.departments:
        if wanted and department.name not in wanted:
            refused.append((department, "not asked for"))
        elif department.buyers < least:
            refused.append((department, f"{department.buyers} buyers, and learning.min_buyers is {least}"))
        elif department.candidates < least:
            refused.append((department, f"only {department.candidates} customers do not buy here yet"))
        elif department.learnable_buyers < least:
            refused.append((department, _bought_alone(department, least, config.audience.min_cell)))
        else:
            chosen.append(department)
    if not chosen:
        most = nearest(catalogue)
        raise TooFewBuyers(
            f"no department has {least} buyers who bought elsewhere too, and {least} customers who do not buy there "
            f"yet; the nearest is {most.name!r} with {most.learnable_buyers} and {most.candidates}",
            "bring more transactions, or lower learning.min_buyers",
            buyers=most.buyers,
        )
    return chosen, refused


def nearest(catalogue: Catalogue) -> Department:
    """Return the department that comes nearest to having enough to learn from, whether or not it has."""
    return max(catalogue.departments, key=lambda department: min(department.learnable_buyers, department.candidates))


def _bought_alone(department: Department, least: int, min_cell: int) -> str:
    """Say why a department can't be learned whose buyers, but for a few, bought in no other one.

    The reason is published: it says nothing of few customers, nor of the few that are left of all buyers.
    """
    bought, learnable = department.buyers, department.learnable_buyers
    hidden = is_small(learnable, min_cell) or is_small(bought - learnable, min_cell)
    count = "none" if learnable == 0 else f"fewer than {least}" if hidden else f"only {learnable}"
    return (
        f"{bought} buyers, of whom {count} bought in other departments too and can be learned from, and "
        f"learning.min_buyers is {least}"
    )
