"""The pages that are generated from the code and from a published state."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click
import duckdb

from segwarehouse.cli import program
from segwarehouse.config import DatabaseUrl, settings

_WIDTH = 96

_ABOUT_TABLES = {
    "warehouse": "The working database.",
    "publish": "What everyone reads.",
    "source": "Where the transactions are, what their columns are called, and how values are written.",
    "cleaning": "What happens to lines that can't be taken as they are. Whatever is left out is counted.",
    "learning": "From which customers, how far ahead, and how much may be said.",
    "rules": "What the rules describe, and how much they may move from run to run.",
    "audience": "How many customers a campaign takes, and who is held back to measure it.",
    "gate": "When a department keeps the rules of the run before.",
    "history": "What is kept of former runs.",
}


def configuration() -> str:
    """Return the page of settings, by table of `segwarehouse.toml`."""
    lines = [
        "# Configuration",
        "",
        "Every setting of `segwarehouse.toml`. Only `source.transactions` has to be there. Paths are relative to the "
        "file. A setting that does not exist, or has a wrong value, stops the program with the nearest right name.",
    ]
    table = ""
    for setting in settings():
        if setting.table != table:
            table = setting.table
            lines += [
                "",
                f"## [{table}]",
                "",
                _ABOUT_TABLES[table],
                "",
                "| key | default | what it is |",
                "| --- | --- | --- |",
            ]
        default = "**required**" if setting.required else _default(setting.default)
        lines.append(
            f"| `{setting.key}` | {default} | {_cell(setting.description)} Accepts {_cell(setting.accepts)}. |"
        )
    return "\n".join(lines) + "\n"


def _default(value: object) -> str:
    match value:
        case None | ():
            return "none"
        case bool():
            return f"`{str(value).lower()}`"
        case DatabaseUrl(engine=engine, path=path):
            return f"`{engine}:///{path.as_posix()}`"
    return f"`{value}`"


def commands() -> str:
    """Return the page of commands: what `--help` says of each."""
    names = program.context_settings["help_option_names"]
    root = click.Context(
        program,
        info_name="segwarehouse",
        terminal_width=_WIDTH,
        max_content_width=_WIDTH,
        help_option_names=names,
    )
    lines = ["# Commands", "", "What `segwarehouse --help` and the `--help` of each command print.", ""]
    lines += ["```text", program.get_help(root), "```"]
    for name in program.list_commands(root):
        command = program.commands[name]
        context = click.Context(command, info_name=name, parent=root, terminal_width=_WIDTH, max_content_width=_WIDTH)
        lines += ["", f"## {name}", "", "```text", command.get_help(context), "```"]
    return "\n".join(line.rstrip() for line in "\n".join(lines).splitlines()) + "\n"


def relations(database: Path) -> str:
    """Return the data dictionary of a published state, from its comments; one department's view stands for all."""
    with duckdb.connect(str(database), read_only=True) as state:
        described = state.execute(
            """
            select schema_name || '.' || table_name, comment from duckdb_tables() where not internal
            order by schema_name desc, table_name
            """
        ).fetchall()
        columns = state.execute(
            """
            select schema_name || '.' || table_name, column_name, data_type, comment from duckdb_columns()
            where not internal order by column_index
            """
        ).fetchall()
        view = state.execute("select min(view_name) from targeting.departments").fetchall()[0][0]
    by_relation: dict[str, list[tuple[str, str, str]]] = {}
    for relation, name, kind, comment in columns:
        by_relation.setdefault(relation, []).append((name, kind, comment or ""))
    lines = [
        "# Published relations",
        "",
        "The data dictionary of `published/warehouse.duckdb`, from the comments in the database itself. Names and "
        "columns of schema `targeting` are stable: BI may depend on them.",
        "",
        "## targeting.*department*",
        "",
        "One view a department, named in `targeting.departments`: customers who do not buy there yet and resemble "
        "those who do.",
        "",
        *column_lines(by_relation[f"targeting.{view}"]),
    ]
    for relation, comment in described:
        lines += [
            "",
            f"## {relation}",
            "",
            _cell(comment or ""),
            "",
            *column_lines(_shown(relation, by_relation[relation])),
        ]
    return "\n".join(lines) + "\n"


def _shown(relation: str, columns: Sequence[tuple[str, str, str]]) -> Sequence[tuple[str, str, str]]:
    """Return the columns that every project has: those of departments, categories and customers differ."""
    if relation != "features.customers":
        return columns
    everywhere = [item for item in columns if not item[0].startswith("purchases_")]
    return [*everywhere, ("…", "DOUBLE", "a feature for each of the largest departments: purchases in it")]


def column_lines(columns: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    """Yield the lines of the table of a relation's columns: name, type and what it is."""
    yield from ("| column | type | what it is |", "| --- | --- | --- |")
    for name, kind, comment in columns:
        yield f"| `{name}` | {kind} | {_cell(comment)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")


def pages(database: Path) -> Mapping[str, str]:
    """Return every generated page by its path in `docs/`."""
    return {"configuration.md": configuration(), "commands.md": commands(), "relations.md": relations(database)}
