"""`segwarehouse verify`: prove the published views again."""

from pathlib import Path

import click

from segwarehouse.cli.options import example, json_option, open_project, project_option
from segwarehouse.cli.render import print_json, print_table
from segwarehouse.errors import ProofFailed


@click.command(epilog=example("segwarehouse verify --json"))
@project_option
@json_option
def verify(directory: Path, as_json: bool) -> None:
    """Prove the published views once more.

    Every view must select, rank and score exactly the same customers in SQL as in Python.
    """
    proofs = [item.as_dict() for item in open_project(directory).verify()]
    if as_json:
        print_json(proofs)
    else:
        print_table([{**proof, "differences": len(proof["differences"])} for proof in proofs])
    differing = [str(proof["department"]) for proof in proofs if not proof["proved"]]
    if differing:
        raise ProofFailed(
            f"SQL and Python disagree in {len(differing)} of {len(proofs)} departments: {', '.join(differing)}",
            hint="do not use these views; run segwarehouse refresh to publish proved ones",
            departments=differing,
        )
