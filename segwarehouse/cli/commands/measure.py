"""`segwarehouse measure`: what came of an audience."""

from pathlib import Path

import click

from segwarehouse.cli.options import example, json_option, open_project, project_option
from segwarehouse.cli.render import print_json, print_table
from segwarehouse.outgoing import printable

_SHOWN = (
    "department", "contacts", "took_place", "bought", "controls", "controls_bought", "controls_contacted", "remark",
    "added_buyers", "added_buyers_low", "added_buyers_high", "uplift", "uplift_low", "uplift_high",
)  # fmt: skip


@click.command(
    epilog=example(
        "segwarehouse measure --contacted contacts.csv",
        "segwarehouse measure 20261122T010000Z-91c2 --as-planned --json",
    )
)
@click.argument("run", required=False)
@click.option(
    "--contacted",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Who was contacted: CSV or Parquet, a line a contact, with customer_id and, if known, department and "
    "contacted_at.",
)
@click.option("--as-planned", is_flag=True, help="Suppose that everybody in the budget was contacted, and nobody else.")
@project_option
@json_option
def measure(run: str | None, contacted: Path | None, as_planned: bool, directory: Path, as_json: bool) -> None:
    """Measure what contacting an audience has moved.

    Those in the budget of RUN are compared with its control group by what both have bought since, within the outcome
    window. Who was contacted is in --contacted, or is supposed with --as-planned. Without RUN: the latest whose window
    has passed, or else the earliest that is kept.
    """
    found = open_project(directory).measure(run, contacted=contacted, as_planned=as_planned)
    if as_json:
        print_json(found.as_dict())
        return
    print_table(found.departments, _SHOWN)
    for sentence in found.sentences:
        click.echo(printable(sentence))
