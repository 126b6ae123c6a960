"""`segwarehouse init`: write a configuration from a look at the data."""

from pathlib import Path

import click

from segwarehouse.cli.options import example, json_option, project_option
from segwarehouse.cli.render import print_json, print_table, records


@click.command(epilog=example("segwarehouse init data/transactions.parquet"))
@click.argument("transactions")
@project_option
@json_option
def init(transactions: str, directory: Path, as_json: bool) -> None:
    """Guess the columns of TRANSACTIONS and write the config.

    TRANSACTIONS is a Parquet or CSV file or a glob. A file that exists is never overwritten.
    """
    from segwarehouse.api import init as write_project

    written = write_project(directory, transactions)
    if as_json:
        print_json(written.as_dict())
        return
    print_table([{"key": f"source.{key}", "column": column} for key, column in written.guesses.items()])
    print_table(records(written.preview))
    click.echo(f"Wrote {written.path}. Read it, then run: segwarehouse check --project {directory}")
