"""The run log of a project that an older version has left, moved from its working database into the ledger, once.

In: the working database and the ledger, both open under the lock. Out: a ledger that knows all runs, and a working
database without schema `history`. Rows are copied in one transaction of the ledger, which is counted before it is
committed, and dropped from the working database only after that. Whatever stops it in between, the next opening finds
either nothing of the copy, and makes it, or all of it, and copies none of those runs again.
"""

from collections.abc import Sequence

import pyarrow as pa
from sqlglot import exp

from segwarehouse.config import Config
from segwarehouse.errors import WarehouseError
from segwarehouse.ledger.ledger import OF_RUNS, SCHEMA, Ledger, knows_runs
from segwarehouse.ledger.made import add_to_list, relations_in
from segwarehouse.project import drop_schema
from segwarehouse.warehouse import Engine, Relation

_BATCH_ROWS = 100_000

_LIST = Relation(SCHEMA, "relations")


def take_over(config: Config, working: Engine, ledger: Ledger, schemas: Sequence[str]) -> None:
    """Move the log of an older version into the ledger; nothing is done where the working database has none.

    Parameters
    ----------
    schemas
        Those that a refresh makes anew. A log without a list of what was made there is older than that list, and what
        is there now counts as made.

    Raises
    ------
    WarehouseError
        If not all rows have arrived: the working database is then as it was.
    """
    with ledger.transaction():
        ledger.create()
        if not knows_runs(working):
            return
        known = [exp.Literal.string(run_id) for run_id in ledger.table("runs")["run_id"].to_pylist()]
        for name in OF_RUNS:
            _copy(working, ledger, name, known)
        if working.columns(_LIST):
            rows = working.fetch(exp.select("schema_name", "relation_name").from_(_LIST.table())).to_pylist()
            made = [Relation(row["schema_name"], row["relation_name"]) for row in rows]
        else:
            made = relations_in(working, schemas)
        add_to_list(config, ledger, made)
    _drop(working)


def _copy(working: Engine, ledger: Ledger, name: str, known: Sequence[exp.Expr]) -> None:
    """Copy the rows of all runs that the ledger does not know."""
    there = working.columns(Relation(SCHEMA, name))
    if not there:
        return
    columns = [exp.column(column, quoted=True) for column in ledger.columns(name) if column in there]
    rows = exp.select(*columns).from_(Relation(SCHEMA, name).table())
    if known:
        rows = rows.where(exp.not_(exp.column("run_id", quoted=True).isin(*known)))
    copied = 0
    before = ledger.count(name)
    for batch in working.batches(rows, _BATCH_ROWS):
        ledger.append(name, pa.Table.from_batches([batch]))
        copied += batch.num_rows
    expected = exp.select(exp.Count(this=exp.Star()).as_("n")).from_(rows.subquery("copied"))
    wanted = working.fetch(expected)["n"][0].as_py()
    if not wanted == copied == ledger.count(name) - before:
        raise WarehouseError(
            f"{wanted:,} rows of {SCHEMA}.{name} were to be copied into the ledger, and {copied:,} were",
            "the working database keeps them; is there room on the disk?",
        )


def _drop(working: Engine) -> None:
    """Drop the log from the working database; what else is in its schema belongs to somebody else, and stays."""
    with working.transaction():
        for name in (*OF_RUNS, _LIST.name):
            working.execute(exp.Drop(tables=[Relation(SCHEMA, name).table()], kind="TABLE", exists=True))
        if not relations_in(working, (SCHEMA,)):
            working.execute(drop_schema(SCHEMA))
