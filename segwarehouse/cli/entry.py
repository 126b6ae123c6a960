"""The program: its commands, and how a call ends.

In: arguments. Out: an exit status that a scheduler can use, and an error as one line and a hint on standard error. What
each command does is left to `segwarehouse.cli.commands`.
"""

import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
from typing import NoReturn

import click

from segwarehouse import __version__
from segwarehouse.cli.commands import COMMANDS
from segwarehouse.cli.log import complain
from segwarehouse.cli.options import common_options
from segwarehouse.cli.session import JSON, Session
from segwarehouse.errors import SegwarehouseError
from segwarehouse.outgoing import masked, printable, visible

INTERRUPTED = 130
TERMINATED = 143

_EXIT_STATUSES = """\b
Exit status:
  0    done
  1    a fault that has no better name
  2    wrong usage of the command line
  3    segwarehouse.toml is missing, misspelt or inconsistent
  4    the tables can't be used as they are, or no department has enough buyers
  5    a file in models/ or sql/ does not render, parse or run
  6    the engine refused or failed
  7    compiled SQL is not what may run
  8    SQL and Python disagree, nothing was published
  9    the published state could not be replaced; the former one stands
  10   no such department, run or feature
  11   another run or program holds the working database: try again, or --wait
  12   nothing is published yet
  13   of status: the last run failed, was stopped or died
  20   published, but some departments keep the rules of the run before: see their remarks
  130  stopped with Ctrl-C; the published state is as it was
  143  stopped with SIGTERM; the published state is as it was
"""

_HINT_FILES = "does it exist, may it be read or written to, and is there room on the disk?"


class _InOrder(click.Group):
    """A group that lists its commands in the order of `COMMANDS`: the order in which one meets them."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self.commands)


@click.group(
    cls=_InOrder,
    epilog=_EXIT_STATUSES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="segwarehouse")
@common_options
def program() -> None:
    """From a table of transactions to trusted targeting views in your own SQL warehouse.

    Start with `segwarehouse init TRANSACTIONS`, then `check`, then `refresh`.
    """


for _name in COMMANDS:
    program.add_command(getattr(import_module(f"segwarehouse.cli.commands.{_name}"), _name))


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Parameters
    ----------
    arguments
        Without the program's name; by default those of the process.
    """
    session = Session()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        given = None if arguments is None else list(arguments)
        with _ending_cleanly(session):
            status = program.main(given, prog_name="segwarehouse", obj=session, standalone_mode=False)
    except click.ClickException as error:
        status = error.exit_code
        if session.log_format != JSON:
            _show_usage(error)
        complain(session, error.format_message(), "", status)
    except (click.Abort, KeyboardInterrupt):
        status = TERMINATED if session.terminated else INTERRUPTED
        hint = "the published state is as it was, unless segwarehouse runs shows this run as published"
        complain(session, "stopped", hint, status)
    except SegwarehouseError as error:
        _trace(session)
        status = error.exit_status
        complain(session, error.message, error.hint, status)
    except BrokenPipeError:  # the reader, `head` for instance, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except OSError as error:
        _trace(session)
        status = 1
        complain(session, f"{error.filename or 'the system'}: {error.strerror or error}", _HINT_FILES, status)
    except Exception as error:  # noqa: BLE001 - the last resort: a line in place of a traceback
        _trace(session)
        status = 1
        hint = "" if session.debug else "for the traceback add --debug"
        complain(session, f"{type(error).__name__}: {error}", hint, status)
    sys.exit(status if isinstance(status, int) else 0)


@contextmanager
def _ending_cleanly(session: Session) -> Iterator[None]:
    """Take SIGTERM for what Ctrl-C is, so that a scheduler's stop is rolled back and logged too."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        session.terminated = True
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # only the main thread may set handlers
        yield
        return
    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _show_usage(error: click.ClickException) -> None:
    """Print how a command is called, before what was wrong with a call."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        click.echo(visible(masked(context.get_usage()), kept="\n"), err=True)
        click.echo(f"Try '{printable(context.command_path)} --help' for help.\n", err=True)


def _trace(session: Session) -> None:
    """Print the traceback, which quotes what others raised: text from data, and passwords."""
    if session.debug:
        click.echo(visible(masked(traceback.format_exc()), kept="\n"), err=True, nl=False)
