"""`segwarehouse audience`: show or export a published audience."""

from pathlib import Path

import click

from segwarehouse.cli.files import CSV, PARQUET, require_ending, write_csv, write_parquet
from segwarehouse.cli.options import example, json_option, open_project, project_option
from segwarehouse.cli.render import SCREEN_ROWS, print_json, print_table, records


@click.command(
    epilog=example("segwarehouse audience SEAFOOD --limit 10", "segwarehouse audience SEAFOOD --csv seafood.csv")
)
@click.argument("department")
@project_option
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help=f"At most so many; {SCREEN_ROWS} on the screen.")
@click.option("--all", "everyone", is_flag=True, help="All candidates, not only those within the budget.")
@click.option("--csv", "csv_file", metavar="FILE", help="Write CSV, safe to open in a spreadsheet; - for stdout.")
@click.option("--parquet", "parquet_file", metavar="FILE", help="Write Parquet; - for stdout.")
@json_option
def audience(
    department: str,
    directory: Path,
    limit: int | None,
    everyone: bool,
    csv_file: str | None,
    parquet_file: str | None,
    as_json: bool,
) -> None:
    """Show or export whom to target in DEPARTMENT.

    Best first, with the reasons. A file has the columns customer_id, score, rank, in_budget, arm, rules_matched,
    reasons, nearest_missed, as_of, run_id. In CSV, a text that a spreadsheet would take for a formula gets a leading
    apostrophe.
    """
    if sum((csv_file is not None, parquet_file is not None, as_json)) > 1:
        raise click.UsageError("--csv, --parquet and --json exclude each other")
    require_ending(csv_file, CSV)
    require_ending(parquet_file, PARQUET)
    on_screen = csv_file is None and parquet_file is None and not as_json
    shown = limit or (SCREEN_ROWS if on_screen else None)
    frame = open_project(directory).audience(department, limit=shown, in_budget=not everyone)
    if csv_file is not None:
        write_csv(csv_file, frame)
    elif parquet_file is not None:
        write_parquet(parquet_file, frame)
    elif as_json:
        print_json(records(frame))
    else:
        print_table(records(frame), ("rank", "customer_id", "score", "arm", "reasons", "nearest_missed"))
