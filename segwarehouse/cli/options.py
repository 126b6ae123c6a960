"""Options that several commands share.

In: what was typed. Out: values as the Python API takes them.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from segwarehouse.api import Project

Command = TypeVar("Command", bound=Callable[..., object])


@dataclass
class Session:
    """The whole call: what the options say about it, and whether it was told to stop by SIGTERM."""

    debug: bool = False
    terminated: bool = False


def _set_debug(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Session).debug = True


debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, callback=_set_debug, help="Show the traceback of an error."
)


def project_option(command: Command) -> Command:
    """Add `--project` and `--debug` to a command that works in a project's folder."""
    option = click.option(
        "--project",
        "directory",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path(),
        metavar="DIR",
        help="The folder that holds segwarehouse.toml; by default this one.",
    )
    return option(debug_option(command))


json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def _as_date(_context: click.Context, _parameter: click.Parameter, value: dt.datetime | None) -> dt.date | None:
    return None if value is None else value.date()


as_of_option = click.option(
    "--as-of",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    callback=_as_date,
    metavar="DATE",
    help="Hide all transactions on or after this day (YYYY-MM-DD) from every step.",
)


wait_option = click.option(
    "--wait",
    "wait_seconds",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="Wait so long for another run to finish; without it, refuse at once.",
)


def example(*lines: str) -> str:
    """Return the end of a command's help: lines that can be typed as they are."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def open_project(directory: Path) -> "Project":
    """Read the configuration in a folder. Imports the Python API, so call it in a command only."""
    from segwarehouse.api import Project

    return Project(directory)
