"""What a refresh takes on: which departments it learns, and how it measures them.

In: a configuration and what the data has. Out: departments to learn and to leave out with the reason, and the
cut-offs at which quality is measured.
"""

import datetime as dt
from collections.abc import Sequence

from segwarehouse.config import Config
from segwarehouse.domain import Department
from segwarehouse.errors import TooFewBuyers
from segwarehouse.features import Catalogue, Staged, Window
from segwarehouse.lookup import find_name

STEPPING_BACK = "stepping back in time"
HOLDING_OUT = "held-out customers"


def choose(
    config: Config, catalogue: Catalogue, asked: Sequence[str]
) -> tuple[list[Department], list[tuple[Department, str]]]:
    """Return the departments to learn, and the others with the reason why not.

    Raises
    ------
    UnknownName
        If a department was asked for that is not in the data, or may be several.
    TooFewBuyers
        If none has enough buyers and enough candidates.
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
        else:
            chosen.append(department)
    if not chosen:
        most = max(catalogue.departments, key=lambda department: min(department.buyers, department.candidates))
        raise TooFewBuyers(
            f"no department has {least} buyers and {least} customers who do not buy there yet; the nearest is "
            f"{most.name!r} with {most.buyers} and {most.candidates}",
            "bring more transactions, or lower learning.min_buyers",
            buyers=most.buyers,
        )
    return chosen, refused


def choose_protocol(config: Config, staged: Staged) -> str:
    """Step back in time where there is as much time before the cut-off as after it."""
    return STEPPING_BACK if cutoffs(config, staged) else HOLDING_OUT


def cutoffs(config: Config, staged: Staged) -> list[Window]:
    """Return the windows to measure quality at, the latest first: as many as the history allows.

    There must be as much time before a cut-off as after it, and no two outcome windows overlap.
    """
    if staged.first_at is None:
        return []
    windows = [staged.window(config, steps_back=back) for back in range(1, config.learning.cutoffs + 1)]
    enough = dt.timedelta(days=config.learning.outcome_days)
    return [window for window in windows if window.cutoff - staged.first_at >= enough]
