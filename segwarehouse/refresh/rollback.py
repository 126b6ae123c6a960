"""Put a previous state back.

In: a configuration and a run. Out: its state, proved once more, is the current one, and the run log says so. Only the
link moves: what is put back is to the last byte what was published then, its features and its customers included.
"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segwarehouse.config import Config
from segwarehouse.errors import NothingPublished, PublishError, UnknownName
from segwarehouse.ledger.history import recorded
from segwarehouse.state.folders import current_run, state_file, states_on_disk, switch
from segwarehouse.state.proof import prove_state
from segwarehouse.state.published import PublishedState
from segwarehouse.working import locked_warehouse


@dataclass(frozen=True)
class RollbackReport:
    """What a rollback did.

    Attributes
    ----------
    run_id
        Names the rollback in the run log.
    restored_run_id
        The run whose state is current again.
    replaced_run_id
        The run whose state was current before; None if there was none.
    as_of
        What the restored state knew: everything before this day.
    published
        The file that readers open.
    departments
        How many views were proved.
    """

    run_id: str
    restored_run_id: str
    replaced_run_id: str | None
    as_of: dt.date
    published: Path
    departments: int

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        return {
            "run_id": self.run_id,
            "restored_run_id": self.restored_run_id,
            "replaced_run_id": self.replaced_run_id,
            "as_of": self.as_of.isoformat(),
            "published": str(self.published),
            "departments": self.departments,
        }


def rollback(config: Config, run_id: str | None = None, *, wait_seconds: float = 0.0) -> RollbackReport:
    """Make a previous state the current one.

    Parameters
    ----------
    run_id
        Whose state; None: the one that was published before the current one.
    wait_seconds
        How long to wait for another run that holds the working database.

    Raises
    ------
    PublishError
        If views are published in the working database itself, which keeps no previous states, or if there is nothing to
        go back to.
    NothingPublished
        If there is no state at all.
    UnknownName
        If the run has no state on disk.
    ProofFailed
        If the previous state is not what it was any more.
    """
    if config.in_place:
        raise PublishError(
            "views that are published in the working database itself have no previous states",
            "run segwarehouse refresh --as-of an earlier day, or name a database of its own in publish.url",
        )
    with locked_warehouse(config, "rollback", wait_seconds) as (warehouse, ledger):
        replaced = current_run(config)
        wanted = run_id or _one_before(config, replaced)
        file = state_file(config, wanted)
        if wanted == replaced:
            raise UnknownName(f"{wanted} is the current state already", _others(config, wanted), name=wanted)
        with recorded(ledger, warehouse, config, None, ends="rollback") as run:
            with PublishedState.of_file(file) as state:
                if state.run.run_id != wanted:
                    raise PublishError(f"{file} is not the state of run {wanted}", _others(config, wanted), path=file)
                proved, as_of = prove_state(state), state.run.as_of
            run.restores(wanted, as_of, f"{wanted} in the place of {replaced or 'none'}")
            switch(config, wanted)
            return RollbackReport(run.run_id, wanted, replaced, as_of, config.publish.url.path, proved)


def _one_before(config: Config, current: str | None) -> str:
    """Return the newest state on disk that was published before the current one."""
    known = states_on_disk(config)
    earlier = [run_id for run_id in known if current is None or run_id < current]
    if not earlier and current is None:
        raise NothingPublished(f"nothing is published at {config.publish.url.path}", _others(config, current))
    if not earlier:
        raise PublishError(f"no state on disk is older than the current one, {current}", _others(config, current))
    return earlier[-1]


def _others(config: Config, current: str | None) -> str:
    others = [run_id for run_id in reversed(states_on_disk(config)) if run_id != current]
    return f"on disk: {', '.join(others)}" if others else "run: segwarehouse refresh"
