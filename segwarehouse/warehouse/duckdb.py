"""DuckDB, embedded: the default engine.

A connection that writes is locked down as far as a batch can be: no replacement scans into Python, no extension that
is not in the driver. All are in UTC. `DuckDB.staged` is how a published state is built aside: in a second
file, attached while it is written, detached before anyone reads it. What the driver complains of is turned into
errors by `complaints.py`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel

from segwarehouse.errors import WarehouseError
from segwarehouse.warehouse.complaints import (
    cause_of,
    connect_error,
    interruption,
    ragged_error,
    source_error,
    statement_error,
)
from segwarehouse.warehouse.engine import Batches, Capabilities
from segwarehouse.warehouse.place import Place, Relation
from segwarehouse.warehouse.ragged import separator_of

STORAGE_VERSION = "v1.4.0"
"""The file format of published states: DuckDB 1.4, 1.5 and 2.0 read it; what 2.0 writes by default, only 2.0 reads."""

_LOCKED_DOWN = {
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}

_READERS = {
    ".parquet": "read_parquet",
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".txt": "read_csv",
    ".json": "read_json",
    ".jsonl": "read_json",
    ".ndjson": "read_json",
}


class DuckDB:
    """One connection to one DuckDB file, created where there is none. See `Engine`.

    Parameters
    ----------
    path
        The database file, or None for one in memory.
    base
        The folder that relative source locations start from.
    read_only
        Open without the writer's lock.
    threads
        Threads of the engine; None lets it decide.

    Attributes
    ----------
    home
        The catalogue of the database itself, as DuckDB calls it after its file.
    """

    dialect = "duckdb"
    capabilities = Capabilities(transactions=True, comments=True)

    def __init__(
        self, path: Path | None = None, *, base: Path | None = None, read_only: bool = False, threads: int | None = None
    ) -> None:
        self.path = path
        self._base = base or Path()
        # A file that this process reads already, in a notebook for instance, can only be opened with equal options.
        options: dict[str, str | bool | int | float | list[str]] = {} if read_only else dict(_LOCKED_DOWN)
        if threads:
            options["threads"] = str(threads)
        try:
            self._connection = duckdb.connect(str(path or ":memory:"), read_only=read_only, config=options)
            self._connection.execute("SET TimeZone = 'UTC'").fetchall()
            found = self._connection.execute("SELECT current_database()").fetchall()
        except duckdb.Error as error:
            raise connect_error(error, path) from error
        self.home = str(found[0][0])

    def execute(self, *statements: exp.Expr) -> None:
        """Run statements whose results are not wanted, in order, all at once."""
        text = ";\n".join(map(self.text, statements))
        try:
            self._connection.execute(text).fetchall()
        except duckdb.Error as error:
            raise statement_error(error, text) from cause_of(error)
        except RuntimeError as error:
            raise interruption(error) from error

    def fetch(self, query: exp.Query) -> pa.Table:
        """Run a query and return all its rows."""
        text = self.text(query)
        try:
            return self._connection.sql(text).to_arrow_table()
        except duckdb.Error as error:
            raise statement_error(error, text) from cause_of(error)
        except RuntimeError as error:
            raise interruption(error) from error

    def batches(self, query: exp.Query, rows: int) -> Batches:
        """Run a query and return its rows in batches of about `rows`."""
        text = self.text(query)
        try:
            reader = self._connection.sql(text).to_arrow_reader(rows)
        except duckdb.Error as error:
            raise statement_error(error, text) from cause_of(error)
        return Batches(reader.schema, _read(reader, text))

    def load(self, target: Relation | Place, table: pa.Table) -> None:
        """Replace the table `target` by these rows."""
        with self._registered(table) as rows:
            self.execute(exp.Create(this=target.table(), kind="TABLE", replace=True, expression=rows))

    def append(self, target: Relation | Place, table: pa.Table) -> None:
        """Add these rows to the table `target`, each column under its name."""
        columns = [exp.to_identifier(name, quoted=True) for name in table.column_names]
        with self._registered(table) as rows:
            self.execute(exp.Insert(this=exp.Schema(this=target.table(), expressions=columns), expression=rows))

    @contextmanager
    def _registered(self, table: pa.Table) -> Iterator[exp.Select]:
        """Let the engine read an Arrow table, by the query that is yielded."""
        name = "segwarehouse_load"
        self._connection.register(name, table)
        try:
            yield exp.select("*").from_(exp.to_identifier(name, quoted=True))
        finally:
            self._connection.unregister(name)

    def columns(self, target: Relation | Place) -> dict[str, str]:
        """Return the columns of a relation in order, with DuckDB's type names; empty where there is none."""
        catalog = target.catalog if isinstance(target, Place) else ""
        where = exp.Literal.string(catalog) if catalog else exp.func("current_database")
        conditions = [
            exp.column("table_schema").eq(exp.Literal.string(target.schema)),
            exp.column("table_name").eq(exp.Literal.string(target.name)),
            exp.column("table_catalog").eq(where),
        ]
        found = self.fetch(
            exp.select("column_name", "data_type")
            .from_("information_schema.columns")
            .where(*conditions)
            .order_by("ordinal_position")
        )
        return dict(zip(found["column_name"].to_pylist(), found["data_type"].to_pylist(), strict=True))

    def attach_source(
        self, name: str, location: str, text_columns: Sequence[str] = (), encoding: str | None = None
    ) -> None:
        """Make a file, a glob or a relation readable as the view `source.<name>`.

        Columns in `text_columns` of a CSV file are read as text, as they stand; `encoding` is that of a CSV file.

        Raises
        ------
        SourceError
            If there is no such file or relation, or it can't be read.
        """
        reader = _reader(location)
        view = Relation("source", name).table()
        try:
            if reader is None:
                node: exp.Expr = sqlglot.to_table(location, dialect=self.dialect)
                self._create_view(view, node)
                return
            path = str(self._base / location)
            self._create_view(view, _read_call(reader, path, (), encoding))
            columns = list(self.columns(Relation("source", name)))
            if reader == "read_csv" and len(columns) == 1 and (separator := separator_of(columns[0])):
                raise ragged_error(name, location, Path(path), separator, encoding or "utf-8")
            present = [column for column in columns if column in text_columns]
            if reader == "read_csv" and present:
                self._create_view(view, _read_call(reader, path, present, encoding))
        except (WarehouseError, sqlglot.errors.ParseError) as error:
            cause = error if isinstance(error, WarehouseError) else None  # a parser quotes the whole location
            raise source_error(error, name, location, is_file=reader is not None) from cause

    def lock_down(self, readable: Sequence[str], writable: Path) -> None:
        """Let this connection read the sources and write below `writable`, and nothing else, until it is closed.

        No other file or network, no extension, no change of the configuration: whatever a model or a name from the
        data may ask for. Further files that a project's models read belong under `[source.extra]`.
        """
        files = [location for location in readable if _reader(location) and not _has_wildcard(location)]
        folders = [_fixed_folder(location) for location in readable if _has_wildcard(location)]
        settings: dict[str, exp.Expr] = {
            "allowed_paths": exp.Array(expressions=[exp.Literal.string(str(self._base / file)) for file in files]),
            "allowed_directories": exp.Array(
                expressions=[exp.Literal.string(f"{folder}/") for folder in (*folders, str(writable))]
            ),
            "enable_external_access": exp.false(),
            "lock_configuration": exp.true(),
        }
        for name, value in settings.items():
            assignment = exp.SetItem(this=exp.EQ(this=exp.to_identifier(name), expression=value))
            self.execute(exp.Set(expressions=[assignment]))

    def _create_view(self, view: exp.Table, source: exp.Expr) -> None:
        self.execute(exp.Create(this=view.copy(), kind="VIEW", replace=True, expression=exp.select("*").from_(source)))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all or nothing: roll back and raise on any error.

        DuckDB 2.0 answers COMMIT after a failed statement without an error and keeps nothing, so the error that came
        first is never swallowed here.
        """
        self._connection.begin()
        try:
            yield
        except BaseException:
            with suppress(duckdb.Error):  # the engine has given up: nothing is committed either, and the cause counts
                self._connection.rollback()
            raise
        try:
            self._connection.commit()
        except duckdb.Error as error:
            raise statement_error(error, "COMMIT") from error

    @contextmanager
    def staged(self, path: Path, catalog: str) -> Iterator[None]:
        """Write to a new database file beside this one, as the default catalogue, in one transaction.

        On leaving without an error the file is committed, checkpointed and detached, and nothing but itself is left
        of it on disk.

        Raises
        ------
        WarehouseError
            If a write-ahead log stays behind.
        """
        storage = exp.AttachOption(this=exp.var("STORAGE_VERSION"), expression=exp.Literal.string(STORAGE_VERSION))
        alias = exp.alias_(exp.Literal.string(str(path)), catalog, quoted=True)
        self.execute(exp.Attach(this=alias, expressions=[storage]))
        try:
            with self.transaction():
                self._use(catalog)
                yield
            self._checkpoint(catalog)
        except BaseException:
            with suppress(WarehouseError):  # the cause counts
                self._leave(catalog)
            raise
        self._leave(catalog)
        log = path.with_name(path.name + ".wal")
        if log.exists():
            raise WarehouseError(f"{log} is still there after a checkpoint", "free some disk space and run again")

    def _checkpoint(self, catalog: str) -> None:
        text = f"CHECKPOINT {exp.to_identifier(catalog, quoted=True).sql(self.dialect)}"
        try:
            self._connection.execute(text).fetchall()
        except duckdb.Error as error:
            raise statement_error(error, text) from error

    def _leave(self, catalog: str) -> None:
        self._use(self.home)
        self.execute(exp.Detach(this=exp.to_identifier(catalog, quoted=True)))

    def _use(self, catalog: str) -> None:
        self.execute(exp.Use(this=exp.Table(this=exp.to_identifier(catalog, quoted=True))))

    def text(self, statement: exp.Expr) -> str:
        """Return the statement as it is sent."""
        return statement.sql(self.dialect, identify=True, unsupported_level=ErrorLevel.RAISE, comments=False)

    def close(self) -> None:
        """Release the connection and its lock."""
        self._connection.close()

    def __enter__(self) -> "DuckDB":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _read(reader: pa.RecordBatchReader, text: str) -> Iterator[pa.RecordBatch]:
    try:
        yield from reader
    except duckdb.Error as error:
        raise statement_error(error, text) from cause_of(error)


def connect(path: Path | None, *, read_only: bool = False) -> DuckDB:
    """Open the database file at `path`, or one in memory. See `DuckDB`."""
    if path is not None and not read_only:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WarehouseError(f"{path.parent} can't be made: {error.strerror}", "is warehouse.url right?") from error
    return DuckDB(path, read_only=read_only)


def _reader(location: str) -> str | None:
    """Return the function that reads this location, None for a relation."""
    name = location.lower().removesuffix(".gz").removesuffix(".zst")
    for suffix, reader in _READERS.items():
        if name.endswith(suffix):
            return reader
    return "read_parquet" if _has_wildcard(location) or "/" in location or "\\" in location else None


def _has_wildcard(location: str) -> bool:
    return any(mark in location for mark in "*?[")


def _fixed_folder(location: str) -> str:
    """Return the folder of a glob down to its first wildcard.

    >>> _fixed_folder("/data/2025-*/sales/*.parquet")
    '/data'
    """
    fixed = location[: min(location.index(mark) for mark in "*?[" if mark in location)]
    return fixed.rpartition("/")[0]


def _read_call(reader: str, path: str, text_columns: Sequence[str], encoding: str | None) -> exp.Expr:
    """Return the call of a table function; the whole CSV is sniffed, since a late surprise is a failed batch."""
    options: list[exp.Expr] = []
    if reader == "read_csv":
        options.append(exp.EQ(this=exp.to_identifier("sample_size"), expression=exp.Literal.number(-1)))
        if encoding and encoding != "utf-8":
            options.append(exp.EQ(this=exp.to_identifier("encoding"), expression=exp.Literal.string(encoding)))
        if text_columns:
            pairs = [
                exp.PropertyEQ(this=exp.Literal.string(column), expression=exp.Literal.string("VARCHAR"))
                for column in text_columns
            ]
            options.append(exp.EQ(this=exp.to_identifier("types"), expression=exp.Struct(expressions=pairs)))
    return exp.Anonymous(this=reader, expressions=[exp.Literal.string(path), *options])
