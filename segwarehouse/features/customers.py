"""Which columns of the customers table can be features, and why the others can't.

In: the table's columns with the engine's types. Out: those that hold numbers or a few values, and a reason for each
other one. What can't be a feature, such as a name or an address, is not copied from the source.
"""

from collections.abc import Mapping

from sqlglot import exp

from segwarehouse.warehouse import Engine, Relation

MOST_CATEGORY_VALUES = 30
"""A text column with more values than this is an id or free text, not a category."""

_NUMBER_TYPES = frozenset(
    {
        "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "FLOAT",
        "DOUBLE", "DECIMAL",
    }
)  # fmt: skip
_CATEGORY_TYPES = frozenset({"VARCHAR", "BOOLEAN", "ENUM"})


def holds_numbers(type_name: str) -> bool:
    """Return whether a column of this type is a number feature.

    >>> holds_numbers("DECIMAL(18,2)"), holds_numbers("VARCHAR")
    (True, False)
    """
    return type_name.split("(", maxsplit=1)[0] in _NUMBER_TYPES


def usable_columns(
    warehouse: Engine, customers: Relation, types: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the columns that can be features with their types, and the others with the reason."""
    categories = [name for name, type_name in types.items() if type_name.split("(")[0] in _CATEGORY_TYPES]
    different = _different_values(warehouse, customers, categories)
    usable: dict[str, str] = {}
    ignored: dict[str, str] = {}
    for name, type_name in types.items():
        if holds_numbers(type_name) or different.get(name, MOST_CATEGORY_VALUES + 1) <= MOST_CATEGORY_VALUES:
            usable[name] = type_name
        else:
            ignored[name] = f"more than {MOST_CATEGORY_VALUES} values" if name in different else f"type {type_name}"
    return usable, ignored


def _different_values(warehouse: Engine, customers: Relation, names: list[str]) -> dict[str, int]:
    """Count the values of all columns in one pass over the source."""
    if not names:
        return {}
    counts = [
        exp.Count(this=exp.Distinct(expressions=[exp.column(name, quoted=True)])).as_(f"n{at}")
        for at, name in enumerate(names)
    ]
    row = warehouse.fetch(exp.select(*counts).from_(customers.table())).to_pylist()[0]
    return {name: int(row[f"n{at}"]) for at, name in enumerate(names)}
