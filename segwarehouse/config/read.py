"""From the file to a `Config`.

In: a project directory. Out: a `Config` in which every value has the right type and lies in its range, or a
`ConfigError` that names the dotted key, the value and what is wanted. Whether files, columns and databases exist is
left to those who open them.
"""

import os
import tomllib
from dataclasses import MISSING, Field, fields, replace
from pathlib import Path
from typing import Any

from segwarehouse.config.tables import TABLES, Config, PublishConfig, WarehouseConfig, kind_of, settings
from segwarehouse.config.write import toml_of
from segwarehouse.errors import ConfigError, did_you_mean

CONFIG_NAME = "segwarehouse.toml"

_FOLDERS_IN_USE = ("models", "runs")


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
        if name not in TABLES:
            raise _unknown_table(name, path)
    tables = {name: _read_table(name, document.get(name, {}), path) for name in TABLES}
    warehouse: WarehouseConfig = tables["warehouse"]
    publish: PublishConfig = tables["publish"]
    config = Config(
        directory=folder,
        warehouse=replace(
            warehouse,
            url=warehouse.url.under(folder),
            ledger=warehouse.ledger and warehouse.ledger.under(folder),
        ),
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
    _check_ledger(config)
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
    hint = f"{name} belongs under [{homes[0]}]" if homes else did_you_mean(name, TABLES)
    return ConfigError(f"{path}: there is no table [{name}]", hint=hint, key=name, value=None)


def _read_table(table: str, content: object, path: Path) -> Any:
    if not isinstance(content, dict):
        raise ConfigError(
            f"{table} is {_shown(content)}, not a table",
            hint=f"write [{table}] on a line of its own in {path}",
            key=table,
            value=content,
        )
    known = {item.name: item for item in fields(TABLES[table])}
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
    return TABLES[table](**values)


def _unknown_key(table: str, key: str, value: object) -> ConfigError:
    homes = [setting.table for setting in settings() if setting.key == key]
    known = [setting.key for setting in settings() if setting.table == table]
    hint = f"did you mean '{homes[0]}.{key}'?" if homes else did_you_mean(key, known)
    return ConfigError(f"there is no setting {table}.{key}", hint=hint, key=f"{table}.{key}", value=value)


def _read_value(table: str, item: "Field[Any]", value: object, path: Path) -> object:
    kind = kind_of(item)
    try:
        return kind.read(value)
    except ValueError as problem:
        reason = f": {problem}" if str(problem) else ""
        example = item.metadata["example"] if item.default in (MISSING, None) else item.default
        hint = f"write for instance {item.name} = {toml_of(example)} under [{table}] in {path}"
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


def _check_ledger(config: Config) -> None:
    """Refuse a ledger in one of the other two databases: it is written when they may not be."""
    for key, url in (("warehouse.url", config.warehouse.url), ("publish.url", config.publish.url)):
        if config.ledger == url.path:
            raise ConfigError(
                f"warehouse.ledger is {url.path}, the same database as {key}",
                hint="the ledger is a file of its own; write another name, or leave it out",
                key="warehouse.ledger",
                value=str(url.path),
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
    elif config.ledger.is_relative_to(folder):
        reason = f"{folder} holds the ledger {config.ledger.name}"
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
