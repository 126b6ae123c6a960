"""Which departments and features there are, and what they are called in SQL and in words.

In: staged relations. Out: a `Catalogue`: departments with keys, slugs and columns, attributes of the customers table,
and a `Feature` for every column of `features.customers`.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from sqlglot import exp

from segwarehouse.config import Config, words_of
from segwarehouse.display import days_in_words
from segwarehouse.domain import Department, Feature
from segwarehouse.errors import DataError
from segwarehouse.features.customers import holds_numbers
from segwarehouse.features.staging import Staged
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import Engine, relation

_RESERVED = frozenset({"audiences", "mixture_scores"})
"""What no model of schema `targeting` makes, and what an older version made: a view keeps its name."""

BEHAVIOUR: Mapping[str, tuple[str, str, str]] = {
    # feature: (unit, what it needs, phrase); {days} marks those that look back `learning.recent_days`
    "frequency_count": ("count", "", "purchases"),
    "breadth_count": ("count", "", "departments bought in"),
    "purchases_other_departments": ("count", "capped_departments", "purchases in smaller departments"),
    "lines_per_purchase": ("number", "purchases", "lines a purchase"),
    "monetary_amount": ("amount", "amount", "spend"),
    "amount_per_purchase": ("amount", "amount", "spend a purchase"),
    "recency_days": ("days", "occurred_at", "days since the last purchase"),
    "tenure_days": ("days", "occurred_at", "days since the first purchase"),
    "recent_frequency_count": ("count", "occurred_at", "purchases in the last {days}"),
    "recent_breadth_count": ("count", "occurred_at", "departments bought in during the last {days}"),
    "recent_monetary_amount": ("amount", "occurred_at amount", "spend in the last {days}"),
    "frequency_trend": ("number", "trend", "purchases in the last {days} compared with the usual"),
    "recent_breadth_share": ("number", "trend", "share of departments also bought in during the last {days}"),
    "recency_trend": ("number", "trend", "time since the last purchase against the usual"),
    "monetary_trend": ("number", "trend amount", "spend in the last {days} compared with the usual"),
    "channel_count": ("count", "channel", "{channel}s bought in"),
    "promotion_purchase_share": ("number", "promotion", "share of purchases with a promotion"),
    "promotion_line_share": ("number", "promotion", "share of lines on promotion"),
    "discount_per_purchase": ("amount", "discount", "money off a purchase"),
    "discount_share": ("number", "discount amount", "money off as a share of the full price"),
}
RECENT = frozenset(name for name, (_, _, phrase) in BEHAVIOUR.items() if "{days}" in phrase)
"""Features that look back `learning.recent_days`."""

ACTIVITY: Mapping[str, str] = {
    # feature: what it needs
    "breadth_log": "",
    "frequency_log": "",
    "amount_log": "amount",
    "recency_log": "occurred_at",
}


@dataclass(frozen=True)
class Attribute:
    """A feature made of a column of the customers table: ``number``, ``known`` or ``value`` (one of a category)."""

    column: str
    kind: str
    feature: str
    value: str = ""


@dataclass(frozen=True)
class Group:
    """A product category or a channel with a feature: purchases in it.

    Attributes
    ----------
    key, name, column
        Its small key, its name as it came, and its column in the feature table.
    only_department
        The key of the department that all of a category belongs to; None where it is found in several.
    """

    key: int
    name: str
    column: str
    only_department: int | None = None


@dataclass(frozen=True)
class Catalogue:
    """Departments and features by name.

    Attributes
    ----------
    has
        What the staged data has, and ``capped_departments``: whether some have no column of their own.
    departments
        Every department, by key.
    categories
        The largest product categories, by key; none where the data has no categories.
    channels
        The largest channels, by key; none where the data has none.
    attributes
        Features from the customers table.
    ignored_columns
        Columns of the customers table that make no feature, with the reason.
    features
        Every feature that a rule or a classifier may read.
    activity
        The features that only the activity measure reads.
    """

    has: Mapping[str, bool]
    departments: tuple[Department, ...]
    categories: tuple[Group, ...]
    channels: tuple[Group, ...]
    attributes: tuple[Attribute, ...]
    ignored_columns: Mapping[str, str]
    features: tuple[Feature, ...]
    activity: tuple[str, ...]

    @property
    def behaviour(self) -> tuple[str, ...]:
        """Columns that change when a department is left out."""
        names = [feature.name for feature in self.features if feature.kind == "behaviour"]
        return (*names, *self.activity)

    def context(self) -> dict[str, object]:
        """Return what the feature models are rendered with."""
        wide = [department for department in self.departments if department.column]
        return {
            "has": self.has,
            "wide": wide,
            "wide_keys": [department.key for department in wide],
            "categories": self.categories,
            "category_keys": [category.key for category in self.categories],
            "channels": self.channels,
            "attributes": self.attributes,
            "behaviour": self.behaviour,
        }


def slug_of(name: str) -> str:
    """Return a readable identifier for a name in any script: letters and digits, lower case, joined by underscores.

    >>> slug_of("Käse & Wurst"), slug_of("海鲜"), slug_of("'; DROP--"), slug_of("🐟")
    ('kase_wurst', '海鲜', 'drop', '')
    """
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name)).casefold()
    kept = "".join(letter for letter in folded if not unicodedata.combining(letter))
    kept = unicodedata.normalize("NFKC", kept)
    return re.sub(r"[\W_]+", "_", kept).strip("_")[:48].strip("_")


def unique_slugs(names: Iterable[str], taken: Iterable[str], otherwise: str) -> Iterator[str]:
    """Yield a slug for each name, none twice (case aside) and none that is taken.

    >>> list(unique_slugs(["Rules", "A b", "a B", "?"], ["rules"], "department"))
    ['rules_2', 'a_b', 'a_b_2', 'department']
    """
    used = set(taken)
    for name in names:
        stem = slug_of(name) or otherwise
        if stem[0].isdigit():
            stem = f"{otherwise}_{stem}"
        slug, number = stem, 1
        while slug in used:
            number += 1
            slug = f"{stem}_{number}"
        used.add(slug)
        yield slug


def name_departments(
    rows: Sequence[tuple[int, str, int, int]], customers: int, columns: int, reserved: Collection[str]
) -> tuple[Department, ...]:
    """Return departments with view names and, for the `columns` largest, a column in the wide feature table.

    Parameters
    ----------
    rows
        (key, name, buyers, buyers who bought elsewhere too) of each department.
    customers
        How many customers there are.
    columns
        How many departments get a column of their own.
    reserved
        Names that no view may take.

    Raises
    ------
    DataError
        If there are fewer than two departments, or a name holds a NUL character.
    """
    if len(rows) < 2:
        only = f"only one department, {rows[0][1]!r}" if rows else "no department"
        raise DataError(
            f"there is {only}, and who buys in one department is learned from what they buy in the others",
            "does source.department name the right column?",
        )
    for _, name, *_ in rows:
        if "\0" in name:
            raise DataError(
                f"the department {name!r} holds a NUL character, which SQL can't name",
                "clean the column, or leave such lines out in a models/staging/transactions.sql of your own",
            )
    slugs = list(unique_slugs([name for _, name, *_ in rows], reserved, "department"))
    largest = {key for key, *_ in sorted(rows, key=lambda row: (-row[2], row[0]))[:columns]}
    return tuple(
        Department(key, name, slug, buyers, customers, f"purchases_{slug}" if key in largest else None, learnable)
        for (key, name, buyers, learnable), slug in zip(rows, slugs, strict=True)
    )


def reserved_view_names(models: TemplateFolder) -> frozenset[str]:
    """Return the names in the schema `targeting` that no department's view may take: those of its other relations."""
    published = (PurePosixPath(path) for path in models.paths())
    return _RESERVED | {path.stem.lower() for path in published if str(path.parent) == "targeting"}


def read_catalogue(config: Config, warehouse: Engine, staged: Staged) -> Catalogue:
    """Look at the staged relations and name what will be built from them.

    Raises
    ------
    DataError
        If there are fewer than two departments.
    """
    table = warehouse.fetch(
        exp.select("department_key", "department", "customer_count", "learnable_customer_count")
        .from_("staging.departments")
        .order_by("department_key")
    )
    rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
    customers = warehouse.fetch(
        exp.select(exp.Count(this=exp.Distinct(expressions=[exp.column("customer_id")])).as_("n")).from_(
            "staging.purchases"
        )
    )
    reserved = reserved_view_names(TemplateFolder.of("models", config.directory))
    total, most = customers["n"][0].as_py(), config.learning.max_department_columns
    departments = name_departments(rows, total, most, reserved)
    attributes = tuple(_attributes(config, warehouse, staged))
    categories = read_categories(warehouse, config.learning.max_category_columns) if staged.has["category"] else ()
    noun = noun_of(config.source.channel)
    channels = read_channels(warehouse, config.learning.max_channel_columns, noun) if staged.has["channel"] else ()
    has = {**staged.has, "capped_departments": any(department.column is None for department in departments)}
    return Catalogue(
        has=has,
        departments=departments,
        categories=categories,
        channels=channels,
        attributes=attributes,
        ignored_columns=staged.ignored_columns,
        features=(
            *_behaviour(has, noun, config.learning.recent_days),
            *_features(departments, categories, channels, attributes),
        ),
        activity=tuple(name for name, needs in ACTIVITY.items() if _given(needs, has)),
    )


def read_categories(warehouse: Engine, columns: int) -> tuple[Group, ...]:
    """Return the `columns` categories with the most buyers, by key.

    A category that is all of a department says what the department says already, and is left out.
    """
    largest = (
        exp.select("category_key", "category", "only_department_key")
        .from_("staging.categories")
        .where(exp.column("is_department").eq(exp.Literal.number(0)))
        .order_by(exp.column("customer_count").desc(), "category_key")
        .limit(columns)
    )
    rows = sorted(tuple(row.values()) for row in warehouse.fetch(largest).to_pylist())
    slugs = unique_slugs([name for _, name, _ in rows], (), "category")
    return tuple(
        Group(key, name, f"category_{slug}", only) for (key, name, only), slug in zip(rows, slugs, strict=True)
    )


def read_channels(warehouse: Engine, columns: int, noun: str) -> tuple[Group, ...]:
    """Return the `columns` channels with the most buyers, by key; each name follows the noun: ``store 367``."""
    largest = (
        exp.select("channel_key", "channel")
        .from_("staging.channels")
        .order_by(exp.column("customer_count").desc(), "channel_key")
        .limit(columns)
    )
    rows = sorted(tuple(row.values()) for row in warehouse.fetch(largest).to_pylist())
    names = [f"{noun} {name}" for _, name in rows]
    slugs = unique_slugs(names, ("count",), "channel")
    return tuple(Group(key, name, f"channel_{slug}") for (key, _), name, slug in zip(rows, names, slugs, strict=True))


def noun_of(column: str | None) -> str:
    """Return what the values of a column are, in one word or a few.

    >>> noun_of("STORE_ID"), noun_of("salesChannel"), noun_of("id"), noun_of(None)
    ('store', 'sales channel', 'channel', 'channel')
    """
    words = words_of(column or "")
    while words and words[-1] in _NOT_A_NOUN:
        words = words[:-1]
    return " ".join(words) or "channel"


_NOT_A_NOUN = frozenset({"id", "key", "no", "nr", "num", "number", "code", "name"})


def _given(needs: str, has: Mapping[str, bool]) -> bool:
    return all(has[need] for need in needs.split())


def _behaviour(has: Mapping[str, bool], channel: str, recent_days: int) -> Iterator[Feature]:
    for name, (unit, needs, phrase) in BEHAVIOUR.items():
        if _given(needs, has):
            yield Feature(
                name,
                "behaviour",
                phrase.format(channel=channel, days=days_in_words(recent_days)),
                unit,
                channel if needs == "channel" else "",
                recent_days if name in RECENT else 0,
            )


def _features(
    departments: Sequence[Department],
    categories: Sequence[Group],
    channels: Sequence[Group],
    attributes: Sequence[Attribute],
) -> Iterator[Feature]:
    for department in departments:
        if department.column:
            yield Feature(department.column, "department", f"purchases in {department.name}", "count", department.name)
    for category in categories:
        yield Feature(category.column, "category", f"purchases in {category.name}", "count", category.name)
    for place in channels:
        yield Feature(place.column, "channel", f"purchases in {place.name}", "count", place.name)
    for attribute in attributes:
        unit = "number" if attribute.kind == "number" else "flag"
        phrase = f"{attribute.column} is known" if attribute.kind == "known" else attribute.column
        yield Feature(attribute.feature, "customer", phrase, unit, attribute.value)


def _attributes(config: Config, warehouse: Engine, staged: Staged) -> Iterator[Attribute]:
    """Yield features from the customers table: numbers as they are, categories as one flag a value."""
    slugs = unique_slugs(staged.customer_columns, (), "column")
    for (column, type_name), slug in zip(staged.customer_columns.items(), slugs, strict=True):
        if holds_numbers(type_name):
            yield Attribute(column, "number", f"customer_{slug}")
            if _has_gaps(warehouse, column):
                yield Attribute(column, "known", f"customer_{slug}_known")
        else:
            values = _category_values(warehouse, column, config.audience.min_cell)
            for value, stem in zip(values, unique_slugs(values, (), "value"), strict=True):
                yield Attribute(column, "value", f"customer_{slug}_{stem}", value)


def _has_gaps(warehouse: Engine, column: str) -> bool:
    node = exp.cast(exp.column(column, quoted=True), "double")
    usable = exp.Between(this=node, low=exp.Literal.number("-1e300"), high=exp.Literal.number("1e300"))
    query = exp.select(exp.Count(this=exp.Star()).as_("n")).from_(relation("staging.customers").table())
    gaps = query.where(exp.not_(exp.func("COALESCE", usable, exp.false())))
    return bool(warehouse.fetch(gaps)["n"][0].as_py())


def _category_values(warehouse: Engine, column: str, min_cell: int) -> list[str]:
    """Return the values of a category that at least `min_cell` customers have."""
    value = exp.cast(exp.column(column, quoted=True), "varchar")
    query = (
        exp.select(value.as_("value"))
        .from_(relation("staging.customers").table())
        .where(exp.column(column, quoted=True).is_(exp.null()).not_())
        .group_by(value.copy())
        .having(exp.GTE(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(min_cell)))
        .order_by("value")
    )
    return [str(found) for found in warehouse.fetch(query)["value"].to_pylist()]
