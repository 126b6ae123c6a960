"""What a process that died left behind, and what was there before the first run: looked at before anything is written.

In: the working database, opened under the lock, so that no other run is alive. Out: a run log in which every run has an
end, a disk without unfinished states, and the certainty that nothing is dropped but what segwarehouse has made.
"""

from collections.abc import Sequence
from pathlib import Path

from segwarehouse.config import Config
from segwarehouse.errors import WarehouseError
from segwarehouse.ledger.history import now
from segwarehouse.project import read_query, run_script
from segwarehouse.state.folders import clear_leavings, current_run
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import Engine, relation

DIED = "died"
_SPILL = "duckdb_temp_*"


def recover(config: Config, warehouse: Engine, schemas: Sequence[str]) -> None:
    """Give every run that died its end in the log, and remove what it left on disk.

    A run that died after its state was put in place was published; one that died before never was, even if its state
    is finished. What a dead run made in `schemas`, and could not put on the list any more, is put there now.
    """
    sql = TemplateFolder.of("sql")
    dead: set[str] = set()
    current = current_run(config)
    if warehouse.columns(relation("history.runs")):
        run_script(warehouse, sql, "history/create.sql", {})
        unfinished = warehouse.fetch(read_query(sql, "history/unfinished_runs.sql", {})).to_pylist()
        if unfinished:
            run_script(warehouse, sql, "history/register_relations.sql", {"schemas": schemas})
        for row in unfinished:
            run_id, restored = row["run_id"], row["restored_run_id"]
            if current is not None and current in {run_id, restored}:
                status, message = ("rollback" if restored else "published"), "its process died when that was done"
            else:
                dead.add(run_id)
                status, message = DIED, "its process ended without a word; nothing of it was published"
            ended = {"run_id": run_id, "finished_at": now(), "status": status, "message": message}
            run_script(warehouse, sql, "history/end_run.sql", ended)
    clear_leavings(config, dead)


def clear_spill(database: Path) -> None:
    """Remove what a killed process has spilled to disk; the database must not be open."""
    for left in database.with_name(f"{database.name}.tmp").glob(_SPILL):
        left.unlink(missing_ok=True)


def require_own(warehouse: Engine, schemas: Sequence[str]) -> None:
    """Refuse to work in schemas that hold what segwarehouse has not made: they are dropped and made anew in each run.

    Raises
    ------
    WarehouseError
        With the first few of them.
    """
    is_registered = bool(warehouse.columns(relation("history.relations")))
    if not is_registered and warehouse.columns(relation("history.runs")):
        return  # an earlier version made them, and kept no list
    sql = TemplateFolder.of("sql")
    if is_registered and warehouse.fetch(read_query(sql, "history/unfinished_runs.sql", {})).num_rows:
        return  # a run that died made some of them, before it could put them on the list
    context = {"schemas": schemas, "is_registered": is_registered}
    foreign = warehouse.fetch(read_query(sql, "history/foreign_relations.sql", context)).to_pylist()
    if foreign:
        names = [f"{row['schema_name']}.{row['relation_name']}" for row in foreign]
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        raise WarehouseError(
            f"the working database has {shown}, which segwarehouse did not make, in a schema that each run makes anew",
            "move them to a schema of another name, or name another database in warehouse.url",
            relations=names,
        )
