"""`segwarehouse diff`: who entered and who left the audiences between two runs, and why."""

from pathlib import Path

import click

from segwarehouse.cli.files import CSV, require_ending, write_csv
from segwarehouse.cli.options import example, json_option, open_project, project_option
from segwarehouse.cli.render import print_json, print_table, say


@click.command(
    epilog=example(
        "segwarehouse diff",
        "segwarehouse diff 20261122T010000Z-91c2 20261123T010000Z-3f9c",
        "segwarehouse diff --csv changes.csv",
    )
)
@click.argument("runs", nargs=-1, metavar="[BEFORE AFTER]")
@project_option
@click.option("--csv", "csv_file", metavar="FILE", help="Write who it was, with the reasons, as CSV; - for stdout.")
@json_option
def diff(runs: tuple[str, ...], directory: Path, csv_file: str | None, as_json: bool) -> None:
    """Count who entered and left each audience, and why.

    Without runs: between the published state and the one before it. The causes are: the data changed, the rules
    changed, the budget cut moved. They add up. The CSV has the columns department, customer_id, change, cause and
    reason.
    """
    if len(runs) not in {0, 2}:
        raise click.UsageError("name two runs, or none; segwarehouse runs lists them")
    if csv_file is not None and as_json:
        raise click.UsageError("--csv and --json exclude each other")
    require_ending(csv_file, CSV)
    project = open_project(directory)
    if csv_file is not None:
        write_csv(csv_file, project.changes(*runs))
        return
    found = project.diff(*runs).as_dict()
    if as_json:
        print_json(found)
        return
    print_table(found["departments"])
    print_table([{"department": name} for name in found["only_before"]], title="No view any more")
    print_table([{"department": name} for name in found["only_after"]], title="New")
    say(f"From run {found['before']} to run {found['after']}.")
