"""What the rest of segwarehouse may ask of an engine. An adapter is about a hundred lines."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa
from sqlglot import exp

from segwarehouse.warehouse.place import Place, Relation


@dataclass(frozen=True, slots=True)
class Batches:
    """The rows of a query as they come, and their columns. The engine is not asked anything else before they end."""

    schema: pa.Schema
    rows: Iterator[pa.RecordBatch]

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self.rows


@dataclass(frozen=True)
class Capabilities:
    """What one engine can do and another can't.

    Attributes
    ----------
    transactions
        Several statements are committed all or nothing, DDL among them.
    comments
        A relation and its columns can say in the catalogue what they are.
    """

    transactions: bool
    comments: bool


class Engine(Protocol):
    """One connection to one engine.

    `dialect` is the engine's name in sqlglot, `capabilities` what may be asked of it beyond what all can do. All
    methods raise `WarehouseError`. A `Relation` is read and written where its name says; whatever is elsewhere is asked
    for by its `Place`.
    """

    dialect: str
    capabilities: Capabilities

    def execute(self, *statements: exp.Expr) -> None:
        """Run statements whose results are not wanted, in order, in as few round trips as the engine allows."""

    def fetch(self, query: exp.Query) -> pa.Table:
        """Run a query and return all its rows."""

    def batches(self, query: exp.Query, rows: int) -> Batches:
        """Run a query and return its rows in batches of about `rows`."""

    def load(self, target: Relation | Place, table: pa.Table) -> None:
        """Replace the table `target` by these rows."""

    def append(self, target: Relation | Place, table: pa.Table) -> None:
        """Add these rows to the table `target`, each column under its name."""

    def columns(self, target: Relation | Place) -> dict[str, str]:
        """Return the columns of a relation in order, with the engine's type names; empty where there is none."""

    def transaction(self) -> AbstractContextManager[None]:
        """Commit all or nothing: roll back and raise on any error. Only where there are `transactions`."""

    def close(self) -> None:
        """Release the connection and its lock."""


class SourceEngine(Engine, Protocol):
    """An engine of this machine, which reads the files that sources are, and can be kept from reading others."""

    def attach_source(
        self, name: str, location: str, text_columns: Sequence[str] = (), encoding: str | None = None
    ) -> None:
        """Make a file, a glob or a relation readable as `source.<name>`; raises `SourceError`.

        `text_columns` of a CSV file are read as text, so that ids keep their leading zeros; `encoding` is its own.
        """

    def lock_down(self, readable: Sequence[str], writable: Path) -> None:
        """Let this connection read the sources and write below `writable`, and nothing else, until it is closed."""
