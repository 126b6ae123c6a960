"""`segwarehouse runs`: list the runs."""

from pathlib import Path

import click

from segwarehouse.cli.options import example, json_option, open_project, project_option
from segwarehouse.cli.render import SCREEN_ROWS, print_json, print_table, records, say


@click.command(epilog=example("segwarehouse runs --limit 5"))
@project_option
@click.option("--limit", type=click.IntRange(min=1), default=SCREEN_ROWS, metavar="N", show_default=True)
@json_option
def runs(directory: Path, limit: int, as_json: bool) -> None:
    """List the last runs, the latest first.

    The column state says which published states are on disk, for rollback, and which one is current.
    """
    frame = open_project(directory).runs()
    if frame.attrs.get("from_published_state"):
        say("another run holds the working database: these are the runs up to the published state", aside=True)
    found = records(frame)[:limit]
    if as_json:
        print_json(found)
        return
    shown = (
        "run_id",
        "status",
        "state",
        "as_of",
        "departments_published",
        "departments_kept",
        "customers",
        "lines_kept",
        "lines_left_out",
        "data_hash",
        "is_comparable",
        "message",
    )
    print_table(found, shown)
