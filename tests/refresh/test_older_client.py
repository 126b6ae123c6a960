"""The newest DuckDB 1.x, in an environment of its own, reads the published file and sees in it what 2.0 sees."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from segwarehouse.refresh import RefreshReport

LOOK = """
import duckdb, json, sys
with duckdb.connect(sys.argv[1], read_only=True) as state:
    ask = lambda query: state.execute(query).fetchall()
    relations = ask("select table_schema || '.' || table_name from information_schema.tables order by 1")
    found = {}
    for (name,) in relations:
        schema, _, relation = name.partition(".")
        rows = ask(f'select * from "{schema}"."{relation}"')
        found[name] = [len(rows), sorted(map(repr, rows))[:50]]
    comments = ask("select view_name, comment from duckdb_views() where comment is not null order by all")
print(json.dumps([duckdb.__version__, found, comments]))
"""


def run(*command: str | Path) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_duckdb_1x_reads_every_relation_of_the_published_file(
    published: tuple[Path, RefreshReport], tmp_path: Path
) -> None:
    python = tmp_path / "environment" / "bin" / "python"
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "environment")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--only-binary=:all:", "duckdb<2")
    file = published[0] / "published" / "warehouse.duckdb"
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    older: list[Any] = json.loads(run(python, "-c", LOOK, file))
    newer: list[Any] = json.loads(run(sys.executable, "-c", LOOK, file))
    assert older[0].startswith("1.")
    assert newer[0].startswith("2.")
    assert older[1:] == newer[1:]
    assert older[1]["targeting.audiences"][0] > 0
    assert len(older[2]) == len(published[1].departments)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == before
    assert {path.name for path in file.parent.iterdir()} == {"warehouse.duckdb", "report.html"}
