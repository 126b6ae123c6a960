"""`segwarehouse measure`: what came of an audience."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from segwarehouse.cli.options import example, json_option, open_project, project_option
from segwarehouse.cli.render import print_json, print_table

if TYPE_CHECKING:
    from segwarehouse.evaluate.bootstrap import Estimate


@click.command(epilog=example("segwarehouse measure", "segwarehouse measure 20261122T010000Z-91c2 --json"))
@click.argument("run", required=False)
@project_option
@json_option
def measure(run: str | None, directory: Path, as_json: bool) -> None:
    """Measure what contacting an audience has moved.

    Those in the budget of RUN are held against its control group by what both have bought since, within the outcome
    window. It supposes that the first were contacted and the second were not. Without RUN: the latest whose window has
    passed, or else the earliest that is kept.
    """
    found = open_project(directory).measure(run)
    if as_json:
        print_json(found.as_dict())
        return
    print_table(found.departments)
    window = "the whole outcome window" if found.is_complete else "the outcome window has not passed yet"
    click.echo(f"Run {found.run_id}, bought from {found.since} up to and without {found.until}: {window}.")
    click.echo(f"Buyers added by {found.contacts:,} contacts, all departments: {_said(found.added_buyers)}.")
    click.echo("Believe the total first: of 20 departments, one is clear of zero by chance alone.")
    if (profit := found.profit) is not None:
        click.echo(f"Profit: {_said(profit)}.")


def _said(found: "Estimate") -> str:
    return f"{found.value:,.0f} ({found.low:,.0f} to {found.high:,.0f})"
