"""`--help`: instant, complete, and true to the error tree."""

import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from segwarehouse import cli, errors
from segwarehouse.cli import program
from segwarehouse.cli.commands import COMMANDS
from tests.conftest import write_project

HEAVY = {"duckdb", "numpy", "pandas", "pyarrow", "sklearn", "lightgbm", "shap", "umap", "imodels", "rich", "sqlglot"}

PROBE = """
import contextlib, io, json, sys
from segwarehouse.cli import main
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main({arguments!r})
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""


@pytest.mark.parametrize("arguments", [["--help"], ["refresh", "--help"], ["status"], ["status", "--json"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    probe = [sys.executable, "-c", PROBE.format(arguments=arguments)]
    answer = subprocess.run(probe, capture_output=True, text=True, check=True)
    imported = set(json.loads(answer.stdout))
    assert "click" in imported
    assert imported & HEAVY == set()


def test_every_command_is_there_with_help_and_an_example() -> None:
    assert program.list_commands(click.Context(program)) == list(COMMANDS)
    for name, command in program.commands.items():
        assert command.name == name
        assert command.help, name
        assert f"segwarehouse {name}" in (command.epilog or ""), name


def test_every_module_of_a_command_is_on_the_list() -> None:
    folder = Path(cli.__file__).parent / "commands"
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} == set(COMMANDS)


def test_every_option_is_explained() -> None:
    for name, command in program.commands.items():
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.show_default:
                assert parameter.help, (name, parameter.name)


def test_the_epilog_documents_every_exit_status_of_the_error_tree() -> None:
    documented = program.epilog or ""
    statuses = {
        item.exit_status
        for item in vars(errors).values()
        if isinstance(item, type) and issubclass(item, errors.SegwarehouseError)
    }
    for status in statuses | {0, 2, 130, 143}:
        assert f"\n  {status} " in documented


@pytest.mark.parametrize(
    "command", ["rules", "rules A", "audience A", "report", "report --json", "verify", "export", "rollback", "status"]
)
def test_where_nothing_is_published_the_exit_status_is_the_one_that_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    folder = write_project(tmp_path)
    with pytest.raises(SystemExit) as ended:
        cli.main([*command.split(), "--project", str(folder)])
    error = capsys.readouterr().err
    assert "hint: run: segwarehouse refresh" in error
    assert re.search(rf"^  {ended.value.code} +nothing is published yet$", program.epilog or "", flags=re.MULTILINE)


def test_the_error_tree_says_the_same_statuses_as_help() -> None:
    drawn = {int(number) for number in re.findall(r"(\d+): ", errors.__doc__ or "")}
    shown = {int(number) for number in re.findall(r"^  (\d+) ", program.epilog or "", flags=re.MULTILINE)}
    assert drawn == shown - {0, 130, 143}


def test_the_package_runs_as_the_command_does() -> None:
    arguments = [sys.executable, "-m", "segwarehouse", "--version"]
    shown = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    assert shown.startswith("segwarehouse")
