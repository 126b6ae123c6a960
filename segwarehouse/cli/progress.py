"""Progress on standard error: a bar on a terminal, plain lines in a log."""

import contextlib
import sys
from collections.abc import Callable, Iterator

import click

from segwarehouse.cli.render import printable

Progress = Callable[[str, str, float], None]


@contextlib.contextmanager
def showing_progress() -> Iterator[Progress]:
    """Yield a function (step, subject, fraction) that shows progress on standard error."""
    if sys.stderr.isatty():
        with _bar() as show:
            yield show
    else:
        yield _lines()


@contextlib.contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)

        def show(step: str, subject: str, fraction: float) -> None:
            bar.update(task, completed=fraction, description=printable(f"{step} {subject}".strip()))

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
