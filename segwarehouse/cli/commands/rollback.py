"""`segwarehouse rollback`: put a previous state back."""

from pathlib import Path

import click

from segwarehouse.cli.options import example, json_option, open_project, project_option, wait_option
from segwarehouse.cli.render import print_facts, print_json, say


@click.command(epilog=example("segwarehouse rollback", "segwarehouse rollback 20261123T031500Z-3f9c"))
@click.argument("run", required=False)
@project_option
@wait_option
@json_option
def rollback(run: str | None, directory: Path, wait_seconds: float, as_json: bool) -> None:
    """Put the published state of a former RUN back.

    Without RUN: the one before the current one. Readers see it at once, as it was then: customers who have bought since
    are still in it. It is proved once more before. `segwarehouse runs` shows which states are on disk.
    """
    report = open_project(directory).rollback(run, wait_seconds=wait_seconds).as_dict()
    if as_json:
        print_json(report)
        return
    print_facts(report)
    say("The next refresh publishes a new state, and compares it with this one.")
