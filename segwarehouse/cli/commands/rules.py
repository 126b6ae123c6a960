"""`segwarehouse rules`: show the published rules."""

from pathlib import Path

import click

from segwarehouse.cli.options import example, json_option, open_project, project_option
from segwarehouse.cli.render import print_json, print_table, records


@click.command(epilog=example("segwarehouse rules SEAFOOD"))
@click.argument("department", required=False)
@project_option
@click.option("--sql", "with_sql", is_flag=True, help="Show each rule's SQL in place of its words.")
@json_option
def rules(department: str | None, directory: Path, with_sql: bool, as_json: bool) -> None:
    """Show the rules of DEPARTMENT, or of all.

    Figures that are called held out are on customers and a time that the learning never saw; a rule that was not on the
    card then has none. Those that are called learned are on what the rule was learned from, and prove nothing.
    """
    found = records(open_project(directory).rules(department))
    if as_json:
        print_json(found)
        return
    text = "condition_sql" if with_sql else "words"
    measured = ("points", "support", "candidates", "held_out_precision", "held_out_lift", "learned_lift")
    print_table(found, ("department", "rule", text, *measured))
