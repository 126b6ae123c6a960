"""Feature relations to arrays.

In: `features.customers` and `features.behaviour`. Out: a `FeatureTable` with the features of a bounded, seeded sample
of customers, and from it, department by department, a `DepartmentTable` without a trace of the department's lines:
its own column is left out, and so are the categories that belong to it alone; the behaviour of its buyers, and their
purchases in its other categories and in channels, are replaced by those without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlglot import exp

from segwarehouse.domain import BoolArray, Department, Feature, FloatArray, IntArray
from segwarehouse.features.catalogue import Catalogue, Group
from segwarehouse.warehouse import Relation, Warehouse, relation

CUSTOMERS = relation("features.customers")
BEHAVIOUR = relation("features.behaviour")
CATEGORIES = relation("features.categories_without")
CHANNELS = relation("features.channels_without")
OUTCOMES = relation("features.outcomes")
COUNTS = relation("features.department_counts")
FIRST_PURCHASES = relation("features.first_purchases")
TENURE = "tenure_days"


@dataclass(frozen=True)
class DepartmentTable:
    """What may be known about n customers when one department is asked about.

    Whoever bought nowhere else is not among them: without the department's lines nobody would know of her, so that
    she is in the data at all gives away that she is a buyer.

    Attributes
    ----------
    department
        The department that is left out of every feature.
    rows
        int64 (n,): places of the customers in the feature table, ascending.
    features
        The p features, in the order of the columns of `values`.
    values
        float64 (n, p).
    activity_features, activity_values
        The k features of the activity measure, and their values, float64 (n, k).
    buyers
        bool (n,): who has bought in the department before the cut-off.
    outcomes
        bool (n,): who buys in it within the outcome window. All False where there is none.
    waited_days
        float64 (n,): days from a customer's first purchase anywhere to her first one in the department, or to the
        cut-off. All 0 where there are no times.
    map_order
        int64 (n,), or empty: who comes first onto a map that has no room for all; see `FeatureTable.map_order`.
    """

    department: Department
    rows: IntArray
    features: tuple[Feature, ...]
    values: FloatArray
    activity_features: tuple[str, ...]
    activity_values: FloatArray
    buyers: BoolArray
    outcomes: BoolArray
    waited_days: FloatArray
    map_order: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def subset(self, customers: BoolArray) -> "DepartmentTable":
        """Return the table of the customers in a mask (n,)."""
        return replace(
            self,
            rows=self.rows[customers],
            values=self.values[customers],
            activity_values=self.activity_values[customers],
            buyers=self.buyers[customers],
            outcomes=self.outcomes[customers],
            waited_days=self.waited_days[customers],
            map_order=self.map_order[customers] if len(self.map_order) else self.map_order,
        )


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
    """

    catalogue: Catalogue
    customer_ids: "pd.Index[str]"
    values: FloatArray
    activity_values: FloatArray
    total: int

    @cached_property
    def map_order(self) -> IntArray:
        """int64 (n,): a number for each customer that her id alone decides, as good as drawn by lot.

        A sample of the lowest keeps its people from run to run, while others come and go.
        """
        text = np.array([str(each) for each in self.customer_ids], dtype=object)
        return np.asarray(pd.util.hash_array(text, categorize=False).view(np.int64))

    def for_department(self, warehouse: Warehouse, department: Department) -> DepartmentTable:
        """Return the table with `department` left out of everything, and who bought there before and after."""
        behaviour = self.catalogue.behaviour
        key = exp.column("department_key").eq(exp.Literal.number(department.key))
        columns = [exp.column(name, quoted=True) for name in ("customer_id", *behaviour)]
        without = warehouse.fetch(exp.select(*columns).from_(BEHAVIOUR.table()).where(key))
        ids = _ids(without["customer_id"])
        places = self.customer_ids.get_indexer(ids)
        sampled = places >= 0
        values, activity = self.values.copy(), self.activity_values.copy()
        position = {feature.name: index for index, feature in enumerate(self.catalogue.features)}
        for name in behaviour:
            column = _floats(without[name])[sampled]
            if name in position:
                values[places[sampled], position[name]] = column
            else:
                activity[places[sampled], self.catalogue.activity.index(name)] = column
        own = {category.column for category in self.catalogue.categories if category.only_department == department.key}
        kept = [
            index
            for index, feature in enumerate(self.catalogue.features)
            if feature.name != department.column and feature.name not in own
        ]
        self._leave_out_of(CATEGORIES, "category_key", self.catalogue.categories, warehouse, key.copy(), values)
        self._leave_out_of(CHANNELS, "channel_key", self.catalogue.channels, warehouse, key.copy(), values)
        later = warehouse.fetch(exp.select("customer_id").from_(OUTCOMES.table()).where(key.copy()))
        outcomes = self._mask(self.customer_ids.get_indexer(_ids(later["customer_id"])))
        rows = np.flatnonzero(values[:, position["breadth_count"]] > 0.0)
        return DepartmentTable(
            department=department,
            rows=rows,
            features=tuple(self.catalogue.features[index] for index in kept),
            values=np.ascontiguousarray(values[rows][:, kept]),
            activity_features=self.catalogue.activity,
            activity_values=activity[rows],
            buyers=self._mask(places)[rows],
            outcomes=outcomes[rows],
            waited_days=self._waited_days(warehouse, key.copy())[rows],
            map_order=self.map_order[rows],
        )

    def _waited_days(self, warehouse: Warehouse, key: exp.Expr) -> FloatArray:
        """Return how long each customer (n,) waited before she bought in the department that `key` selects."""
        names = [feature.name for feature in self.catalogue.features]
        if TENURE not in names:
            return np.zeros(len(self.values), dtype=np.float64)
        waited = self.values[:, names.index(TENURE)].copy()
        first = warehouse.fetch(exp.select("customer_id", "waited_days").from_(FIRST_PURCHASES.table()).where(key))
        places = self.customer_ids.get_indexer(_ids(first["customer_id"]))
        waited[places[places >= 0]] = _floats(first["waited_days"])[places >= 0]
        return waited

    def _leave_out_of(
        self,
        counts: Relation,
        name: str,
        groups: Sequence[Group],
        warehouse: Warehouse,
        key: exp.Expr,
        values: FloatArray,
    ) -> None:
        """Put purchases in groups without a department, the one that `key` selects, into `values` (n, p).

        `name` is the column of `counts` that holds the keys of the groups.
        """
        if not groups:
            return
        without = warehouse.fetch(exp.select("customer_id", name, "purchase_count").from_(counts.table()).where(key))
        places = {feature.name: index for index, feature in enumerate(self.catalogue.features)}
        columns = {group.key: places[group.column] for group in groups}
        rows = self.customer_ids.get_indexer(_ids(without["customer_id"]))
        found = np.array([columns.get(each, -1) for each in without[name].to_pylist()], dtype=np.int64)
        wanted = (rows >= 0) & (found >= 0)
        values[rows[wanted], found[wanted]] = _floats(without["purchase_count"])[wanted]

    def _mask(self, places: "np.ndarray[tuple[int, ...], np.dtype[np.intp]]") -> BoolArray:
        mask = np.zeros(len(self.customer_ids), dtype=np.bool_)
        mask[places[places >= 0]] = True
        return mask


def read_features(warehouse: Warehouse, catalogue: Catalogue, *, most: int, seed: int) -> FeatureTable:
    """Read `features.customers`, or a sample of at most about `most` of its customers.

    The sample is drawn in the warehouse by a hash of the id and the seed, so it is the same on every engine.
    """
    counted = exp.select(exp.Count(this=exp.Star()).as_("n")).from_(CUSTOMERS.table())
    total = int(warehouse.fetch(counted)["n"][0].as_py())
    names = [feature.name for feature in catalogue.features]
    columns = [exp.column(name, quoted=True) for name in ("customer_id", *names, *catalogue.activity)]
    query = exp.select(*columns).from_(CUSTOMERS.table()).order_by(exp.column("customer_id", quoted=True))
    if total > most:
        query = query.where(sampled_share(most / total, f"learn {seed}"))
    table = warehouse.fetch(query)
    return FeatureTable(
        catalogue=catalogue,
        customer_ids=_ids(table["customer_id"]),
        values=_matrix(table, names),
        activity_values=_matrix(table, catalogue.activity),
        total=total,
    )


def sampled_share(share: float, salt: str) -> exp.Expr:
    """Return a condition that holds for about `share` of the customers, by a salted hash of the id."""
    salted = exp.DPipe(
        this=exp.Literal.string(f"{salt}:"), expression=exp.cast(exp.column("customer_id", quoted=True), "varchar")
    )
    hashed = exp.Substring(this=exp.MD5(this=salted), start=exp.Literal.number(1), length=exp.Literal.number(8))
    return exp.LT(this=hashed, expression=exp.Literal.string(f"{min(int(share * 16**8), 16**8 - 1):08x}"))


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
