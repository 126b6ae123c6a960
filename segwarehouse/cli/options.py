"""Options that several commands share.

In: what was typed. Out: values as the Python API takes them, and what the options say about the whole call.
"""

import datetime as dt
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from segwarehouse.cli.session import JSON, TEXT, Session
from segwarehouse.outgoing import visible

if TYPE_CHECKING:
    from segwarehouse.api import Project

Command = TypeVar("Command", bound=Callable[..., object])


def _keep(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """Note in the session what an option says; before or behind the command's name, the last one counts."""
    source = context.get_parameter_source(parameter.name or "")
    if source is not click.core.ParameterSource.DEFAULT:
        setattr(context.ensure_object(Session), parameter.name or "", value)


def common_options(command: Command) -> Command:
    """Add the options of every command: `--quiet`, `--log-format`, `--debug`."""
    quiet = click.option(
        "--quiet",
        "-q",
        is_flag=True,
        expose_value=False,
        callback=_keep,
        help="Say nothing but errors, and what was asked for as JSON, CSV, Parquet or SQL.",
    )
    log_format = click.option(
        "--log-format",
        type=click.Choice([TEXT, JSON]),
        default=TEXT,
        envvar="SEGWAREHOUSE_LOG_FORMAT",
        expose_value=False,
        callback=_keep,
        help="Of progress and errors: text, or one JSON object a line; also SEGWAREHOUSE_LOG_FORMAT.",
    )
    debug = click.option(
        "--debug", is_flag=True, expose_value=False, callback=_keep, help="Show the traceback of an error."
    )
    return quiet(log_format(debug(command)))


def project_option(command: Command) -> Command:
    """Add `--project` and the common options to a command that works in a project's folder."""
    option = click.option(
        "--project",
        "directory",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path(),
        metavar="DIR",
        help="The folder that holds segwarehouse.toml; by default this one.",
    )
    return option(common_options(command))


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


def next_command(name: str, directory: Path, *arguments: str) -> str:
    """Return the line to type next, for the same project.

    >>> next_command("audience", Path("shop"), "Fish & Chips")
    "Next: segwarehouse audience 'Fish & Chips' --project shop"
    """
    where = [] if directory == Path() else ["--project", str(directory)]
    return "Next: " + " ".join(map(_quoted, ["segwarehouse", name, *arguments, *where]))


def _quoted(argument: str) -> str:
    r"""Return an argument as it can be typed into a shell, in ANSI-C quotes (bash, zsh, ksh) where it can't be seen.

    >>> print(_quoted("Fish & Chips"), _quoted("it's\x1b[2J"))
    'Fish & Chips' $'it\'s\u001b[2J'
    """
    if visible(argument) == argument:
        return shlex.quote(argument)
    signs = (f"\\{sign}" if sign in "\\'" else sign if visible(sign) == sign else _code(sign) for sign in argument)
    return f"$'{''.join(signs)}'"


def _code(sign: str) -> str:
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"
