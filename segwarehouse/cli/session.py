"""What the options say about the whole call: how much is said, and in which form."""

import os
from dataclasses import dataclass
from typing import IO

import click

TEXT, JSON = "text", "json"


@dataclass
class Session:
    """How a call talks.

    Attributes
    ----------
    debug
        Show the traceback of an error.
    quiet
        Say nothing but errors and results that were asked for in a form of their own: JSON, CSV, Parquet, SQL.
    log_format
        Of progress and errors on standard error: ``text`` or ``json``.
    terminated
        Whether the call was told to stop by SIGTERM.
    """

    debug: bool = False
    quiet: bool = False
    log_format: str = TEXT
    terminated: bool = False


def current_session() -> Session:
    """Return the session of the command that runs; a talkative one where none does."""
    context = click.get_current_context(silent=True)
    return (context.find_object(Session) if context else None) or Session()


def may_colour(stream: IO[str]) -> bool:
    """Return whether colours may be written: to a terminal, unless NO_COLOR says otherwise (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
