"""Whether other programs read a published state, and read the same in it.

    python -m benchmarks.clients                 every client, as `make clients` does
    python -m benchmarks.clients duckdb_1 node   some of them

A small project is simulated and published. Each client is installed at pinned versions into an environment of its own
below `.venv/clients`, opens the published file, and must find the answer that the Python API gives. A client that can't
be installed fails; only where there is no Node on this machine, its client is named as not tried.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from segwarehouse.api import Project
from segwarehouse.rules.compile import VIEW_COLUMNS
from segwarehouse.simulate import simulate

HERE = Path(__file__).parent
ENVIRONMENTS = Path(sys.prefix) / "clients"
NODE, NOTEBOOK = "node", "notebook"
CLIENTS = ("duckdb_1", "ibis_12", "polars_2", "superset", NOTEBOOK, NODE)

CUSTOMERS, DEPARTMENTS, MONTHS = 1500, 3, 12


@dataclass(frozen=True)
class Outcome:
    """What became of a client: ``reads``, ``fails`` or ``not tried``, and what it said last."""

    client: str
    outcome: str
    message: str


def main() -> int:
    """Publish, try the clients, print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help="by default all")
    clients = parser.parse_args().clients or CLIENTS
    if unknown := sorted(set(clients) - set(CLIENTS)):
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(CLIENTS)}")
    with tempfile.TemporaryDirectory() as folder:
        answer = publish(Path(folder))
        outcomes = [try_node(answer) if client == NODE else try_python(client, answer) for client in clients]
    for outcome in outcomes:
        print(f"{outcome.client:<14} {outcome.outcome:<10} {outcome.message}")
    return 1 if any(outcome.outcome == "fails" for outcome in outcomes) else 0


def publish(folder: Path) -> Path:
    """Simulate and publish a project, and write down what clients must find in it."""
    simulate(folder, customers=CUSTOMERS, departments=DEPARTMENTS, seed=7, months=MONTHS)
    project = Project(folder)
    report = project.refresh()
    view = str(report.departments[0]["view_name"])
    audience = project.audience(str(report.departments[0]["department"]), in_budget=False)
    expected = {
        "file": str(report.published),
        "project": str(folder),
        "views": [row["view_name"] for row in report.departments],
        "view": view,
        "columns": list(VIEW_COLUMNS),
        "rows": len(audience),
        "ids": [str(value) for value in audience["customer_id"]],
        "scores": [float(value).hex() for value in audience["score"]],
        "reasons": [str(value) for value in audience["reasons"]],
    }
    answer = folder / "expected.json"
    answer.write_text(json.dumps(expected), encoding="utf-8")
    return answer


def try_python(client: str, answer: Path) -> Outcome:
    """Install a client into its environment and run its program."""
    python = ENVIRONMENTS / client / "bin/python"
    requirements = HERE / f"requirements/{client}.txt"
    installed = python.parent.parent / ".installed"
    if not installed.exists() or installed.read_text(encoding="utf-8") != requirements.read_text(encoding="utf-8"):
        shutil.rmtree(python.parent.parent, ignore_errors=True)
        for step in (
            [sys.executable, "-m", "venv", str(python.parent.parent)],
            [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(requirements)],
        ):
            done = subprocess.run(step, capture_output=True, text=True, check=False)
            if done.returncode:
                return Outcome(client, "fails", f"can't be installed: {_last_line(done.stderr)}")
        shutil.copyfile(requirements, installed)
    ours = os.pathsep.join([str(HERE.parents[1]), sysconfig.get_path("purelib")])
    path = {"PYTHONPATH": ours} if client == NOTEBOOK else {}
    return _run(client, [str(python), str(HERE / f"{client}.py"), str(answer)], path)


def try_node(answer: Path) -> Outcome:
    """Install the Node client with npm and run its program; without Node, say so."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return Outcome(NODE, "not tried", "there is no node and npm on this machine")
    folder = ENVIRONMENTS / NODE
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "read.mjs"):
        shutil.copyfile(HERE / NODE / name, folder / name)
    install = [npm, "install", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        return Outcome(NODE, "fails", f"can't be installed: {_last_line(done.stderr)}")
    return _run(NODE, [node, str(folder / "read.mjs"), str(answer)])


def _run(client: str, command: list[str], variables: Mapping[str, str] = MappingProxyType({})) -> Outcome:
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
    if done.returncode:
        return Outcome(client, "fails", _last_line(done.stderr))
    return Outcome(client, "reads", _last_line(done.stdout))


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"


if __name__ == "__main__":
    sys.exit(main())
