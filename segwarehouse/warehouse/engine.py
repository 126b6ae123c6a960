"""What the rest of segwarehouse may ask of an engine. An adapter is about a hundred lines."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pyarrow as pa
from sqlglot import exp

from segwarehouse.warehouse.place import Place, Relation


class Engine(Protocol):
    """One connection to one engine.

    `dialect` is the engine's name in sqlglot. All methods raise `WarehouseError`. A `Relation` is read and written
    where its name says; whatever is elsewhere is asked for by its `Place`.
    """

    dialect: str

    def execute(self, statement: exp.Expr) -> None:
        """Run a statement whose result is not wanted."""

    def fetch(self, query: exp.Query) -> pa.Table:
        """Run a query and return all its rows."""

    def batches(self, query: exp.Query, rows: int) -> Iterator[pa.RecordBatch]:
        """Run a query and return its rows in batches of about `rows`."""

    def load(self, target: Relation | Place, table: pa.Table) -> None:
        """Replace the table `target` by these rows."""

    def append(self, target: Relation | Place, table: pa.Table) -> None:
        """Add these rows to the table `target`, each column under its name."""

    def columns(self, target: Relation | Place) -> dict[str, str]:
        """Return the columns of a relation in order, with the engine's type names; empty where there is none."""

    def attach_source(
        self, name: str, location: str, text_columns: Sequence[str] = (), encoding: str | None = None
    ) -> None:
        """Make a file, a glob or a relation readable as `source.<name>`; raises `SourceError`.

        `text_columns` of a CSV file are read as text, so that ids keep their leading zeros; `encoding` is its own.
        """

    def lock_down(self, readable: Sequence[str], writable: Path) -> None:
        """Let this connection read the sources and write below `writable`, and nothing else, until it is closed."""

    def transaction(self) -> AbstractContextManager[None]:
        """Commit all or nothing: roll back and raise on any error."""

    def close(self) -> None:
        """Release the connection and its lock."""
