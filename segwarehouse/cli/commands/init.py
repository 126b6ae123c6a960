"""`segwarehouse init`: write a configuration from a look at the data."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from segwarehouse.cli.options import example, json_option, next_command, project_option
from segwarehouse.cli.render import Marks, print_json, print_table, records, say

if TYPE_CHECKING:
    from segwarehouse.initialise import Initialised

_MARKS: Marks = {"sure": "green", "likely": "yellow", "please check": "bold red", "none found": "dim"}
_WITHOUT = {
    "occurred_at": "held-out customers stand in for a later period",
    "transaction_id": "a customer's lines of one day count as one purchase",
    "quantity": "nothing is asked of quantities",
    "amount": "nothing is asked of money",
}


def _as_column(_context: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> dict[str, str]:
    columns = {}
    for text in value:
        key, equals, name = text.partition("=")
        if not equals or not key or not name:
            raise click.BadParameter(f"{text!r} is not KEY=COLUMN, such as department=Range")
        columns[key.removeprefix("source.")] = name
    return columns


@click.command(
    epilog=example(
        "segwarehouse init data/transactions.parquet",
        'segwarehouse init sales.csv --column department="Product group"',
    )
)
@click.argument("transactions")
@click.option(
    "--column",
    "columns",
    multiple=True,
    callback=_as_column,
    metavar="KEY=COLUMN",
    help="Say which column is customer_id, department, occurred_at, …; may be repeated.",
)
@project_option
@json_option
def init(transactions: str, columns: dict[str, str], directory: Path, as_json: bool) -> None:
    """Guess the columns of TRANSACTIONS and write the config.

    TRANSACTIONS is a Parquet, CSV or JSON file or a glob. A configuration that exists is never overwritten.
    """
    from segwarehouse.api import init as write_project

    written = write_project(directory, transactions, columns)
    if as_json:
        print_json(written.as_dict())
        return
    _show(written)
    doubtful = [part.key for part in written.parts if part.sure == "please check"]
    if doubtful:
        say(f"Please check {', '.join(doubtful)} in {written.path}, or move it away and say it with --column.")
    say(f"Wrote {written.path}. It says what each setting means.")
    say(next_command("check", directory))


def _show(written: "Initialised") -> None:
    found = [
        {"part": part.key, "column": part.column, "how sure": part.sure, "what was seen": part.seen}
        for part in written.parts
    ]
    found += [
        {"part": key, "column": "", "how sure": "none found", "what was seen": why or _WITHOUT.get(key, "")}
        for key, why in written.missing.items()
    ]
    print_table(found, title=f"Columns, from {written.rows:,} rows", marks=_MARKS)
    parts = {part.column: f"{part.key} ({part.column})" for part in written.parts}
    rows = [
        {parts[name]: "" if value is None else str(value) for name, value in row.items() if name in parts}
        for row in records(written.preview)
    ]
    print_table(rows, title="First rows, as they stand in the file")
    if written.written:
        say("Written as: " + ", ".join(f"{setting} = {value}" for setting, value in written.written.items()))
    for setting, value in written.learning.items():
        say(f"{setting} = {value}: a third of the history, so that quality can be measured on a later period")
