"""The views of a published state are exported, and only what was run on it is called proved."""

from pathlib import Path

import pytest

from segwarehouse.api import Project
from segwarehouse.errors import UnknownName
from segwarehouse.refresh import RefreshReport
from segwarehouse.state.export import PROVED, TRANSPILED


def test_duckdbs_text_is_proved_and_anothers_is_not(published: tuple[Path, RefreshReport]) -> None:
    project = Project(published[0])
    native = project.export()
    assert {item.department for item in native} == {row["department"] for row in published[1].departments}
    assert {item.label for item in native} == {PROVED}
    (foreign,) = project.export(["Fish & Chips"], "snowflake")
    assert (foreign.view_name, foreign.label) == ("fish_chips", TRANSPILED)
    assert foreign.sql.startswith("/* Fish & Chips:")
    assert published[1].run_id in foreign.sql


def test_unknown_departments_and_dialects_are_named(published: tuple[Path, RefreshReport]) -> None:
    project = Project(published[0])
    with pytest.raises(UnknownName, match="no department 'Fish and Chips'") as caught:
        project.export(["Fish and Chips"])
    assert "Fish & Chips" in caught.value.hint
    with pytest.raises(UnknownName, match="no dialect 'postgre'") as caught:
        project.export(dialect="postgre")
    assert "postgres" in caught.value.hint
