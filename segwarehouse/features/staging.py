"""The user's tables, typed and cleaned: attach the sources, build `models/staging/`, count what was left out.

In: a configuration and a warehouse. Out: `Staged`, the facts that the feature models depend on, or a `DataError` that
says what is wrong with the data and what to do.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from segwarehouse.config import UNIX_FORMATS, Config, SourceConfig
from segwarehouse.errors import DataError, SourceError, did_you_mean
from segwarehouse.features.customers import usable_columns
from segwarehouse.project import Model, build, create_schema, load_models, read_model
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import Engine, Relation, SourceEngine

TRANSACTIONS = Relation("source", "transactions")
CUSTOMERS = Relation("source", "customers")
CUSTOMER_ID = "customer_id"
OPTIONAL_COLUMNS = (
    "occurred_at",
    "transaction_id",
    "quantity",
    "amount",
    "category",
    "channel",
    "discount",
    "is_promotion",
)
UNIT_PRICE = "unit_price"
ROW_HASH = "row_hash"
_NUMBERS = ("quantity", "amount", UNIT_PRICE)

_KEPT_ID_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "VARCHAR", "UUID")
_NESTED = ("STRUCT", "MAP", "UNION", "[", "BLOB")
_MIDNIGHT = dt.time()


@dataclass(frozen=True)
class Window:
    """What is known and what is asked: features before `cutoff`, outcomes from there for `outcome_days`.

    All times are naive UTC; the windows are half open.
    """

    cutoff: dt.datetime
    outcome_days: int
    recent_days: int
    first_at: dt.datetime | None

    @property
    def outcome_until(self) -> dt.datetime:
        """End of the outcome window, itself outside."""
        return self.cutoff + dt.timedelta(days=self.outcome_days)

    @property
    def observed_days(self) -> int:
        """Days from the first transaction to the cut-off: the recency of whoever bought nothing else."""
        return max(1, (self.cutoff - self.first_at).days + 1) if self.first_at else 1

    def context(self) -> dict[str, object]:
        """Return what the feature models are rendered with."""
        return {
            "cutoff": self.cutoff,
            "cutoff_date": self.cutoff.date(),
            "recent_from": self.cutoff - dt.timedelta(days=self.recent_days),
            "recent_days": self.recent_days,
            "outcome_until": self.outcome_until,
            "observed_days": self.observed_days,
        }


@dataclass(frozen=True)
class Staged:
    """What the staged data has.

    Attributes
    ----------
    has
        Which of the optional columns there are, and ``purchases``: whether lines can be joined to purchases;
        ``promotion``: whether it is known what was bought on promotion; ``trend``: whether trends are features;
        ``row_hash``: whether lines are compared by all columns of the source, rather than by those handed on.
    as_of
        Everything before this moment is known, everything from it on is hidden.
    first_at, last_at
        Extent of the transactions before today, None without dates.
    id_type
        The type of customer ids: as it came, or text where the type that came does not compare exactly.
    customers_id
        The id column of the customers table.
    customer_columns
        Columns of the customers table that can be features, with the engine's types.
    ignored_columns
        Its other columns, the id aside, with the reason.
    text_forms
        How columns of text are written that hold times or numbers. See `_text_forms`.
    source_columns, given_columns
        Columns of `source.transactions` and of `staging.transactions`, with the engine's types.
    cleaning
        Lines by reason for leaving them out; those whose reason begins with ``kept`` are not left out.
    """

    has: Mapping[str, bool]
    as_of: dt.datetime
    first_at: dt.datetime | None
    last_at: dt.datetime | None
    id_type: str
    customers_id: str
    customer_columns: Mapping[str, str]
    ignored_columns: Mapping[str, str] = field(default_factory=dict)
    text_forms: Mapping[str, str] = field(default_factory=dict)
    source_columns: Mapping[str, str] = field(default_factory=dict)
    given_columns: Mapping[str, str] = field(default_factory=dict)
    cleaning: Mapping[str, int] = field(default_factory=dict)

    @property
    def lines_kept(self) -> int:
        """How many lines are learned from."""
        return sum(rows for reason, rows in self.cleaning.items() if reason.startswith("kept"))

    def window(self, config: Config, steps_back: int = 0) -> Window:
        """Return the window whose cut-off lies `steps_back` outcome windows before `as_of`."""
        days = config.learning.outcome_days
        cutoff = self.as_of - dt.timedelta(days=days * steps_back)
        return Window(cutoff, days, config.learning.recent_days, self.first_at)


def stage(
    config: Config,
    warehouse: SourceEngine,
    models: TemplateFolder,
    *,
    as_of: dt.date | None,
    today: dt.date,
    progress: Callable[[str], None] | None = None,
) -> Staged:
    """Attach the sources and build `models/staging/`.

    Parameters
    ----------
    as_of
        Hide every transaction on or after this day. None: the day after the last transaction.
    today
        Transactions after this day are future dates and left out.

    Raises
    ------
    SourceError
        If a file, relation or column is missing or has a type that can't be used.
    DataError
        If nothing is left to learn from, or the cleaning rules say that what was found is an error.
    """
    attach_sources(config, warehouse, overridden=models.overrides("staging/transactions.sql"))
    warehouse.lock_down([config.locate(location) for location in _locations(config)], config.states)
    columns = warehouse.columns(TRANSACTIONS)
    forms = _text_forms(config, columns)
    first = read_model(models, "staging/transactions.sql", _as_written(config, forms, columns))
    build(warehouse, [first], progress)
    staged = replace(_look(config, warehouse, models, as_of, today), text_forms=forms, source_columns=columns)
    wanted = [model for model in staging_models(config, models, staged, today) if model.relation != first.relation]
    build(warehouse, wanted, progress)
    rows = warehouse.fetch(exp.select("reason", "line_count").from_("staging.cleaning").order_by("reason"))
    cleaning = dict(zip(rows["reason"].to_pylist(), rows["line_count"].to_pylist(), strict=True))
    staged = replace(staged, cleaning=cleaning)
    _refuse_unusable(config, staged)
    if config.source.customers:
        _require_matching_customers(warehouse)
    return staged


def staging_models(config: Config, models: TemplateFolder, staged: Staged, today: dt.date) -> list[Model]:
    """Return the models of `models/staging/`, in order; without the customers where there is no such table."""
    context: dict[str, object] = {
        **_as_written(config, staged.text_forms, staged.source_columns),
        "given_columns": staged.given_columns,
        "has": staged.has,
        "id_type": staged.id_type,
        "customers_id": staged.customers_id,
        "customer_columns": list(staged.customer_columns),
        "cleaning": config.cleaning,
        "as_of": staged.as_of,
        "tomorrow": _tomorrow(today),
    }
    found = load_models(models, "staging", context)
    return [model for model in found if config.source.customers or model.relation.name != "customers"]


def _source_columns(config: Config) -> dict[str, str | None]:
    return {key: getattr(config.source, key) for key in ("customer_id", "department", *OPTIONAL_COLUMNS, UNIT_PRICE)}


def _as_written(config: Config, forms: Mapping[str, str], columns: Mapping[str, str]) -> dict[str, object]:
    """Return what `models/staging/transactions.sql` is rendered with."""
    return {
        "column": _source_columns(config),
        "written": forms,
        "unix_formats": UNIX_FORMATS,
        "source_columns": columns,
    }


def _text_forms(config: Config, types: Mapping[str, str]) -> dict[str, str]:
    """Return how times and numbers are written, for the columns of text or numbers that hold them.

    `occurred_at` has the format for strptime, or one of `UNIX_FORMATS`; `quantity`, `amount` and `unit_price` are there
    where they have a decimal comma.
    """
    source = config.source
    kinds = {name.casefold(): kind for name, kind in types.items()}
    forms: dict[str, str] = {}
    if source.date_format and source.occurred_at:
        kind = kinds.get(source.occurred_at.casefold(), "")
        if not kind.startswith(("DATE", "TIME")):
            forms["occurred_at"] = source.date_format
    if source.decimal_comma:
        for key in _NUMBERS:
            if kinds.get((getattr(source, key) or "").casefold()) == "VARCHAR":
                forms[key] = "decimal comma"
    return forms


def attach_sources(config: Config, warehouse: SourceEngine, *, overridden: bool) -> None:
    """Make every configured source readable, and check that the columns that the configuration names are there.

    `overridden` says that the project has a staging model of its own: then that names the columns.
    """
    warehouse.execute(create_schema("source"))
    text = (
        config.source.customer_id,
        config.source.department,
        config.source.transaction_id or "",
        config.source.category or "",
        config.source.channel or "",
        config.source.is_promotion or "",
        *([config.source.occurred_at or ""] if config.source.date_format else []),
        *([getattr(config.source, key) or "" for key in _NUMBERS] if config.source.decimal_comma else []),
    )
    encoding = config.source.encoding
    warehouse.attach_source("transactions", config.locate(config.source.transactions), text, encoding=encoding)
    for extra in config.source.extra:
        warehouse.attach_source(extra.name, config.locate(extra.location))
    if not overridden:
        for key, name in _source_columns(config).items():
            if name is not None:
                _require_column(warehouse, TRANSACTIONS, key, name)
    if config.source.customers:
        names = (config.source.customer_id, CUSTOMER_ID)
        warehouse.attach_source("customers", config.locate(config.source.customers), names, encoding=encoding)
        _require_column(warehouse, CUSTOMERS, "customer_id", _customers_id(config, warehouse))


def _locations(config: Config) -> list[str]:
    """Return every source as it is configured."""
    source = config.source
    return [
        source.transactions,
        *([source.customers] if source.customers else []),
        *(extra.location for extra in source.extra),
    ]


def _customers_id(config: Config, warehouse: Engine) -> str:
    """Return the id column of the customers table: called as in the transactions, or plainly `customer_id`."""
    columns = {column.casefold() for column in warehouse.columns(CUSTOMERS)}
    name = config.source.customer_id
    return CUSTOMER_ID if name.casefold() not in columns and CUSTOMER_ID in columns else name


def _require_column(warehouse: Engine, relation: Relation, key: str, name: str) -> None:
    columns = warehouse.columns(relation)
    known = {column.casefold() for column in columns}
    if name.casefold() not in known:
        raise SourceError(
            f"source.{key} = {name!r}: {relation} has no such column", did_you_mean(name, columns), column=name
        )


def _look(config: Config, warehouse: Engine, models: TemplateFolder, as_of: dt.date | None, today: dt.date) -> Staged:
    types = warehouse.columns(Relation("staging", "transactions"))
    for name in ("customer_id", "department"):
        if name not in types:
            where = models.file("staging/transactions.sql")
            raise SourceError(
                f"{where}: staging.transactions has no column {name}", did_you_mean(name, types), column=name
            )
    for name, type_name in types.items():
        if any(mark in type_name for mark in _NESTED):
            raise SourceError(
                f"source.{name}: a column of type {type_name} can't be used",
                "name a column of plain values, or cast it in a models/staging/transactions.sql of your own",
                column=name,
            )
    has = {name: name in types for name in OPTIONAL_COLUMNS}
    has[ROW_HASH] = ROW_HASH in types
    has["purchases"] = has["transaction_id"] or has["occurred_at"]
    has["promotion"] = has["discount"] or has["is_promotion"]
    has["trend"] = has["occurred_at"] and config.learning.trend
    extent = {"has": has, "tomorrow": _tomorrow(today)}
    build(warehouse, [read_model(models, "staging/extent.sql", extent)])
    row = warehouse.fetch(exp.select("first_at", "last_at").from_("staging.extent")).to_pylist()[0]
    last_at = row["last_at"]
    if as_of is not None and not has["occurred_at"]:
        raise DataError(
            f"as of {as_of}: the transactions have no times", "leave --as-of out, or set source.occurred_at"
        )
    default = last_at.date() + dt.timedelta(days=1) if last_at else today
    customers_id = _customers_id(config, warehouse) if config.source.customers else CUSTOMER_ID
    known = warehouse.columns(CUSTOMERS) if config.source.customers else {}
    properties = {name: kind for name, kind in known.items() if name.casefold() != customers_id.casefold()}
    customer_columns, ignored = usable_columns(warehouse, CUSTOMERS, properties)
    return Staged(
        has=has,
        as_of=dt.datetime.combine(as_of or default, _MIDNIGHT),
        first_at=row["first_at"],
        last_at=last_at,
        id_type=types["customer_id"] if types["customer_id"] in _KEPT_ID_TYPES else "VARCHAR",
        customers_id=customers_id,
        customer_columns=customer_columns,
        ignored_columns=ignored,
        given_columns=types,
    )


def _tomorrow(today: dt.date) -> dt.datetime:
    return dt.datetime.combine(today + dt.timedelta(days=1), _MIDNIGHT)


def _refuse_unusable(config: Config, staged: Staged) -> None:
    """Raise where the cleaning rules call what was found an error, and where nothing is left."""
    cleaning = staged.cleaning
    total = sum(cleaning.values())
    if total == 0:
        raise DataError("source.transactions is empty", "is it the right file, and was it written completely?")
    source, rules = config.source, config.cleaning
    strict = (
        ("unreadable date", rules.unparseable_dates, "occurred_at", source.occurred_at, "unparseable_dates"),
        ("unusable amount", rules.bad_amounts, *_amount(source), "bad_amounts"),
        ("unusable quantity", rules.bad_amounts, "quantity", source.quantity, "bad_amounts"),
        ("unusable discount", rules.bad_amounts, "discount", source.discount, "bad_amounts"),
        ("no customer", rules.null_customer, "customer_id", source.customer_id, "null_customer"),
        ("no department", rules.null_department, "department", source.department, "null_department"),
    )
    what = {
        "unreadable date": "can't be read as dates",
        "unusable amount": "are NaN, infinite or not numbers",
        "unusable quantity": "are NaN, infinite or not numbers",
        "unusable discount": "are NaN, infinite or not numbers",
        "no customer": "are empty",
        "no department": "are empty",
    }
    forms = {
        "unreadable date": "say how times are written (source.date_format)",
        "unusable amount": "correct the column, say that it has decimal commas (source.decimal_comma)",
    }
    for reason, rule, key, column, setting in strict:
        rows = cleaning.get(reason, 0)
        if rows and rule == "error":
            remedy = forms.get(reason, "correct the column")
            raise DataError(
                f"source.{key} = {column!r}: {rows:,} of {total:,} values {what[reason]}",
                f'{remedy}, or write {setting} = "drop" under [cleaning] to leave such lines out',
                column=column,
            )
    if not staged.lines_kept:
        left_out = ", ".join(f"{rows:,} {reason}" for reason, rows in cleaning.items())
        raise DataError(f"no transaction line is left: {left_out}", "look at [cleaning], source.* and --as-of")


def _amount(source: SourceConfig) -> tuple[str, str | None]:
    """Return the key and the column that say how much money."""
    return (UNIT_PRICE, source.unit_price) if source.unit_price else ("amount", source.amount)


def _require_matching_customers(warehouse: Engine) -> None:
    bought = exp.select("customer_id").from_("staging.purchases")
    matching = (
        exp.select(exp.Count(this=exp.Star()).as_("n"))
        .from_("staging.customers")
        .where(exp.column("customer_id").isin(query=bought))
    )
    if warehouse.fetch(matching)["n"][0].as_py() == 0:
        raise DataError(
            "source.customers: none of its customers has a transaction",
            "are the ids written the same way in both tables, leading zeros and type included?",
        )
