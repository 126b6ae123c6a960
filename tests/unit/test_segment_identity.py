"""A segment's number goes on meaning the same group of customers, from run to run."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from segwarehouse.config import Config, load_config
from segwarehouse.domain import IntArray
from segwarehouse.learn.cluster import cluster
from segwarehouse.learn.match import match_groups
from segwarehouse.project import create_schema
from segwarehouse.results.identity import MIXTURE, PERSONA, Grouped, PreviousSegments, previous_segments
from segwarehouse.results.store import shaped
from segwarehouse.warehouse import Relation, SourceEngine
from tests.conftest import publish_in_place, write_project

YESTERDAY, TODAY = dt.date(2026, 5, 1), dt.date(2026, 5, 2)
GROUPS = np.repeat(np.arange(4), [40, 30, 20, 10]).astype(np.int64)


def test_a_permuted_relabelling_is_matched_back() -> None:
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(4)
        ids = match_groups(GROUPS, order[GROUPS].astype(np.int64), 4, fresh=4)
        assert ids[order].tolist() == [0, 1, 2, 3]


def test_groups_whose_customers_mostly_stayed_keep_their_number() -> None:
    moved = GROUPS.copy()
    moved[::4] = (moved[::4] + 1) % 4
    assert match_groups(GROUPS, moved, 4, fresh=4).tolist() == [0, 1, 2, 3]


def test_a_group_that_split_goes_on_as_its_larger_part_and_the_rest_is_new() -> None:
    split = np.where(np.arange(100) < 15, 4, GROUPS)
    assert match_groups(GROUPS, split, 5, fresh=7).tolist() == [0, 1, 2, 3, 7]


def test_groups_of_other_customers_are_new_and_numbers_are_not_used_again() -> None:
    mixed = np.random.default_rng(1).integers(0, 3, 100)
    ids = match_groups(np.zeros(100, dtype=np.int64) + np.arange(100) % 4, mixed, 3, fresh=9)
    assert ids.tolist() == [9, 10, 11]
    nobody = np.zeros(0, dtype=np.int64)
    assert match_groups(nobody, nobody, 2, fresh=5).tolist() == [5, 6]


def test_clusters_of_another_seed_and_of_changed_data_keep_their_numbers() -> None:
    random = np.random.default_rng(4)
    group = np.repeat(np.arange(4), 60)
    centres = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    coordinates = centres[group] + random.normal(scale=0.6, size=(240, 2))
    before = cluster(coordinates, group.astype(np.float64), seed=1)
    turned = coordinates[:, ::-1] * [-1.0, 1.0] + random.normal(scale=0.3, size=(240, 2))
    after = cluster(turned, -group.astype(np.float64), seed=2)
    ids = match_groups(before.labels, after.labels, 4, fresh=4)
    assert (before.labels != after.labels).mean() > 0.9
    assert (ids[after.labels] == before.labels).all()


TODAYS_IDS = pd.Index([f"c{number}" for number in range(2_000)])


def grouped(groups: IntArray, count: int, first: int = 0) -> Grouped:
    return Grouped(np.arange(first, first + len(groups), dtype=np.int64), groups, count)


@pytest.fixture
def config(tmp_path: Path, transactions: pd.DataFrame) -> Config:
    folder = write_project(tmp_path, transactions.head(10))
    publish_in_place(folder)
    return load_config(folder)


def published(engine: SourceEngine, *, older: bool = False) -> None:
    """Write what a run of yesterday published; an older version without `since`."""
    ids = [f"c{number}" for number in range(100)]
    engine.execute(create_schema("targeting"))
    maps = {
        "department": ["Toys"] * 100,
        "customer_id": ids,
        "segment_id": GROUPS + 2,
        "mixture_component": pa.array(GROUPS % 2, mask=np.arange(100) >= 90),
    }
    segments = {"department": ["Toys"], "kind": [PERSONA], "segment_id": [2]}
    since = {} if older else {"since": pa.array([dt.date(2025, 1, 1)], pa.date32())}
    engine.load(Relation("targeting", "department_maps"), pa.table(maps))
    engine.load(Relation("targeting", "segments"), pa.table({**segments, **since}))
    engine.load(Relation("targeting", "cards"), pa.table({"department": ["Toys"]}))
    engine.load(Relation("targeting", "run"), pa.table({"run_id": ["1"], "as_of": [YESTERDAY]}))


def test_numbers_and_first_days_are_read_from_the_published_state(config: Config, engine: SourceEngine) -> None:
    published(engine)
    before = previous_segments(config, engine, TODAYS_IDS)
    personas = before["Toys"].identify(PERSONA, grouped(3 - GROUPS, 4), TODAY)
    assert personas.ids.tolist() == [5, 4, 3, 2]
    assert personas.since == (YESTERDAY, YESTERDAY, YESTERDAY, dt.date(2025, 1, 1))
    components = before["Toys"].identify(MIXTURE, grouped(GROUPS % 2, 3), TODAY)
    assert components.ids.tolist() == [0, 1, 2]
    assert components.since == (YESTERDAY, YESTERDAY, TODAY)
    other = before.get("Bread", PreviousSegments()).identify(PERSONA, grouped(GROUPS, 4), TODAY)
    assert (other.ids.tolist(), set(other.since)) == ([0, 1, 2, 3], {TODAY})
    strangers = before["Toys"].identify(PERSONA, grouped(GROUPS, 4, first=1000), TODAY)
    assert (strangers.ids.tolist(), set(strangers.since)) == ([6, 7, 8, 9], {TODAY})


def test_a_state_of_an_older_version_gives_numbers_without_first_days(config: Config, engine: SourceEngine) -> None:
    published(engine, older=True)
    found = previous_segments(config, engine, TODAYS_IDS)["Toys"].identify(PERSONA, grouped(GROUPS, 4), TODAY)
    assert found.ids.tolist() == [2, 3, 4, 5]
    assert set(found.since) == {YESTERDAY}


def test_without_a_state_or_with_one_that_can_not_be_read_numbers_start_anew(
    config: Config, engine: SourceEngine, tmp_path: Path
) -> None:
    assert previous_segments(config, engine, TODAYS_IDS) == {}
    folder = write_project(tmp_path / "aside")
    apart = load_config(folder)
    assert previous_segments(apart, engine, TODAYS_IDS) == {}
    apart.publish.url.path.parent.mkdir()
    apart.publish.url.path.write_text("no database", encoding="utf-8")
    assert previous_segments(apart, engine, TODAYS_IDS) == {}
    found = PreviousSegments().identify(PERSONA, grouped(GROUPS, 4), TODAY)
    assert (found.ids.tolist(), set(found.since)) == ([0, 1, 2, 3], {TODAY})


def test_rows_of_an_older_version_are_carried_over_with_unknown_columns() -> None:
    schema = pa.schema([("segment_id", pa.int64()), ("typical", pa.string())])
    rows = pa.table({"segment_id": pa.array([1], pa.int32()), "retired": ["x"]})
    assert shaped(rows, schema).to_pylist() == [{"segment_id": 1, "typical": None}]
