"""What a process that died left behind.

In: the working database and the ledger, opened under the lock, so that no other run is alive. Out: a run log in which
every run has an end, and a disk without unfinished states.
"""

from collections.abc import Sequence
from pathlib import Path

from segwarehouse.config import Config
from segwarehouse.ledger.history import current_state, now
from segwarehouse.ledger.ledger import Ledger
from segwarehouse.ledger.made import register
from segwarehouse.state.folders import clear_leavings
from segwarehouse.warehouse import Engine

DIED = "died"
_SPILL = "duckdb_temp_*"


def recover(config: Config, working: Engine, ledger: Ledger, schemas: Sequence[str]) -> None:
    """Give every run that died its end in the log, and remove what it left on disk.

    A run that died after its state was put in place was published; one that died before never was, even if its state
    is finished. What a dead run made in `schemas`, and could not put on the list any more, is put there now.
    """
    dead: set[str] = set()
    current = current_state(config, working)
    unfinished = ledger.read("unfinished_runs", {}).to_pylist()
    if unfinished:
        register(config, working, ledger, schemas)
    for row in unfinished:
        run_id, restored = row["run_id"], row["restored_run_id"]
        if current is not None and current in {run_id, restored}:
            status, message = ("rollback" if restored else "published"), "its process died when that was done"
        else:
            dead.add(run_id)
            status, message = DIED, "its process ended without a word; nothing of it was published"
        ended = {"run_id": run_id, "finished_at": now(), "status": status, "message": message}
        ledger.write("end_run", ended)
    clear_leavings(config, dead)


def clear_spill(database: Path) -> None:
    """Remove what a killed process has spilled to disk; the database must not be open."""
    for left in database.with_name(f"{database.name}.tmp").glob(_SPILL):
        left.unlink(missing_ok=True)
