"""What segwarehouse has made in the working database: a schema that holds anything else is never dropped.

In: the working database, and the ledger, which keeps the list. Out: the list, or a refusal. One ledger may be named for
several working databases, so each has its own list, under the way from the ledger to it.
"""

import os
from collections.abc import Collection, Sequence

import pyarrow as pa

from segwarehouse.config import Config
from segwarehouse.errors import WarehouseError
from segwarehouse.ledger.ledger import Ledger
from segwarehouse.project import read_query
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import Engine, Relation

_LIST = pa.schema([(name, pa.string()) for name in ("database_name", "schema_name", "relation_name")])


def relations_in(working: Engine, schemas: Sequence[str]) -> list[Relation]:
    """Return what is in these schemas of the working database, sorted."""
    query = read_query(TemplateFolder.of("sql"), "remember/relations.sql", {"schemas": schemas})
    return [Relation(row["schema_name"], row["relation_name"]) for row in working.fetch(query).to_pylist()]


def register(config: Config, working: Engine, ledger: Ledger, schemas: Sequence[str]) -> None:
    """Put on the list what is in these schemas now, and take off it what is not."""
    with ledger.transaction():
        ledger.write("forget_relations", {"database": _database(config), "schemas": schemas})
        add_to_list(config, ledger, relations_in(working, schemas))


def add_to_list(config: Config, ledger: Ledger, made: Collection[Relation]) -> None:
    """Put relations on the list, those that are not on it yet."""
    rows = [
        {"database_name": _database(config), "schema_name": schema, "relation_name": name}
        for schema, name in sorted({*made} - _listed(config, ledger))
    ]
    ledger.append("relations", pa.Table.from_pylist(rows, schema=_LIST))


def require_own(config: Config, working: Engine, ledger: Ledger | None, schemas: Sequence[str]) -> None:
    """Refuse to work in schemas that hold what segwarehouse has not made: they are dropped and made anew in each run.

    Raises
    ------
    WarehouseError
        With the first few of them.
    """
    made: Collection[Relation] = ()
    if ledger is not None:
        if not ledger.columns("relations"):
            return  # an earlier version made them, and kept no list
        if ledger.read("unfinished_runs", {}).num_rows:
            return  # a run that died made some of them, before it could put them on the list
        made = _listed(config, ledger)
    foreign = [relation for relation in relations_in(working, schemas) if relation not in made]
    if foreign:
        names = [str(relation) for relation in foreign]
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        raise WarehouseError(
            f"the working database has {shown}, which segwarehouse did not make, in a schema that each run makes anew",
            "move them to a schema of another name, or name another database in warehouse.url; if its ledger was lost, "
            "put that back",
            relations=names,
        )


def _listed(config: Config, ledger: Ledger) -> set[Relation]:
    is_shared = "database_name" in ledger.columns("relations")  # the list of an older version is of its own database
    rows = ledger.read("relations", {"database": _database(config) if is_shared else None})
    return {Relation(row["schema_name"], row["relation_name"]) for row in rows.to_pylist()}


def _database(config: Config) -> str:
    return os.path.relpath(config.warehouse.url.path, config.ledger.parent)
