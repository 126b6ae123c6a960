"""How a published table is declared, once: its columns in words, who makes its rows, what of them may be shown.

In: nothing. Out: `Table` and `ColumnDeclaration`. A table of schema `learned` is declared in the module of its family
(`overview`, `rule_lines`, `quality`, `groups`, `explanations`), and `models/targeting/<name>.sql` selects it for
analysts. From the declaration follow its Arrow schema, the comments in a published state, what small cells hide and
what is carried over. A new column means three lines: one in the declaration (name, type, comment), one in the maker,
one in the model. A key that a maker yields and nobody has declared is an error; that every declared column is made is
tested.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from segwarehouse.errors import SegwarehouseError
from segwarehouse.evaluate.bootstrap import Estimate
from segwarehouse.results.facts import LearnedFacts, OverallFacts
from segwarehouse.results.suppress import Made, Treatment
from segwarehouse.state.comments import bound

Row = dict[str, Any]

CUSTOMER_ID = "customer_id"


@dataclass(frozen=True)
class ColumnDeclaration:
    """A column: its name, its Arrow type (None: the one that customer ids have in the data), and what it is."""

    name: str
    type: pa.DataType | None
    comment: str


def whole(name: str, comment: str) -> ColumnDeclaration:
    """Return a column of whole numbers."""
    return ColumnDeclaration(name, pa.int64(), comment)


def real(name: str, comment: str) -> ColumnDeclaration:
    """Return a column of floats; NaN is stored as NULL."""
    return ColumnDeclaration(name, pa.float64(), comment)


def text(name: str, comment: str) -> ColumnDeclaration:
    """Return a column of text."""
    return ColumnDeclaration(name, pa.string(), comment)


def day(name: str, comment: str) -> ColumnDeclaration:
    """Return a column of days."""
    return ColumnDeclaration(name, pa.date32(), comment)


def truth(name: str, comment: str) -> ColumnDeclaration:
    """Return a column of truth values."""
    return ColumnDeclaration(name, pa.bool_(), comment)


def bounded(name: str) -> tuple[str, str, str]:
    """Return the columns of a figure and of its interval.

    >>> bounded("lift")
    ('lift', 'lift_low', 'lift_high')
    """
    return name, f"{name}_low", f"{name}_high"


def interval(name: str, comment: str) -> tuple[ColumnDeclaration, ColumnDeclaration, ColumnDeclaration]:
    """Return the columns of a figure and of its interval.

    >>> [column.comment for column in interval("lift", "precision over the base rate")][:2]
    ['precision over the base rate', 'lower bound of the 95 percent interval of lift']
    """
    figure, low, high = bounded(name)
    return real(figure, comment), real(low, bound("lower", name)), real(high, bound("upper", name))


def bounds(name: str, estimate: Estimate) -> dict[str, object]:
    """Return what a row has in the columns of a figure and of its interval."""
    return dict(zip(bounded(name), (estimate.value, estimate.low, estimate.high), strict=True))


CUSTOMER = ColumnDeclaration(CUSTOMER_ID, None, "the customer, as the id came")

DEPARTMENT = (
    whole("department_key", "key of the department, the same in every relation of this state"),
    text("department", "the department's name, as it came"),
)
"""The columns that every row of a department starts with."""


@dataclass(frozen=True)
class OnToday:
    """The columns of a carried row that are counted on the candidates of today.

    Attributes
    ----------
    share
        The column of a share of the candidates, at which quality was measured. It stays.
    contacts
        That of the customers that it comes to.
    in_proportion
        Those that rise and fall with these.
    """

    share: str
    contacts: str
    in_proportion: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table of schema `learned`, which `models/targeting/<name>.sql` selects.

    Attributes
    ----------
    name
        In both schemas.
    columns
        In order.
    make_in_worker, make_in_parent
        Makes the rows of one department: in a worker what its own customers decide, in the parent what needs all
        departments, or all customers. Neither: it is not of departments, and made in `store.py`.
    hide
        What the minimum cell size leaves out of the rows of one department; None: nothing.
    on_today
        What is counted anew in the rows of a department that is carried over; None: nothing.
    """

    name: str
    columns: tuple[ColumnDeclaration, ...]
    make_in_worker: Callable[[LearnedFacts], Made | Iterable[Row]] | None = None
    make_in_parent: Callable[[OverallFacts], Made | Iterable[Row]] | None = None
    hide: Treatment | None = None
    on_today: OnToday | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns."""
        return tuple(column.name for column in self.columns)

    @property
    def comments(self) -> Mapping[str, str]:
        """What each column is, in words."""
        return {column.name: column.comment for column in self.columns}

    @property
    def is_of_departments(self) -> bool:
        """Whether each row tells of one department, and is carried over with it."""
        return "department" in self.names

    @property
    def has_customers(self) -> bool:
        """Whether it names customers, so that its schema is not known before their ids are."""
        return CUSTOMER_ID in self.names

    def schema(self, id_type: pa.DataType | None = None) -> pa.Schema:
        """Return its Arrow schema; `id_type` is that of customer ids, where it has them."""
        return pa.schema([(column.name, column.type or id_type) for column in self.columns])

    def arrow(self, rows: Iterable[Mapping[str, object]]) -> pa.Table:
        """Return rows as an Arrow table; what a row does not have, and NaN, is NULL.

        Raises
        ------
        SegwarehouseError
            If a row has what is not declared.
        """
        names = frozenset(self.names)
        clean = []
        for row in rows:
            if undeclared := row.keys() - names:
                listed = ", ".join(sorted(undeclared))
                raise SegwarehouseError(f"{self.name} has no column {listed}", "declare it in segwarehouse/results/")
            clean.append({name: _known(row.get(name)) for name in self.names})
        return pa.Table.from_pylist(clean, schema=self.schema())


def _known(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value
