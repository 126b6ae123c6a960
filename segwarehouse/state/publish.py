"""Write aside, check, prove, promote: how a state is published, all or nothing.

In: a working warehouse that holds features and what was learned, and the departments' views as syntax trees. Out: a
new published state, complete in itself, in the place of the previous one. What must be proved is left to the caller,
who is handed the finished state, opened again and read-only, before anyone else sees it.

How the new state takes the place of the previous one is `segwarehouse.state.folders`. Where `publish.url` is the
working database itself, the same is written into its schema `targeting`, in the transaction that the caller has opened.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from sqlglot import exp

from segwarehouse.config import Config
from segwarehouse.domain import Department
from segwarehouse.errors import PublishError
from segwarehouse.project import Model, build, create_schema, drop_schema, load_models, read_query
from segwarehouse.rules.compile import VIEW_COLUMNS
from segwarehouse.state.comments import Words, comments
from segwarehouse.state.folders import current_run, promote, prune, require_replaceable, staging
from segwarehouse.state.published import PublishedState
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import (
    AS_NAMED,
    DuckDB,
    Engine,
    Place,
    Places,
    Relation,
    SchemaPlace,
    relation,
)

CATALOG = "segwarehouse_state"
"""What a state's catalogue is called while it is written. Names inside it have two parts, so it leaves no trace."""

COPIED = tuple(map(relation, ("features.customers", "features.department_counts")))
"""The feature tables that a state holds, so that its views are live and it is complete in itself."""

WORKING_SCHEMAS = ("source", "staging", "learned")

AUDIENCES = relation("targeting.audiences")
"""All views in one table: the one relation of the schema that no model makes."""

Audit = Callable[[PublishedState], None]

Accompany = Callable[[PublishedState, Path], None]
"""Writes what goes with a state into the folder that it is published in."""


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
    comments
        What columns are, by relation of `targeting`, where no model says it.
    places
        Where in the working database the relations are that those models read, if not where their names say.
    is_look_alike
        Whether scores say how alike customers are to buyers, since there are no times that say who buys later.
    """

    run_id: str
    views: Sequence[View]
    models: TemplateFolder
    context: Mapping[str, object]
    comments: Mapping[str, Mapping[str, str]]
    places: Places = AS_NAMED
    is_look_alike: bool = False


def publish(config: Config, warehouse: DuckDB, state: State, audit: Audit, accompany: Accompany | None = None) -> Path:
    """Publish a state, or leave the previous one as it was.

    Parameters
    ----------
    warehouse
        The working database; its `features`, `learned`, `staging` and `source` are read.
    audit
        Called with the finished state, opened anew and read-only (in place: the working warehouse itself); whatever
        it raises stops publishing.
    accompany
        Called with the audited state and the folder that is put in place with it. In place there is no such folder.

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
        audit(PublishedState(warehouse))
        return config.publish.url.path
    require_replaceable(config)
    replaced = current_run(config)
    with staging(config, state.run_id) as folder:
        file = folder / config.publish.url.path.name
        with warehouse.staged(file, CATALOG):
            write_state(warehouse, state, home=warehouse.home)
        _audit_file(file, state, audit, accompany)
        promote(config, folder, state.run_id)
    prune(config, replaced)
    return config.publish.url.path


def write_state(warehouse: Engine, state: State, home: str | None) -> None:
    """Write tables, views and comments into the default catalogue.

    Parameters
    ----------
    home
        The catalogue of the working schemas, where it is another than the default one.
    """
    places = state.places
    if home is not None:
        working = {schema: SchemaPlace(schema) for schema in WORKING_SCHEMAS}
        places = Places(places.relations, {**working, **places.schemas}).within(home)
        for source in COPIED:
            _copy(warehouse, source, Place(*source, home))
    sql = TemplateFolder.of("sql")
    models = load_models(state.models, "targeting", state.context)
    build(warehouse, models, places=places)
    for view in state.views:
        warehouse.execute(
            exp.Create(this=view.relation.table(), kind="VIEW", replace=True, expression=view.query.copy())
        )
    _write_audiences(warehouse, state, sql)
    if warehouse.capabilities.comments:
        _write_comments(warehouse, state, models, Words.read(sql, state.comments))


def _write_comments(warehouse: Engine, state: State, models: Sequence[Model], words: Words) -> None:
    """Say in the database what each relation and each column is."""

    def describe(
        kind: str,
        target: Relation,
        text: str,
        by_model: Mapping[str, str] = MappingProxyType({}),
        like: Sequence[str] = (),
        names: Sequence[str] = (),
    ) -> None:
        known = names or tuple(warehouse.columns(target))
        columns = {name: words.of_column(target, name, by_model.get(name, ""), like) for name in known}
        warehouse.execute(*comments(target, kind, text, columns))

    rows = ("look_alike", "view") if state.is_look_alike else ("view",)
    for view in state.views:
        describe("VIEW", view.relation, view.comment, like=rows, names=VIEW_COLUMNS)
    for model in models:
        by_model = {contract.column: contract.description for contract in model.contracts}
        describe(model.materialized.upper(), model.relation, model.description, by_model)
    describe("TABLE", AUDIENCES, words.of_relation(AUDIENCES), like=rows)
    features = warehouse.fetch(exp.select("name", "phrase").from_(relation("targeting.features").table())).to_pylist()
    for target in COPIED:
        describe("TABLE", target, words.of_relation(target), {row["name"]: row["phrase"] for row in features})


def _copy(warehouse: Engine, copied: Relation, source: Place) -> None:
    names = warehouse.columns(source)
    columns = [exp.column(name, quoted=True) for name in names]
    ordered = (
        exp.select(*columns)
        .from_(source.table())
        .order_by(*(exp.column(n, quoted=True) for n in names if n.endswith(("_id", "_key"))))
    )
    warehouse.execute(create_schema(copied.schema))
    _create_table(warehouse, copied, ordered)


def _create_table(warehouse: Engine, target: Relation, query: exp.Expr) -> None:
    warehouse.execute(exp.Create(this=target.table(), kind="TABLE", replace=True, expression=query))


def _write_audiences(warehouse: Engine, state: State, sql: TemplateFolder) -> None:
    """Write `targeting.audiences`, a statement a department: a union of hundreds of views is no statement."""
    for position, view in enumerate(state.views):
        context = {"department": view.department.name, "view": view.department.slug}
        rows = read_query(sql, "publish/audience_rows.sql", context)
        if position == 0:
            _create_table(warehouse, AUDIENCES, rows)
        else:
            warehouse.execute(exp.Insert(this=AUDIENCES.table(), expression=rows))


def _audit_file(file: Path, state: State, audit: Audit, accompany: Accompany | None) -> None:
    """Open the finished file as a reader would, and look at everything in it before anyone else can."""
    with PublishedState.of_file(file) as reader:
        if reader.run.run_id != state.run_id:
            raise PublishError(f"{file} says that it is run {reader.run.run_id}, not {state.run_id}", path=file)
        audit(reader)  # which reads every view to its end
        if accompany:
            accompany(reader, file.parent)
