"""The reference pages say what the code says. To write them anew: `SEGWAREHOUSE_ACCEPT=1 pytest tests/docs`."""

import inspect
import os
import re
import shlex
from dataclasses import is_dataclass
from pathlib import Path
from typing import get_args

import click
import pytest
from click.testing import CliRunner

import segwarehouse
from segwarehouse.cli import program
from segwarehouse.config import settings
from segwarehouse.errors import SegwarehouseError
from segwarehouse.refresh import RefreshReport
from tests.docs.generated import commands, configuration, relations
from tests.docs.generated_api import RETURNED, api_page

DOCS = Path(__file__).parents[2] / "docs"


def hold(name: str, text: str) -> None:
    page = DOCS / name
    if os.environ.get("SEGWAREHOUSE_ACCEPT"):
        page.write_text(text, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == text, f"docs/{name} is stale: SEGWAREHOUSE_ACCEPT=1 pytest tests/docs"


def test_the_configuration_page_lists_every_setting() -> None:
    text = configuration()
    hold("configuration.md", text)
    for setting in settings():
        assert f"| `{setting.key}` |" in text


def test_the_commands_page_is_what_help_prints() -> None:
    text = commands()
    hold("commands.md", text)
    assert re.findall(r"^## (\w+)$", text, flags=re.MULTILINE) == program.list_commands(click.Context(program))


def test_the_relations_page_is_what_the_database_says(published: tuple[Path, RefreshReport]) -> None:
    text = relations(published[1].published)
    hold("relations.md", text)
    assert all(f"targeting.{name}" in text for name in ("departments", "rules", "evaluation", "changes"))


def test_the_api_page_is_what_the_docstrings_say() -> None:
    text = api_page()
    hold("api.md", text)
    methods = [name for name in vars(segwarehouse.Project) if not name.startswith("_")]
    assert {"check", "plan", "refresh", "verify", "export"} <= set(methods)
    assert all(f"### project.{name}\n" in text for name in methods)
    assert all(f"### {kind.__name__}\n" in text for kind in RETURNED)
    assert all(f" {each.__name__} " in text for each in every_error(SegwarehouseError))


def test_the_api_page_describes_every_dataclass_that_a_project_returns() -> None:
    returned = [
        inspect.signature(method).return_annotation
        for method in vars(segwarehouse.Project).values()
        if inspect.isfunction(method)
    ]
    kinds = {kind for each in returned for kind in (each, *get_args(each)) if is_dataclass(kind)}
    assert kinds <= set(RETURNED)
    assert len(kinds) > 8


def examples() -> list[str]:
    lines = [line.strip() for command in program.commands.values() for line in (command.epilog or "").splitlines()]
    return [line for line in lines if line.startswith("segwarehouse ")]


@pytest.mark.parametrize("line", examples())
def test_an_example_of_help_can_be_typed(line: str) -> None:
    _, name, *arguments = shlex.split(line.split(" > ", maxsplit=1)[0], comments=True)
    root = click.Context(program, help_option_names=program.context_settings["help_option_names"])
    assert program.commands[name].make_context(name, arguments, parent=root)


def test_the_nightly_page_explains_every_exit_status() -> None:
    shown = CliRunner().invoke(program, ["--help"]).output.partition("Exit status:")[2]
    stated = re.findall(r"^ *(\d+)  ", shown, flags=re.MULTILINE)
    page = (DOCS / "nightly.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (\d+) \|", page, flags=re.MULTILINE) == stated
    assert {each.exit_status for each in every_error(SegwarehouseError)} <= {int(status) for status in stated}


def every_error(base: type[SegwarehouseError]) -> set[type[SegwarehouseError]]:
    return {base}.union(*(every_error(each) for each in base.__subclasses__()))
