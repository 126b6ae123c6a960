"""One project, refreshed once for all tests of this folder that only read it."""

from pathlib import Path

import pandas as pd
import pytest

from segwarehouse.api import Project
from segwarehouse.refresh import RefreshReport
from tests.conftest import write_project


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory, transactions: pd.DataFrame) -> tuple[Path, RefreshReport]:
    """A project and the report of its refresh."""
    folder = write_project(tmp_path_factory.mktemp("published"), transactions)
    return folder, Project(folder).refresh()
