"""A published state is read in one way, whichever version has written it."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from segwarehouse.config import Config, load_config
from segwarehouse.domain import Activity, Card, Condition, Feature, Operator, Rule
from segwarehouse.errors import NothingPublished, UnknownName, WarehouseError
from segwarehouse.project import create_schema
from segwarehouse.rules.stored import card_to_json
from segwarehouse.state.published import PublishedRun, PublishedState
from segwarehouse.warehouse import Relation, SourceEngine
from tests.conftest import publish_in_place, write_project
from tests.engines import PUBLISHED, open_file

AS_OF = dt.date(2025, 6, 1)
CARD = Card((Rule((Condition("recent_frequency_count", Operator.AT_LEAST, 0.1),), 2),), Activity(), (0.25, 1 / 3))
WORDS = {"kind": "behaviour", "phrase": "recent purchases", "unit": "count", "subject": ""}

Tables = dict[str, pa.Table]


def tables() -> Tables:
    """What a run has published, by relation."""
    views = [
        ("Toys", "toys", None),
        ("toys", "toys_2", None),
        ("Fish", "fish", None),
        ("Garden", None, "too few buyers"),
    ]
    return {
        "run": pa.table({"run_id": ["r2"], "as_of": [AS_OF], "score_pool": ["{}"]}),
        "runs": pa.table({"run_id": ["r1", "r2"], "settings": ["{}", '{"audience": {"budget": 30}}']}),
        "departments": pa.table(
            {
                "department_key": [3, 2, 1, 4],
                "department": [name for name, _, _ in views],
                "view_name": [view for _, view, _ in views],
                "remark": [remark for _, _, remark in views],
            }
        ),
        "cards": pa.table(
            {
                "department_key": [3, 2, 1],
                "department": ["Toys", "toys", "Fish"],
                "view_name": ["toys", "toys_2", "fish"],
                "budget": [30] * 3,
                "control_share": [0.1] * 3,
                "salt": ["s"] * 3,
                "card": [card_to_json(CARD)] * 3,
            }
        ),
        "features": pa.Table.from_pylist([{"name": "recent_frequency_count", **WORDS, "recent_days": 60}]),
        "audiences": pa.table(
            {"department": ["Toys"], "customer_id": [7], "rank": [1], "in_budget": [True], "score": [0.3]}
        ),
    }


def written(file: Path, found: Tables) -> Path:
    with open_file(file) as warehouse:
        warehouse.execute(create_schema("targeting"))
        for name, table in found.items():
            warehouse.load(Relation("targeting", name), table)
    return file


def without(found: Tables, name: str, columns: Sequence[str]) -> Tables:
    return {**found, name: found[name].drop_columns(list(columns))}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config(write_project(tmp_path / "project"))


def test_what_a_state_says_of_itself(tmp_path: Path) -> None:
    with PublishedState.of_file(written(tmp_path / PUBLISHED, tables())) as state:
        assert state.run == PublishedRun("r2", AS_OF, "{}")
        assert state.settings == {"audience": {"budget": 30}}
        assert list(state.departments) == ["Fish", "toys", "Toys", "Garden"]
        assert state.views == {"Fish": "fish", "toys": "toys_2", "Toys": "toys"}
        assert state.members.to_pylist() == [{"department": "Toys", "customer_id": "7", "rank": 1, "in_budget": True}]
        spec = state.specs["Toys"]
    assert spec.card == CARD
    assert (spec.department_key, spec.budget, spec.as_of, spec.run_id) == (3, 30, AS_OF, "r2")
    assert spec.features == {"recent_frequency_count": Feature(name="recent_frequency_count", **WORDS, recent_days=60)}


def test_what_an_older_version_has_not_written_comes_back_empty(tmp_path: Path) -> None:
    older = without(without(tables(), "run", ["score_pool"]), "features", ["recent_days"])
    older = {name: table for name, table in older.items() if name != "runs"}
    with PublishedState.of_file(written(tmp_path / PUBLISHED, older)) as state:
        assert state.run.score_pool is None
        assert state.settings == {}
        assert state.specs["Toys"].features["recent_frequency_count"].recent_days == 28
        assert state.rows("curves") == []
        assert state.table("curves", columns=("share",)).to_pylist() == []
        assert state.rows("departments", "department_key", columns=("department", "remark", "unheard_of"))[3] == {
            "department": "Garden",
            "remark": "too few buyers",
            "unheard_of": None,
        }
        assert state.frame("departments", ("department", "unheard_of")).empty


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("Toys", ("Toys", "toys")),
        ("toys", ("toys", "toys_2")),
        ("FISH", ("Fish", "fish")),
        ("TOYS", "may be any of the departments 'toys', 'Toys'"),
        ("garden", "'Garden' has no view: too few buyers"),
        ("Bread", "there is no department 'Bread'"),
    ],
)
def test_a_department_is_found_by_its_name(tmp_path: Path, typed: str, expected: str | tuple[str, str]) -> None:
    with PublishedState.of_file(written(tmp_path / PUBLISHED, tables())) as state:
        if isinstance(expected, tuple):
            assert state.view_of(typed) == expected
        else:
            with pytest.raises(UnknownName, match=expected):
                state.view_of(typed)


def test_without_a_state_nothing_is_published(config: Config, engine: SourceEngine) -> None:
    with pytest.raises(NothingPublished, match="nothing is published at"), PublishedState.open(config):
        pass
    with PublishedState.previous(config, engine) as state:
        assert state is None
    written(config.publish.url.path, {"run": tables()["run"]})
    with pytest.raises(NothingPublished, match="holds no published state"), PublishedState.open(config):
        pass
    with PublishedState.previous(config, engine) as state:
        assert state is None


def test_the_previous_state_is_the_published_one_or_that_of_the_working_database(
    config: Config, engine: SourceEngine
) -> None:
    written(config.publish.url.path, tables())
    with PublishedState.open(config) as state:
        assert state.run.run_id == "r2"
    with PublishedState.previous(config, engine) as state:
        assert state is not None
        assert state.run.run_id == "r2"
    publish_in_place(config.directory)
    in_place = load_config(config.directory)
    own = {**tables(), "run": pa.table({"run_id": ["r3"], "as_of": [AS_OF]})}
    own_file = written(in_place.warehouse.url.path, own)
    with open_file(own_file) as working, PublishedState.previous(in_place, working) as state:
        assert state is not None
        assert state.run.run_id == "r3"


def test_a_state_of_no_run_or_of_several_can_not_be_read(tmp_path: Path) -> None:
    several = {**tables(), "run": pa.table({"run_id": ["r1", "r2"], "as_of": [AS_OF, AS_OF]})}
    file = written(tmp_path / PUBLISHED, several)
    with PublishedState.of_file(file) as state, pytest.raises(WarehouseError, match="comes from 2 runs"):
        assert state.run
