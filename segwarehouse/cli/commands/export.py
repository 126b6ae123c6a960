"""`segwarehouse export`: print the published views in the SQL of another warehouse."""

from pathlib import Path

import click

from segwarehouse.cli.options import example, json_option, open_project, project_option
from segwarehouse.cli.render import print_json, print_sql


@click.command(
    epilog=example("segwarehouse export SEAFOOD --dialect snowflake > seafood.sql", "segwarehouse export --json")
)
@click.argument("departments", metavar="[DEPARTMENT]...", nargs=-1)
@click.option("--dialect", default="duckdb", metavar="NAME", show_default=True, help="The engine, as sqlglot calls it.")
@project_option
@json_option
def export(departments: tuple[str, ...], dialect: str, directory: Path, as_json: bool) -> None:
    """Print the views of DEPARTMENT, or of all, for another warehouse.

    The SQL says of itself what was done with it: executed and proved, for DuckDB, or transpiled and not executed, for
    postgres, redshift, snowflake, bigquery, databricks, spark, trino and clickhouse.
    """
    exported = open_project(directory).export(departments, dialect)
    if as_json:
        print_json([item.as_dict() for item in exported])
    else:
        print_sql("\n\n".join(item.sql for item in exported))
