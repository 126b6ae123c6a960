"""From values to a commented `segwarehouse.toml`, and values as TOML writes them."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import cast

from segwarehouse.config.kinds import TEXT, URL, DatabaseUrl
from segwarehouse.config.tables import settings
from segwarehouse.errors import ConfigError


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
        explained = setting.accepts in {TEXT.accepts, URL.accepts}
        lines.append(f"# {setting.description}" + ("" if explained else f" ({setting.accepts})"))
        if note := notes.get(f"{table}.{setting.key}"):
            lines.append("# " + "".join(sign if sign.isprintable() else " " for sign in note))
        shown = setting.example if setting.default is None else setting.default
        lines.append(f"# {setting.key} = {toml_of(shown)}" if value is None else f"{setting.key} = {toml_of(value)}")
    if extra:
        described = next(setting for setting in settings() if setting.key == "extra")
        lines += ["", f"# {described.description}", "[source.extra]"]
        lines += [f"{name} = {toml_of(location)}" for name, location in extra.items()]
    return "\n".join(lines) + "\n"


def toml_of(value: object) -> str:
    """Return a value as TOML writes it. Raises `ConfigError` for what TOML has no form for."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case DatabaseUrl(engine=engine, path=path):
            return toml_of(f"{engine}:///{path.as_posix()}")
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case Sequence():
            return "[" + ", ".join(toml_of(item) for item in value) + "]"
    raise ConfigError(f"{value!r} has no form in TOML", hint="use texts, numbers, true, false and lists of them")
