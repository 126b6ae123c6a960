"""`segwarehouse.toml`, read once into frozen dataclasses.

In: a project directory. Out: a `Config` in which every value has the right type and lies in its range, or a
`ConfigError` that names the dotted key, the value and what is wanted. Every setting carries its description in its
field's metadata, so that `init` writes the comments and the reference lists the settings from the same words.
Whether files, columns and databases exist is left to those who open them.
"""

import json
import math
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, cast

from segwarehouse.errors import ConfigError, did_you_mean

CONFIG_NAME = "segwarehouse.toml"

SCHEMAS = (
    "source", "staging", "features", "learned", "history", "targeting", "checks", "main", "memory", "system", "temp",
)  # fmt: skip
"""Schemas and catalogues that a database file must not be called like: two-part names would be ambiguous."""

_FOLDERS_IN_USE = ("models", "runs")
_URL_FORMS = "duckdb:///relative/path.duckdb or duckdb:////absolute/path.duckdb"
_FILE_SUFFIXES = (".parquet", ".parq", ".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".gz", ".zst")


# -- kinds of value ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kind:
    """What a setting accepts, in words, and how it is read: `read` raises ValueError with a reason ("" for none)."""

    accepts: str
    read: Callable[[object], object]
    choices: tuple[str, ...] = ()


def _read_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("")
    if not value.strip():
        raise ValueError("it is empty")
    if "\0" in value:
        raise ValueError("it contains a NUL character")
    return value


def _read_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("")
    return value


def _whole(low: int, high: int | None = None) -> Kind:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
            raise ValueError("")
        return value

    return Kind(f"a whole number from {low} to {high}" if high is not None else f"a whole number, {low} or more", read)


def _share(high: float) -> Kind:
    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("")
        if not math.isfinite(value) or not 0.0 <= value <= high:
            raise ValueError("")
        return float(value)

    return Kind(f"a number from 0 to {high:g}", read)


def _read_money(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0.0:
        raise ValueError("")
    return float(value)


def _choice(*choices: str) -> Kind:
    def read(value: object) -> str:
        if value not in choices:
            raise ValueError("")
        return str(value)

    return Kind(" or ".join(f'"{choice}"' for choice in choices), read, choices)


def _read_names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("")
    names = tuple(_read_text(name) for name in value)
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name!r} is there twice")
    return names


_TEXT = Kind("a text", _read_text)
_FLAG = Kind("true or false", _read_flag)
_NAMES = Kind("a list of texts", _read_names)
_MONEY = Kind("a number, 0 or more", _read_money)


def _read_date_format(value: object) -> str:
    text = _read_text(value)
    named = set(re.findall(r"%-?([A-Za-z])", text))
    if not (named & {"d", "j"} and named & {"y", "Y"}):
        raise ValueError("it names no day and no year")
    return text


_DATE_FORMAT = Kind("a format of strptime such as %d.%m.%Y %H:%M", _read_date_format)


def _read_extra(value: object) -> tuple["ExtraSource", ...]:
    if not isinstance(value, dict):
        raise ValueError("")
    extra = []
    for name, location in value.items():
        if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is None:
            raise ValueError(f"the name {name!r} is not a plain identifier (letters, digits, underscore)")
        if name.casefold() in {"transactions", "customers"}:
            raise ValueError(f"source.{name} has a key of its own, [source] {name.casefold()}")
        try:
            extra.append(ExtraSource(name, _read_text(location)))
        except ValueError as problem:
            raise ValueError(f"{name} is {location!r}, not a text" + (f": {problem}" if str(problem) else "")) from None
    return tuple(extra)


# -- database URLs ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """An engine's sqlglot name and the path of its database file."""

    engine: str
    path: Path

    @classmethod
    def parse(cls, text: str) -> "DatabaseUrl":
        """Return the URL's parts. The path is taken as it is written, without percent-decoding.

        Raises
        ------
        ValueError
            With the reason, if the form is not supported or the file is called like a schema.

        >>> DatabaseUrl.parse("duckdb:///published/warehouse.duckdb").path.as_posix()
        'published/warehouse.duckdb'
        >>> DatabaseUrl.parse("duckdb:////srv/warehouse.duckdb").path.as_posix()
        '/srv/warehouse.duckdb'
        """
        scheme, separator, rest = text.partition(":///")
        if not separator or scheme != "duckdb":
            raise ValueError(f"supported is {_URL_FORMS}")
        name = rest.rpartition("/")[2]
        catalogue = name.split(".")[0]
        if not catalogue or "?" in rest or ":" in name:
            raise ValueError(f"it names no database file; supported is {_URL_FORMS}")
        if catalogue.casefold() in SCHEMAS:
            raise ValueError(
                f"a database called {catalogue!r} makes every name in the schema {catalogue.casefold()!r} ambiguous; "
                "call the file warehouse.duckdb, for instance"
            )
        return cls(scheme, Path(rest))

    def under(self, directory: Path) -> "DatabaseUrl":
        """Return the URL with its path made absolute from `directory`; symbolic links stay as they are."""
        return replace(self, path=Path(os.path.normpath(directory / self.path)))


def _read_url(value: object) -> DatabaseUrl:
    return DatabaseUrl.parse(_read_text(value))


_URL = Kind(f"a database URL ({_URL_FORMS})", _read_url)


# -- the tables of the file -------------------------------------------------------------------------------------------


def _setting(description: str, kind: Kind, example: object = "") -> Mapping[str, object]:
    return MappingProxyType({"description": description, "kind": kind, "example": example})


class ExtraSource(NamedTuple):
    """A further file or relation, readable in models as `source.<name>`."""

    name: str
    location: str


@dataclass(frozen=True, slots=True)
class WarehouseConfig:
    """`[warehouse]`: the working database, which only the batch opens."""

    url: DatabaseUrl = field(
        default=DatabaseUrl("duckdb", Path("warehouse.duckdb")),
        metadata=_setting("The working database, which only segwarehouse opens; relative to this file.", _URL),
    )


@dataclass(frozen=True, slots=True)
class PublishConfig:
    """`[publish]`: the database that analysts and BI tools open."""

    url: DatabaseUrl = field(
        default=DatabaseUrl("duckdb", Path("published/warehouse.duckdb")),
        metadata=_setting(
            "What analysts and BI tools open, in a folder of its own; or the same as warehouse.url.",
            _URL,
        ),
    )
    states_kept: int = field(
        default=5,
        metadata=_setting("So many published states stay on disk, to go back to; the current one counts.", _whole(2)),
    )


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """`[source]`: where the transactions are and what their columns are called."""

    transactions: str = field(
        metadata=_setting(
            "The transactions: a file, a glob, or a relation in the warehouse.", _TEXT, "data/transactions.parquet"
        ),
    )
    customer_id: str = field(default="customer_id", metadata=_setting("Column: who bought.", _TEXT))
    department: str = field(
        default="department", metadata=_setting("Column: in which department, or any other category.", _TEXT)
    )
    occurred_at: str | None = field(
        default=None,
        metadata=_setting("Column: when. Without it, held-out customers stand in for a later period.", _TEXT, "date"),
    )
    transaction_id: str | None = field(
        default=None, metadata=_setting("Column: which basket or invoice.", _TEXT, "basket_id")
    )
    quantity: str | None = field(
        default=None, metadata=_setting("Column: how many; below zero is a return.", _TEXT, "quantity")
    )
    amount: str | None = field(default=None, metadata=_setting("Column: how much money.", _TEXT, "amount"))
    category: str | None = field(
        default=None,
        metadata=_setting("Column: the product's category, finer than the department.", _TEXT, "product_category"),
    )
    channel: str | None = field(
        default=None, metadata=_setting("Column: in which store, or through which channel.", _TEXT, "store_id")
    )
    discount: str | None = field(
        default=None,
        metadata=_setting("Column: how much money off, with either sign.", _TEXT, "discount_amount"),
    )
    is_promotion: str | None = field(
        default=None,
        metadata=_setting(
            "Column: whether on promotion: a flag, or a promotion's code where it was.", _TEXT, "is_promo"
        ),
    )
    unit_price: str | None = field(
        default=None,
        metadata=_setting(
            "Column: the price of one piece, in place of amount: quantity times it.", _TEXT, "unit_price"
        ),
    )
    date_format: str | None = field(
        default=None,
        metadata=_setting("How times are written, if not as 2025-01-31 or 2025-01-31 13:05.", _DATE_FORMAT, "%d.%m.%Y"),
    )
    decimal_comma: bool = field(
        default=False, metadata=_setting("Quantities and amounts are written as 1.234,56.", _FLAG)
    )
    encoding: str = field(default="utf-8", metadata=_setting("Of CSV files.", _choice("utf-8", "latin-1", "utf-16")))
    customers: str | None = field(
        default=None,
        metadata=_setting(
            "One row a customer, with the customer_id column and any further numeric or text columns.",
            _TEXT,
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
        default="drop", metadata=_setting("Returned goods: rows with a quantity below zero.", _choice("drop", "keep"))
    )
    null_customer: str = field(default="drop", metadata=_setting("Rows without a customer.", _choice("drop", "error")))
    null_department: str = field(
        default="drop", metadata=_setting("Rows without a department.", _choice("drop", "error"))
    )
    duplicates: str = field(
        default="keep", metadata=_setting("Rows that equal another row in every column.", _choice("keep", "drop"))
    )
    unparseable_dates: str = field(
        default="error", metadata=_setting("Rows whose time can't be read as one.", _choice("error", "drop"))
    )
    bad_amounts: str = field(
        default="error",
        metadata=_setting(
            "Rows whose quantity, amount or discount is NaN, infinite or no number.", _choice("error", "drop")
        ),
    )


@dataclass(frozen=True, slots=True)
class LearningConfig:
    """`[learning]`: from which customers, how far ahead, and how much may be said."""

    outcome_days: int = field(
        default=91, metadata=_setting("How many days ahead a purchase counts as the outcome.", _whole(1, 3660))
    )
    cutoffs: int = field(
        default=2,
        metadata=_setting(
            "At how many former times quality is measured, outcome_days apart, if long enough.", _whole(1, 12)
        ),
    )
    seed: int = field(
        default=42, metadata=_setting("The same data and seed give the same rules.", _whole(0, 2**32 - 1))
    )
    min_buyers: int = field(
        default=100, metadata=_setting("A department with fewer buyers is left out.", _whole(10, None))
    )
    departments: tuple[str, ...] = field(
        default=(), metadata=_setting("Only these departments; empty: every one with enough buyers.", _NAMES)
    )
    recent_days: int = field(
        default=28, metadata=_setting("How many last days count as recent activity.", _whole(1, 3660))
    )
    balance: bool = field(
        default=False,
        metadata=_setting("Balance buyers and others by weights, and put the true share back afterwards.", _FLAG),
    )
    max_conditions: int = field(
        default=12, metadata=_setting("At most so many conditions a department, over all its rules.", _whole(1, 60))
    )
    max_rule_conditions: int = field(
        default=2, metadata=_setting("At most so many conditions in one rule.", _whole(1, 6))
    )
    max_department_columns: int = field(
        default=200,
        metadata=_setting("The largest departments get a feature each, all the rest one together.", _whole(2, 2000)),
    )
    max_category_columns: int = field(
        default=100,
        metadata=_setting("So many of the largest product categories get a feature each.", _whole(0, 2000)),
    )
    max_channel_columns: int = field(
        default=20,
        metadata=_setting("So many of the largest stores or channels get a feature each.", _whole(0, 2000)),
    )
    trend: bool = field(
        default=False, metadata=_setting("Recent activity against each customer's own average as features.", _FLAG)
    )
    max_customers: int = field(
        default=50_000,
        metadata=_setting("Learn from a sample of at most so many customers; all are scored.", _whole(100, None)),
    )
    jobs: int = field(default=0, metadata=_setting("Processor cores to use; 0: all of them.", _whole(0, 1024)))


@dataclass(frozen=True, slots=True)
class RulesConfig:
    """`[rules]`: what the rules describe, and how much they may move from run to run."""

    target: Literal["buyers", "clusters"] = field(
        default="buyers",
        metadata=_setting(
            "What rules describe: who buys, or who is in the high-propensity cluster of SHAP space.",
            _choice("buyers", "clusters"),
        ),
    )
    warm_start: bool = field(
        default=True,
        metadata=_setting("Keep the published rules where new ones would be no better beyond chance.", _FLAG),
    )
    refits: int = field(
        default=3,
        metadata=_setting("How often each department is learned again to see what stays; 0: never.", _whole(0, 100)),
    )


@dataclass(frozen=True, slots=True)
class AudienceConfig:
    """`[audience]`: how many customers a campaign takes, and who is held back to measure it."""

    budget: int = field(
        default=500, metadata=_setting("How many customers of a department a campaign takes.", _whole(1, None))
    )
    control_share: float = field(
        default=0.1, metadata=_setting("Share of the audience that is held back as control group.", _share(0.9))
    )
    salt: str = field(
        default="segwarehouse", metadata=_setting("Change it to draw another control group.", _TEXT, "segwarehouse")
    )
    min_cell: int = field(
        default=10,
        metadata=_setting("A segment or rule with fewer customers than this is not published.", _whole(1, None)),
    )
    cost_per_contact: float | None = field(
        default=None, metadata=_setting("What it costs to contact a customer, for the profit.", _MONEY, 0.5)
    )
    value_per_conversion: float | None = field(
        default=None, metadata=_setting("What a purchase within outcome_days is worth, for the profit.", _MONEY, 20.0)
    )


@dataclass(frozen=True, slots=True)
class GateConfig:
    """`[gate]`: when a department keeps the rules of the last run, instead of being published with new ones."""

    max_changed_share: float = field(
        default=0.5,
        metadata=_setting(
            "New rules that would exchange more than this share of an audience are held back; 1: none are.", _share(1.0)
        ),
    )
    hold_lower_quality: bool = field(
        default=True,
        metadata=_setting("Hold new rules back whose lift at the budget is lower by more than noise.", _FLAG),
    )


@dataclass(frozen=True, slots=True)
class HistoryConfig:
    """`[history]`: what is kept of former runs."""

    runs_kept: int = field(
        default=100,
        metadata=_setting(
            "So many published runs keep their audiences, rules and figures; states on disk always do.", _whole(2, None)
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
    def states(self) -> Path:
        """The folder that holds the published states, one folder a run.

        A published folder of another name has states of its own: two projects may publish side by side.
        """
        link = self.publish.url.path.parent
        return link.parent / ("runs" if link.name == "published" else f"{link.name}-runs")

    def locate(self, location: str) -> str:
        """Return a source's location with a file's path or glob made absolute; URLs and relations stay as they are.

        What has a slash, a wildcard or a data file's ending is a file; everything else is a relation.
        """
        return _locate(self.directory, location)


_TABLES: Mapping[str, type[Any]] = MappingProxyType(
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
    for table, shape in _TABLES.items():
        for item in fields(shape):
            yield Setting(
                table=table,
                key=item.name,
                description=str(item.metadata["description"]),
                accepts=_kind(item).accepts,
                default=None if item.default is MISSING else item.default,
                required=item.default is MISSING,
                example=item.metadata["example"],
            )


# -- reading ----------------------------------------------------------------------------------------------------------


def load_config(directory: str | Path) -> Config:
    """Read `segwarehouse.toml` of a project directory.

    Parameters
    ----------
    directory
        The folder that holds the file.

    Raises
    ------
    ConfigError
        If the file is missing, is no TOML, or has a key or value that can't be used.
    """
    folder = Path(os.path.normpath(Path(directory).absolute()))
    path = folder / CONFIG_NAME
    document = _read_toml(path)
    for name in document:
        if name not in _TABLES:
            raise _unknown_table(name, path)
    tables = {name: _read_table(name, document.get(name, {}), path) for name in _TABLES}
    warehouse: WarehouseConfig = tables["warehouse"]
    publish: PublishConfig = tables["publish"]
    config = Config(
        directory=folder,
        warehouse=replace(warehouse, url=warehouse.url.under(folder)),
        publish=replace(publish, url=publish.url.under(folder)),
        source=tables["source"],
        cleaning=tables["cleaning"],
        learning=tables["learning"],
        rules=tables["rules"],
        audience=tables["audience"],
        gate=tables["gate"],
        history=tables["history"],
    )
    _check_consistency(config)
    _check_published_folder(config)
    return config


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(
            f"there is no {CONFIG_NAME} in {path.parent}",
            hint="write one with: segwarehouse init TRANSACTIONS_FILE",
            key="",
            value=str(path),
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{path} is not TOML: {error}", hint="texts stand in double quotes", key="", value=str(error)
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} can't be read: {error}", hint="it must be a readable UTF-8 text file", key="", value=str(error)
        ) from None


def _unknown_table(name: str, path: Path) -> ConfigError:
    homes = [setting.table for setting in settings() if setting.key == name]
    hint = f"{name} belongs under [{homes[0]}]" if homes else did_you_mean(name, _TABLES)
    return ConfigError(f"{path}: there is no table [{name}]", hint=hint, key=name, value=None)


def _read_table(table: str, content: object, path: Path) -> Any:
    if not isinstance(content, dict):
        raise ConfigError(
            f"{table} is {_shown(content)}, not a table",
            hint=f"write [{table}] on a line of its own in {path}",
            key=table,
            value=content,
        )
    known = {item.name: item for item in fields(_TABLES[table])}
    for key in content:
        if key not in known:
            raise _unknown_key(table, key, content[key])
    values = {key: _read_value(table, known[key], value, path) for key, value in content.items()}
    for key, item in known.items():
        if item.default is MISSING and key not in values:
            example = item.metadata["example"]
            raise ConfigError(
                f"{table}.{key} is missing",
                hint=f'add {key} = "{example}" under [{table}] in {path}',
                key=f"{table}.{key}",
                value=None,
            )
    return _TABLES[table](**values)


def _unknown_key(table: str, key: str, value: object) -> ConfigError:
    homes = [setting.table for setting in settings() if setting.key == key]
    known = [setting.key for setting in settings() if setting.table == table]
    hint = f"did you mean '{homes[0]}.{key}'?" if homes else did_you_mean(key, known)
    return ConfigError(f"there is no setting {table}.{key}", hint=hint, key=f"{table}.{key}", value=value)


def _kind(item: "Field[Any]") -> Kind:
    return cast("Kind", item.metadata["kind"])


def _read_value(table: str, item: "Field[Any]", value: object, path: Path) -> object:
    kind = _kind(item)
    try:
        return kind.read(value)
    except ValueError as problem:
        reason = f": {problem}" if str(problem) else ""
        example = item.metadata["example"] if item.default in (MISSING, None) else item.default
        hint = f"write for instance {item.name} = {_toml(example)} under [{table}] in {path}"
        if kind.choices and isinstance(value, str):
            hint = did_you_mean(value, kind.choices)
        raise ConfigError(
            f"{table}.{item.name} is {_shown(value)}, not {kind.accepts}{reason}",
            hint=hint,
            key=f"{table}.{item.name}",
            value=value,
        ) from None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else text[:99] + "…"


def _check_consistency(config: Config) -> None:
    source, learning, audience = config.source, config.learning, config.audience
    money = {"cost_per_contact": audience.cost_per_contact, "value_per_conversion": audience.value_per_conversion}
    missing = [key for key, value in money.items() if value is None]
    if len(missing) == 1:
        raise ConfigError(
            f"audience.{missing[0]} is missing",
            hint="the profit needs both what a contact costs and what a conversion is worth; write both or neither",
            key=f"audience.{missing[0]}",
            value=None,
        )
    if source.customer_id == source.department:
        raise ConfigError(
            f"source.department is {source.department!r}, the same column as source.customer_id",
            hint="name the column that says in which department a customer bought",
            key="source.department",
            value=source.department,
        )
    if source.unit_price is not None and (source.amount is not None or source.quantity is None):
        other = "source.amount is set too" if source.amount is not None else "source.quantity is missing"
        raise ConfigError(
            f"source.unit_price is {source.unit_price!r}, and {other}",
            hint="the amount of a line is its own column, or quantity times unit_price",
            key="source.unit_price",
            value=source.unit_price,
        )
    if learning.max_rule_conditions > learning.max_conditions:
        raise ConfigError(
            f"learning.max_rule_conditions is {learning.max_rule_conditions}, "
            f"more than learning.max_conditions, {learning.max_conditions}",
            hint="one rule can't have more conditions than all rules together",
            key="learning.max_rule_conditions",
            value=learning.max_rule_conditions,
        )


def _check_published_folder(config: Config) -> None:
    """Refuse a published folder that holds anything else: it becomes a symbolic link to the current state."""
    if config.in_place:
        return
    folder = config.publish.url.path.parent
    locations = [config.source.transactions, config.source.customers, *(item.location for item in config.source.extra)]
    files = {config.locate(location): location for location in locations if location is not None}
    reason = ""
    if config.directory.is_relative_to(folder):
        reason = f"{folder} holds the project itself"
    elif config.warehouse.url.path.is_relative_to(folder):
        reason = f"{folder} holds the working database {config.warehouse.url.path.name}"
    elif config.directory in folder.parents and folder.relative_to(config.directory).parts[0] in _FOLDERS_IN_USE:
        reason = f"{folder} is in use for something else"
    else:
        inside = [shown for path, shown in files.items() if "/" in path and Path(path).is_relative_to(folder)]
        reason = f"{folder} holds the source {inside[0]}" if inside else ""
    if reason:
        raise ConfigError(
            f"publish.url is in a folder that is not its own: {reason}",
            hint="the folder becomes a symbolic link; write duckdb:///published/warehouse.duckdb, or leave it out",
            key="publish.url",
            value=str(config.publish.url.path),
        )


def _locate(directory: Path, location: str) -> str:
    if "://" in location:
        return location
    is_file = "/" in location or "\\" in location or any(sign in location for sign in "*?[")
    if not is_file and not location.casefold().endswith(_FILE_SUFFIXES):
        return location
    return os.path.normpath(directory / location)


# -- writing ----------------------------------------------------------------------------------------------------------


def render_config(given: Mapping[str, Mapping[str, object]], notes: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return a commented `segwarehouse.toml`.

    Parameters
    ----------
    given
        Values by table and key, as they would stand in the file (URLs as text, lists as sequences). They are
        written; every other setting stands there as a comment with its default, so the file documents itself.
    notes
        A remark that stands above a given value, by dotted key.

    Returns
    -------
    str
        Text that `load_config` reads to the same `Config` as the given values alone.
    """
    lines = [
        "# What segwarehouse reads, learns and publishes.",
        "# A # before a key: this is its default, or an example where there is none.",
    ]
    extra: Mapping[str, object] = {}
    table = ""
    for setting in settings():
        if setting.table != table:
            table = setting.table
            lines += ["", f"[{table}]"]
        value = given.get(table, {}).get(setting.key)
        if setting.key == "extra":
            extra = cast("Mapping[str, object]", value or {})
            continue
        explained = setting.accepts in {_TEXT.accepts, _URL.accepts}
        lines.append(f"# {setting.description}" + ("" if explained else f" ({setting.accepts})"))
        if note := notes.get(f"{table}.{setting.key}"):
            lines.append("# " + "".join(sign if sign.isprintable() else " " for sign in note))
        shown = setting.example if setting.default is None else setting.default
        lines.append(f"# {setting.key} = {_toml(shown)}" if value is None else f"{setting.key} = {_toml(value)}")
    if extra:
        described = next(setting for setting in settings() if setting.key == "extra")
        lines += ["", f"# {described.description}", "[source.extra]"]
        lines += [f"{name} = {_toml(location)}" for name, location in extra.items()]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case DatabaseUrl(engine=engine, path=path):
            return _toml(f"{engine}:///{path.as_posix()}")
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case Sequence():
            return "[" + ", ".join(_toml(item) for item in value) + "]"
    raise ConfigError(f"{value!r} has no form in TOML", hint="use texts, numbers, true, false and lists of them")


def words_of(column: str) -> list[str]:
    """Return the words of a column name, folded: ``CustomerID`` and ``customer-id`` are customer, id."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", column)
    return [word.casefold() for word in re.split(r"[\W_]+", spaced) if word]
