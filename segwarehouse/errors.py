"""Everything segwarehouse raises, in one tree.

::

    SegwarehouseError                 exit status 1: a fault that has no better name
    ├── WrongUsage                    2: what was asked for says too little, or contradicts itself
    ├── ConfigError                   3: segwarehouse.toml is missing, misspelt or inconsistent
    ├── DataError                     4: the user's tables can't be used as they are
    │   ├── SourceError                  a file, relation or column is missing or has the wrong type
    │   ├── CheckFailed                  a check in models/ returned rows
    │   └── TooFewBuyers                 a department, or every one, has too few to learn from
    ├── ModelError                    5: a file in models/ or sql/ does not render, parse or run
    ├── WarehouseError                6: the engine refused or failed
    │   └── WarehouseLocked           11: another process holds the database; the only one to try again
    ├── StatementRefused              7: compiled SQL is not what may run
    ├── ProofFailed                   8: SQL and Python disagree, nothing was published
    ├── PublishError                  9: the published state could not be replaced
    │   └── NothingPublished             12: there is no published state yet
    ├── UnknownName                   10: no such department, run or feature
    ├── LastRunFailed                 13: the last run failed, was stopped or died
    └── RulesHeldBack                 20: published, but some departments keep their previous rules

Each error says what happened with the actual value (`message`), what to do next (`hint`), and carries its
facts as attributes, all without credentials. Only the command line prints them; status 2 is also its own, for options
that it does not know.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar, cast

from segwarehouse.outgoing import masked, masked_values


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the known name nearest to `name`, or lists a few known names.

    >>> did_you_mean("custmer_id", ["customer_id", "department"])
    "did you mean 'customer_id'?"
    >>> did_you_mean("x", ["customer_id", "department"])
    'known: customer_id, department'
    """
    names = list(known)
    folded = {candidate.casefold(): candidate for candidate in reversed(names)}
    close = get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
    if close:
        return f"did you mean {folded[close[0]]!r}?"
    shown = ", ".join(names[:12])
    return f"known: {shown}{', …' if len(names) > 12 else ''}" if names else "there are none"


class SegwarehouseError(Exception):
    """Root of the tree.

    Parameters
    ----------
    message
        What happened, with the actual value.
    hint
        The next thing to do.
    **facts
        Kept as attributes of the error in `facts`.
    """

    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "", **facts: object) -> None:
        self.message = masked(message)
        self.hint = masked(hint)
        self.facts = cast("dict[str, object]", masked_values(facts))
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class WrongUsage(SegwarehouseError):
    """What was asked for says too little, or contradicts itself."""

    exit_status = 2


class ConfigError(SegwarehouseError):
    """segwarehouse.toml is missing, misspelt or inconsistent. Facts: `key`, `value`."""

    exit_status = 3


class DataError(SegwarehouseError):
    """The user's tables can't be used as they are."""

    exit_status = 4


class SourceError(DataError):
    """A file, relation or column is missing or has the wrong type. Facts: `source`, `column`."""


class CheckFailed(DataError):
    """A check returned rows. Facts: `check`, `rows`."""


class TooFewBuyers(DataError):
    """There are too few buyers, or too few others, to learn from. Facts: `buyers`, `others`."""


class ModelError(SegwarehouseError):
    """A model or template does not render, parse or run. Facts: `path`, `line`."""

    exit_status = 5


class WarehouseError(SegwarehouseError):
    """The engine refused or failed. Facts: `statement`."""

    exit_status = 6


class WarehouseLocked(WarehouseError):
    """Another process holds the database. Facts: `path`, `owner`."""

    exit_status = 11


class StatementRefused(SegwarehouseError):
    """Compiled SQL is not one of the forms that may run. Facts: `statement`."""

    exit_status = 7


class ProofFailed(SegwarehouseError):
    """SQL and Python disagree. Facts: `department`, `differences`."""

    exit_status = 8


class PublishError(SegwarehouseError):
    """The published state could not be replaced; the previous one stands. Facts: `path`."""

    exit_status = 9


class NothingPublished(PublishError):
    """There is no published state yet. Facts: `path`."""

    exit_status = 12


class UnknownName(SegwarehouseError):
    """No such department, run or feature. Facts: `name`."""

    exit_status = 10


class LastRunFailed(SegwarehouseError):
    """The last run failed, was stopped or died. Facts: `run_id`, `state`."""

    exit_status = 13


class RulesHeldBack(SegwarehouseError):
    """A state was published in which some departments keep their previous rules. Facts: `departments`."""

    exit_status = 20
