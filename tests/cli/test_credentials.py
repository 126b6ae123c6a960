"""A password in the configuration is in no message, log, state or database, whatever is run with it."""

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from segwarehouse.api import Project
from segwarehouse.cli import main
from tests.conftest import FEW, Rehearsal, write_project

SECRETS = ("pa55w0rd", "t0k3n", "s1gnature")
SOURCES = (
    "https://ann:pa55w0rd@host.invalid/t.parquet?token=t0k3n&X-Amz-Signature=s1gnature",
    "postgres:host=db user=ann password=pa55w0rd",
    "s3://bucket/t.parquet?key=t0k3n",
)
COMMANDS = (
    "check",
    "check --json",
    "refresh",
    "refresh --log-format json",
    "refresh --dry-run",
    "refresh --debug",
    "runs",
    "runs --json",
    "status",
    "status --json",
    "rules",
    "verify",
    "export",
    "report --json",
    "diff",
    "measure",
    "rollback",
)


def secrets_in(text: str | bytes) -> set[str]:
    found = text if isinstance(text, bytes) else text.encode()
    return {secret for secret in SECRETS if secret.encode() in found}


def said_by(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(arguments)
    captured = capsys.readouterr()
    return captured.out + captured.err


def with_source(folder: Path, source: str) -> None:
    config = folder / "segwarehouse.toml"
    lines = config.read_text(encoding="utf-8").splitlines()
    changed = [f"transactions = {json.dumps(source)}" if line.startswith("transactions =") else line for line in lines]
    config.write_text("\n".join(changed), encoding="utf-8")


@pytest.mark.parametrize("source", SOURCES)
def test_no_command_prints_or_stores_a_password(
    project: Project, capsys: pytest.CaptureFixture[str], source: str
) -> None:
    folder = project.config.directory
    with_source(folder, source)
    for command in COMMANDS:
        assert (command, secrets_in(said_by(capsys, *command.split(), "--project", str(folder)))) == (command, set())
    for file in folder.rglob("*"):
        if file.is_file() and file.name != "segwarehouse.toml":
            assert (file, secrets_in(file.read_bytes())) == (file, set())
    with_source(folder, "data/transactions.parquet")
    assert secrets_in(said_by(capsys, "refresh", "--project", str(folder))) == set()
    assert (folder / "published" / "report.html").exists()
    for file in folder.rglob("*"):
        if file.is_file():
            assert (file, secrets_in(file.read_bytes())) == (file, set())
    logged = Project(folder).runs()["settings"].tolist()
    assert sum("***" in text for text in logged) == sum("refresh" in each and "dry" not in each for each in COMMANDS)


@pytest.mark.parametrize(
    "line",
    [
        'warehouse.url = "postgres://ann:pa55w0rd@host/db"',
        'publish.url = "duckdb:///x?password=pa55w0rd"',
        'source.customer_id = "https://ann:pa55w0rd@host"',
        'password = "token=t0k3n"',
        'source.extra = {"token=t0k3n" = "x.parquet"}',
    ],
)
def test_an_error_of_the_configuration_prints_no_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    write_project(tmp_path, drop=("customer_id", "url"))
    config = tmp_path / "segwarehouse.toml"
    text = config.read_text(encoding="utf-8").replace("[warehouse]", "").replace("[publish]", "")
    config.write_text(f"{line}\n{text}", encoding="utf-8")
    text = said_by(capsys, "check", "--debug", "--project", str(tmp_path))
    assert "error:" in text
    assert secrets_in(text) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ("init", SOURCES[0]),
        ("init", "t.csv?token=t0k3n", "--column", "password=t0k3n"),
        ("check", "--project", SOURCES[0]),
        ("rules", SOURCES[0]),
        ("audience", "A", "--csv", f"{SOURCES[0]}.csv"),
        (SOURCES[0],),
        ("refresh", "--as-of", SOURCES[0]),
    ],
)
def test_an_argument_is_not_repeated_with_its_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    for form in ("text", "json"):
        text = said_by(capsys, "--log-format", form, "--debug", *arguments)
        assert text
        assert secrets_in(text) == set()


def test_what_an_earlier_version_has_logged_is_masked_before_it_is_published_again(
    refreshed: Path, rehearsal: Rehearsal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearsal.play(monkeypatch)
    folder = shutil.copytree(refreshed, tmp_path / "project", symlinks=True)
    settings = json.dumps({"source": {"transactions": SOURCES[0]}})
    with duckdb.connect(str(folder / "warehouse.ledger.duckdb")) as connection:
        connection.execute(
            "insert into history.runs (run_id, started_at, status, seed, settings, versions, message) "
            "values ('20200101T000000Z-0000', now(), 'failed', 1, ?, '{}', ?)",
            [settings, f"no file matches {SOURCES[0]!r}"],
        ).fetchall()
    Project(folder).refresh()
    assert secrets_in((folder / "published" / "warehouse.duckdb").read_bytes()) == set()
    assert secrets_in(repr(Project(folder).runs().to_dict())) == set()
    assert FEW in (folder / "segwarehouse.toml").read_text(encoding="utf-8")
