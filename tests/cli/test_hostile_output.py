"""The bytes of every command's output, for a department whose name steers terminals: text is safe, values are true."""

import csv
import io
import json
import shutil
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segwarehouse.cli import main
from segwarehouse.cli.commands import COMMANDS
from tests.conftest import Rehearsal, make_transactions, rehearse, write_project

HOSTILE = "=1+1\x1b]0;t\x07\x9b31m\u202eevil\r\n'\"x"
OTHER = "\x1b[2JBread"

TEXT = (
    "check",
    "rules",
    "rules {name}",
    "rules {name} --sql",
    "audience {name}",
    "audience {name} --all --limit 5",
    "verify",
    "status",
    "runs",
    "diff",
    "measure",
    "rollback",
    "report --output {tmp}/r.html",
    "report --department {name} --output {tmp}/s.html",
    "refresh",
    "refresh --log-format json",
    "refresh --quiet",
    "refresh --dry-run",
    "init {csv} --project {tmp}/new",
    "simulate {tmp}/w\x1b[2J --customers 100 --departments 2",
    "completion bash",
    # errors and hints that quote names
    "rules {name}x",
    "rules nothing-like-it",
    "audience {name}y --log-format json",
    "audience \x1b[2J",
    "report --department {name}z",
    "export {name}x",
    "refresh --department {name}x",
    "rollback \x1b[2J",
    "diff \x1b[2J \x9b",
    "measure \u202e",
    "\x1b[2J",
    "rules --\x1b[2J",
    "audience {name} --csv {tmp}/\x1b[2J/a.csv",
    "audience {name} --csv \x1b[2J.xlsx",
    "check --project {tmp}/\x1b[2J",
)
VALUES = (
    "check --json",
    "rules --json",
    "rules {name} --json",
    "report --json",
    "verify --json",
    "export --json",
    "runs --json",
    "status --json",
    "diff --json",
    "refresh --json",
    "init {csv} --project {tmp}/newer --json",
    "refresh --dry-run --json",
)


def dangerous(text: str) -> set[str]:
    """Characters that steer a terminal or turn the direction, the ends of lines aside."""
    return {sign for sign in text if sign != "\n" and unicodedata.category(sign) in {"Cc", "Cf", "Zl", "Zp"}}


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """A project of hostile departments, refreshed twice, with a smaller budget: the rules of one read the other."""
    frame = make_transactions(300)
    names = {"Bread": OTHER, "Fish & Chips": HOSTILE}
    frame["department"] = [names.get(name, name) for name in frame["department"]]
    learning = f"departments = {json.dumps([HOSTILE, OTHER])}"
    folder = write_project(tmp_path_factory.mktemp("hostile") / "project", frame, learning=learning)
    head = frame.head(2000).assign(customer_id=np.resize([HOSTILE, "a", "b"], 2000))
    head.to_csv(folder / "hostile.csv", index=False)
    found = rehearse(folder)
    config = folder / "segwarehouse.toml"
    config.write_text(config.read_text(encoding="utf-8").replace("budget = 30", "budget = 20"), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        found.play(patch)
        with pytest.raises(SystemExit) as ended:
            main(["refresh", "--project", str(folder), "--quiet", "--accept"])
    assert ended.value.code == 0
    return found


Call = Callable[[str], tuple[int, str, str]]


@pytest.fixture
def call(
    attacked: Rehearsal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    def called(command: str) -> tuple[int, str, str]:
        attacked.play(monkeypatch)
        folder = tmp_path / "project"
        if not folder.exists():
            shutil.copytree(attacked.folder, folder, symlinks=True)
        places = {"name": HOSTILE, "tmp": str(tmp_path), "csv": str(folder / "hostile.csv")}
        arguments = [part.format(**places) for part in command.split(" ")]
        if "--project" not in arguments and arguments[0] not in {"simulate", "completion", "\x1b[2J"}:
            arguments += ["--project", str(folder)]
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, captured.out, captured.err

    return called


def texts(value: Any) -> set[str]:
    """Every text in plain values, keys included."""
    match value:
        case str():
            return {value}
        case dict():
            return set().union(*map(texts, value.keys()), *map(texts, value.values()))
        case list():
            return set().union(*map(texts, value))
    return set()


def test_every_command_is_looked_at() -> None:
    assert {command.split()[0] for command in (*TEXT, *VALUES, "export")} >= set(COMMANDS)


@pytest.mark.parametrize("command", TEXT, ids=ascii)
def test_nothing_that_is_printed_steers_the_terminal(call: Call, command: str) -> None:
    status, out, err = call(command)
    assert dangerous(out + err) == set()
    assert status in {0, 1, 2, 3, 4, 10, 12, 13, 20}
    assert "Traceback" not in err
    assert out + err or "--quiet" in command


def test_names_are_seen_written_out(call: Call) -> None:
    _, out, _ = call("check")
    assert r"=1+1\x1b]0;t\x07\x9b31m\u202eevil\r\n'" in out
    _, _, err = call("rules nothing-like-it")
    assert r"known: =1+1\x1b]0;t" in err or r", =1+1\x1b]0;t" in err


def test_the_next_command_can_be_typed_as_it_is_printed(call: Call) -> None:
    _, out, _ = call("refresh")
    last = out.splitlines()[-1]
    assert last.startswith("Next: segwarehouse audience $'")
    typed = last.partition("$'")[2].partition("' --project")[0]
    assert typed.encode().decode("unicode_escape") in {HOSTILE, OTHER}


@pytest.mark.parametrize("command", VALUES)
def test_json_holds_the_true_name_escaped(call: Call, command: str) -> None:
    status, out, err = call(command)
    assert status == 0
    assert dangerous(out + err) == set()
    found = json.loads(out)
    if command.split(maxsplit=1)[0] not in {"runs", "status"} and "dry-run" not in command:
        assert any(HOSTILE in text for text in texts(found))


def test_csv_in_a_pipe_is_true_but_for_formulas(call: Call, attacked: Rehearsal) -> None:
    for command, column in (("diff --csv -", "department"), ("audience {name} --csv -", "reasons")):
        status, out, err = call(command)
        assert (status, err) == (0, "")
        rows = list(csv.DictReader(io.StringIO(out, newline="")))
        assert column in rows[0]
        assert not [cell for row in rows for cell in row.values() if cell.startswith(tuple("=+-@\t\r\n"))]
    assert {row["department"] for row in csv.DictReader(io.StringIO(call("diff --csv -")[1], newline=""))} <= {
        f"'{HOSTILE}",
        OTHER,
    }


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("command", ["diff --csv -", "audience {name} --csv -", "export", "refresh --dry-run"])
def test_what_is_true_in_a_pipe_is_safe_on_a_terminal(
    call: Call, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    screen = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", Terminal(screen, encoding="utf-8", newline=""))
    status, _, _ = call(command)
    sys.stdout.flush()
    assert status == 0
    shown = screen.getvalue().decode("utf-8")
    assert dangerous(shown.replace("\r\n", "\n")) == set()
    assert shown


def test_parquet_is_not_written_onto_a_terminal(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", Terminal(screen, encoding="utf-8"))
    assert call("audience {name} --parquet -")[0] == 2
    assert screen.getvalue() == b""
