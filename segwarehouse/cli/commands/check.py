"""`segwarehouse check`: look at configuration and data, and change nothing."""

import datetime as dt
from pathlib import Path

import click

from segwarehouse.cli.options import as_of_option, example, json_option, next_command, open_project, project_option
from segwarehouse.cli.render import Marks, print_facts, print_json, print_table, say

_MARKS: Marks = {"yes": "green", "no": "red"}


@click.command(epilog=example("segwarehouse check --project examples/complete_journey"))
@project_option
@as_of_option
@json_option
def check(directory: Path, as_of: dt.date | None, as_json: bool) -> None:
    """Check config and data, and say what would be done.

    Nothing is learned and nothing is published.
    """
    report = open_project(directory).check(as_of=as_of).as_dict()
    if as_json:
        print_json(report)
        return
    print_facts({**report["source"], "as_of": report["as_of"], "protocol": report["protocol"]})
    print_table(report["columns"], title="Columns")
    ignored = report["ignored_columns"].items()
    print_table([{"column": column, "why": why} for column, why in ignored], title="Ignored columns of customers")
    print_table(report["cleaning"], title="Transaction lines")
    print_table(report["departments"], title="Departments", marks=_MARKS)
    for sentence in report["advice"]:
        say(f"- {sentence}")
    eligible = sum(1 for row in report["departments"] if row["eligible"])
    say(f"A refresh would learn {eligible} of {len(report['departments'])} departments. Nothing was changed.")
    if eligible:
        say(next_command("refresh", directory))
