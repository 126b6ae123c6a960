"""What contributors rely on: `make` explains its targets, hooks run what is installed, issue forms load."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def test_make_alone_lists_every_target_and_runs_none() -> None:
    outside = {"PATH": os.environ["PATH"]}  # without the settings of the make that may be running these tests
    done = subprocess.run(["make"], cwd=ROOT, env=outside, capture_output=True, text=True, check=True)
    targets = re.search(r"^\.PHONY: (.*)$", MAKEFILE, flags=re.MULTILINE)
    assert targets
    explained = dict(re.findall(r"^([a-z]+):.*?## (.+)$", MAKEFILE, flags=re.MULTILINE))
    assert list(explained) == targets[1].split()
    assert done.stdout.splitlines() == [f"make {name:8} {words}" for name, words in explained.items()]


def test_a_hook_runs_a_tool_that_is_a_dependency_of_development() -> None:
    document = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (repository,) = document["repos"]
    assert repository["repo"] == "local"
    hooks = repository["hooks"]
    assert {hook["id"] for hook in hooks} == {"ruff-format", "ruff-check", "mypy", "import-linter"}
    assert {hook["language"] for hook in hooks} == {"system"}
    for hook in hooks:
        tool, *options = shlex.split(hook["entry"])
        assert Path(tool).parent == Path(".venv/bin")
        answer = subprocess.run(
            [Path(sys.executable).parent / Path(tool).name, *options, "--help"], capture_output=True, check=False
        )
        assert answer.returncode == 0, hook["id"]


def test_the_hooks_run_what_make_check_runs_on_code() -> None:
    document = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (recipe,) = re.findall(r"^check:.*\n((?:\t.*\n)+)", MAKEFILE, flags=re.MULTILINE)
    checked = [Path(line.split()[0]).name for line in recipe.splitlines() if "$(BIN)/" in line]
    hooked = [Path(hook["entry"].split()[0]).name for hook in document["repos"][0]["hooks"]]
    assert hooked == [name for name in checked if name != "zensical"]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_an_issue_form_asks_what_it_needs(form: Path) -> None:
    document = yaml.safe_load(form.read_text(encoding="utf-8"))
    asked = {field["id"]: field for field in document["body"] if "id" in field}
    required = {name for name, field in asked.items() if field.get("validations", {}).get("required")}
    assert required == {"bug": {"version", "command", "config", "expected"}, "feature": {"decision", "wish"}}[form.stem]


def test_the_licence_is_the_one_of_the_metadata() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert (project["license"], project["license-files"]) == ("Apache-2.0", ["LICENSE"])
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "Copyright 2026 segwarehouse contributors" in text


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)\)", CONTRIBUTING))
def test_a_link_for_contributors_leads_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


def test_the_make_targets_named_for_contributors_exist() -> None:
    named = set(re.findall(r"\bmake ([a-z]+)`", CONTRIBUTING)) | set(
        re.findall(r"^    make ([a-z]+)", CONTRIBUTING, flags=re.MULTILINE)
    )
    assert {"test", "check", "format"} <= named
    assert all(re.search(rf"^{name}:", MAKEFILE, flags=re.MULTILINE) for name in named)
