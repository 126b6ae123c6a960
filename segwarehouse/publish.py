"""Write aside, check, prove, promote: how a state is published, all or nothing.

In: a working warehouse that holds features and what was learned, and the departments' views as syntax trees. Out: a
new published state, complete in itself, in the place of the former one. What must be proved is left to the caller,
who is handed the finished state, opened again and read-only, before anyone else sees it.

Published states are folders, ``runs/<run>/warehouse.duckdb``, and the folder that `publish.url` names is a symbolic
link to the current one. Replacing the link is one atomic step, so a reader sees the former state or the new one; a
crash at any moment leaves the link where it was. Where `publish.url` is the working database itself, the same is
written into its schema `targeting`, in the transaction that the caller has opened.
"""

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlglot import exp

from segwarehouse.config import Config
from segwarehouse.domain import Department
from segwarehouse.errors import PublishError
from segwarehouse.project import Model, build, create_schema, drop_schema, load_models, read_statements
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import DuckDBWarehouse, Relation, Warehouse, connect, relation

CATALOG = "segwarehouse_state"
"""What a state's catalogue is called while it is written. Names inside it have two parts, so it leaves no trace."""

STATES_KEPT = 5
"""How many published states stay on disk, the current one included."""

COPIED = tuple(map(relation, ("features.customers", "features.department_counts")))
"""The feature tables that a state holds, so that its views are live and it is complete in itself."""

WORKING_SCHEMAS = frozenset({"source", "staging", "learned", "history"})

Audit = Callable[[Warehouse], None]


@dataclass(frozen=True)
class View:
    """A department's targeting view: where it goes, what it selects, and what a catalogue browser shows of it."""

    department: Department
    query: exp.Query
    comment: str

    @property
    def relation(self) -> Relation:
        """The view's name in the schema `targeting`."""
        return Relation("targeting", self.department.slug)


@dataclass(frozen=True)
class State:
    """What is to be published.

    Attributes
    ----------
    run_id
        Names the state, and its folder.
    views
        The departments' views.
    models
        `models/`, for the result tables in `models/targeting/`.
    context
        What those models are rendered with.
    """

    run_id: str
    views: Sequence[View]
    models: TemplateFolder
    context: Mapping[str, object]


def publish(config: Config, warehouse: DuckDBWarehouse, state: State, audit: Audit) -> Path:
    """Publish a state, or leave the former one as it was.

    Parameters
    ----------
    warehouse
        The working database; its `features`, `learned` and `history` are read.
    audit
        Called with the finished state, opened anew and read-only (in place: the working warehouse itself); whatever
        it raises stops publishing.

    Returns
    -------
    Path
        The file that readers open.

    Raises
    ------
    PublishError
        If the state can't be written or put in place.
    """
    if config.in_place:
        warehouse.execute(drop_schema("targeting"))
        write_state(warehouse, state, home=None)
        audit(warehouse)
        return config.publish.url.path
    require_replaceable(config)
    link = config.publish.url.path.parent
    runs = config.states
    staging = runs / f".staging-{state.run_id}"
    try:
        runs.mkdir(parents=True, exist_ok=True)
        _clear_dead(runs)
        staging.mkdir()
        file = staging / config.publish.url.path.name
        with warehouse.staged(file, CATALOG):
            write_state(warehouse, state, home=warehouse.home)
        _audit_file(file, state, audit)
        _promote(staging, runs / state.run_id, link, file.name)
    except OSError as error:
        raise PublishError(
            f"{error.filename or runs}: {error.strerror}", "is the folder writable, and is there room on the disk?"
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    _prune(runs, link)
    return config.publish.url.path


def require_replaceable(config: Config) -> None:
    """Refuse to begin what could not be put in place.

    Raises
    ------
    PublishError
        If the published folder is there already and is not the link that a former run has made.
    """
    link = config.publish.url.path.parent
    if not config.in_place and link.exists() and not link.is_symlink():
        raise PublishError(
            f"{link} is a folder of its own, and must become a link to the published state",
            "move it away, or name another folder in publish.url",
            path=link,
        )


def write_state(warehouse: Warehouse, state: State, home: str | None) -> None:
    """Write tables, views and comments into the default catalogue.

    Parameters
    ----------
    home
        The catalogue of the working schemas, where it is another than the default one.
    """
    if home is not None:
        for source in COPIED:
            _copy(warehouse, source, home)
    sql = TemplateFolder.of("sql")
    models = [_at_home(model, home) for model in load_models(state.models, "targeting", state.context)]
    build(warehouse, models)
    for view in state.views:
        warehouse.execute(
            exp.Create(this=view.relation.table(), kind="VIEW", replace=True, expression=view.query.copy())
        )
    _write_audiences(warehouse, state, sql)
    for view in state.views:
        _comment(warehouse, "VIEW", view.relation.table(), view.comment)
    for model in models:
        if model.description:
            _comment(warehouse, "TABLE", model.relation.table(), model.description)
        for contract in model.contracts:
            if contract.description:
                column = exp.column(contract.column, table=model.relation.name, db=model.relation.schema, quoted=True)
                _comment(warehouse, "COLUMN", column, contract.description)


def _copy(warehouse: Warehouse, source: Relation, home: str) -> None:
    table = source.table()
    table.set("catalog", exp.to_identifier(home, quoted=True))
    names = warehouse.columns(source, catalog=home)
    columns = [exp.column(name, quoted=True) for name in names]
    ordered = (
        exp.select(*columns)
        .from_(table)
        .order_by(*(exp.column(n, quoted=True) for n in names if n.endswith(("_id", "_key"))))
    )
    warehouse.execute(create_schema(source.schema))
    _create_table(warehouse, source, ordered)


def _create_table(warehouse: Warehouse, target: Relation, query: exp.Expr) -> None:
    warehouse.execute(exp.Create(this=target.table(), kind="TABLE", replace=True, expression=query))


def _at_home(model: Model, home: str | None) -> Model:
    """Return the model with references to the working schemas qualified by their catalogue."""
    query = _qualified(model.query, home)
    return replace(model, query=query) if isinstance(query, exp.Query) else model


def _qualified(node: exp.Expr, home: str | None) -> exp.Expr:
    copied = node.copy()
    if home is not None:
        for table in copied.find_all(exp.Table):
            if table.db in WORKING_SCHEMAS:
                table.set("catalog", exp.to_identifier(home, quoted=True))
    return copied


def _write_audiences(warehouse: Warehouse, state: State, sql: TemplateFolder) -> None:
    """Write `targeting.audiences`, a statement a department: a union of hundreds of views is no statement."""
    target = relation("targeting.audiences")
    for position, view in enumerate(state.views):
        context = {"department": view.department.name, "view": view.department.slug}
        rows = read_statements(sql, "publish/audience_rows.sql", context)[0]
        if position == 0:
            _create_table(warehouse, target, rows)
        else:
            warehouse.execute(exp.Insert(this=target.table(), expression=rows))


def _comment(warehouse: Warehouse, kind: str, target: exp.Expr, text: str) -> None:
    warehouse.execute(exp.Comment(this=target, kind=kind, expression=exp.Literal.string(text)))


def _audit_file(file: Path, state: State, audit: Audit) -> None:
    """Open the finished file as a reader would, and look at everything in it before anyone else can."""
    with connect(file, read_only=True) as reader:
        found = reader.fetch(exp.select("run_id").from_(relation("targeting.run").table()))["run_id"].to_pylist()
        if found != [state.run_id]:
            raise PublishError(f"{file} says that it is run {found}, not {state.run_id}", path=file)
        for view in state.views:
            reader.fetch(exp.select("*").from_(view.relation.table()).limit(1))
        audit(reader)


def _clear_dead(runs: Path) -> None:
    """Remove what a run that died left behind; the working database's lock says that none is alive."""
    for dead in runs.glob(".staging-*"):
        shutil.rmtree(dead, ignore_errors=True)


def _promote(staging: Path, target: Path, link: Path, name: str) -> None:
    """Make the state durable, then put it in place by replacing the link."""
    (staging / name).chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
    _sync(staging / name)
    _sync(staging)
    staging.rename(target)
    _sync(target.parent)
    with _temporary_link(link, Path(os.path.relpath(target, link.parent))) as temporary:
        temporary.replace(link)
    _sync(link.parent)


@contextmanager
def _temporary_link(link: Path, target: Path) -> Iterator[Path]:
    temporary = link.with_name(f".{link.name}-{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target, target_is_directory=True)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def states_on_disk(config: Config) -> list[str]:
    """Return the runs whose published states are on disk."""
    if not config.states.is_dir():
        return []
    return [path.name for path in config.states.iterdir() if path.is_dir() and not path.name.startswith(".")]


def _prune(runs: Path, link: Path) -> None:
    """Remove the oldest states beyond `STATES_KEPT`, never the current one."""
    current = link.resolve()
    states = sorted((path for path in runs.iterdir() if path.is_dir() and not path.name.startswith(".")), reverse=True)
    for old in states[STATES_KEPT:]:
        if old.resolve() != current:
            shutil.rmtree(old, ignore_errors=True)
