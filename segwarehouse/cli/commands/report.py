"""`segwarehouse report`: the published state in words and pictures."""

from pathlib import Path

import click

from segwarehouse.cli.files import HTML, require_ending
from segwarehouse.cli.options import example, json_option, open_project, project_option
from segwarehouse.cli.render import print_json, say


@click.command(
    epilog=example("segwarehouse report --output targeting.html", "segwarehouse report --department SEAFOOD")
)
@project_option
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The HTML file to write; by default report.html in the project's folder.",
)
@click.option("--department", "departments", multiple=True, metavar="NAME", help="Only this one; may be repeated.")
@json_option
def report(directory: Path, output: Path | None, departments: tuple[str, ...], as_json: bool) -> None:
    """Write the published state as one HTML file.

    It opens offline, on a phone too, and holds no customer's id. With --json what it says is printed, and no file is
    written. A refresh makes the same report beside the state that it publishes.
    """
    require_ending(str(output) if output else None, HTML)
    project = open_project(directory)
    if as_json:
        if output is not None:
            raise click.UsageError("--json prints, and --output writes: choose one")
        print_json(project.summary(departments))
        return
    written = project.report(output, departments)
    say(f"Wrote {written.path}: {written.departments} departments, {written.size_bytes / 1e6:.1f} MB.")
