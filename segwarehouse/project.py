"""From `models/` to relations: render, parse, order, materialise, check.

In: a folder of SELECT statements, one a file, path = relation, and a context of plain values for their templates.
Out: relations in the warehouse, each checked against what its file says of its columns.

A file opens with comment lines: ``-- materialized: table`` or ``view``, ``-- unique: a, b`` for a key of several
columns, ``-- needs: category`` where it is built only if the data has that, ``-- description: …``. Behind a column
stands what must be true of it: ``@not_null``, ``@unique``, ``@finite``, ``@between(low, high)``, ``@in('a', 'b')``,
and a few words that describe it. Files in `models/checks/` are queries that must return no rows, those in
`models/macros/` are no models. The order comes from the references that sqlglot finds, and from graphlib.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import cast

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from segwarehouse.errors import CheckFailed, ModelError, WarehouseError, did_you_mean
from segwarehouse.templates import TEMPLATE_DIALECT, TemplateFolder
from segwarehouse.warehouse import AS_NAMED, Engine, Place, Places, Relation

LARGEST_DOUBLE = exp.cast(exp.Literal.string(repr(1.7976931348623157e308)), "double")

_CONTRACT = re.compile(r"@(not_null|unique|finite|between|in)\b(?:\(([^)]*)\))?")


@dataclass(frozen=True)
class Contract:
    """What must be true of one column, and the words that describe it."""

    column: str
    clauses: tuple[tuple[str, str], ...]
    description: str


@dataclass(frozen=True)
class Model:
    """One file: a SELECT and what is said about it.

    Attributes
    ----------
    relation
        Schema and name, from the path.
    file
        Where it was read.
    text
        The SELECT as rendered.
    query
        The SELECT, parsed.
    materialized
        ``table`` or ``view``.
    unique_together
        Columns that are unique as a group.
    needs
        Without any of these, the model is left out.
    """

    relation: Relation
    file: Path
    text: str
    query: exp.Query
    materialized: str
    description: str
    unique_together: tuple[str, ...]
    needs: tuple[str, ...]
    contracts: tuple[Contract, ...]

    @property
    def references(self) -> frozenset[Relation]:
        """The relations that the SELECT reads, its own CTEs aside."""
        return frozenset(
            Relation(table.db, table.name) for table in self.query.find_all(exp.Table) if table.db and table.name
        )


def load_models(folder: TemplateFolder, schema: str, context: Mapping[str, object]) -> list[Model]:
    """Render and parse every model of a schema, in the order in which they can be built.

    Parameters
    ----------
    folder
        `models/` and what overrides it.
    schema
        The subfolder: ``staging``, ``features``, ``targeting`` or ``checks``.
    context
        What the templates may use; its ``has`` says which of the models that need something are built.

    Raises
    ------
    ModelError
        With file and line, if one does not render or parse, is not one SELECT, or they refer to each other in a ring.
    """
    paths = [path for path in folder.paths() if path.startswith(f"{schema}/") and path.count("/") == 1]
    has = cast("Mapping[str, bool]", context.get("has", {}))
    return in_order(model for path in paths if _is_wanted(model := read_model(folder, path, context), has))


def _is_wanted(model: Model, has: Mapping[str, bool]) -> bool:
    """Return whether the data has all that a model needs."""
    for need in model.needs:
        if need not in has:
            raise ModelError(
                f"{model.file}:1: it needs {need!r}, which is nothing that data can have",
                did_you_mean(need, has),
                path=str(model.file),
                line=1,
            )
    return all(has[need] for need in model.needs)


def read_model(folder: TemplateFolder, path: str, context: Mapping[str, object]) -> Model:
    """Render and parse one model. See `load_models`."""
    file = folder.file(path)
    text = folder.render(path, context)
    try:
        statements = [node for node in sqlglot.parse(text, dialect=TEMPLATE_DIALECT) if node is not None]
    except (ParseError, TokenError) as error:
        raise _parse_error(file, error) from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        kinds = ", ".join(type(node).__name__.upper() for node in statements) or "nothing"
        raise ModelError(f"{file}:1: a model is one SELECT, and this is {kinds}", path=str(file), line=1)
    query = statements[0]
    header = _header(text)
    schema, _, name = path.removesuffix(".sql").partition("/")
    materialized = " ".join(header.get("materialized", ["view"]))
    if materialized not in {"table", "view"}:
        raise ModelError(f"{file}:1: materialized is {materialized!r}", "write table or view", path=str(file), line=1)
    return Model(
        relation=Relation(schema, name),
        file=file,
        text=text,
        query=query,
        materialized=materialized,
        description=" ".join(header.get("description", [])),
        unique_together=_listed(header, "unique"),
        needs=_listed(header, "needs"),
        contracts=tuple(_contracts(query)),
    )


def in_order(models: Iterable[Model]) -> list[Model]:
    """Return the models so that each stands after all that it reads, by name where that leaves a choice."""
    by_relation = {model.relation: model for model in models}
    sorter = TopologicalSorter(
        {relation: sorted(model.references & by_relation.keys()) for relation, model in sorted(by_relation.items())}
    )
    try:
        return [by_relation[relation] for relation in sorter.static_order()]
    except CycleError as error:
        ring = " reads ".join(map(str, error.args[1]))
        first = by_relation[error.args[1][0]].file
        raise ModelError(f"{first}:1: models refer to each other in a ring: {ring}", path=str(first), line=1) from error


def _header(text: str) -> dict[str, list[str]]:
    """Return the `key: value` lines of the comments that the file opens with."""
    header: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("--"):
            break
        if found := re.match(r"--\s*(materialized|unique|needs|description)\s*:\s*(.+)", line):
            header.setdefault(found[1], []).append(found[2].strip())
    return header


def _listed(header: Mapping[str, list[str]], key: str) -> tuple[str, ...]:
    return tuple(part.strip() for line in header.get(key, []) for part in line.split(","))


def _contracts(query: exp.Query) -> Iterator[Contract]:
    for projection in query.selects:
        comment = " ".join(comment.strip() for comment in projection.comments or [])
        if comment:
            clauses = tuple((found[1], found[2] or "") for found in _CONTRACT.finditer(comment))
            yield Contract(projection.alias_or_name, clauses, _CONTRACT.sub("", comment).strip())


def build(
    warehouse: Engine,
    models: Iterable[Model],
    progress: Callable[[str], None] | None = None,
    places: Places = AS_NAMED,
) -> None:
    """Materialise models in the order given, and check each as soon as it stands.

    Parameters
    ----------
    progress
        Called with the name of each relation.
    places
        Where relations are, those that are read and those that are made.

    Raises
    ------
    ModelError
        With file and line, if the engine refuses one.
    CheckFailed
        If a column is not what its file says.
    """
    for model in models:
        if progress:
            progress(str(model.relation))
        try:
            for statement in statements(model, places):
                warehouse.execute(statement)
        except WarehouseError as error:
            if error.hint:  # a full disk, for instance, is no fault of the model
                raise
            raise _engine_error(model, error) from error
        check_contracts(warehouse, model, places)


def statements(model: Model, places: Places = AS_NAMED) -> list[exp.Expr]:
    """Return the statements that replace a model's relation, whichever kind it was before."""
    place = places.of(model.relation)
    create = exp.Create(
        this=place.table(), kind=model.materialized.upper(), replace=True, expression=places.moved(model.query)
    )
    return [create_schema(place.schema), create]


def create_schema(name: str) -> exp.Create:
    """Return the statement that makes a schema where there is none."""
    return exp.Create(this=exp.Table(db=exp.to_identifier(name, quoted=True)), kind="SCHEMA", exists=True)


def drop_schema(name: str) -> exp.Drop:
    """Return the statement that drops a schema with all that is in it."""
    schema = exp.Table(db=exp.to_identifier(name, quoted=True))
    return exp.Drop(tables=[schema], kind="SCHEMA", exists=True, cascade=True)


def check_contracts(warehouse: Engine, model: Model, places: Places = AS_NAMED) -> None:
    """Count the rows that break what a model says of its columns, in one pass over its relation.

    Raises
    ------
    CheckFailed
        For the first broken contract.
    """
    place = places.of(model.relation)
    counts: list[exp.Expr] = []
    names: list[str] = []
    for contract in model.contracts:
        for kind, argument in contract.clauses:
            if kind != "unique":
                names.append(f"{contract.column} @{kind}" + (f"({argument})" if argument else ""))
                counts.append(_violations(contract.column, kind, argument).as_(f"c{len(counts)}"))
    if counts:
        row = warehouse.fetch(exp.select(*counts).from_(place.table()))
        for name, column in zip(names, row.column_names, strict=True):
            _require_none(model, name, row[column][0].as_py())
    keys = [(contract.column,) for contract in model.contracts for kind, _ in contract.clauses if kind == "unique"]
    for key in [*keys, *([model.unique_together] if model.unique_together else [])]:
        _require_none(model, f"{', '.join(key)} @unique", _repeated(warehouse, place, key))


def _violations(column: str, kind: str, argument: str) -> exp.Expr:
    node = exp.column(column, quoted=True)
    match kind:
        case "not_null":
            broken: exp.Expr = node.is_(exp.null())
        case "finite":
            broken = exp.not_(exp.func("COALESCE", node.between(LARGEST_DOUBLE * -1, LARGEST_DOUBLE), exp.false()))
        case "between":
            low, high = (sqlglot.parse_one(part, dialect=TEMPLATE_DIALECT) for part in argument.split(","))
            broken = exp.not_(node.between(low, high))
        case _:
            accepted = [sqlglot.parse_one(part, dialect=TEMPLATE_DIALECT) for part in argument.split(",")]
            broken = exp.not_(node.isin(*accepted))
    counted = exp.Case().when(broken, exp.Literal.number(1)).else_(exp.Literal.number(0))
    return exp.func("COALESCE", exp.Sum(this=counted), exp.Literal.number(0))


def _repeated(warehouse: Engine, place: Place, key: tuple[str, ...]) -> int:
    columns = [exp.column(name, quoted=True) for name in key]
    groups = exp.select(exp.Literal.number(1).as_("one")).from_(place.table()).group_by(*columns)
    repeated = groups.having(exp.Count(this=exp.Star()) > 1).subquery("repeated")
    return int(warehouse.fetch(exp.select(exp.Count(this=exp.Star()).as_("n")).from_(repeated))["n"][0].as_py())


def _require_none(model: Model, what: str, rows: int) -> None:
    if rows:
        raise CheckFailed(
            f"{model.relation}: {what} is broken by {rows} row{'s' if rows != 1 else ''}",
            f"look at the input, or at {model.file}",
            check=f"{model.relation}.{what}",
            rows=int(rows),
        )


def run_check(warehouse: Engine, check: Model, places: Places = AS_NAMED) -> None:
    """Run a query of `models/checks/`, which must return no rows.

    Raises
    ------
    CheckFailed
        With the number of rows that it returned.
    """
    counted = exp.select(exp.Count(this=exp.Star()).as_("n")).from_(places.moved(check.query).subquery("broken"))
    try:
        rows = int(warehouse.fetch(counted)["n"][0].as_py())
    except WarehouseError as error:
        if error.hint:
            raise
        raise _engine_error(check, error) from error
    if rows:
        meaning = check.description or "it must return no rows"
        raise CheckFailed(
            f"check {check.relation.name} returned {rows} rows: {meaning}",
            f"the query is in {check.file}",
            check=check.relation.name,
            rows=rows,
        )


def _parse_error(file: Path, error: ParseError | TokenError) -> ModelError:
    details = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
    line = details.get("line") or 1
    near = str(details.get("highlight") or "").strip()
    what = details.get("description") or str(error).split("\n", 1)[0]
    return ModelError(
        f"{file}:{line}: {what}" + (f" near {near!r}" if near else ""),
        "the line is that of the file after its template is filled in",
        path=str(file),
        line=line,
    )


def _engine_error(model: Model, error: WarehouseError) -> ModelError:
    """Say in which file and line the engine's complaint arises, as far as its message names a word of the file."""
    named = re.findall(r'"([^"]+)"|(?:name|column|function|type) ([\w.]+)', error.message)
    line = 1
    for word in (first or second for first, second in named):
        lines = [number for number, text in enumerate(model.text.splitlines(), 1) if word.split(".")[-1] in text]
        if lines:
            line = lines[0]
            break
    hint = f"mend the file; where it is your own, without it the packaged {model.relation} is used"
    return ModelError(f"{model.file}:{line}: {error.message}", hint, path=str(model.file), line=line)


def read_statements(folder: TemplateFolder, path: str, context: Mapping[str, object]) -> list[exp.Expr]:
    """Render and parse a file of statements from `sql/`.

    Raises
    ------
    ModelError
        With file and line, if it does not render or parse.
    """
    text = folder.render(path, context)
    try:
        return [node for node in sqlglot.parse(text, dialect=TEMPLATE_DIALECT) if node is not None]
    except (ParseError, TokenError) as error:
        raise _parse_error(folder.file(path), error) from error


def read_query(folder: TemplateFolder, path: str, context: Mapping[str, object]) -> exp.Query:
    """Render and parse a file of `sql/` that holds one query.

    Raises
    ------
    ModelError
        With file and line, if it does not render or parse, or is something else.
    """
    found = read_statements(folder, path, context)
    if len(found) == 1 and isinstance(found[0], exp.Query):
        return found[0]
    raise ModelError(f"{folder.file(path)}:1: it must be one query", path=str(folder.file(path)), line=1)


def run_script(warehouse: Engine, folder: TemplateFolder, path: str, context: Mapping[str, object]) -> None:
    """Run every statement of a file from `sql/`, in order."""
    for statement in read_statements(folder, path, context):
        warehouse.execute(statement)
