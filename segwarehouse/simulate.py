"""A world with planted truth, written as a project that `segwarehouse refresh` can read.

In: how many customers, departments and months, and a seed. Out: a folder with `segwarehouse.toml`,
`data/transactions.parquet`, `data/customers.parquet`, and the truth beside them, which no refresh reads:
`data/truth.parquet` (each customer's main department, and a true-or-false column a department: who was planted as a
likely buyer) and `data/truth_rules.parquet` (the planted rules with their exact thresholds).

The customers are those of the published recipe for campaign segmentation: `make_classification` of scikit-learn with
8 informative features, a class for every department, 4 clusters a class and `class_sep=2`. Four clusters a class
need as many corners of a cube, so from 65 departments on there are more features: ``log2(4 * departments)``.

What is planted: in every department three rules of two conditions, any of which makes a customer a likely buyer
(`BUYS_IF_PLANTED`); all others buy there seldom (`BUYS_OTHERWISE`). The first fifth of the departments, the roots,
have rules on customers' features alone, the rest also on the number of purchases in the roots. So no rule depends on
itself, and outside the roots nothing but the rules says who buys. In one department more, `STAPLE`, everybody buys:
without it a customer who bought nowhere else would be known to have bought here. A customer's class decides how much
she buys where she buys at all: most in her main department. How active customers are differs (gamma distributed). A
customer has at most one line of a department in a basket, so that counting lines and counting baskets is the same.

It is long since the whole world is one story: customers, rules, purchases and truth are drawn in one order from one
seed.
"""

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from segwarehouse.config import CONFIG_NAME, render_config
from segwarehouse.domain import BoolArray, Column, Condition, FloatArray, IntArray, Operator, Rule
from segwarehouse.errors import ConfigError, SegwarehouseError

BUYS_IF_PLANTED = 0.8
BUYS_OTHERWISE = 0.03
VISITS_A_MONTH = 4.0
LINES_A_MONTH = 0.4
MAIN_DEPARTMENT_FACTOR = 4.0
STAPLE = "Staples"
FIRST_DAY = dt.date(2025, 1, 1)

CLUSTERS_A_CLASS = 4
INFORMATIVE_FEATURES = 8
RULE_SHARE = 0.12
"""Each planted rule holds for about so many of all customers."""

_PERSON_COUNTS = (2, 3, 5, 10, 25, 100)
_CELLS = 2_000_000
"""Customers are simulated in blocks of at most so many customers times departments, to bound memory."""

_NAMES = (
    "Produce", "Dairy", "Bakery", "Meat & Poultry", "Seafood", "Frozen", "Deli / Prepared", "Beverages", "Wine",
    "Coffee & Tea", "Snacks", "Cereal", "Pasta", "Spices", "Canned Goods", "Baby", "Pet Care", "Household",
    "Health", "Beauty", "Floral", "Garden", "Toys", "Books", "Electronics", "Kitchen", "Sports", "Stationery",
    "Pharmacy", "Organic",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SimulatedWorld:
    """What was written.

    Attributes
    ----------
    directory
        The project.
    customers, transactions
        How many customers, and how many lines they bought.
    departments
        The names of those with planted rules, roots first. `STAPLE`, where everybody buys, is one more.
    features
        The columns of the customers table.
    first_date, last_date
        The days between which all purchases lie, both included.
    seed
        What it was made from.
    """

    directory: Path
    customers: int
    transactions: int
    departments: tuple[str, ...]
    features: tuple[str, ...]
    first_date: dt.date
    last_date: dt.date
    seed: int

    def as_dict(self) -> dict[str, Any]:
        """Return the facts as plain values."""
        return asdict(self) | {
            "directory": str(self.directory),
            "first_date": self.first_date.isoformat(),
            "last_date": self.last_date.isoformat(),
        }


class _Shoppers(NamedTuple):
    """A block of c customers: features float64 (c, f), classes int64 (c,), activity float64 (c,), visits int64 (c,)."""

    features: FloatArray
    classes: IntArray
    activity: FloatArray
    visits: IntArray


class _Lines(NamedTuple):
    """Purchases in one department: positions int64 (l,) of customers in their block, and of visits in a customer's."""

    customer: IntArray
    visit: IntArray


def simulate(
    directory: str | Path, *, customers: int = 10_000, departments: int = 10, seed: int = 42, months: int = 12
) -> SimulatedWorld:
    """Write a simulated project.

    Parameters
    ----------
    directory
        Is created where it is missing. It must not hold a project yet.
    customers
        How many, 10 or more a department.
    departments
        How many with planted rules, 2 to 500.
    seed
        The same arguments give the same tables.
    months
        How many months from `FIRST_DAY` on.

    Raises
    ------
    ConfigError
        If the directory holds a `segwarehouse.toml`.
    SegwarehouseError
        If a number is out of range.
    """
    _check_size(customers, departments, months)
    folder = Path(directory)
    if (folder / CONFIG_NAME).exists():
        raise ConfigError(f"{folder / CONFIG_NAME} exists already", hint="name a new folder", key="", value=str(folder))
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    names = department_names(departments)
    features, classes = population(customers, departments, seed)
    block = max(1, _CELLS // departments)
    pilot = _shoppers(np.random.default_rng([seed, 0]), features[:block], classes[:block], months)
    rules = _plant(np.random.default_rng([seed, 1]), pilot, _class_means(features, classes, departments), names)
    days = _days(months)
    world = _Blocks(names, rules, _identifiers(customers), days, months, seed)
    lines = world.write(data, features, classes, block)
    pq.write_table(_rules_table(names, rules), data / "truth_rules.parquet")
    (folder / CONFIG_NAME).write_text(_configuration(seed, len(days)), encoding="utf-8")
    columns = tuple(_feature_name(position) for position in range(features.shape[1]))
    first, last = days[0].item(), days[-1].item()
    return SimulatedWorld(folder, customers, lines, names, columns, first, last, seed)


def _check_size(customers: int, departments: int, months: int) -> None:
    if not 2 <= departments <= 500:
        raise SegwarehouseError(f"{departments} departments can't be simulated", hint="ask for 2 to 500")
    if customers < 10 * departments:
        raise SegwarehouseError(
            f"{customers} customers are too few for {departments} departments", hint="ask for 10 or more a department"
        )
    if months < 1:
        raise SegwarehouseError(f"{months} months can't be simulated", hint="ask for 1 or more")


def department_names(count: int) -> tuple[str, ...]:
    """Return so many department names, all different.

    >>> department_names(32)[-4:]
    ('Pharmacy', 'Organic', 'Department 031', 'Department 032')
    """
    return tuple(_NAMES[:count]) + tuple(f"Department {number:03d}" for number in range(len(_NAMES) + 1, count + 1))


def population(customers: int, departments: int, seed: int) -> tuple[FloatArray, IntArray]:
    """Return the recipe's features float64 (customers, f) and classes int64 (customers,).

    f is 8, or as many as ``log2(4 * departments)``, rounded up, where that is more.
    Source: `sklearn.datasets.make_classification`, which follows Guyon 2003, "Design of experiments for the NIPS
    2003 variable selection benchmark".
    """
    from sklearn.datasets import make_classification

    informative = max(INFORMATIVE_FEATURES, math.ceil(math.log2(CLUSTERS_A_CLASS * departments)))
    features, classes = make_classification(
        n_samples=customers,
        n_features=informative,
        n_informative=informative,
        n_redundant=0,
        n_classes=departments,
        n_clusters_per_class=CLUSTERS_A_CLASS,
        class_sep=2,
        random_state=seed,
    )
    return features.astype(np.float64), classes.astype(np.int64)


# -- who buys ---------------------------------------------------------------------------------------------------------


def _shoppers(generator: np.random.Generator, features: FloatArray, classes: IntArray, months: int) -> _Shoppers:
    activity = generator.gamma(2.0, 0.5, size=len(classes))
    visits = 1 + generator.poisson(VISITS_A_MONTH * months * activity)
    return _Shoppers(features, classes, LINES_A_MONTH * months * activity, visits.astype(np.int64))


def _buy(generator: np.random.Generator, shoppers: _Shoppers, department: int, planted: BoolArray) -> _Lines:
    """Draw who buys in a department, and on which visits."""
    buys = generator.random(len(planted)) < np.where(planted, BUYS_IF_PLANTED, BUYS_OTHERWISE)
    buyers = np.flatnonzero(buys)
    factor = np.where(shoppers.classes[buyers] == department, MAIN_DEPARTMENT_FACTOR, 1.0)
    return _visit(generator, shoppers, buyers, shoppers.activity[buyers] * factor)


def _visit(generator: np.random.Generator, shoppers: _Shoppers, buyers: IntArray, expected: FloatArray) -> _Lines:
    """Draw on which visits buyers (k,) buy: once, and a Poisson number of further times with means (k,)."""
    customer = np.repeat(buyers, 1 + generator.poisson(expected))
    visit = np.floor(generator.random(len(customer)) * shoppers.visits[customer]).astype(np.int64)
    most = int(shoppers.visits.max())
    distinct = np.unique(customer * most + visit)
    return _Lines(distinct // most, distinct % most)


def _columns(shoppers: _Shoppers) -> dict[str, Column]:
    """Return the customers' features by the names that rules call them by."""
    return {
        f"customers.{_feature_name(position)}": Column.complete(np.ascontiguousarray(shoppers.features[:, position]))
        for position in range(shoppers.features.shape[1])
    }


def _counted(lines: _Lines, customers: int) -> Column:
    return Column.complete(np.bincount(lines.customer, minlength=customers).astype(np.float64))


def _planted(rules: Sequence[Rule], columns: Mapping[str, Column]) -> BoolArray:
    """Return who satisfies any of the rules."""
    matched: BoolArray = np.logical_or.reduce([rule.matches(columns) for rule in rules])
    return matched


def _feature_name(position: int) -> str:
    return f"feature_{position + 1}"


def _root_count(departments: int) -> int:
    """Return how many departments have rules on features alone."""
    return max(min(2, departments - 1), departments // 5)


# -- the planted rules ------------------------------------------------------------------------------------------------


def _class_means(features: FloatArray, classes: IntArray, departments: int) -> FloatArray:
    """Return how much each class's mean differs from that of all, float64 (departments, f)."""
    overall = features.mean(axis=0)
    means = [features[classes == label].mean(axis=0) if (classes == label).any() else overall
             for label in range(departments)]  # fmt: skip
    return np.asarray(np.array(means) - overall, dtype=np.float64)


def _plant(
    generator: np.random.Generator, pilot: _Shoppers, leanings: FloatArray, names: Sequence[str]
) -> tuple[tuple[Rule, ...], ...]:
    """Return three rules a department, with thresholds that suit a pilot block of customers.

    Features are drawn by how much the department's own class differs in them, and point the way it differs.
    """
    columns = _columns(pilot)
    roots = [f"purchases.{name}" for name in names[: _root_count(len(names))]]
    planted: list[tuple[Rule, ...]] = []
    for department, name in enumerate(names):
        leaning = np.abs(leanings[department]) + 0.05
        drawn = generator.choice(len(leaning), size=6, replace=False, p=leaning / leaning.sum())
        directed = [(int(feature), bool(leanings[department, feature] >= 0.0)) for feature in drawn]
        if f"purchases.{name}" in roots:
            rules = tuple(_feature_rule(columns, *directed[start : start + 2]) for start in (0, 2, 4))
            bought = _buy(generator, pilot, department, _planted(rules, columns))
            columns[f"purchases.{name}"] = _counted(bought, len(pilot.classes))
        else:
            chosen = generator.choice(len(roots), size=2, replace=len(roots) < 2)
            counted = [_count_rule(columns, roots[root], way) for root, way in zip(chosen, directed[:2], strict=True)]
            rules = (*counted, _feature_rule(columns, *directed[2:4]))
        planted.append(rules)
    return tuple(planted)


def _feature_rule(columns: Mapping[str, Column], first: tuple[int, bool], second: tuple[int, bool]) -> Rule:
    everyone = np.ones(len(next(iter(columns.values())).values), dtype=np.bool_)
    outer = _feature_condition(columns, first, everyone, 0.4)
    inner = _feature_condition(columns, second, outer.matches(columns), RULE_SHARE / 0.4)
    return Rule((outer, inner), 1)


def _count_rule(columns: Mapping[str, Column], root: str, way: tuple[int, bool]) -> Rule:
    """Return a rule on purchases in a root, at a number that a person would say, and a feature."""
    counts = columns[root].values
    frequent = [number for number in _PERSON_COUNTS if (counts >= number).mean() >= 1.5 * RULE_SHARE]
    outer = Condition(root, Operator.AT_LEAST, float(max(frequent, default=_PERSON_COUNTS[0])))
    among = outer.matches(columns)
    share = min(RULE_SHARE / max(float(among.mean()), 1e-9), 0.6)
    return Rule((outer, _feature_condition(columns, way, among, share)), 1)


def _feature_condition(
    columns: Mapping[str, Column], way: tuple[int, bool], among: BoolArray, share: float
) -> Condition:
    """Return the condition on a feature, upwards or downwards, that about a share of some customers satisfies."""
    position, upwards = way
    name = f"customers.{_feature_name(position)}"
    values = columns[name].values[among] if among.any() else columns[name].values
    quantile = float(np.quantile(values, 1.0 - share if upwards else share))
    return Condition(name, Operator.AT_LEAST if upwards else Operator.BELOW, round(quantile * 2.0) / 2.0 + 0.0)


def _rules_table(names: Sequence[str], rules: Sequence[Sequence[Rule]]) -> pa.Table:
    rows = []
    for name, planted in zip(names, rules, strict=True):
        for number, rule in enumerate(planted, start=1):
            for condition in rule.conditions:
                source, _, subject = condition.feature.partition(".")
                operator, threshold = condition.operator.value, condition.threshold
                rows.append((name, number, source, subject, operator, threshold))
    keys = ("department", "rule", "source", "subject", "operator", "threshold")
    return pa.table({key: list(values) for key, values in zip(keys, zip(*rows, strict=True), strict=True)})


# -- writing ----------------------------------------------------------------------------------------------------------


def _identifiers(customers: int) -> pa.Array:
    """Return the customers' ids: texts of equal length with leading zeros."""
    width = len(str(customers))
    return pa.array([f"{number:0{width}d}" for number in range(1, customers + 1)])


def _days(months: int) -> "np.ndarray[Any, np.dtype[np.datetime64]]":
    """Return the days of the simulated months, datetime64[D]."""
    first = np.datetime64(FIRST_DAY, "D")
    beyond = (first.astype("datetime64[M]") + months).astype("datetime64[D]")
    return np.arange(first, beyond)


def _configuration(seed: int, days: int) -> str:
    return render_config(
        {
            "source": {
                "transactions": "data/transactions.parquet",
                "customer_id": "customer_id",
                "department": "department",
                "occurred_at": "occurred_at",
                "transaction_id": "basket_id",
                "quantity": "quantity",
                "amount": "amount",
                "customers": "data/customers.parquet",
            },
            "learning": {"outcome_days": max(1, min(91, days // 4)), "seed": seed},
        }
    )


@dataclass(frozen=True)
class _Blocks:
    """Everything that simulating a block of customers needs besides the customers."""

    names: tuple[str, ...]
    rules: tuple[tuple[Rule, ...], ...]
    identifiers: pa.Array
    days: "np.ndarray[Any, np.dtype[np.datetime64]]"
    months: int
    seed: int

    def write(self, data: Path, features: FloatArray, classes: IntArray, block: int) -> int:
        """Write customers, transactions and truth block by block; return the number of transactions."""
        writers: dict[str, pq.ParquetWriter] = {}
        lines = baskets = 0
        try:
            for number, start in enumerate(range(0, len(classes), block)):
                part = slice(start, start + block)
                generator = np.random.default_rng([self.seed, 2, number])
                shoppers = _shoppers(generator, features[part], classes[part], self.months)
                for name, table in self._tables(generator, shoppers, self.identifiers[part], baskets):
                    if name not in writers:
                        writers[name] = pq.ParquetWriter(data / f"{name}.parquet", table.schema)
                    writers[name].write_table(table)
                    lines += len(table) if name == "transactions" else 0
                baskets += int(shoppers.visits.sum())
        finally:
            for writer in writers.values():
                writer.close()
        return lines

    def _tables(
        self, generator: np.random.Generator, shoppers: _Shoppers, identifiers: pa.Array, baskets: int
    ) -> Iterator[tuple[str, pa.Table]]:
        columns = _columns(shoppers)
        chosen, bought = [], []
        for department, (name, rules) in enumerate(zip(self.names, self.rules, strict=True)):
            chosen.append(_planted(rules, columns))
            bought.append(_buy(generator, shoppers, department, chosen[-1]))
            columns[f"purchases.{name}"] = _counted(bought[-1], len(identifiers))
        yield "customers", pa.table({"customer_id": identifiers} | _numbered(shoppers.features))
        mains = pa.DictionaryArray.from_arrays(shoppers.classes.astype(np.int32), list(self.names)).cast(pa.string())
        truth = {"customer_id": identifiers, "main_department": mains}
        yield "truth", pa.table(truth | dict(zip(self.names, map(pa.array, chosen), strict=True)))
        bought.append(_visit(generator, shoppers, np.arange(len(identifiers)), shoppers.activity))
        yield "transactions", self._transactions(generator, shoppers, bought, identifiers, baskets)

    def _transactions(
        self,
        generator: np.random.Generator,
        shoppers: _Shoppers,
        bought: Sequence[_Lines],
        identifiers: pa.Array,
        baskets: int,
    ) -> pa.Table:
        department = np.repeat(np.arange(len(bought), dtype=np.int32), [len(lines.customer) for lines in bought])
        customer = np.concatenate([lines.customer for lines in bought])
        first_visit = np.cumsum(shoppers.visits) - shoppers.visits
        visit = first_visit[customer] + np.concatenate([lines.visit for lines in bought])
        order = np.lexsort((department, visit))
        department, customer, visit = department[order], customer[order], visit[order]
        names = [*self.names, STAPLE]
        prices = np.exp(np.random.default_rng([self.seed, 3]).normal(1.3, 0.6, size=len(names)))
        quantity = 1 + generator.poisson(0.6, size=len(visit))
        unit_price = prices[department] * np.exp(generator.normal(0.0, 0.3, size=len(visit)))
        cents = np.maximum(np.rint(unit_price * 100.0), 1.0) * quantity
        return pa.table(
            {
                "customer_id": identifiers.take(pa.array(customer)),
                "basket_id": pa.array(baskets + visit + 1),
                "department": pa.DictionaryArray.from_arrays(department, names).cast(pa.string()),
                "occurred_at": pa.array(self._times(generator, int(shoppers.visits.sum()))[visit]),
                "quantity": pa.array(quantity.astype(np.int64)),
                "amount": pa.array(cents / 100.0),
            }
        )

    def _times(self, generator: np.random.Generator, visits: int) -> "np.ndarray[Any, np.dtype[np.datetime64]]":
        """Return a time for each visit, datetime64[us]: more on Fridays and Saturdays, in opening hours."""
        weekday = (self.days.astype(np.int64) + 3) % 7  # the epoch was a Thursday; Monday is 0
        weights = np.array([0.9, 0.9, 0.9, 1.0, 1.3, 1.5, 0.8])[weekday]
        until = np.cumsum(weights) / weights.sum()
        day = np.minimum(np.searchsorted(until, generator.random(visits), side="right"), len(self.days) - 1)
        second = (8 * 3600 + generator.beta(2.0, 2.0, size=visits) * 13 * 3600).astype(np.int64)
        stamps = self.days[day].astype("datetime64[us]") + second.astype("timedelta64[s]")
        return np.asarray(stamps, dtype="datetime64[us]")


def _numbered(features: FloatArray) -> dict[str, pa.Array]:
    return {
        _feature_name(position): pa.array(np.ascontiguousarray(features[:, position]))
        for position in range(features.shape[1])
    }
