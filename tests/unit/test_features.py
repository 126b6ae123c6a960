"""The feature relations say what a plain recomputation in pandas says, and never see the target department."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sqlglot import exp

from segwarehouse.api import Project
from segwarehouse.config import Config, load_config
from segwarehouse.domain import Department
from segwarehouse.errors import CheckFailed
from segwarehouse.features import Catalogue, Staged, read_catalogue, read_features, stage
from segwarehouse.features.build import CUTOFFS, build_features, feature_context, places_at
from segwarehouse.project import build, create_schema, load_models, run_check
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import Relation, SourceEngine
from tests.conftest import DEPARTMENTS, write_project
from tests.engines import WORKING, OpenEngine, open_file

TODAY = dt.date(2026, 6, 1)
DROP_UNREADABLE = '[cleaning]\nunparseable_dates = "drop"'


class Built:
    """A project with its features built as of a cut-off."""

    def __init__(
        self, open_engine: OpenEngine, folder: Path, as_of: dt.date | None = None, steps_back: int = 0
    ) -> None:
        self.config: Config = load_config(folder)
        self.models = TemplateFolder.of("models", folder)
        self.warehouse = open_engine()
        self.staged: Staged = stage(self.config, self.warehouse, self.models, as_of=as_of, today=TODAY)
        self.catalogue: Catalogue = read_catalogue(self.config, self.warehouse, self.staged)
        self.window = self.staged.window(self.config, steps_back)
        context = feature_context(self.catalogue, self.window, self.config.learning)
        self.context = {**context, "leak_stride": 1, "leak_offset": 0}
        build(self.warehouse, load_models(self.models, "features", self.context))

    def department(self, name: str) -> Department:
        return next(department for department in self.catalogue.departments if department.name == name)

    def frame(self, relation: str) -> pd.DataFrame:
        frame: pd.DataFrame = self.warehouse.fetch(exp.select("*").from_(relation)).to_pandas()
        return frame

    def run_checks(self) -> None:
        for check in load_models(self.models, "checks", self.context):
            run_check(self.warehouse, check)


@pytest.fixture(scope="module")
def built(
    open_engine: OpenEngine, tmp_path_factory: pytest.TempPathFactory, transactions: pd.DataFrame
) -> Iterator[Built]:
    project = Built(open_engine, write_project(tmp_path_factory.mktemp("features"), transactions))
    yield project
    project.warehouse.close()


def recomputed(lines: pd.DataFrame, cutoff: pd.Timestamp) -> pd.DataFrame:
    """Behaviour as pandas has it, by customer."""
    grouped = lines.groupby("customer_id")
    recent = lines[lines["occurred_at"] >= cutoff - pd.Timedelta(days=28)].groupby("customer_id")
    frame = pd.DataFrame(
        {
            "frequency_count": grouped["transaction_id"].nunique(),
            "breadth_count": grouped["department"].nunique(),
            "monetary_amount": grouped["amount"].sum().round(2),
            "lines_per_purchase": grouped.size() / grouped["transaction_id"].nunique(),
            "recency_days": (cutoff - grouped["occurred_at"].max().dt.normalize()).dt.days,
            "tenure_days": (cutoff - grouped["occurred_at"].min().dt.normalize()).dt.days,
            "recent_frequency_count": recent["transaction_id"].nunique(),
            "recent_breadth_count": recent["department"].nunique(),
        }
    )
    return frame.fillna(0.0).astype(np.float64)


@pytest.mark.parametrize("left_out", DEPARTMENTS)
def test_behaviour_of_a_department_is_that_of_the_data_without_it(
    built: Built, transactions: pd.DataFrame, left_out: str
) -> None:
    table = read_features(built.warehouse, built.catalogue)
    department = table.for_department(built.department(left_out))
    expected = recomputed(transactions[transactions["department"] != left_out], pd.Timestamp(built.window.cutoff))
    names = [feature.name for feature in department.features]
    ids = table.customer_ids[department.rows]
    found = pd.DataFrame(department.values, columns=names, index=ids)
    both = found.loc[expected.index, expected.columns]
    pd.testing.assert_frame_equal(both, expected, check_names=False, check_exact=False, rtol=1e-12)
    assert f"purchases_{built.department(left_out).slug}" not in names
    bought = set(transactions.loc[transactions["department"] == left_out, "customer_id"])
    assert set(ids) == set(expected.index)
    assert set(ids[department.buyers]) == bought & set(expected.index)


def test_who_bought_nowhere_else_is_not_learned_from(
    open_engine: OpenEngine, tmp_path: Path, transactions: pd.DataFrame
) -> None:
    alone = transactions.iloc[:1].assign(customer_id=9_999, department="Garden", transaction_id=-1)
    built = Built(open_engine, write_project(tmp_path, pd.concat([transactions, alone])))
    table = read_features(built.warehouse, built.catalogue)
    garden = table.for_department(built.department("Garden"))
    toys = table.for_department(built.department("Toys"))
    assert 9_999 not in table.customer_ids[garden.rows]
    assert 9_999 in table.customer_ids[toys.rows]
    behaviour = built.frame("features.behaviour").query("customer_id == 9999 and breadth_count == 0").iloc[0]
    assert behaviour["recency_days"] == built.window.observed_days
    assert np.isfinite(behaviour.to_numpy(dtype=float)).all()


def test_wide_counts_are_purchases_by_department(built: Built, transactions: pd.DataFrame) -> None:
    counts = transactions.groupby(["customer_id", "department"])["transaction_id"].nunique().unstack(fill_value=0)
    wide = built.frame("features.customers").set_index("customer_id").sort_index()
    for name in DEPARTMENTS:
        column = built.department(name).column
        assert column is not None
        assert (wide[column] == counts[name].astype(float)).all()


def test_nothing_on_or_after_as_of_reaches_a_feature(
    open_engine: OpenEngine, tmp_path: Path, transactions: pd.DataFrame
) -> None:
    as_of = dt.date(2025, 9, 1)
    early = transactions[transactions["occurred_at"] < pd.Timestamp(as_of)]
    hidden = Built(open_engine, write_project(tmp_path / "all", transactions), as_of=as_of)
    never = Built(open_engine, write_project(tmp_path / "early", early), as_of=as_of)
    for relation in ("features.customers", "features.behaviour", "features.department_counts"):
        order = [c for c in hidden.frame(relation).columns if c in {"customer_id", "department_key"}]
        first = hidden.frame(relation).sort_values(order, ignore_index=True)
        pd.testing.assert_frame_equal(first, never.frame(relation).sort_values(order, ignore_index=True))
    assert hidden.staged.cleaning["on or after as_of"] == len(transactions) - len(early)


def categorised(transactions: pd.DataFrame) -> pd.DataFrame:
    """Return lines with categories of one department, of several, of none, and one that is all of its department."""
    drawn = np.random.default_rng(3).random(len(transactions))
    fresh = transactions["department"] + " 'fresh'"
    category = np.select([drawn < 0.4, drawn < 0.6, drawn < 0.8], [fresh, "Seasonal", "seasonal"], default="")
    named = pd.Series(category, index=transactions.index).mask(transactions["department"] == "Toys", "All toys")
    return transactions.assign(category=named.mask(named == ""))


@pytest.fixture(scope="module")
def with_categories(
    open_engine: OpenEngine, tmp_path_factory: pytest.TempPathFactory, transactions: pd.DataFrame
) -> Iterator[Built]:
    folder = write_project(
        tmp_path_factory.mktemp("categories"), categorised(transactions), source='category = "category"'
    )
    project = Built(open_engine, folder)
    yield project
    project.warehouse.close()


@pytest.mark.parametrize("left_out", DEPARTMENTS)
def test_categories_of_a_department_are_those_of_the_data_without_it(
    with_categories: Built, transactions: pd.DataFrame, left_out: str
) -> None:
    table = read_features(with_categories.warehouse, with_categories.catalogue)
    department = table.for_department(with_categories.department(left_out))
    lines = categorised(transactions).query("department != @left_out and category != 'All toys'")
    expected = lines.groupby(["customer_id", "category"])["transaction_id"].nunique().unstack(fill_value=0)
    places = {feature.subject: at for at, feature in enumerate(department.features) if feature.kind == "category"}
    assert set(places) == set(expected.columns)
    ids = table.customer_ids[department.rows]
    for name, place in places.items():
        assert (department.values[:, place] == expected[name].reindex(ids, fill_value=0)).all()


def test_categories_have_readable_columns_and_a_cap(
    open_engine: OpenEngine, tmp_path: Path, transactions: pd.DataFrame
) -> None:
    lines = categorised(transactions)
    capped = Built(
        open_engine, write_project(tmp_path, lines, source='category = "category"', learning="max_category_columns = 2")
    )
    largest = lines.groupby("category")["customer_id"].nunique().drop("All toys").nlargest(2).index
    assert {category.name for category in capped.catalogue.categories} == set(largest)
    assert [category.column for category in capped.catalogue.categories] == ["category_seasonal", "category_seasonal_2"]
    wide = capped.frame("features.customers").set_index("customer_id").sort_index()
    counts = lines.groupby(["customer_id", "category"])["transaction_id"].nunique().unstack(fill_value=0)
    assert (wide["category_seasonal"] == counts["Seasonal"].reindex(wide.index, fill_value=0)).all()
    capped.run_checks()


def test_categories_need_neither_times_nor_baskets(
    open_engine: OpenEngine, tmp_path: Path, transactions: pd.DataFrame
) -> None:
    plain = categorised(transactions)[["customer_id", "department", "category"]]
    without = ("occurred_at", "transaction_id", "quantity", "amount")
    built = Built(open_engine, write_project(tmp_path, plain, source='category = "category"', drop=without))
    wide = built.frame("features.customers").set_index("customer_id").sort_index()
    counts = plain[plain["category"] == "Seasonal"].groupby("customer_id").size()
    assert (wide["category_seasonal"] == counts.reindex(wide.index, fill_value=0)).all()
    built.run_checks()


def plant(folder: Path, path: str, clean: str, leaking: str) -> None:
    """Give a project a model or macro file of its own, which differs from the packaged one in one place."""
    honest = TemplateFolder.of("models").file(path).read_text(encoding="utf-8")
    assert honest.count(clean) == 1
    own = folder / "models" / path
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text(honest.replace(clean, leaking), encoding="utf-8")


CATEGORY_LEAKS = {
    "own lines": ("t.purchase_count - c.solo_purchase_count as", "t.purchase_count as"),
    "mixed purchases": ("over (partition by customer_id, purchase_id, {{ key | ident }}) = 1", "over () = 1"),
    "missing rows": (
        "c.{{ key | ident }},\n        t.purchase_count - ",
        "0 as {{ key | ident }}, t.purchase_count - ",
    ),
}


@pytest.mark.parametrize("leak", CATEGORY_LEAKS)
def test_a_leak_planted_in_the_categories_is_caught(
    open_engine: OpenEngine, tmp_path: Path, transactions: pd.DataFrame, leak: str
) -> None:
    folder = write_project(tmp_path, categorised(transactions), source='category = "category"')
    plant(folder, "macros/groups.sql", *CATEGORY_LEAKS[leak])
    with pytest.raises(CheckFailed, match=r"in_categories|@unique"):
        Built(open_engine, folder).run_checks()


def test_the_honest_categories_pass_the_leak_check(with_categories: Built) -> None:
    with_categories.run_checks()
    assert set(with_categories.frame("features.categories_without")["department_key"]) == {0, 1, 2, 3, 5}


def test_departments_beyond_the_cap_share_a_column_without_leaking(
    open_engine: OpenEngine, tmp_path: Path, transactions: pd.DataFrame
) -> None:
    built = Built(open_engine, write_project(tmp_path, transactions, learning="max_department_columns = 2"))
    capped = [department for department in built.catalogue.departments if department.column is None]
    assert len(capped) == 3
    table = read_features(built.warehouse, built.catalogue)
    for left_out in capped:
        department = table.for_department(left_out)
        names = [feature.name for feature in department.features]
        others = {d.name for d in capped} - {left_out.name}
        lines = transactions[transactions["department"].isin(others)]
        expected = lines.groupby(["customer_id", "department"])["transaction_id"].nunique().groupby("customer_id").sum()
        ids = table.customer_ids[department.rows]
        found = pd.Series(department.values[:, names.index("purchases_other_departments")], ids)
        assert (found == expected.reindex(ids, fill_value=0).astype(float)).all()


LEAKS = {
    "breadth": ("t.breadth_count - 1 as breadth_count", "t.breadth_count as breadth_count"),
    "baskets": ("t.purchase_count - r.solo_purchase_count as", "t.purchase_count as"),
    "spend": ("t.amount - r.amount as amount", "t.amount as amount"),
    "recency": ("case when r.last_position = 1 then u.second_last_at else t.last_at end", "t.last_at"),
    "tenure": ("case when r.first_position = 1 then u.second_first_at else t.first_at end", "t.first_at"),
    "recent": ("t.recent_purchase_count - r.recent_solo_purchase_count as", "t.recent_purchase_count as"),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_planted_leak_is_caught(
    open_engine: OpenEngine, tmp_path: Path, transactions: pd.DataFrame, leak: str
) -> None:
    folder = write_project(tmp_path, transactions)
    plant(folder, "features/totals_without.sql", *LEAKS[leak])
    with pytest.raises(CheckFailed, match="left_out_departments_leave_no_trace"):
        Built(open_engine, folder).run_checks()


def test_the_honest_features_pass_the_leak_check(built: Built) -> None:
    built.run_checks()
    assert built.frame("features.behaviour")["department_key"].nunique() == len(DEPARTMENTS) + 1


def test_customer_columns_become_numbers_flags_and_known_flags(
    open_engine: OpenEngine, tmp_path: Path, transactions: pd.DataFrame
) -> None:
    ids = transactions["customer_id"].unique()
    customers = pd.DataFrame(
        {
            "customer_id": ids,
            "age": np.where(ids % 10 == 0, np.nan, 20.0 + ids % 50),
            "city": np.where(ids % 2 == 0, "Köln", "O'Hara"),
            "note": [f"free text {i}" for i in ids],
            "born": pd.Timestamp("1990-01-01"),
        }
    )
    built = Built(open_engine, write_project(tmp_path, transactions, customers=customers))
    frame = built.frame("features.customers").set_index("customer_id")
    assert (frame["customer_age"] == customers.set_index("customer_id")["age"].fillna(0.0).reindex(frame.index)).all()
    assert (frame["customer_age_known"] == (frame.index % 10 != 0).astype(float)).all()
    assert (frame["customer_city_koln"] == (frame.index % 2 == 0).astype(float)).all()
    assert (frame["customer_city_o_hara"] == (frame.index % 2 == 1).astype(float)).all()
    assert built.catalogue.ignored_columns == {"note": "more than 30 values", "born": "type TIMESTAMP"}
    assert set(built.frame("staging.customers")) == {"customer_id", "age", "city"}  # what is not used is not copied


def test_departments_share_the_arrays_of_one_table_and_never_change_them(built: Built) -> None:
    """Hundreds of departments with arrays of their own would fill the memory, here and in other processes."""
    table = read_features(built.warehouse, built.catalogue)
    before = table.values.copy()
    for department in built.catalogue.departments:
        left_out = table.without(department)
        assert left_out.values is table.values
        assert left_out.activity_values is table.activity_values
        alone = left_out.table()
        assert not np.shares_memory(alone.values, table.values)
        assert not np.array_equal(alone.values, before[alone.rows][:, left_out.kept])
    assert np.array_equal(table.values, before)


def test_sources_are_read_while_staging_and_never_again(
    engine: SourceEngine, tmp_path: Path, transactions: pd.DataFrame
) -> None:
    """A file that changes during a run is never half old and half new, and a wide one is parsed once, not by column."""
    customers = pd.DataFrame({"customer_id": transactions["customer_id"].unique(), "age": 40.0, "city": "Köln"})
    folder = write_project(tmp_path, transactions, customers=customers)
    config, models = load_config(folder), TemplateFolder.of("models", folder)
    staged = stage(config, engine, models, as_of=None, today=TODAY)
    for file in (folder / "data").iterdir():
        file.unlink()
    catalogue = read_catalogue(config, engine, staged)
    context = feature_context(catalogue, staged.window(config), config.learning)
    build(engine, load_models(models, "features", context))
    ages = engine.fetch(exp.select("customer_age").distinct().from_("features.customers"))
    assert ages["customer_age"].to_pylist() == [40.0]


def test_data_without_times_or_baskets_has_counts_alone(
    open_engine: OpenEngine, tmp_path: Path, transactions: pd.DataFrame
) -> None:
    plain = transactions[["customer_id", "department"]]
    folder = write_project(tmp_path, plain, drop=("occurred_at", "transaction_id", "quantity", "amount"))
    built = Built(open_engine, folder)
    names = {feature.name for feature in built.catalogue.features if feature.kind == "behaviour"}
    assert names == {"frequency_count", "breadth_count"}
    frame = built.frame("features.customers").set_index("customer_id").sort_index()
    assert (frame["frequency_count"] == plain.groupby("customer_id").size().astype(float)).all()


@pytest.mark.parametrize(
    "ids",
    [
        pytest.param(lambda n: f"{n:08d}", id="leading zeros"),
        pytest.param(lambda n: f"kunde-ü-{n}", id="text"),
        pytest.param(lambda n: n * 10_000_000_000, id="big integers"),
    ],
)
def test_ids_come_back_as_they_came(
    open_engine: OpenEngine, tmp_path: Path, transactions: pd.DataFrame, ids: object
) -> None:
    assert callable(ids)
    renamed = transactions.assign(customer_id=transactions["customer_id"].map(ids))
    built = Built(open_engine, write_project(tmp_path, renamed))
    assert set(built.frame("features.customers")["customer_id"]) == set(renamed["customer_id"])


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "America/Lima"])
def test_times_of_any_unit_with_a_time_zone_or_without_are_the_same_moments(
    open_engine: OpenEngine, tmp_path: Path, transactions: pd.DataFrame, unit: str, zone: str | None
) -> None:
    times = transactions["occurred_at"].dt.tz_localize("UTC").dt.tz_convert(zone or "UTC")
    written = times if zone else times.dt.tz_localize(None)
    built = Built(open_engine, write_project(tmp_path, transactions.assign(occurred_at=written.dt.as_unit(unit))))
    assert built.staged.first_at == transactions["occurred_at"].min()
    assert built.staged.last_at == transactions["occurred_at"].max()
    assert built.staged.lines_kept == len(transactions)


@pytest.mark.parametrize(
    ("written", "unit"), [("unix seconds", "s"), ("unix milliseconds", "ms"), ("%d.%m.%Y %H:%M:%S", None), (None, None)]
)
def test_times_are_read_as_they_are_written(
    open_engine: OpenEngine, tmp_path: Path, transactions: pd.DataFrame, written: str | None, unit: str | None
) -> None:
    """Numbers since 1970, other orders of day and month, and spaces around; what is no time is counted, not lost."""
    times = transactions["occurred_at"]
    texts = (
        times.dt.as_unit(unit).astype("int64").astype(str)
        if unit
        else times.dt.strftime(written or " %Y-%m-%d %H:%M:%S ")
    )
    texts.iloc[:7] = ["soon", "-1", "1e300", "NaN", "99999999999999999999", "-", "0x"]
    form = f'date_format = "{written}"' if written else ""
    folder = write_project(tmp_path, transactions.assign(occurred_at=texts), source=form, tables=DROP_UNREADABLE)
    built = Built(open_engine, folder)
    assert built.staged.cleaning["unreadable date"] == 7
    assert built.staged.first_at == times.iloc[7:].min()
    assert built.staged.last_at == times.iloc[7:].max()


def test_the_customers_table_may_call_the_id_customer_id(
    open_engine: OpenEngine, tmp_path: Path, transactions: pd.DataFrame
) -> None:
    customers = pd.DataFrame({"customer_id": transactions["customer_id"].unique(), "age": 40.0})
    renamed = transactions.rename(columns={"customer_id": "household_id"})
    folder = write_project(tmp_path, renamed, customers=customers)
    config = folder / "segwarehouse.toml"
    text = config.read_text(encoding="utf-8").replace('customer_id = "customer_id"', 'customer_id = "household_id"')
    config.write_text(text, encoding="utf-8")
    assert (Built(open_engine, folder).frame("features.customers")["customer_age"] == 40.0).all()


def test_the_transactions_may_be_a_relation_in_the_warehouse(tmp_path: Path, transactions: pd.DataFrame) -> None:
    folder = write_project(tmp_path, transactions)
    with open_file(folder / WORKING) as warehouse:
        warehouse.execute(create_schema("raw"))
        warehouse.load(Relation("raw", "sales"), pa.Table.from_pandas(transactions, preserve_index=False))
    config = folder / "segwarehouse.toml"
    text = config.read_text(encoding="utf-8").replace("data/transactions.parquet", "raw.sales")
    config.write_text(text, encoding="utf-8")
    report = Project(folder).check()
    assert report.customers == transactions["customer_id"].nunique()
    assert sum(int(str(row["rows"])) for row in report.cleaning) == len(transactions)


def test_features_of_several_cutoffs_stand_side_by_side(
    open_engine: OpenEngine, transactions: pd.DataFrame, tmp_path: Path
) -> None:
    folder = write_project(tmp_path, transactions)
    now, alone = Built(open_engine, folder), Built(open_engine, folder, steps_back=1)
    window = now.staged.window(now.config, 1)
    assert window == alone.window
    arguments = (now.config, now.warehouse, now.models, now.catalogue, window)
    past = build_features(*arguments, places=places_at(window))
    again = read_features(now.warehouse, now.catalogue)
    expected = read_features(Built(open_engine, folder).warehouse, now.catalogue)
    then = read_features(alone.warehouse, alone.catalogue)
    for found, wanted in ((again, expected), (past, then)):
        assert found.customer_ids.equals(wanted.customer_ids)
        np.testing.assert_array_equal(found.values, wanted.values)
        for department in now.catalogue.departments:
            one, other = (table.for_department(department) for table in (found, wanted))
            np.testing.assert_array_equal(one.values, other.values)
            np.testing.assert_array_equal(one.outcomes, other.outcomes)
    assert not np.array_equal(past.values, again.values)
    names = {row["table_name"] for row in _tables_of(now.warehouse, CUTOFFS)}
    assert f"customers_{window.cutoff:%Y%m%d}" in names


def _tables_of(warehouse: SourceEngine, schema: str) -> list[dict[str, str]]:
    here = exp.column("table_schema").eq(exp.Literal.string(schema))
    rows: list[dict[str, str]] = warehouse.fetch(
        exp.select("table_name").from_("information_schema.tables").where(here)
    ).to_pylist()
    return rows
