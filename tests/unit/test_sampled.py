"""Who is learned from is drawn by a hash of the id, and what only learning reads is worked out for them alone."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sqlglot import exp

from segwarehouse.errors import CheckFailed
from segwarehouse.features import FeatureTable, read_features
from segwarehouse.features.later_data import require_no_later_data
from segwarehouse.project import Model, build, create_schema, load_models, read_model
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import Relation, connect
from tests.conftest import write_project
from tests.engines import OpenEngine
from tests.unit.test_features import Built, plant
from tests.unit.test_signals import SOURCE, with_signals

SAMPLE = 200
LEARNING = "trend = true\nmax_customers = {}"
WITHOUT = ("totals_without", "behaviour", "channel_breadth_without", "promotions_without")


@pytest.fixture(scope="module")
def lines(transactions: pd.DataFrame) -> pd.DataFrame:
    return with_signals(transactions)


@pytest.fixture(scope="module")
def whole(
    open_engine: OpenEngine, tmp_path_factory: pytest.TempPathFactory, lines: pd.DataFrame
) -> Iterator[FeatureTable]:
    """The features of all customers."""
    built = made(open_engine, tmp_path_factory.mktemp("whole"), lines, most=500)
    yield read_features(built.warehouse, built.catalogue)
    built.warehouse.close()


@pytest.fixture(scope="module")
def sampled(open_engine: OpenEngine, tmp_path_factory: pytest.TempPathFactory, lines: pd.DataFrame) -> Iterator[Built]:
    """A project that learns from a sample."""
    built = made(open_engine, tmp_path_factory.mktemp("sampled"), lines)
    yield built
    built.warehouse.close()


def made(
    open_engine: OpenEngine,
    folder: Path,
    lines: pd.DataFrame,
    most: int = SAMPLE,
    plants: tuple[tuple[str, str, str], ...] = (),
) -> Built:
    write_project(folder, lines, source=SOURCE, learning=LEARNING.format(most))
    for each in plants:
        plant(folder, *each)
    return Built(open_engine, folder)


def model_of(most: int, seed: int = 1) -> Model:
    return read_model(TemplateFolder.of("models"), "features/sampled.sql", {"max_customers": most, "seed": seed})


def hashed(customer: object, seed: int) -> str:
    """Return what a customer draws, as eight hexadecimal digits."""
    return hashlib.md5(f"learn {seed}:{customer}".encode(), usedforsecurity=False).hexdigest()[:8]


@pytest.mark.parametrize("total", [0, 99, 100, 101, 150, 777, 3_000, 12_345])
@pytest.mark.parametrize("as_text", [False, True])
def test_the_sample_is_everyone_whose_hash_is_below_the_share(total: int, as_text: bool) -> None:
    ids = [f"Kü'{number}" for number in range(total)] if as_text else list(range(total))
    below = f"{int(100 / max(total, 1) * 16**8):08x}" if total > 100 else "g"
    expected = [each for each in sorted(ids) if hashed(each, 1) < below]
    with connect(None) as warehouse:
        warehouse.execute(create_schema("features"))
        column = pa.array(ids, pa.string() if as_text else pa.int64())
        warehouse.load(Relation("features", "customer_totals"), pa.table({"customer_id": column}))
        build(warehouse, [model_of(most=100)])
        found = warehouse.fetch(exp.select("*").from_("features.sampled").order_by("place")).to_pydict()
    assert found == {"customer_id": expected, "place": list(range(len(expected)))}


@pytest.mark.parametrize("most", [100, 19_999, 50_000])
def test_the_share_is_the_same_to_the_last_bit(most: int) -> None:
    floor = model_of(most).query.find(exp.Floor)
    assert floor is not None
    random = np.random.default_rng(most)
    totals = [most + 1, *random.integers(most + 1, 10 ** random.integers(6, 10, 5_000)).tolist()]
    with connect(None) as warehouse:
        warehouse.execute(create_schema("made"))
        warehouse.load(Relation("made", "totals"), pa.table({"customer_count": totals}))
        threshold = exp.cast(floor.copy(), "bigint").as_("threshold")
        found = warehouse.fetch(exp.select("customer_count", threshold).from_(exp.table_("totals", "made").as_("c")))
    assert found.num_rows == len(totals)
    for total, below in zip(*(found[name].to_pylist() for name in found.column_names), strict=True):
        assert below == int(most / total * 16**8)


def test_another_seed_draws_others(sampled: Built) -> None:
    ids = sorted(sampled.frame("features.sampled")["customer_id"])
    seed = sampled.config.learning.seed
    assert 120 < len(ids) < 280
    assert ids == [each for each in range(500) if hashed(each, seed) < f"{int(SAMPLE / 500 * 16**8):08x}"]
    assert ids != [each for each in range(500) if hashed(each, seed + 1) < f"{int(SAMPLE / 500 * 16**8):08x}"]


def assert_part_of(found: FeatureTable, whole: FeatureTable) -> None:
    """Compare the arrays of all departments with those that all customers have."""
    rows = whole.customer_ids.get_indexer(found.customer_ids)
    np.testing.assert_array_equal(found.values, whole.values[rows])
    for department in found.catalogue.departments:
        one, other = (table.without(department) for table in (found, whole))
        for matrix, name in ((one.values, "changes"), (one.activity_values, "activity_changes")):
            part, everyone = np.full_like(matrix, np.nan), np.full((len(whole.values), matrix.shape[1]), np.nan)
            for target, left_out in ((part, one), (everyone, other)):
                for change in getattr(left_out, name):
                    target[change.rows, change.columns] = change.values
            np.testing.assert_array_equal(part, everyone[rows])
        for name in ("buyers", "outcomes", "waited_days"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name)[rows])


def test_a_sample_has_the_same_features_without_a_department_as_all(sampled: Built, whole: FeatureTable) -> None:
    found = read_features(sampled.warehouse, sampled.catalogue)
    assert found.total == 500
    assert list(found.customer_ids) == sorted(sampled.frame("features.sampled")["customer_id"])
    assert_part_of(found, whole)


def test_only_the_sample_has_rows_without_a_department(sampled: Built) -> None:
    ids = set(sampled.frame("features.sampled")["customer_id"])
    for name in WITHOUT:
        frame = sampled.frame(f"features.{name}")
        assert set(frame.query("department_key == 0")["customer_id"]) == set(range(500)), name
        assert set(frame.query("department_key > 0")["customer_id"]) == ids, name
    assert set(sampled.frame("features.channels_without").query("department_key > 0")["customer_id"]) <= ids
    for name in ("outcomes", "first_purchases"):
        assert set(sampled.frame(f"features.{name}")["customer_id"]) <= ids, name
    assert set(sampled.frame("features.department_counts")["customer_id"]) == set(range(500))
    sampled.run_checks()


def test_a_leak_is_caught_in_a_sample(open_engine: OpenEngine, tmp_path: Path, lines: pd.DataFrame) -> None:
    leak = ("features/totals_without.sql", "t.amount - r.amount as amount", "t.amount as amount")
    with pytest.raises(CheckFailed, match="leave_no_trace"):
        made(open_engine, tmp_path, lines, plants=(leak,)).run_checks()


def test_models_of_a_project_may_yield_everyone_or_leave_customers_out(
    open_engine: OpenEngine, tmp_path: Path, lines: pd.DataFrame, whole: FeatureTable
) -> None:
    join = "inner join features.sampled as s on s.customer_id = {}.customer_id\n"
    everyone = (
        ("features/totals_without.sql", join.format("c"), "\n"),
        ("features/first_purchases.sql", join.format("c"), ""),
        ("features/outcomes.sql", join.format("p"), ""),
    )
    every = "where b.department_key = 0"
    even = ("features/customers.sql", every, f"{every} and b.customer_id % 2 = 0")
    built = made(open_engine, tmp_path, lines, plants=(*everyone, even))
    for name in ("totals_without", "first_purchases"):
        assert set(built.frame(f"features.{name}").query("department_key > 0")["customer_id"]) == set(range(500)), name
    built.run_checks()
    found = read_features(built.warehouse, built.catalogue)
    ids = built.frame("features.sampled")["customer_id"]
    assert list(found.customer_ids) == sorted(ids[ids % 2 == 0])
    assert found.total == 250
    assert_part_of(found, whole)


def test_a_sample_that_depends_on_later_data_is_caught(
    open_engine: OpenEngine, tmp_path: Path, lines: pd.DataFrame
) -> None:
    folder = write_project(tmp_path, lines, source=SOURCE, learning=LEARNING.format(SAMPLE))
    honest = Built(open_engine, folder, steps_back=1)
    models = load_models(honest.models, "features", honest.context)
    require_no_later_data(honest.warehouse, honest.config, honest.catalogue, models, honest.window)
    honest.warehouse.close()
    buyers = "select p.customer_id from staging.purchases as p where p.occurred_at > {{ cutoff | literal }}"
    plant(folder, "features/sampled.sql", "from drawn\n", f"from drawn where customer_id in ({buyers})\n")
    leaking = Built(open_engine, folder, steps_back=1)
    models = load_models(leaking.models, "features", leaking.context)
    with pytest.raises(CheckFailed, match=r"features\.sampled: which rows there are"):
        require_no_later_data(leaking.warehouse, leaking.config, leaking.catalogue, models, leaking.window)
