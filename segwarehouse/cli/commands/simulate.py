"""`segwarehouse simulate`: write a project with simulated customers."""

from pathlib import Path

import click

from segwarehouse.cli.options import common_options, example, json_option, next_command
from segwarehouse.cli.render import print_facts, print_json, say


@click.command(epilog=example("segwarehouse simulate --customers 10000 world", "segwarehouse refresh --project world"))
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@click.option("--customers", type=click.IntRange(min=100), default=10_000, metavar="N", show_default=True)
@click.option("--departments", type=click.IntRange(min=2, max=500), default=10, metavar="K", show_default=True)
@click.option("--months", type=click.IntRange(min=1, max=120), default=12, metavar="M", show_default=True)
@click.option("--seed", type=click.IntRange(min=0, max=2**32 - 1), default=42, metavar="S", show_default=True)
@common_options
@json_option
def simulate(directory: Path, customers: int, departments: int, months: int, seed: int, as_json: bool) -> None:
    """Write a project with simulated customers into DIR.

    The truth that was planted in them is in data/truth.parquet and data/truth_rules.parquet.
    """
    from segwarehouse.simulate import simulate as write_world

    world = write_world(directory, customers=customers, departments=departments, seed=seed, months=months)
    if as_json:
        print_json(world.as_dict())
        return
    print_facts(world.as_dict())
    say(next_command("refresh", directory))
