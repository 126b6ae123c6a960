"""How long a refresh takes, before it begins.

In: how much there is to learn. Out: seconds by step. How far a run is while it goes on is left to `pace.py`.
"""

from dataclasses import dataclass

from segwarehouse.config import Config
from segwarehouse.evaluate.refits import REFIT_SHARE
from segwarehouse.evaluate.splits import cutoffs
from segwarehouse.features import Catalogue, Staged
from segwarehouse.learn.embed import MOST_ROWS
from segwarehouse.learn.propensity import LightGBMParameters
from segwarehouse.ledger.pace import (
    BUILD,
    COMPARE,
    COUNT,
    FINGERPRINT,
    HOLD,
    LEARN,
    MAP,
    NAME,
    PROVE,
    PUBLISH,
    READ,
    SCORE,
    STORE,
)
from segwarehouse.workers import processes

_MAPS_SECONDS, _COMPILING_SECONDS = 10.0, 10.0
"""What a department's SHAP values, maps and segments take beside its learning, and what umap compiles once."""


@dataclass(frozen=True)
class Size:
    """What decides how long a refresh takes.

    Attributes
    ----------
    lines, customers, features
        Transaction lines that count, customers that are learned from, features of each.
    learned
        How many departments are learned.
    times
        How often quality is measured on a learning: at each cut-off, or once on half the customers.
    refits
        How often each department is learned again.
    processes
        How many departments are learned at once.
    """

    lines: int
    customers: int
    features: int
    learned: int
    times: float
    refits: int
    processes: int

    @classmethod
    def of(cls, config: Config, staged: Staged, catalogue: Catalogue, learned: int) -> "Size":
        """Return the size of a refresh that learns so many departments."""
        return cls(
            lines=staged.lines_kept,
            customers=min(catalogue.departments[0].customers, config.learning.max_customers),
            features=len(catalogue.features),
            learned=learned,
            times=float(len(cutoffs(config, staged))) or 0.5,
            refits=config.rules.refits,
            processes=min(processes(config), max(1, learned)),
        )


def expected_seconds(size: Size) -> dict[str, float]:
    """Return about how long each step takes."""
    each = seconds_of_learning(size.customers, size.features) * size.learned / size.processes
    maps = _COMPILING_SECONDS + _MAPS_SECONDS * size.learned / size.processes
    build = 0.5 + 1.5e-6 * size.lines
    return {
        READ: 0.5 + 2.5e-6 * size.lines,
        NAME: 0.2,
        FINGERPRINT: 1.5e-6 * size.lines,
        BUILD: (size.times + 1.0) * build,
        MAP: 8.0 * min(size.customers, MOST_ROWS) / MOST_ROWS,
        LEARN: (size.times + 1.0 + REFIT_SHARE * size.refits) * each + maps,
        SCORE: 0.25 * size.learned / size.processes,
        COMPARE: 0.5,
        HOLD: 0.1,
        PROVE: 0.1 * size.learned,
        COUNT: 0.05 * size.learned,
        STORE: 0.2 * size.learned,
        PUBLISH: 3.0 + 0.6 * size.learned,
    }


def seconds_of_learning(customers: int, features: int) -> float:
    """Return about how long one core learns a department: measured from 5,000 x 250 to 50,000 x 60, on one machine."""
    repeats = LightGBMParameters().repeats_of(customers)
    return 2.0 + customers * features * (1.5e-6 + 2.5e-6 * repeats)
