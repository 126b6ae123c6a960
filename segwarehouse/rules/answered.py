"""SQL's half of the proof: what a view answers, as numbers that can be compared.

In: the query of a view. Out: an `Answer`, or what is wrong with the columns of the view. Comparing it with what Python
expects is left to `prove.py`.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from sqlglot import exp

from segwarehouse.domain import FloatArray, IntArray
from segwarehouse.rules.compile import VIEW_COLUMNS
from segwarehouse.rules.identities import BATCH_ROWS, CustomerIds, id_column, is_text, joined, plain_ids
from segwarehouse.warehouse import Engine

_OPTIONAL = ("points", "activity")
_TEXTS = ("arm", "rules_matched", "reasons", "nearest_missed", "run_id")
_FITS: Mapping[str, Callable[[pa.DataType], bool]] = {
    "score": pa.types.is_float64,
    "in_budget": pa.types.is_boolean,
    "as_of": pa.types.is_date32,
    **dict.fromkeys(("rank", *_OPTIONAL), pa.types.is_integer),
    **dict.fromkeys(_TEXTS, is_text),
}


class Answer(NamedTuple):
    """SQL's half, for all rows in the order they came.

    `customer` is the place among all customers, -1 for a stranger. `values` is int64 for every other column: doubles by
    their bits, text as a code into `texts`.
    """

    customer: IntArray
    values: Mapping[str, IntArray]
    texts: Mapping[str, int]


def ask(warehouse: Engine, view: exp.Query, everyone: CustomerIds) -> Answer | str:
    """Fetch a view in batches, text as codes, and find its customers; or say what is wrong with its columns."""
    columns: list[exp.Expr] = [exp.Star()]
    if everyone.as_text:
        names = warehouse.fetch(_over(view, exp.Star()).limit(0, copy=False)).column_names
        columns = [id_column(as_text=True), *(exp.column(name, quoted=True) for name in names[1:])]
    answer = warehouse.batches(_over(view, *columns), BATCH_ROWS)
    if misfit := _misfit(answer.schema):
        for _ in answer:
            continue  # an engine may not be asked anything else before the rows end
        return misfit
    texts: dict[str, int] = {}
    ids: list[pa.Array] = []
    parts: dict[str, list[IntArray]] = {name: [] for name in answer.schema.names[1:]}
    for batch in answer:
        ids.append(plain_ids(batch.column(0)))
        for name, column in zip(parts, batch.columns[1:], strict=True):
            parts[name].append(_codes(column, texts) if name in _TEXTS else numbers_of(column))
    customer = everyone.find(joined(ids, everyone.ids.type))
    none = np.zeros(0, dtype=np.int64)
    values = {name: np.concatenate([none, *found]) for name, found in parts.items()}
    return Answer(customer, values, texts)


def _misfit(schema: pa.Schema) -> str:
    """Return what is wrong with the names, order and types of the columns; empty when nothing is."""
    extra = tuple(name for name in _OPTIONAL if name in schema.names)
    if tuple(schema.names) != VIEW_COLUMNS + extra:
        return ", ".join(schema.names)
    wrong = [name for name, fits in _FITS.items() if name in schema.names and not fits(schema.field(name).type)]
    return ", ".join(f"{name} is {schema.field(name).type}" for name in wrong)


def _over(view: exp.Query, *columns: exp.Expr) -> exp.Select:
    """Return a SELECT of these columns from the view's query."""
    return exp.select(*columns).from_(view.copy().subquery("v", copy=False), copy=False)


def bits_of(values: FloatArray) -> IntArray:
    """Return the bits of doubles; minus zero as zero."""
    return (values + 0.0).view(np.int64)


def numbers_of(column: pa.Array) -> IntArray:
    """Return numbers, dates and booleans as int64, doubles by their bits; NULL becomes a value that nothing has."""
    if column.type == pa.float64():
        return bits_of(column.fill_null(float("nan")).to_numpy(zero_copy_only=False))
    if pa.types.is_date32(column.type):
        column = column.cast(pa.int32())
    whole = column.cast(pa.int64()).fill_null(np.iinfo(np.int64).min)
    return np.asarray(whole.to_numpy(zero_copy_only=False), dtype=np.int64)


def _codes(column: pa.Array, texts: dict[str, int]) -> IntArray:
    """Return text as codes, new texts added to `texts`; NULL as -1."""
    encoded = column.dictionary_encode()
    code = np.array([texts.setdefault(text, len(texts)) for text in encoded.dictionary.to_pylist()] + [-1])
    indices = encoded.indices.fill_null(len(code) - 1).to_numpy(zero_copy_only=False)
    return np.asarray(code[indices], dtype=np.int64)


def code_of(text: str | None, texts: Mapping[str, int]) -> int:
    """Return the code of an expected text; -2 for one that is not in SQL's answer."""
    return -1 if text is None else texts.get(text, -2)
