"""Standard error: how a run goes on, and errors.

In: how far a run is, a `Moment` at a time. Out: on a terminal a bar for the whole run and a line for each step that is
done; in a log a line with the time and the share of the whole whenever something new begins; with `--log-format json`
an object a line, for machines. The time that is left is said as soon as the run knows it, and not before.
"""

import contextlib
import datetime as dt
import sys
import time
from collections.abc import Iterator

import click

from segwarehouse.cli.render import say
from segwarehouse.cli.session import JSON, Session, current_session, may_colour
from segwarehouse.ledger.status import Moment, Progress, about
from segwarehouse.outgoing import as_json, masked_values, printable


@contextlib.contextmanager
def showing_progress() -> Iterator[Progress]:
    """Yield a function that shows how far a run is."""
    session = current_session()
    if session.quiet:
        yield lambda _moment: None
    elif session.log_format == JSON:
        yield _objects()
    elif sys.stderr.isatty():
        with _bar() as show:
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
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars
    from rich.text import Text

    columns = (
        SpinnerColumn(),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.fields[left]}", markup=False),
    )
    console = Console(stderr=True, highlight=False)
    with Bars(*columns, console=console, transient=True) as bars:
        task = bars.add_task("", total=1.0, left="")
        running = ""

        def show(moment: Moment) -> None:
            nonlocal running
            if running and moment.step != running:
                bars.console.print(Text(f"✓ {printable(running)}"))
            running = moment.step
            if moment.note:
                bars.console.print(Text(printable(moment.note)))
            bars.update(task, completed=moment.share, description=_doing(moment), left=_left(moment))

        yield show


def _lines() -> Progress:
    """Return a function that prints one line whenever the step or its subject changes, or a note comes."""
    last: tuple[str, str] | None = None

    def show(moment: Moment) -> None:
        nonlocal last
        if moment.note:
            say(f"{_time()} {moment.note}", aside=True)
        if (moment.step, moment.subject) != last:
            last = (moment.step, moment.subject)
            parts = (_time(), f"{moment.share:4.0%}", _doing(moment), _left(moment))
            say(" ".join(part for part in parts if part), aside=True)

    return show


def _objects() -> Progress:
    """Return a function that prints an object at every call, with the seconds since the first."""
    started = time.perf_counter()

    def show(moment: Moment) -> None:
        facts = {
            "step": moment.step,
            "subject": moment.subject,
            "step_share": round(moment.step_share, 4),
            "share": round(moment.share, 4),
            "seconds_left": None if moment.seconds_left is None else round(moment.seconds_left),
            "seconds": round(time.perf_counter() - started, 3),
        }
        _write_object("progress", facts | ({"note": moment.note} if moment.note else {}))

    return show


def _doing(moment: Moment) -> str:
    return printable(f"{moment.step} {moment.subject}".strip())


def _left(moment: Moment) -> str:
    return "" if moment.seconds_left is None or moment.share >= 1.0 else f"({about(moment.seconds_left)} left)"


def _time() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _write_object(event: str, facts: dict[str, object]) -> None:
    stamp = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    click.echo(as_json(masked_values({"time": stamp, "event": event, **facts})), err=True)
