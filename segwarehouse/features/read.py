"""Feature relations to arrays.

In: `features.customers`, `features.sampled`, and what changes without a department. Out: a `FeatureTable` with the
features of the sampled customers, and from it, department by department, a `DepartmentTable` without a trace of the
department's lines: its own column is left out, and so are the categories that belong to it alone; the behaviour of its
buyers, and their purchases in its other categories and in channels, are replaced by those without it. Until its arrays
are needed it is a `LeftOut`: what changes, beside arrays that all departments share.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlglot import exp

from segwarehouse.domain import BoolArray, Department, Feature, FloatArray, IntArray
from segwarehouse.features.catalogue import Catalogue, Group
from segwarehouse.table import DepartmentTable
from segwarehouse.warehouse import AS_NAMED, Engine, Places, Relation, relation

CUSTOMERS = relation("features.customers")
BEHAVIOUR = relation("features.behaviour")
CATEGORIES = relation("features.categories_without")
CHANNELS = relation("features.channels_without")
OUTCOMES = relation("features.outcomes")
COUNTS = relation("features.department_counts")
FIRST_PURCHASES = relation("features.first_purchases")
SAMPLED = relation("features.sampled")
TENURE = "tenure_days"

_MOST = 0.5
"""What more than this share of customers have counts as usual."""


@dataclass(frozen=True)
class Change:
    """Cells of a matrix that have another value: `matrix[rows, columns] = values`."""

    rows: IntArray
    columns: IntArray
    values: FloatArray


@dataclass(frozen=True)
class LeftOut:
    """A feature table with one department left out, as the table itself and what changes in it.

    Hundreds of departments share the arrays of one table, also between processes, where each of its own would fill
    the memory. `table` makes the arrays of one department when they are needed.

    Attributes
    ----------
    department
        The department that is left out.
    values, activity_values, map_order
        The arrays of the `FeatureTable`, with the department in them.
    kept
        int64: the columns of `values` that stay.
    features, activity_features
        As in `DepartmentTable`.
    changes, activity_changes
        What the customers' values are without the department, where they differ.
    breadth
        The column of `values` that says in how many departments a customer bought.
    buyers, outcomes, waited_days
        As in `DepartmentTable`, for all n customers.
    """

    department: Department
    values: FloatArray
    activity_values: FloatArray
    map_order: IntArray
    kept: IntArray
    features: tuple[Feature, ...]
    activity_features: tuple[str, ...]
    changes: tuple[Change, ...]
    activity_changes: tuple[Change, ...]
    breadth: int
    buyers: BoolArray
    outcomes: BoolArray
    waited_days: FloatArray

    def table(self) -> DepartmentTable:
        """Return the department's table. It shares no memory with this."""
        values, activity = _changed(self.values, self.changes), _changed(self.activity_values, self.activity_changes)
        rows = np.flatnonzero(values[:, self.breadth] > 0.0)
        buyers = self.buyers[rows]
        leaking = _giving_away(self.values[rows], values[rows], self.changes, buyers)
        kept = [place for place in range(len(self.kept)) if self.kept[place] not in leaking]
        leaking_activity = _giving_away(self.activity_values[rows], activity[rows], self.activity_changes, buyers)
        scales = [place for place in range(len(self.activity_features)) if place not in leaking_activity]
        return DepartmentTable(
            department=self.department,
            rows=rows,
            features=tuple(self.features[place] for place in kept),
            values=np.ascontiguousarray(values[rows][:, self.kept[kept]]),
            activity_features=tuple(self.activity_features[place] for place in scales),
            activity_values=np.ascontiguousarray(activity[rows][:, scales]),
            buyers=buyers,
            outcomes=self.outcomes[rows],
            waited_days=self.waited_days[rows],
            map_order=self.map_order[rows],
            given_away=tuple(
                feature.phrase for feature, place in zip(self.features, self.kept, strict=True) if place in leaking
            ),
        )


def _changed(matrix: FloatArray, changes: Sequence[Change]) -> FloatArray:
    changed = np.array(matrix, dtype=np.float64)
    for change in changes:
        changed[change.rows, change.columns] = change.values
    return changed


def _giving_away(before: FloatArray, after: FloatArray, changes: Sequence[Change], buyers: BoolArray) -> set[int]:
    """Return the columns whose values give buyers away by having been changed.

    Most of the others have one and the same value, and most buyers had it too until the department was left out.

    Parameters
    ----------
    before, after
        float64 (n, p): with the department, and without it.
    buyers
        bool (n,).
    """
    found: set[int] = set()
    if not changes or not buyers.any() or buyers.all():
        return found
    for column in np.unique(np.concatenate([change.columns for change in changes])).tolist():
        moved = before[:, column] != after[:, column]
        if float(moved[buyers].mean()) < _MOST:
            continue
        values, counts = np.unique(after[~buyers, column], return_counts=True)
        usual = values[np.argmax(counts)]
        from_there = moved & (before[:, column] == usual)
        if counts.max() >= _MOST * counts.sum() and float(from_there[buyers].mean()) >= _MOST:
            found.add(column)
    return found


@dataclass(frozen=True)
class Lines:
    """Rows of a relation that say something of customers and departments, read once for all departments.

    Attributes
    ----------
    keys
        int64 (m,), ascending: the department of each row.
    places
        int64 (m,): the customer's place in the feature table.
    columns
        float64 (m,) each, by name.
    """

    keys: IntArray
    places: IntArray
    columns: Mapping[str, FloatArray]

    def of(self, department: Department) -> "Lines":
        """Return the rows of one department; they share memory with these."""
        first, last = np.searchsorted(self.keys, [department.key, department.key + 1])
        part = slice(int(first), int(last))
        columns = {name: values[part] for name, values in self.columns.items()}
        return Lines(self.keys[part], self.places[part], columns)


@dataclass(frozen=True)
class FeatureTable:
    """The features of n customers, over all departments.

    Attributes
    ----------
    catalogue
        What the columns are.
    customer_ids
        pandas Index (n,), sorted by the warehouse.
    values
        float64 (n, p), in the order of `catalogue.features`.
    activity_values
        float64 (n, k), in the order of `catalogue.activity`.
    total
        How many customers the relation has; n is smaller where it was sampled.
    lines
        What changes where a department is left out, and who bought there before and after, by relation.
    """

    catalogue: Catalogue
    customer_ids: "pd.Index[str]"
    values: FloatArray
    activity_values: FloatArray
    total: int
    lines: Mapping[Relation, Lines] = field(repr=False)

    @cached_property
    def map_order(self) -> IntArray:
        """int64 (n,): a number for each customer that her id alone decides, as good as drawn by lot.

        A sample of the lowest keeps its people from run to run, while others come and go.
        """
        text = np.array([str(each) for each in self.customer_ids], dtype=object)
        return np.asarray(pd.util.hash_array(text, categorize=False).view(np.int64))

    def for_department(self, department: Department) -> DepartmentTable:
        """Return the table with `department` left out of everything, and who bought there before and after."""
        return self.without(department).table()

    def without(self, department: Department) -> LeftOut:
        """Return what changes in the table where `department` is left out, and who bought there before and after."""
        catalogue = self.catalogue
        without = self.lines[BEHAVIOUR].of(department)
        position = {feature.name: index for index, feature in enumerate(catalogue.features)}
        changes: list[Change] = []
        activity_changes: list[Change] = []
        for name in catalogue.behaviour:
            column = without.columns[name]
            place = position.get(name, -1)
            if place >= 0:
                changes.append(Change(without.places, np.array([place]), column))
            else:
                activity_changes.append(Change(without.places, np.array([catalogue.activity.index(name)]), column))
        own = {category.column for category in catalogue.categories if category.only_department == department.key}
        kept = [
            index
            for index, feature in enumerate(catalogue.features)
            if feature.name != department.column and feature.name not in own
        ]
        changes += self._counts_without(CATEGORIES, "category_key", catalogue.categories, department)
        changes += self._counts_without(CHANNELS, "channel_key", catalogue.channels, department)
        return LeftOut(
            department=department,
            values=self.values,
            activity_values=self.activity_values,
            map_order=self.map_order,
            kept=np.array(kept, dtype=np.int64),
            features=tuple(catalogue.features[index] for index in kept),
            activity_features=catalogue.activity,
            changes=tuple(changes),
            activity_changes=tuple(activity_changes),
            breadth=position["breadth_count"],
            buyers=self._mask(without.places),
            outcomes=self._mask(self.lines[OUTCOMES].of(department).places),
            waited_days=self._waited_days(department),
        )

    def _waited_days(self, department: Department) -> FloatArray:
        """Return how long each customer (n,) waited before she bought in a department."""
        names = [feature.name for feature in self.catalogue.features]
        if TENURE not in names:
            return np.zeros(len(self.values), dtype=np.float64)
        waited = self.values[:, names.index(TENURE)].copy()
        first = self.lines[FIRST_PURCHASES].of(department)
        waited[first.places] = first.columns["waited_days"]
        return waited

    def _counts_without(
        self, counts: Relation, name: str, groups: Sequence[Group], department: Department
    ) -> list[Change]:
        """Return purchases in groups without a department as a change of `values`.

        `name` is the column of `counts` that holds the keys of the groups.
        """
        if not groups:
            return []
        without = self.lines[counts].of(department)
        places = {feature.name: index for index, feature in enumerate(self.catalogue.features)}
        columns = {group.key: places[group.column] for group in groups}
        found = np.array([columns.get(int(key), -1) for key in without.columns[name]], dtype=np.int64)
        known = found >= 0
        return [Change(without.places[known], found[known], without.columns["purchase_count"][known])]

    def _mask(self, places: IntArray) -> BoolArray:
        mask = np.zeros(len(self.customer_ids), dtype=np.bool_)
        mask[places] = True
        return mask


def read_features(warehouse: Engine, catalogue: Catalogue, places: Places = AS_NAMED) -> FeatureTable:
    """Read the customers of `features.customers` who are in `features.sampled`, a query a relation.

    `places` says where the features are.
    """
    counted = exp.select(exp.Count(this=exp.Star()).as_("n")).from_(CUSTOMERS.table())
    total = int(warehouse.fetch(places.moved(counted))["n"][0].as_py())
    names = [feature.name for feature in catalogue.features]
    columns = [exp.column(name, "r", quoted=True) for name in ("customer_id", *names, *catalogue.activity)]
    place = exp.column("place", "s", quoted=True)
    table = warehouse.fetch(places.moved(_of_sample(CUSTOMERS, [place, *columns]).order_by(place.copy())))
    order = np.asarray(table["place"].to_numpy(), dtype=np.int64)
    lines = {each: _read_lines(warehouse, each, read, order, places) for each, read in _lines_of(catalogue).items()}
    return FeatureTable(
        catalogue=catalogue,
        customer_ids=_ids(table["customer_id"]),
        values=_matrix(table, names),
        activity_values=_matrix(table, catalogue.activity),
        total=total,
        lines=lines,
    )


def _lines_of(catalogue: Catalogue) -> dict[Relation, tuple[str, ...]]:
    """Return the relations that tell of customers and departments, each with the columns that are read."""
    found: dict[Relation, tuple[str, ...]] = {BEHAVIOUR: tuple(catalogue.behaviour), OUTCOMES: ()}
    if catalogue.categories:
        found[CATEGORIES] = ("category_key", "purchase_count")
    if catalogue.channels:
        found[CHANNELS] = ("channel_key", "purchase_count")
    if TENURE in {feature.name for feature in catalogue.features}:
        found[FIRST_PURCHASES] = ("waited_days",)
    return found


def _of_sample(relation: Relation, columns: Sequence[exp.Expr]) -> exp.Select:
    """Return a SELECT of columns of a relation, called `r`, of the customers in the sample, called `s`."""
    same = exp.column("customer_id", "s", quoted=True).eq(exp.column("customer_id", "r", quoted=True))
    return exp.select(*columns).from_(relation.table("r")).join(SAMPLED.table("s"), on=same, join_type="inner")


def _read_lines(warehouse: Engine, relation: Relation, names: Sequence[str], order: IntArray, places: Places) -> Lines:
    """Read a relation for all departments, in the order of their keys.

    `order`, int64 (n,), ascending, is what `features.sampled` calls the place of each customer of the feature table. It
    is 0 to n - 1, unless a project's own `features.customers` leaves out customers: then their rows are left out, too.
    """
    key, place = exp.column("department_key", "r", quoted=True), exp.column("place", "s", quoted=True)
    columns = [exp.column(name, "r", quoted=True) for name in names]
    ordered = _of_sample(relation, [key, place, *columns]).order_by(key.copy(), place.copy())
    table = warehouse.fetch(places.moved(ordered))
    sampled = np.asarray(table["place"].to_numpy(), dtype=np.int64)
    known = np.isin(sampled, order)
    return Lines(
        keys=np.asarray(table["department_key"].to_numpy(), dtype=np.int64)[known],
        places=np.searchsorted(order, sampled[known]),
        columns={name: _floats(table[name])[known] for name in names},
    )


def _ids(column: pa.ChunkedArray) -> "pd.Index[str]":
    ids: pd.Index[str] = pd.Index(
        column.to_pylist() if isinstance(column.type, pa.BaseExtensionType) else column.to_pandas()
    )
    return ids


def _floats(column: pa.ChunkedArray) -> FloatArray:
    return np.asarray(column.to_numpy(), dtype=np.float64)


def _matrix(table: pa.Table, names: Sequence[str]) -> FloatArray:
    matrix = np.empty((table.num_rows, len(names)), dtype=np.float64)
    for position, name in enumerate(names):
        matrix[:, position] = _floats(table[name])
    return matrix
