"""One project, refreshed once for all tests of this folder that only read it, and what it learned, to be used again."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from segwarehouse.api import Project
from segwarehouse.refresh import RefreshReport
from segwarehouse.refresh import run as refresh_run
from tests.conftest import write_project

LEARNING = ("_evaluate", "map_customers", "_learn")
FEW = 'departments = ["Toys", "Garden"]'

Rehearsed = Callable[[], None]


@dataclass(frozen=True)
class Rehearsal:
    """A project that was refreshed, the report, and what its learning returned."""

    folder: Path
    report: RefreshReport
    returned: dict[str, Any]

    def learn(self, *arguments: Any) -> list[Any]:
        """Return what was learned of the departments that are asked for."""
        chosen = next(argument for argument in arguments if isinstance(argument, list))
        names = {department.name for department in chosen}
        return [item for item in self.returned["_learn"] if item.department.name in names]

    def play(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let refreshes of the same transactions return at once what was learned of them before."""
        for name in LEARNING:
            value = self.learn if name == "_learn" else lambda *_, name=name: self.returned[name]
            monkeypatch.setattr(refresh_run, name, value)


@pytest.fixture(scope="session")
def rehearsal(tmp_path_factory: pytest.TempPathFactory, transactions: pd.DataFrame) -> Rehearsal:
    """A project that was refreshed, with what it learned."""
    folder = write_project(tmp_path_factory.mktemp("published"), transactions)
    returned: dict[str, Any] = {}

    def noting(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            returned[name] = work(*arguments)
            return returned[name]

        return noted

    with pytest.MonkeyPatch.context() as patch:
        for name in LEARNING:
            patch.setattr(refresh_run, name, noting(name, getattr(refresh_run, name)))
        report = Project(folder).refresh()
    return Rehearsal(folder, report, returned)


@pytest.fixture(scope="session")
def published(rehearsal: Rehearsal) -> tuple[Path, RefreshReport]:
    """A project and the report of its refresh."""
    return rehearsal.folder, rehearsal.report


@pytest.fixture
def project(
    rehearsal: Rehearsal, tmp_path: Path, transactions: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> Project:
    """A project of two departments whose refreshes take a second or two: all is done anew but the learning."""
    rehearsal.play(monkeypatch)
    return Project(write_project(tmp_path / "project", transactions, learning=FEW))
