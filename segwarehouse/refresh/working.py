"""The working database, opened for a refresh or for a look.

In: a configuration. Out: a warehouse in which the schemas that a refresh makes anew are empty. What is done to it stays
(`working_warehouse`), or is taken back (`untouched_warehouse`).
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress

from segwarehouse.config import Config
from segwarehouse.features import Staged, stage
from segwarehouse.project import drop_schema
from segwarehouse.refresh.history import Run, now
from segwarehouse.refresh.later_data import SCHEMA as TRUNCATED
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import DuckDBWarehouse, Warehouse, connect

_DERIVED_SCHEMAS = ("learned", TRUNCATED, "features", "staging", "source")


@contextmanager
def working_warehouse(config: Config) -> Iterator[DuckDBWarehouse]:
    """Open the working database with the derived schemas empty; in one transaction, where it is published in place."""
    with connect(config.warehouse.url.path) as warehouse:
        try:
            with warehouse.transaction() if config.in_place else nullcontext():
                _drop_derived(warehouse)
                yield warehouse
        finally:
            warehouse.execute(drop_schema(TRUNCATED))


def _drop_derived(warehouse: Warehouse) -> None:
    """Drop the schemas that hold nothing but what a refresh makes anew."""
    for schema in _DERIVED_SCHEMAS:
        warehouse.execute(drop_schema(schema))


def stage_sources(
    config: Config, warehouse: Warehouse, models: TemplateFolder, as_of: dt.date | None, run: Run | None
) -> Staged:
    """Attach and stage the sources as of today, and report progress to `run` where there is one."""

    def tell(relation_name: str) -> None:
        if run:
            run.tell("read transactions", relation_name, 0.5)

    return stage(config, warehouse, models, as_of=as_of, today=now().date(), progress=tell)


@contextmanager
def untouched_warehouse(config: Config) -> Iterator[DuckDBWarehouse]:
    """Open the working database, or one in memory where there is none yet, and take back whatever is done to it."""
    path = config.warehouse.url.path
    with connect(path if path.exists() else None) as warehouse, suppress(_Undo), warehouse.transaction():
        _drop_derived(warehouse)
        yield warehouse
        raise _Undo


class _Undo(Exception):
    """Ends a transaction that nothing is to stay of."""
