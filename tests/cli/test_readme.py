"""What the README says of commands and options is so."""

import re
import shlex
from pathlib import Path

import click
import pytest

from segwarehouse.cli import program

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def mentioned() -> list[str]:
    inline = re.findall(r"`(segwarehouse [a-z][^`]*)`", README)
    blocks = re.findall(r"^    (segwarehouse [a-z].*)$", README, flags=re.MULTILINE)
    return sorted({line.split("#")[0].strip() for line in [*inline, *blocks]})


@pytest.mark.parametrize("line", mentioned())
def test_a_command_of_the_readme_is_one(line: str) -> None:
    _, name, *arguments = shlex.split(line)
    assert name in program.commands
    command = program.commands[name]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {argument for argument in arguments if argument.startswith("--")} <= options
    required = [p for p in command.params if isinstance(p, click.Argument) and p.required]
    assert len(required) <= len(arguments) or len(arguments) == 0


def test_the_readme_names_every_command() -> None:
    named = {shlex.split(line)[1] for line in mentioned()}
    assert named == set(program.commands)


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)\)", README))
def test_a_link_of_the_readme_leads_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


def test_the_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`?make ([a-z]+)", README))
    assert named == {"demo", "test", "check", "docs", "clients"}
    assert all(re.search(rf"^{name}:", makefile, flags=re.MULTILINE) for name in named)
