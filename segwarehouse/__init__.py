"""segwarehouse: from a table of transactions to trusted targeting views in your own SQL warehouse."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from segwarehouse.errors import (
    CheckFailed,
    ConfigError,
    DataError,
    LastRunFailed,
    ModelError,
    NothingPublished,
    ProofFailed,
    PublishError,
    RulesHeldBack,
    SegwarehouseError,
    SourceError,
    StatementRefused,
    TooFewBuyers,
    UnknownName,
    WarehouseError,
    WarehouseLocked,
    WrongUsage,
)

if TYPE_CHECKING:
    from segwarehouse.api import Project, init
    from segwarehouse.estimator import CardClassifier

__all__ = [
    "CardClassifier",
    "CheckFailed",
    "ConfigError",
    "DataError",
    "LastRunFailed",
    "ModelError",
    "NothingPublished",
    "Project",
    "ProofFailed",
    "PublishError",
    "RulesHeldBack",
    "SegwarehouseError",
    "SourceError",
    "StatementRefused",
    "TooFewBuyers",
    "UnknownName",
    "WarehouseError",
    "WarehouseLocked",
    "WrongUsage",
    "__version__",
    "init",
]
__version__ = "0.1.0"

_PLACES = {
    "CardClassifier": "segwarehouse.estimator",
    "Project": "segwarehouse.api",
    "init": "segwarehouse.api",
}
"""What is imported when it is first asked for, so that the command line starts at once."""


def __getattr__(name: str) -> Any:
    """Return what is imported late."""
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List what is imported late too."""
    return sorted({*globals(), *_PLACES})
