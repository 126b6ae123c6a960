"""The ledger: what is known of all runs, in a DuckDB file of its own, whatever the engine of the working database.

In: statements of `sql/ledger/`, and rows that were fetched elsewhere. Out: rows of its schema `history`. It is written
only under the lock of the working database. What goes into it is left to `history.py`, how a run that died gets its
end to `recover.py`, and what an older version has kept in the working database to `upgrade.py`.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import pyarrow as pa
from sqlglot import exp

from segwarehouse.config import Config
from segwarehouse.project import read_query, run_script
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import DuckDB, Engine, Relation, connect

SCHEMA = "history"

OF_RUNS = ("runs", "run_steps", "cleaning", "fingerprints", "cards", "rules", "metrics", "memberships", "changes")
"""The tables that tell of runs; each has a column `run_id`."""


class Ledger:
    """The run log and its history, on an open engine.

    Parameters
    ----------
    engine
        Open on the ledger, or on a working database in which an older version has kept its log.
    """

    def __init__(self, engine: DuckDB) -> None:
        self._engine = engine
        self._sql = TemplateFolder.of("sql")

    def create(self) -> None:
        """Make the tables that are not there yet."""
        self.write("create", {})

    def read(self, name: str, context: Mapping[str, object]) -> pa.Table:
        """Return what a query of `sql/ledger/` finds."""
        return self._engine.fetch(read_query(self._sql, f"ledger/{name}.sql", context))

    def write(self, name: str, context: Mapping[str, object]) -> None:
        """Run a script of `sql/ledger/`."""
        run_script(self._engine, self._sql, f"ledger/{name}.sql", context)

    def append(self, name: str, rows: pa.Table) -> None:
        """Add rows to a table; columns go by their names."""
        self._engine.append(Relation(SCHEMA, name), rows)

    def table(self, name: str) -> pa.Table:
        """Return all rows of a table."""
        return self._engine.fetch(exp.select("*").from_(Relation(SCHEMA, name).table()))

    def count(self, name: str) -> int:
        """Return how many rows a table has."""
        counted = exp.select(exp.Count(this=exp.Star()).as_("n")).from_(Relation(SCHEMA, name).table())
        return int(self._engine.fetch(counted)["n"][0].as_py())

    def columns(self, name: str) -> list[str]:
        """Return the columns of a table; empty where a log of an older version has no such table."""
        return list(self._engine.columns(Relation(SCHEMA, name)))

    def transaction(self) -> AbstractContextManager[None]:
        """Write all or nothing."""
        return self._engine.transaction()

    def close(self) -> None:
        """Release the file."""
        self._engine.close()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_ledger(config: Config) -> Ledger:
    """Open the ledger to write in it; the caller holds the lock of the working database.

    Raises
    ------
    WarehouseLocked
        If another program has it open.
    """
    return Ledger(connect(config.ledger))


@contextmanager
def ledger_to_read(config: Config, working: DuckDB | None = None) -> Iterator[Ledger | None]:
    """Open what is known of runs, read-only; None where nothing is known.

    Of a project that an older version has left, that is the working database.

    Parameters
    ----------
    working
        The working database, where it is open already.

    Raises
    ------
    WarehouseLocked
        If a run, or another program, has it open.
    """
    if config.ledger.exists():
        with connect(config.ledger, read_only=True) as engine:
            if knows_runs(engine):
                yield Ledger(engine)
                return
    if working is not None:
        yield Ledger(working) if knows_runs(working) else None
    elif config.warehouse.url.path.exists():
        with connect(config.warehouse.url.path, read_only=True) as engine:
            yield Ledger(engine) if knows_runs(engine) else None
    else:
        yield None


def knows_runs(engine: Engine) -> bool:
    """Tell whether there is a run log of segwarehouse; a table that is only called like it is none."""
    return {"run_id", "started_at", "status", "seed", "settings", "versions"} <= engine.columns(
        Relation(SCHEMA, "runs")
    ).keys()
