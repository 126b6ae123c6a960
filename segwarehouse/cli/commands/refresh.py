"""`segwarehouse refresh`: learn, prove and publish."""

import datetime as dt
from pathlib import Path

import click

from segwarehouse.cli.options import as_of_option, example, json_option, open_project, project_option, wait_option
from segwarehouse.cli.progress import showing_progress
from segwarehouse.cli.render import print_json, print_table, printable

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


@click.command(
    epilog=example(
        "segwarehouse refresh --as-of 2017-10-02", "segwarehouse refresh --department SEAFOOD --department FLORAL"
    )
)
@project_option
@as_of_option
@click.option("--department", "departments", multiple=True, metavar="NAME", help="Only this one; may be repeated.")
@wait_option
@click.option("--dry-run", is_flag=True, help="Print the SQL up to the learning, and change nothing.")
@json_option
def refresh(
    directory: Path,
    as_of: dt.date | None,
    departments: tuple[str, ...],
    wait_seconds: float,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Learn, prove and publish the targeting views.

    All views are replaced together or none is: readers see the last whole state until then.
    """
    project = open_project(directory)
    if dry_run:
        plan = project.plan(as_of=as_of, departments=departments)
        if as_json:
            print_json([{"step": step, "sql": sql} for step, sql in plan])
        else:
            click.echo("\n".join(f"-- {printable(step)}\n{sql.rstrip().rstrip(';')};\n" for step, sql in plan))
        return
    with showing_progress() as progress:
        report = project.refresh(
            as_of=as_of, departments=departments, wait_seconds=wait_seconds, progress=progress
        ).as_dict()
    if as_json:
        print_json(report)
        return
    print_table(report["departments"], DEPARTMENT_COLUMNS)
    print_table(report["refused"], title="Left out")
    count = len(report["departments"])
    click.echo(f"Run {report['run_id']}: {count} departments as of {report['as_of']}, {report['seconds']:.0f} s.")
    click.echo(f"Published in {report['published']}")
