"""`segwarehouse status`: how far a running refresh is, or what the last run did."""

from pathlib import Path

import click

from segwarehouse.cli.options import example, json_option, project_option
from segwarehouse.cli.render import print_facts, print_json
from segwarehouse.config import load_config
from segwarehouse.errors import LastRunFailed, NothingPublished, WarehouseLocked
from segwarehouse.ledger.status import ENDED_WELL, RUNNING, Status, about, read_status


@click.command(epilog=example("segwarehouse status", "segwarehouse status --json"))
@project_option
@json_option
@click.pass_context
def status(context: click.Context, directory: Path, as_json: bool) -> None:
    """Say how far a running refresh is, or how the last run ended.

    It opens no database and answers at once. Exit status: 0 where nothing runs and the last run ended well, 11 where
    one is running, 12 where there was none yet, 13 where the last one failed, was stopped or died.
    """
    config = load_config(directory)
    found = read_status(config)
    if as_json:
        print_json(found.as_dict())
    elif found.state is not None:
        print_facts(_facts(found))
    if found.state == RUNNING:
        context.exit(WarehouseLocked.exit_status)
    if found.state is None:
        raise NothingPublished(f"no run is known in {config.directory}", "run: segwarehouse refresh")
    if found.state not in ENDED_WELL:
        raise LastRunFailed(
            f"the last run, {found.run_id}, {'was ' if found.state == 'stopped' else ''}{found.state}",
            "the published state is as it was before; segwarehouse runs lists all runs",
            run_id=found.run_id,
            state=found.state,
        )


def _facts(found: Status) -> dict[str, object]:
    """Return what is worth a line."""
    step = f"{found.step} {found.subject}".strip()
    facts: dict[str, object] = {
        "state": found.state,
        "work": found.work,
        "run": found.run_id,
        "process": f"{found.pid} on {found.host}",
        "since" if found.state == RUNNING else "began": _utc(found.started_at),
        "ended": _utc(found.finished_at),
        "step" if found.state == RUNNING else "last step": f"{step}, since {found.step_started_at} UTC" if step else "",
        "done": f"{found.share:.0%}" if step and found.state not in ENDED_WELL else "",
        "time left": about(found.seconds_left) if found.seconds_left is not None else "",
        **found.facts,
        "message": found.message,
    }
    return {name: value for name, value in facts.items() if value not in ("", None)}


def _utc(stamp: str) -> str:
    return f"{stamp} UTC" if stamp else ""
