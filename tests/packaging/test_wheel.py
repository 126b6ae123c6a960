"""The wheel, installed in a clean environment, has all that the command line needs: its models and its SQL too."""

import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import write_project

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command without this environment's Python settings, and return what it prints."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_every_model_and_template(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("models", "sql"):
        files = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.sql")}
        assert len(files) > 5
        assert {f"segwarehouse/_project/{file}" for file in files} <= inside
    assert "segwarehouse/py.typed" in inside
    templates = {path.name for path in (ROOT / "segwarehouse" / "report" / "templates").iterdir()}
    assert len(templates) == 5
    assert {f"segwarehouse/report/templates/{name}" for name in templates} <= inside


def test_the_wheel_says_under_which_licence_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        about = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA")).removesuffix(
            "METADATA"
        )
        metadata = Parser().parsestr(archive.read(f"{about}METADATA").decode("utf-8"))
        assert archive.read(f"{about}licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert (metadata["License-Expression"], metadata.get_all("License-File")) == ("Apache-2.0", ["LICENSE"])


def test_an_installed_wheel_works_without_the_checkout(wheel: Path, tmp_path: Path, transactions: pd.DataFrame) -> None:
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", environment, cwd=tmp_path)
    python = environment / "bin" / "python"
    constraints = ROOT / "constraints.txt"
    run(python, "-m", "pip", "install", "--quiet", "--constraint", constraints, wheel, cwd=tmp_path)
    program = environment / "bin" / "segwarehouse"
    assert "refresh" in run(program, "--help", cwd=tmp_path)
    folder = write_project(tmp_path / "project", transactions, learning='departments = ["Toys"]')
    run(program, "refresh", "--project", folder, cwd=tmp_path)
    assert '"proved": true' in run(program, "verify", "--project", folder, "--json", cwd=tmp_path)
    where = run(python, "-c", "import segwarehouse; print(segwarehouse.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(environment)
