"""The tables of `segwarehouse.toml` as frozen dataclasses, each setting with its description and its kind.

`init` writes its comments and the reference lists the settings from the same words. It is long since every setting
stands here, once, with its words.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, cast

from segwarehouse.config.kinds import (
    DATE_FORMAT,
    FLAG,
    MONEY,
    NAMES,
    TEXT,
    URL,
    DatabaseUrl,
    Kind,
    choice,
    read_text,
    share,
    whole,
)

_FILE_SUFFIXES = (".parquet", ".parq", ".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".gz", ".zst")


def _setting(description: str, kind: Kind, example: object = "") -> Mapping[str, object]:
    return MappingProxyType({"description": description, "kind": kind, "example": example})


class ExtraSource(NamedTuple):
    """A further file or relation, readable in models as `source.<name>`."""

    name: str
    location: str


def _read_extra(value: object) -> tuple[ExtraSource, ...]:
    if not isinstance(value, dict):
        raise ValueError("")
    extra = []
    for name, location in value.items():
        if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is None:
            raise ValueError(f"the name {name!r} is not a plain identifier (letters, digits, underscore)")
        if name.casefold() in {"transactions", "customers"}:
            raise ValueError(f"source.{name} has a key of its own, [source] {name.casefold()}")
        try:
            extra.append(ExtraSource(name, read_text(location)))
        except ValueError as problem:
            raise ValueError(f"{name} is {location!r}, not a text" + (f": {problem}" if str(problem) else "")) from None
    return tuple(extra)


@dataclass(frozen=True, slots=True)
class WarehouseConfig:
    """`[warehouse]`: the working database, which only the batch opens."""

    url: DatabaseUrl = field(
        default=DatabaseUrl("duckdb", Path("warehouse.duckdb")),
        metadata=_setting("The working database, which only segwarehouse opens; relative to this file.", URL),
    )
    ledger: DatabaseUrl | None = field(
        default=None,
        metadata=_setting(
            "The run log and the audiences of former runs; without it beside the working database, as "
            "warehouse.ledger.duckdb beside warehouse.duckdb.",
            URL,
            DatabaseUrl("duckdb", Path("warehouse.ledger.duckdb")),
        ),
    )


@dataclass(frozen=True, slots=True)
class PublishConfig:
    """`[publish]`: the database that analysts and BI tools open."""

    url: DatabaseUrl = field(
        default=DatabaseUrl("duckdb", Path("published/warehouse.duckdb")),
        metadata=_setting(
            "What analysts and BI tools open, in a folder of its own; or the same as warehouse.url.",
            URL,
        ),
    )
    states_kept: int = field(
        default=5,
        metadata=_setting("So many published states stay on disk, to go back to; the current one counts.", whole(2)),
    )


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """`[source]`: where the transactions are and what their columns are called."""

    transactions: str = field(
        metadata=_setting(
            "The transactions: a file, a glob, or a relation in the warehouse.", TEXT, "data/transactions.parquet"
        ),
    )
    customer_id: str = field(default="customer_id", metadata=_setting("Column: who bought.", TEXT))
    department: str = field(
        default="department", metadata=_setting("Column: in which department, or any other category.", TEXT)
    )
    occurred_at: str | None = field(
        default=None,
        metadata=_setting("Column: when. Without it, held-out customers stand in for a later period.", TEXT, "date"),
    )
    transaction_id: str | None = field(
        default=None, metadata=_setting("Column: which basket or invoice.", TEXT, "basket_id")
    )
    quantity: str | None = field(
        default=None, metadata=_setting("Column: how many; below zero is a return.", TEXT, "quantity")
    )
    amount: str | None = field(default=None, metadata=_setting("Column: how much money.", TEXT, "amount"))
    category: str | None = field(
        default=None,
        metadata=_setting("Column: the product's category, finer than the department.", TEXT, "product_category"),
    )
    channel: str | None = field(
        default=None, metadata=_setting("Column: in which store, or through which channel.", TEXT, "store_id")
    )
    discount: str | None = field(
        default=None,
        metadata=_setting("Column: how much money off, with either sign.", TEXT, "discount_amount"),
    )
    is_promotion: str | None = field(
        default=None,
        metadata=_setting(
            "Column: whether on promotion: a flag, or a promotion's code where it was.", TEXT, "is_promo"
        ),
    )
    unit_price: str | None = field(
        default=None,
        metadata=_setting("Column: the price of one piece, in place of amount: quantity times it.", TEXT, "unit_price"),
    )
    date_format: str | None = field(
        default=None,
        metadata=_setting("How times are written, if not as 2025-01-31 or 2025-01-31 13:05.", DATE_FORMAT, "%d.%m.%Y"),
    )
    decimal_comma: bool = field(
        default=False, metadata=_setting("Quantities and amounts are written as 1.234,56.", FLAG)
    )
    encoding: str = field(default="utf-8", metadata=_setting("Of CSV files.", choice("utf-8", "latin-1", "utf-16")))
    customers: str | None = field(
        default=None,
        metadata=_setting(
            "One row a customer, with the customer_id column and any further numeric or text columns.",
            TEXT,
            "data/customers.parquet",
        ),
    )
    extra: tuple[ExtraSource, ...] = field(
        default=(),
        metadata=_setting(
            "Further files or relations that this project's own models read as source.<name>.",
            Kind("a table of name = location", _read_extra),
        ),
    )


@dataclass(frozen=True, slots=True)
class CleaningConfig:
    """`[cleaning]`: what happens to rows that can't be taken as they are. Whatever is dropped is counted."""

    returns: str = field(
        default="drop", metadata=_setting("Returned goods: rows with a quantity below zero.", choice("drop", "keep"))
    )
    null_customer: str = field(default="drop", metadata=_setting("Rows without a customer.", choice("drop", "error")))
    null_department: str = field(
        default="drop", metadata=_setting("Rows without a department.", choice("drop", "error"))
    )
    duplicates: str = field(
        default="keep",
        metadata=_setting(
            "Rows that equal another row in every column of the source, whether or not it plays a part.",
            choice("keep", "drop"),
        ),
    )
    unparseable_dates: str = field(
        default="error", metadata=_setting("Rows whose time can't be read as one.", choice("error", "drop"))
    )
    bad_amounts: str = field(
        default="error",
        metadata=_setting(
            "Rows whose quantity, amount or discount is NaN, infinite or no number.", choice("error", "drop")
        ),
    )


_SHORTEST_DAYS = 7
"""A shorter outcome window would say more of the day of the week than of the customers."""


@dataclass(frozen=True, slots=True)
class LearningConfig:
    """`[learning]`: from which customers, how far ahead, and how much may be said."""

    outcome_days: int = field(
        default=91, metadata=_setting("How many days ahead a purchase counts as the outcome.", whole(1, 3660))
    )
    cutoffs: int = field(
        default=2,
        metadata=_setting(
            "At how many former times quality is measured, outcome_days apart, if long enough.", whole(1, 12)
        ),
    )
    seed: int = field(default=42, metadata=_setting("The same data and seed give the same rules.", whole(0, 2**32 - 1)))
    min_buyers: int = field(
        default=100,
        metadata=_setting(
            "A department with fewer buyers is left out; so is one with fewer who bought elsewhere too.",
            whole(10, None),
        ),
    )
    departments: tuple[str, ...] = field(
        default=(), metadata=_setting("Only these departments; empty: every one with enough buyers.", NAMES)
    )
    recent_days: int = field(
        default=28, metadata=_setting("How many last days count as recent activity.", whole(1, 3660))
    )
    balance: bool = field(
        default=False,
        metadata=_setting(
            "Fit the classifier to as many others as buyers, and put the true share back afterwards.", FLAG
        ),
    )
    max_conditions: int = field(
        default=12, metadata=_setting("At most so many conditions a department, over all its rules.", whole(1, 60))
    )
    max_rule_conditions: int = field(
        default=2, metadata=_setting("At most so many conditions in one rule.", whole(1, 6))
    )
    max_department_columns: int = field(
        default=200,
        metadata=_setting("The largest departments get a feature each, all the rest one together.", whole(2, 2000)),
    )
    max_category_columns: int = field(
        default=100,
        metadata=_setting("So many of the largest product categories get a feature each.", whole(0, 2000)),
    )
    max_channel_columns: int = field(
        default=20,
        metadata=_setting("So many of the largest stores or channels get a feature each.", whole(0, 2000)),
    )
    trend: bool = field(
        default=False, metadata=_setting("Recent activity against each customer's own average as features.", FLAG)
    )
    max_customers: int = field(
        default=50_000,
        metadata=_setting("Learn from a sample of at most so many customers; all are scored.", whole(100, None)),
    )
    jobs: int = field(default=0, metadata=_setting("Processor cores to use; 0: all of them.", whole(0, 1024)))

    def fitting_outcome_days(self, history_days: int) -> int:
        """Return a third of a history that can't be stepped back by `outcome_days`; else, or below a week, those.

        >>> [LearningConfig().fitting_outcome_days(days) for days in (365, 120, 21, 20)]
        [91, 40, 7, 91]
        """
        third = history_days // 3
        return third if history_days < 2 * self.outcome_days and third >= _SHORTEST_DAYS else self.outcome_days


@dataclass(frozen=True, slots=True)
class RulesConfig:
    """`[rules]`: what the rules describe, and how much they may move from run to run."""

    target: Literal["buyers", "clusters"] = field(
        default="buyers",
        metadata=_setting(
            "What rules describe: who buys, or who is in the high-propensity cluster of SHAP space.",
            choice("buyers", "clusters"),
        ),
    )
    warm_start: bool = field(
        default=True,
        metadata=_setting("Keep the published rules where new ones would be no better beyond chance.", FLAG),
    )
    refits: int = field(
        default=3,
        metadata=_setting("How often each department is learned again to see what stays; 0: never.", whole(0, 100)),
    )


@dataclass(frozen=True, slots=True)
class AudienceConfig:
    """`[audience]`: how many customers a campaign takes, and who is held back to measure it."""

    budget: int = field(
        default=500, metadata=_setting("How many customers of a department a campaign takes.", whole(1, None))
    )
    control_share: float = field(
        default=0.1, metadata=_setting("Share of the audience that is held back as control group.", share(0.9))
    )
    salt: str = field(
        default="segwarehouse", metadata=_setting("Change it to draw another control group.", TEXT, "segwarehouse")
    )
    min_cell: int = field(
        default=10,
        metadata=_setting("A segment or rule with fewer customers than this is not published.", whole(1, None)),
    )
    cost_per_contact: float | None = field(
        default=None, metadata=_setting("What it costs to contact a customer, for the profit.", MONEY, 0.5)
    )
    value_per_conversion: float | None = field(
        default=None, metadata=_setting("What a purchase within outcome_days is worth, for the profit.", MONEY, 20.0)
    )
    expected_uplift: float | None = field(
        default=None,
        metadata=_setting(
            "By which share a contact raises the number of buyers, for the profit: 0.1 turns 50 who would buy anyway "
            "into 55. Measured on a control group by segwarehouse measure, or supposed.",
            share(10.0),
            0.1,
        ),
    )


@dataclass(frozen=True, slots=True)
class GateConfig:
    """`[gate]`: when a department keeps its previous rules, instead of being published with new ones."""

    max_changed_share: float = field(
        default=0.5,
        metadata=_setting(
            "New rules that would exchange more than this share of an audience are held back; 1: none are.", share(1.0)
        ),
    )
    hold_lower_quality: bool = field(
        default=True,
        metadata=_setting("Hold new rules back whose lift at the budget is lower by more than noise.", FLAG),
    )


@dataclass(frozen=True, slots=True)
class HistoryConfig:
    """`[history]`: what is kept of previous runs."""

    runs_kept: int = field(
        default=100,
        metadata=_setting(
            "So many published runs keep their audiences, rules and figures; states on disk always do.", whole(2, None)
        ),
    )


@dataclass(frozen=True, slots=True)
class Config:
    """The whole of `segwarehouse.toml`. `directory` is the absolute path of the folder that it is in."""

    directory: Path
    warehouse: WarehouseConfig
    publish: PublishConfig
    source: SourceConfig
    cleaning: CleaningConfig
    learning: LearningConfig
    rules: RulesConfig
    audience: AudienceConfig
    gate: GateConfig
    history: HistoryConfig

    @property
    def in_place(self) -> bool:
        """Whether the views are published inside the working database itself."""
        return self.publish.url == self.warehouse.url

    @property
    def ledger(self) -> Path:
        """The file that holds the run log and the audiences of previous runs."""
        if self.warehouse.ledger is not None:
            return self.warehouse.ledger.path
        path = self.warehouse.url.path
        return path.with_name(f"{path.stem}.ledger.duckdb")

    @property
    def states(self) -> Path:
        """The folder that holds the published states, one folder a run.

        A published folder of another name has states of its own: two projects may publish side by side.
        """
        link = self.publish.url.path.parent
        return link.parent / ("runs" if link.name == "published" else f"{link.name}-runs")

    @property
    def reads_relations(self) -> bool:
        """Whether any source is a relation of the working database, not a file."""
        source = self.source
        locations = (source.transactions, source.customers, *(extra.location for extra in source.extra))
        return any(each is not None and "://" not in each and self.locate(each) == each for each in locations)

    def locate(self, location: str) -> str:
        """Return a source's location with a file's path or glob made absolute; URLs and relations stay as they are.

        What has a slash, a wildcard or a data file's ending is a file; everything else is a relation.
        """
        return _locate(self.directory, location)


TABLES: Mapping[str, type[Any]] = MappingProxyType(
    {
        "warehouse": WarehouseConfig,
        "publish": PublishConfig,
        "source": SourceConfig,
        "cleaning": CleaningConfig,
        "learning": LearningConfig,
        "rules": RulesConfig,
        "audience": AudienceConfig,
        "gate": GateConfig,
        "history": HistoryConfig,
    }
)


class Setting(NamedTuple):
    """One setting as the reference and `init` show it. `default` is None where there is none."""

    table: str
    key: str
    description: str
    accepts: str
    default: object
    required: bool
    example: object


def settings() -> Iterator[Setting]:
    """Yield every setting, in the order of the file.

    >>> next(setting.default for setting in settings() if setting.key == "outcome_days")
    91
    """
    for table, shape in TABLES.items():
        for item in fields(shape):
            yield Setting(
                table=table,
                key=item.name,
                description=str(item.metadata["description"]),
                accepts=kind_of(item).accepts,
                default=None if item.default is MISSING else item.default,
                required=item.default is MISSING,
                example=item.metadata["example"],
            )


def _locate(directory: Path, location: str) -> str:
    if "://" in location:
        return location
    is_file = "/" in location or "\\" in location or any(sign in location for sign in "*?[")
    if not is_file and not location.casefold().endswith(_FILE_SUFFIXES):
        return location
    return os.path.normpath(directory / location)


def kind_of(item: "Field[Any]") -> Kind:
    """Return what a field of these tables accepts."""
    return cast("Kind", item.metadata["kind"])
