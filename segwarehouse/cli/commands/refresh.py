"""`segwarehouse refresh`: learn, prove and publish."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from segwarehouse.cli.log import showing_progress
from segwarehouse.cli.options import (
    as_of_option,
    example,
    json_option,
    next_command,
    open_project,
    project_option,
    wait_option,
)
from segwarehouse.cli.render import VERDICTS, print_json, print_sql, print_table, say, warn
from segwarehouse.errors import RulesHeldBack
from segwarehouse.outgoing import printable


@click.command(
    epilog=example(
        "segwarehouse refresh --as-of 2017-10-02", "segwarehouse refresh --department SEAFOOD --department FLORAL"
    )
)
@project_option
@as_of_option
@click.option("--department", "departments", multiple=True, metavar="NAME", help="Only this one; may be repeated.")
@click.option("--accept", is_flag=True, help="Publish new rules however much they change; see [gate].")
@wait_option
@click.option("--dry-run", is_flag=True, help="Print the SQL up to the learning, and change nothing.")
@json_option
def refresh(
    directory: Path,
    as_of: dt.date | None,
    departments: tuple[str, ...],
    accept: bool,
    wait_seconds: float,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Learn, prove and publish the targeting views.

    All views are replaced together or none is: readers see the last whole state until then. A department whose new
    rules would exchange too much of its audience, or rank worse, keeps the rules of the run before, unless --accept is
    given; the exit status is then 20.
    """
    project = open_project(directory)
    if dry_run:
        plan = project.plan(as_of=as_of, departments=departments)
        if as_json:
            print_json([{"step": item.relation, "sql": item.statement} for item in plan])
        else:
            print_sql("\n".join(f"-- {printable(each.relation)}\n{_ended(each.statement)}\n" for each in plan))
        return
    with showing_progress() as progress:
        report = project.refresh(
            as_of=as_of, departments=departments, accept=accept, wait_seconds=wait_seconds, progress=progress
        ).as_dict()
    if as_json:
        print_json(report)
    else:
        _show(report, directory)
    held_back = [str(row["department"]) for row in report["held_back"]]
    if held_back:
        raise RulesHeldBack(
            f"published, but {len(held_back)} of {len(report['departments'])} departments keep the rules of the run "
            f"before: {', '.join(held_back)}",
            hint="targeting.departments says why; to publish the new rules: segwarehouse refresh --accept",
            departments=held_back,
        )


def _ended(statement: str) -> str:
    return f"{statement.rstrip().rstrip(';')};"


def _show(report: Mapping[str, Any], directory: Path) -> None:
    from segwarehouse.refresh.summary import DISPLAYED, strongest

    print_table(report["departments"], DISPLAYED, marks=VERDICTS)
    print_table(report["refused"], title="Left out")
    print_table(report["held_back"], title="Keeps the rules of the run before")
    count = len(report["departments"])
    say(f"Run {report['run_id']}: {count} departments as of {report['as_of']}, {report['seconds']:.0f} s.")
    say(f"Published in {report['published']}")
    if report["report"]:
        say(f"Report in {report['report']}")
    if report["report_failure"]:
        warn(f"no report: {report['report_failure']}; make it with: segwarehouse report")
    say(next_command("audience", directory, str(strongest(report["departments"])["department"])))
