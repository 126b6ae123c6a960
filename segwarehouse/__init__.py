"""segwarehouse: from a table of transactions to trusted targeting views in your own SQL warehouse."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segwarehouse.api import Project

__all__ = ["Project", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import the Python API when it is first asked for, so that the command line starts at once."""
    if name == "Project":
        return import_module("segwarehouse.api").Project
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
