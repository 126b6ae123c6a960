"""The working database, opened for a refresh or for a look.

In: a configuration. Out: a warehouse in which the schemas that a refresh makes anew are empty. What is done to it stays
(`working_warehouse`), is taken back (`untouched_warehouse`), or is done to a database of its own (`privately`).
"""

import datetime as dt
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from segwarehouse.config import Config
from segwarehouse.errors import ModelError, PublishError, WarehouseError
from segwarehouse.features import Staged, stage
from segwarehouse.features.build import CUTOFFS
from segwarehouse.features.later_data import SCHEMA as TRUNCATED
from segwarehouse.ledger.history import LAID_OUT, Run, now
from segwarehouse.ledger.ledger import Ledger, ledger_to_read, open_ledger
from segwarehouse.ledger.lock import exclusive
from segwarehouse.ledger.made import require_own
from segwarehouse.ledger.recover import clear_spill, recover
from segwarehouse.ledger.status import process_start
from segwarehouse.ledger.upgrade import take_over
from segwarehouse.progress import counted
from segwarehouse.project import drop_schema
from segwarehouse.state.folders import require_replaceable
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import DuckDB, Engine, SourceEngine, connect

Result = TypeVar("Result")

_LOOK = ".segwarehouse-look-"
_DROPPED_AT_THE_END = (TRUNCATED, CUTOFFS, LAID_OUT)
_DERIVED_SCHEMAS = ("learned", *_DROPPED_AT_THE_END, "features", "staging", "source")


@contextmanager
def working_warehouse(config: Config, wait_seconds: float = 0.0) -> Iterator[tuple[DuckDB, Ledger]]:
    """Open the working database and the ledger for a refresh; what it needs no longer is dropped when it ends."""
    with locked_warehouse(config, "refresh", wait_seconds) as (warehouse, ledger):
        try:
            yield warehouse, ledger
        finally:
            # The engine may have failed for good, on a full disk: the next run drops them, and the first error counts.
            with suppress(WarehouseError):
                for schema in _DROPPED_AT_THE_END:
                    warehouse.execute(drop_schema(schema))


@contextmanager
def made_anew(config: Config, warehouse: DuckDB) -> Iterator[None]:
    """Drop what a refresh makes anew; all of it is one transaction, where views are published in the same database.

    Raises
    ------
    PublishError
        If it would have to be one transaction, and the engine has none.
    """
    if config.in_place and not warehouse.capabilities.transactions:
        raise PublishError(
            f"{warehouse.dialect} has no transactions, so views can't be published in the working database itself",
            "name a database of its own in publish.url",
        )
    with warehouse.transaction() if config.in_place else nullcontext():
        _drop_derived(warehouse)
        yield


@contextmanager
def locked_warehouse(config: Config, work: str, wait_seconds: float = 0.0) -> Iterator[tuple[DuckDB, Ledger]]:
    """Open the working database and the ledger under the lock, after what a dead run left behind is put in order.

    Raises
    ------
    WarehouseLocked
        If another process has one of them, after `wait_seconds`.
    PublishError
        If a state could not be put in place.
    WarehouseError
        If a schema that a refresh makes anew holds what segwarehouse has not made.
    """
    path = config.warehouse.url.path
    with exclusive(config, work, wait_seconds) as lock:
        for database in (path, config.ledger):
            clear_spill(database)
        with (
            lock.patiently(lambda: connect(path)) as warehouse,
            lock.patiently(lambda: open_ledger(config)) as ledger,
        ):
            schemas = own_schemas(config)
            take_over(config, warehouse, ledger, schemas)
            require_own(config, warehouse, ledger, schemas)
            recover(config, warehouse, ledger, schemas)
            require_replaceable(config)
            yield warehouse, ledger


def own_schemas(config: Config) -> tuple[str, ...]:
    """Return the schemas of the working database that a refresh drops and makes anew."""
    return (*_DERIVED_SCHEMAS, "targeting") if config.in_place else _DERIVED_SCHEMAS


def _drop_derived(warehouse: Engine) -> None:
    """Drop the schemas that hold nothing but what a refresh makes anew."""
    for schema in _DERIVED_SCHEMAS:
        warehouse.execute(drop_schema(schema))


def stage_sources(
    config: Config, warehouse: SourceEngine, models: TemplateFolder, as_of: dt.date | None, run: Run | None
) -> Staged:
    """Attach and stage the sources as of today, and report progress to `run` where there is one."""
    relations = sum(path.startswith("staging/") for path in models.paths())
    tell = counted(run.teller("read transactions"), relations + 1) if run else None
    return stage(config, warehouse, models, as_of=as_of, today=now().date(), progress=tell)


def privately(config: Config, look: Callable[[SourceEngine], Result]) -> Result:
    """Return what a look at the sources finds, in a database of its own that is gone afterwards.

    It needs no lock, so that it never waits for a refresh and none waits for it. Only where a source is a relation of
    the working database, or a model fails that may read one there, that database is used, and all is taken back.

    Raises
    ------
    WarehouseError
        If a schema that a refresh makes anew holds what segwarehouse has not made, as far as can be seen.
    """
    has_database = config.warehouse.url.path.exists()
    if not (has_database and config.reads_relations):
        try:
            _require_own_if_free(config)
            with _own_folder(config) as folder, connect(folder / "warehouse.duckdb") as warehouse:
                return look(warehouse)
        except ModelError:
            if not has_database:
                raise
    with untouched_warehouse(config) as warehouse:
        return look(warehouse)


def _require_own_if_free(config: Config) -> None:
    path = config.warehouse.url.path
    with ExitStack() as stack:
        try:
            warehouse = stack.enter_context(connect(path, read_only=True)) if path.exists() else None
            ledger = stack.enter_context(ledger_to_read(config, warehouse))
        except WarehouseError:  # a run holds it, and has looked
            return
        if warehouse:
            require_own(config, warehouse, ledger, own_schemas(config))


@contextmanager
def _own_folder(config: Config) -> Iterator[Path]:
    """Make a folder beside the working database, where a refresh needs room too, or else where the system has it."""
    beside = config.warehouse.url.path.parent
    for left in beside.glob(f"{_LOOK}*"):
        pid = left.name.removeprefix(_LOOK).partition("-")[0]
        if pid.isdigit() and not process_start(int(pid)):  # it was killed while it looked
            shutil.rmtree(left, ignore_errors=True)
    name = f"{_LOOK}{os.getpid()}-"
    try:
        made = TemporaryDirectory(prefix=name, dir=beside, ignore_cleanup_errors=True)
    except OSError:
        made = TemporaryDirectory(prefix=name, ignore_cleanup_errors=True)
    with made as folder:
        yield Path(folder)


@contextmanager
def untouched_warehouse(config: Config, work: str = "check") -> Iterator[DuckDB]:
    """Open the working database under the lock, or one in memory, and take back whatever is done to it."""
    path = config.warehouse.url.path
    with ExitStack() as stack:
        if path.exists():
            stack.enter_context(exclusive(config, work))
        warehouse = stack.enter_context(connect(path if path.exists() else None))
        with ledger_to_read(config, warehouse) as ledger:
            require_own(config, warehouse, ledger, own_schemas(config))
        stack.enter_context(suppress(_Undo))
        stack.enter_context(warehouse.transaction())
        _drop_derived(warehouse)
        yield warehouse
        raise _Undo


class _Undo(Exception):
    """Ends a transaction that nothing is to stay of."""
