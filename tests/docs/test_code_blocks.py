"""Every code block of the documentation runs, page by page, in a project that is really published.

`sh`: through the command line, in this process; `refresh` answers with the report of the refresh that made the project.
`sql`: against the published state. `jinja`: as a model of the project. `python`: as it stands. `toml`: a configuration
that loads. `json`: lines that parse. `ini` and `cron` are the files of examples/nightly. `text` is output.
"""

import json
import re
import runpy
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from segwarehouse.api import Project
from segwarehouse.cli import main
from segwarehouse.config import CONFIG_NAME, load_config
from segwarehouse.project import read_model
from segwarehouse.refresh import RefreshReport
from segwarehouse.templates import TemplateFolder

ROOT = Path(__file__).parents[2]
NIGHTLY = ROOT / "examples/nightly"
PAGES = sorted((ROOT / "docs").glob("*.md"))


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^```(\S*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL):
        yield found[1], found[2]


def run_shell(block: str) -> None:
    for line in block.splitlines():
        program, *arguments = shlex.split(line, comments=True)
        assert program == "segwarehouse"
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0, line


def run_sql(query: str) -> None:
    with duckdb.connect("published/warehouse.duckdb", read_only=True) as state:
        state.execute(query).fetchall()


def run_model(block: str) -> None:
    file = Path("models/staging/transactions.sql")
    file.parent.mkdir(parents=True)
    file.write_text(block, encoding="utf-8")
    models = TemplateFolder.of("models", Path())
    assert read_model(models, "staging/transactions.sql", {}).file == file


def run_toml(block: str) -> None:
    folder = Path("another")
    folder.mkdir()
    (folder / CONFIG_NAME).write_text(block, encoding="utf-8")
    assert load_config(folder).source.transactions


def run_json(block: str) -> None:
    assert all(json.loads(line) for line in block.splitlines())


def is_nightly(block: str) -> None:
    assert block in {file.read_text(encoding="utf-8") for file in NIGHTLY.iterdir()}


def run_python(block: str) -> None:
    Path("block.py").write_text(block, encoding="utf-8")
    runpy.run_path("block.py")


def is_output(block: str) -> None:
    assert block.strip()


RUN: dict[str, Callable[[str], None]] = {
    "sh": run_shell,
    "sql": run_sql,
    "jinja": run_model,
    "python": run_python,
    "toml": run_toml,
    "json": run_json,
    "ini": is_nightly,
    "cron": is_nightly,
    "text": is_output,
}


@pytest.fixture
def project(published: tuple[Path, RefreshReport], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the published project to run a page in, without its configuration."""
    source, report = published
    folder = tmp_path / "project"
    shutil.copytree(source, folder, symlinks=True, ignore=shutil.ignore_patterns(CONFIG_NAME))

    def refresh(_project: Project, **_options: object) -> RefreshReport:
        return report

    monkeypatch.setattr(Project, "refresh", refresh)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_of_a_page_runs(page: Path, published: tuple[Path, RefreshReport], project: Path) -> None:
    found = list(blocks(page))
    if not any("segwarehouse init" in block for _, block in found):
        shutil.copy(published[0] / CONFIG_NAME, project)
    for language, block in found:
        RUN[language](block)


def test_the_classifier_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = [block for language, block in blocks(ROOT / "README.md") if "CardClassifier" in block]
    run_python(block)
    printed = capsys.readouterr().out
    for line in block.splitlines():
        if line.startswith("print(model.rules_"):
            assert line.partition("# ")[2] in printed
    assert 'FROM "crm"."customers"' in printed
    assert "differences=()" in printed


def test_the_documentation_has_blocks_of_every_kind() -> None:
    assert {language for page in PAGES for language, _ in blocks(page)} == set(RUN)


def test_every_file_of_the_nightly_example_is_shown() -> None:
    shown = {block for _, block in blocks(ROOT / "docs/nightly.md")}
    assert {file.read_text(encoding="utf-8") for file in NIGHTLY.iterdir()} <= shown
