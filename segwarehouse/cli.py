"""The command line: parse, call the Python API, render, exit.

In: arguments. Out: the result on standard output, as a table or as JSON; progress and errors on standard error; an
exit status that a scheduler can use. All work is left to `segwarehouse.api`; it and everything heavy is imported by
the command that needs it, so that `--help` answers at once.
"""

import contextlib
import csv
import datetime as dt
import io
import json
import math
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from segwarehouse import __version__
from segwarehouse.errors import ProofFailed, SegwarehouseError

if TYPE_CHECKING:
    import pandas as pd

    from segwarehouse.api import Project

Command = TypeVar("Command", bound=Callable[..., object])
Row = Mapping[str, object]
Progress = Callable[[str, str, float], None]

SCREEN_ROWS = 20
DEPARTMENT_COLUMNS = (
    "department",
    "view_name",
    "buyers",
    "candidates",
    "rule_count",
    "auc",
    "activity_auc",
    "lift_at_budget",
    "verdict",
    "remark",
)
RUN_COLUMNS = ("run_id", "started_at", "status", "as_of", "departments_published", "departments_refused", "message")
INTERRUPTED = 130

_EXIT_STATUSES = """\b
Exit status:
  0    done
  1    a fault that has no better name
  2    wrong usage of the command line
  3    segwarehouse.toml is missing, misspelt or inconsistent
  4    the tables can't be used as they are, or no department has enough buyers
  5    a file in models/ or sql/ does not render, parse or run
  6    the engine refused or failed, or another process holds the database
  7    compiled SQL is not what may run
  8    SQL and Python disagree, nothing was published
  9    the published state could not be replaced; the former one stands
  10   no such department, run or feature
  130  stopped with Ctrl-C; the published state is as it was
"""


@dataclass
class _Session:
    """What the options say about the whole call."""

    debug: bool = False


# -- entry and errors -------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Parameters
    ----------
    arguments
        Without the program's name; by default those of the process.
    """
    session = _Session()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        given = None if arguments is None else list(arguments)
        status = commands.main(given, prog_name="segwarehouse", obj=session, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except click.Abort:
        _complain("stopped", "the published state is as it was")
        status = INTERRUPTED
    except SegwarehouseError as error:
        _trace(session)
        _complain(error.message, error.hint)
        status = error.exit_status
    except Exception as error:  # noqa: BLE001 - the last resort: a line in place of a traceback
        _trace(session)
        _complain(f"{type(error).__name__}: {error}", "" if session.debug else "for the traceback add --debug")
        status = 1
    sys.exit(status if isinstance(status, int) else 0)


def _trace(session: _Session) -> None:
    if session.debug:
        traceback.print_exc()


def _complain(message: str, hint: str) -> None:
    click.echo(f"error: {_printable(message)}", err=True)
    if hint:
        click.echo(f"hint: {_printable(hint)}", err=True)


def _printable(text: str) -> str:
    r"""Return text on one line, with control characters written out: text from data must not steer a terminal.

    >>> _printable("SEA\x1b[2J\nFOOD")
    'SEA\\x1b[2J FOOD'
    """
    line = " ".join(text.splitlines())
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in line)


# -- options ----------------------------------------------------------------------------------------------------------


def _set_debug(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(_Session).debug = True


_debug = click.option(
    "--debug", is_flag=True, expose_value=False, callback=_set_debug, help="Show the traceback of an error."
)


def _project_option(command: Command) -> Command:
    option = click.option(
        "--project",
        "directory",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path(),
        metavar="DIR",
        help="The folder that holds segwarehouse.toml; by default this one.",
    )
    return option(_debug(command))


_json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def _as_date(_context: click.Context, _parameter: click.Parameter, value: dt.datetime | None) -> dt.date | None:
    return None if value is None else value.date()


_as_of_option = click.option(
    "--as-of",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    callback=_as_date,
    metavar="DATE",
    help="Hide all transactions on or after this day (YYYY-MM-DD) from every step.",
)


def _example(*lines: str) -> str:
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def _open(directory: Path) -> "Project":
    from segwarehouse.api import Project

    return Project(directory)


# -- commands ---------------------------------------------------------------------------------------------------------


@click.group(epilog=_EXIT_STATUSES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="segwarehouse")
@_debug
def commands() -> None:
    """From a table of transactions to trusted targeting views in your own SQL warehouse.

    Start with `segwarehouse init TRANSACTIONS`, then `check`, then `refresh`.
    """


@commands.command(epilog=_example("segwarehouse init data/transactions.parquet"))
@click.argument("transactions")
@_project_option
@_json_option
def init(transactions: str, directory: Path, as_json: bool) -> None:
    """Guess the columns of TRANSACTIONS and write the config.

    TRANSACTIONS is a Parquet or CSV file or a glob. A file that exists is never overwritten.
    """
    from segwarehouse.api import init as write_project

    written = write_project(directory, transactions)
    if as_json:
        _print_json(written.as_dict())
        return
    _print_table([{"key": f"source.{key}", "column": column} for key, column in written.guesses.items()])
    _print_table(_records(written.preview))
    click.echo(f"Wrote {written.path}. Read it, then run: segwarehouse check --project {directory}")


@commands.command(epilog=_example("segwarehouse check --project examples/complete_journey"))
@_project_option
@_as_of_option
@_json_option
def check(directory: Path, as_of: dt.date | None, as_json: bool) -> None:
    """Check config and data, and say what would be done.

    Nothing is learned and nothing is published.
    """
    report = _open(directory).check(as_of=as_of).as_dict()
    if as_json:
        _print_json(report)
        return
    _print_facts({**report["source"], "as_of": report["as_of"], "protocol": report["protocol"]})
    _print_table(report["columns"], title="Columns")
    ignored = report["ignored_columns"].items()
    _print_table([{"column": column, "why": why} for column, why in ignored], title="Ignored columns of customers")
    _print_table(report["cleaning"], title="Transaction lines")
    _print_table(report["departments"], title="Departments")
    eligible = sum(1 for row in report["departments"] if row["eligible"])
    click.echo(f"A refresh would learn {eligible} of {len(report['departments'])} departments.")


@commands.command(
    epilog=_example(
        "segwarehouse refresh --as-of 2017-10-02", "segwarehouse refresh --department SEAFOOD --department FLORAL"
    )
)
@_project_option
@_as_of_option
@click.option("--department", "departments", multiple=True, metavar="NAME", help="Only this one; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Print the SQL up to the learning, and change nothing.")
@_json_option
def refresh(directory: Path, as_of: dt.date | None, departments: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Learn, prove and publish the targeting views.

    All views are replaced together or none is: readers see the last whole state until then.
    """
    project = _open(directory)
    if dry_run:
        plan = project.plan(as_of=as_of, departments=departments)
        if as_json:
            _print_json([{"step": step, "sql": sql} for step, sql in plan])
        else:
            click.echo("\n".join(f"-- {_printable(step)}\n{sql.rstrip().rstrip(';')};\n" for step, sql in plan))
        return
    with _progress() as progress:
        report = project.refresh(as_of=as_of, departments=departments, progress=progress).as_dict()
    if as_json:
        _print_json(report)
        return
    _print_table(report["departments"], DEPARTMENT_COLUMNS)
    _print_table(report["refused"], title="Left out")
    count = len(report["departments"])
    click.echo(f"Run {report['run_id']}: {count} departments as of {report['as_of']}, {report['seconds']:.0f} s.")
    click.echo(f"Published in {report['published']}")


@commands.command(epilog=_example("segwarehouse rules SEAFOOD"))
@click.argument("department", required=False)
@_project_option
@click.option("--sql", "with_sql", is_flag=True, help="Show each rule's SQL in place of its words.")
@_json_option
def rules(department: str | None, directory: Path, with_sql: bool, as_json: bool) -> None:
    """Show the rules of DEPARTMENT, or of all.

    Figures that are called learned describe the customers that a rule was learned from, and prove nothing.
    """
    found = _records(_open(directory).rules(department))
    if as_json:
        _print_json(found)
        return
    text = "condition_sql" if with_sql else "words"
    measured = ("points", "support", "candidates", "learned_precision", "learned_lift")
    _print_table(found, ("department", "rule", text, *measured))


@commands.command(
    epilog=_example("segwarehouse audience SEAFOOD --limit 10", "segwarehouse audience SEAFOOD --csv seafood.csv")
)
@click.argument("department")
@_project_option
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help=f"At most so many; {SCREEN_ROWS} on the screen.")
@click.option("--all", "everyone", is_flag=True, help="All candidates, not only those within the budget.")
@click.option("--csv", "csv_file", metavar="FILE", help="Write CSV, safe to open in a spreadsheet; - for stdout.")
@click.option("--parquet", "parquet_file", metavar="FILE", help="Write Parquet; - for stdout.")
@_json_option
def audience(
    department: str,
    directory: Path,
    limit: int | None,
    everyone: bool,
    csv_file: str | None,
    parquet_file: str | None,
    as_json: bool,
) -> None:
    """Show or export whom to target in DEPARTMENT.

    Best first, with the reasons. In CSV, a text that a spreadsheet would take for a formula gets a leading apostrophe.
    """
    if sum((csv_file is not None, parquet_file is not None, as_json)) > 1:
        raise click.UsageError("--csv, --parquet and --json exclude each other")
    on_screen = csv_file is None and parquet_file is None and not as_json
    shown = limit or (SCREEN_ROWS if on_screen else None)
    frame = _open(directory).audience(department, limit=shown, in_budget=not everyone)
    if csv_file is not None:
        _write(csv_file, lambda stream: stream.write(_guarded_csv(frame).encode()))
    elif parquet_file is not None:
        _write(parquet_file, lambda stream: frame.to_parquet(stream, index=False))
    elif as_json:
        _print_json(_records(frame))
    else:
        _print_table(_records(frame), ("rank", "customer_id", "score", "arm", "reasons", "nearest_missed"))


@commands.command(epilog=_example("segwarehouse verify --json"))
@_project_option
@_json_option
def verify(directory: Path, as_json: bool) -> None:
    """Prove the published views once more.

    Every view must select, rank and score exactly the same customers in SQL as in Python.
    """
    proofs = _open(directory).verify()
    if as_json:
        _print_json(proofs)
    else:
        _print_table([{**proof, "differences": len(proof["differences"])} for proof in proofs])
    differing = [str(proof["department"]) for proof in proofs if not proof["proved"]]
    if differing:
        raise ProofFailed(
            f"SQL and Python disagree in {len(differing)} of {len(proofs)} departments: {', '.join(differing)}",
            hint="do not use these views; run segwarehouse refresh to publish proved ones",
            departments=differing,
        )


@commands.command(epilog=_example("segwarehouse runs --limit 5"))
@_project_option
@click.option("--limit", type=click.IntRange(min=1), default=SCREEN_ROWS, metavar="N", show_default=True)
@_json_option
def runs(directory: Path, limit: int, as_json: bool) -> None:
    """List the last runs, the latest first."""
    found = _records(_open(directory).runs())[:limit]
    if as_json:
        _print_json(found)
        return
    shown = (
        "run_id",
        "status",
        "as_of",
        "departments_published",
        "customers",
        "lines_kept",
        "lines_left_out",
        "message",
    )
    _print_table(found, shown)


@commands.command(
    epilog=_example("segwarehouse simulate --customers 10000 world", "segwarehouse refresh --project world")
)
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@click.option("--customers", type=click.IntRange(min=100), default=10_000, metavar="N", show_default=True)
@click.option("--departments", type=click.IntRange(min=2, max=500), default=10, metavar="K", show_default=True)
@click.option("--months", type=click.IntRange(min=1, max=120), default=12, metavar="M", show_default=True)
@click.option("--seed", type=click.IntRange(min=0, max=2**32 - 1), default=42, metavar="S", show_default=True)
@_debug
@_json_option
def simulate(directory: Path, customers: int, departments: int, months: int, seed: int, as_json: bool) -> None:
    """Write a project with simulated customers into DIR.

    The truth that was planted in them is in data/truth.parquet and data/truth_rules.parquet.
    """
    from segwarehouse.simulate import simulate as write_world

    world = write_world(directory, customers=customers, departments=departments, seed=seed, months=months)
    if as_json:
        _print_json(world.as_dict())
        return
    _print_facts(world.as_dict())
    click.echo(f"Next: segwarehouse refresh --project {directory}")


# -- progress ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _progress() -> Iterator[Progress]:
    """Yield a function (step, subject, fraction) that shows progress on standard error."""
    if sys.stderr.isatty():
        with _progress_bar() as show:
            yield show
    else:
        yield _progress_lines()


@contextlib.contextmanager
def _progress_bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)

        def show(step: str, subject: str, fraction: float) -> None:
            bar.update(task, completed=fraction, description=_printable(f"{step} {subject}".strip()))

        yield show


def _progress_lines() -> Progress:
    """Return a function that prints one line whenever the step or its subject changes."""
    last: tuple[str, str] | None = None

    def show(step: str, subject: str, fraction: float) -> None:
        nonlocal last
        if (step, subject) != last:
            last = (step, subject)
            click.echo(f"{fraction:4.0%} {_printable(f'{step} {subject}'.strip())}", err=True)

    return show


# -- results ----------------------------------------------------------------------------------------------------------


def _print_json(value: object) -> None:
    click.echo(json.dumps(_plain(value), ensure_ascii=False, indent=2, allow_nan=False))


def _plain(value: object) -> Any:
    """Return the value as JSON knows it: NaN and infinities are null, times are ISO texts."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case dt.date():
            return value.isoformat()
    unboxed = getattr(value, "tolist", None)
    return _plain(unboxed()) if callable(unboxed) else str(value)


def _records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return the frame's rows as dicts; what is missing is None."""
    objects = frame.astype(object)
    present = objects.where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in present.to_dict("records")]


def _print_facts(facts: Row) -> None:
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        click.echo(f"{name.replace('_', ' '):<{width}}  {_cell(value)}")


def _print_table(rows: Sequence[Row], columns: Sequence[str] = (), *, title: str = "") -> None:
    """Print those of `columns` that the rows have, or all; nothing for an empty list with a title."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        if not title:
            click.echo("Nothing to show.")
        return
    present = list(dict.fromkeys(name for row in rows for name in row))
    names = [name for name in columns if name in present] or present
    table = Table(box=SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for name in names:
        numeric = all(isinstance(row.get(name), int | float) or row.get(name) is None for row in rows)
        table.add_column(Text(_printable(name.replace("_", " "))), justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(Text(_cell(row.get(name))) for name in names))
    wide = None if sys.stdout.isatty() else 4096
    Console(file=sys.stdout, width=wide, highlight=False).print(table)


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.3f}" if math.isfinite(value) else ""
        case list() | tuple():
            return _printable(", ".join(map(str, value)))
    return _printable(str(value))


def _guarded_csv(frame: "pd.DataFrame") -> str:
    """Return CSV, texts quoted, with an apostrophe before every text that a spreadsheet takes for a formula.

    The signs are those of the OWASP page "CSV Injection": ``= + - @``, tab, carriage return, line feed, and the
    full-width forms of the first four.
    """

    def guard(value: object) -> object:
        return f"'{value}" if isinstance(value, str) and value.startswith(tuple("=+-@\t\r\n＝＋－＠")) else value

    safe = frame.map(guard)
    safe.columns = [guard(str(name)) for name in frame.columns]
    return safe.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC)


def _write(name: str, write: Callable[[IO[bytes]], object]) -> None:
    """Write to standard output (`-`), or to a file that appears only when it is complete."""
    if name == "-":
        sys.stdout.flush()
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    target = Path(name)
    aside = target.with_name(f".{target.name}.part")
    try:
        with aside.open("wb") as stream:
            write(stream)
        aside.replace(target)
    except OSError as error:
        raise SegwarehouseError(
            f"can't write {name}: {error.strerror or error}", hint="name a file in a folder that may be written to"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
    click.echo(f"Wrote {name}", err=True)
