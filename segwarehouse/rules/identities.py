"""Who the proof asks about: ids, their order, and the draw that puts a customer into the control group.

In: a feature relation. Out: a `CustomerIds`, worked out in Arrow, numpy and hashlib, to be compared with the engine's
own order and hash. Ids are integers, text (ordered by bytes) or UUIDs (fetched as text).
"""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from segwarehouse.domain import IntArray
from segwarehouse.errors import DataError
from segwarehouse.rules.compile import CUSTOMERS
from segwarehouse.warehouse import AS_NAMED, Engine, Places

BATCH_ROWS = 100_000
"""So many customers are fetched at once."""


@dataclass(frozen=True)
class CustomerIds:
    """Everyone in a feature relation: read once, used by the proofs of all departments.

    Attributes
    ----------
    ids
        Customer ids as an Arrow array, integers or text, each once.
    position
        int64 (n,): place of each id in the order of ids (numbers by value, text by bytes), from 0.
    as_text
        Whether ids must be cast to text to be fetched (UUIDs).
    """

    ids: pa.Array
    position: IntArray
    as_text: bool = False
    _draws: dict[str, IntArray] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls, warehouse: Engine, places: Places = AS_NAMED) -> "CustomerIds":
        """Fetch the ids of `features.customers`.

        Raises
        ------
        DataError
            If an id is NULL or occurs twice, or ids are neither integers, text nor UUIDs.
        """
        customers = places.of(CUSTOMERS)
        as_text = warehouse.columns(customers).get("customer_id", "").upper() == "UUID"
        query = exp.select(id_column(as_text=as_text)).from_(customers.table())
        ids = plain_ids(warehouse.fetch(query)["customer_id"])
        unique = pc.count_distinct(ids, mode="all").as_py()
        if ids.null_count or unique != len(ids):
            found = f"{ids.null_count:,} NULL and {len(ids) - unique:,} repeated ids"
            raise DataError(f"{customers} has {found}", "it must have one row a customer")
        position = np.empty(len(ids), dtype=np.int64)
        position[pc.sort_indices(ids).to_numpy()] = np.arange(len(ids))
        return cls(ids, position, as_text)

    def find(self, ids: pa.Array) -> IntArray:
        """Return where each of `ids` stands in `self.ids` (n,) int64; -1 if it is not there."""
        if ids.equals(self.ids):
            return np.arange(len(ids), dtype=np.int64)
        if ids.type != self.ids.type:
            return np.full(len(ids), -1, dtype=np.int64)
        if self._numbers is not None and not ids.null_count:
            return np.asarray(self._numbers.get_indexer(ids.to_numpy()), dtype=np.int64)
        found = pc.fill_null(pc.index_in(ids, value_set=self.ids), -1)
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)

    @cached_property
    def _numbers(self) -> pd.Index | None:
        """An index of ids that are numbers, since it is built once and Arrow hashes all ids at every search."""
        return pd.Index(self.ids.to_numpy()) if pa.types.is_integer(self.ids.type) else None

    def draws(self, salt: str) -> IntArray:
        """Return the draw (n,) int64, 0 .. 2**32-1, that decides whether a customer is in the control group.

        The first 4 bytes of MD5 of ``<salt>:<id>``, as in `compile_arm`. Remembered for each salt.
        """
        if salt not in self._draws:
            start = hashlib.md5(f"{salt}:".encode(), usedforsecurity=False)
            digests = []
            for text in self.ids.cast(pa.string()).to_pylist():
                digest = start.copy()
                digest.update(text.encode())
                digests.append(digest.digest()[:4])
            self._draws[salt] = np.frombuffer(b"".join(digests), dtype=">u4").astype(np.int64)
        return self._draws[salt]


def id_column(*, as_text: bool) -> exp.Expr:
    """Return the column `customer_id`, cast to text where it must be fetched so."""
    column = exp.column("customer_id", quoted=True)
    return exp.alias_(exp.cast(column, "text"), "customer_id", quoted=True) if as_text else column


def plain_ids(ids: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return ids as one array, int64 (uint64 if they are so) or text. Raises `DataError` for other types."""
    whole = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    if pa.types.is_integer(whole.type):
        return whole if pa.types.is_uint64(whole.type) else whole.cast(pa.int64())
    if is_text(whole.type):
        return whole.cast(pa.large_string())
    raise DataError(f"customer_id is {whole.type}, neither text, integer nor UUID", "cast it to text in staging")


def is_text(kind: pa.DataType) -> bool:
    """Tell whether an Arrow type is text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def joined(arrays: list[pa.Array], kind: pa.DataType) -> pa.Array:
    """Return ids of several batches as one array."""
    return pa.concat_arrays(arrays) if arrays else pa.array([], kind)
