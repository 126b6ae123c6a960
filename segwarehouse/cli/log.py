"""Standard error: how a run goes on, and errors.

In: step, subject and how much of the step is done. Out: on a terminal a line a step, with the time that is left; in a
log a plain line whenever something new begins; with `--log-format json` an object a line, for machines.
"""

import contextlib
import datetime as dt
import json
import sys
import time
from collections.abc import Callable, Iterator

import click

from segwarehouse.cli.render import printable
from segwarehouse.cli.session import JSON, Session, current_session, may_colour

Progress = Callable[[str, str, float], None]

_SPEED_SECONDS = 600
"""The time that is left is told from the speed of so many last seconds."""


@contextlib.contextmanager
def showing_progress() -> Iterator[Progress]:
    """Yield a function (step, subject, fraction of the step) that shows progress."""
    session = current_session()
    if session.quiet:
        yield lambda _step, _subject, _fraction: None
    elif session.log_format == JSON:
        yield _objects()
    elif sys.stderr.isatty():
        with _bars() as show:
            yield show
    else:
        yield _lines()


def complain(session: Session, message: str, hint: str, exit_status: int) -> None:
    """Say what went wrong, and what to do next."""
    if session.log_format == JSON:
        _write_object("error", {"message": message, "hint": hint, "exit_status": exit_status})
        return
    for label, text, colour in (("error", message, "red"), ("hint", hint, None)):
        if text:
            shown = click.style(f"{label}:", fg=colour, bold=True) if may_colour(sys.stderr) else f"{label}:"
            click.echo(f"{shown} {printable(text)}", err=True, color=True)


@contextlib.contextmanager
def _bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        SpinnerColumn,
        TaskID,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(elapsed_when_finished=False, compact=True),
        TextColumn("{task.fields[subject]}", markup=False),
    )
    console = Console(stderr=True, highlight=False)
    with Bars(*columns, console=console, transient=True, speed_estimate_period=_SPEED_SECONDS) as bars:
        tasks: dict[str, TaskID] = {}

        running = ""

        def show(step: str, subject: str, fraction: float) -> None:
            nonlocal running
            if step not in tasks and fraction > 0.0 and running:
                # a part of the step that runs, which will be a step of its own later
                bars.update(tasks[running], subject=printable(f"{step} {subject}".strip()))
                return
            running = step if fraction < 1.0 else ""
            if step not in tasks:
                tasks[step] = bars.add_task(printable(step), total=1.0, subject="")
            shown = "" if fraction >= 1.0 else printable(subject)
            bars.update(tasks[step], completed=fraction, subject=shown)

        yield show


def _lines() -> Progress:
    """Return a function that prints one line whenever the step or its subject changes."""
    last: tuple[str, str] | None = None

    def show(step: str, subject: str, fraction: float) -> None:
        nonlocal last
        if (step, subject) != last:
            last = (step, subject)
            click.echo(f"{fraction:4.0%} {printable(f'{step} {subject}'.strip())}", err=True)

    return show


def _objects() -> Progress:
    """Return a function that prints an object at every call, with the seconds since the first."""
    started = time.perf_counter()

    def show(step: str, subject: str, fraction: float) -> None:
        seconds = round(time.perf_counter() - started, 3)
        _write_object(
            "progress", {"step": step, "subject": subject, "fraction": round(fraction, 4), "seconds": seconds}
        )

    return show


def _write_object(event: str, facts: dict[str, object]) -> None:
    stamp = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    click.echo(json.dumps({"time": stamp, "event": event, **facts}), err=True)
