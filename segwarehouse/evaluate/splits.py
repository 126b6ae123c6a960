"""How quality is measured: by stepping back in time, or on customers who are held out.

In: a configuration and what the data has. Out: the windows that rankings are judged at. What is learned and compared
there is left to `judge.py`.
"""

import datetime as dt

from segwarehouse.config import Config
from segwarehouse.features import Staged, Window

STEPPING_BACK = "stepping back in time"
HOLDING_OUT = "held-out customers"


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
