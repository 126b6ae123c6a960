"""Trends, channels and promotions say what pandas says of the data without the target department."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from segwarehouse.errors import CheckFailed, DataError
from segwarehouse.features import read_features
from segwarehouse.features.later_data import require_no_later_data
from segwarehouse.project import load_models
from tests.conftest import DEPARTMENTS, write_project
from tests.engines import OpenEngine
from tests.unit.test_features import Built, plant

SOURCE = 'channel = "store_no"\ndiscount = "money_off"'
STORES = ("1", "O'Hara", "Süd 3")
RECENT = 28


def with_signals(transactions: pd.DataFrame) -> pd.DataFrame:
    """Return lines in three stores or none, a third of them with money off."""
    random = np.random.default_rng(5)
    lines = len(transactions)
    stores = np.array([*STORES, None], dtype=object)[random.integers(0, 4, lines)]
    money_off = np.where(random.random(lines) < 0.3, -random.integers(1, 300, lines) / 100.0, 0.0)
    return transactions.assign(store_no=stores, money_off=money_off)


@pytest.fixture(scope="module")
def lines(transactions: pd.DataFrame) -> pd.DataFrame:
    return with_signals(transactions)


@pytest.fixture(scope="module")
def built(open_engine: OpenEngine, tmp_path_factory: pytest.TempPathFactory, lines: pd.DataFrame) -> Iterator[Built]:
    folder = write_project(tmp_path_factory.mktemp("signals"), lines, source=SOURCE, learning="trend = true")
    project = Built(open_engine, folder)
    yield project
    project.warehouse.close()


def without(built: Built, left_out: str) -> pd.DataFrame:
    """Return the features of the department's table, by customer."""
    table = read_features(built.warehouse, built.catalogue)
    department = table.for_department(built.department(left_out))
    names = [feature.name for feature in department.features]
    return pd.DataFrame(department.values, columns=names, index=table.customer_ids[department.rows])


@pytest.mark.parametrize("left_out", DEPARTMENTS)
def test_trends_of_a_department_are_those_of_the_data_without_it(
    built: Built, lines: pd.DataFrame, left_out: str
) -> None:
    others = lines[lines["department"] != left_out]
    cutoff = pd.Timestamp(built.window.cutoff)
    known, recent = others.groupby("customer_id"), others[others["occurred_at"] >= cutoff - pd.Timedelta(days=RECENT)]
    again = recent.groupby("customer_id")
    days = (cutoff - known["occurred_at"].min().dt.normalize()).dt.days.clip(lower=RECENT)
    last = (cutoff - known["occurred_at"].max().dt.normalize()).dt.days
    purchases = known["transaction_id"].nunique()
    expected = pd.DataFrame(
        {
            "frequency_trend": again["transaction_id"].nunique() / RECENT / (purchases / days),
            "monetary_trend": again["amount"].sum() / RECENT / (known["amount"].sum() / days),
            "recency_trend": last / (days / purchases),
            "recent_breadth_share": again["department"].nunique() / known["department"].nunique(),
        }
    ).fillna(0.0)
    found = without(built, left_out).loc[expected.index, expected.columns]
    pd.testing.assert_frame_equal(found, expected, check_names=False, rtol=1e-12)


@pytest.mark.parametrize("left_out", DEPARTMENTS)
def test_channels_of_a_department_are_those_of_the_data_without_it(
    built: Built, lines: pd.DataFrame, left_out: str
) -> None:
    found = without(built, left_out)
    others = lines[lines["department"] != left_out]
    visits = others.groupby(["customer_id", "store_no"])["transaction_id"].nunique().unstack(fill_value=0)
    visits = visits.reindex(found.index, fill_value=0)
    assert (found["channel_count"] == (visits > 0).sum(axis=1)).all()
    columns = {feature.subject: feature.name for feature in built.catalogue.features if feature.kind == "channel"}
    assert list(columns) == [f"store {name}" for name in STORES]
    for name in STORES:
        assert (found[columns[f"store {name}"]] == visits[name]).all()


@pytest.mark.parametrize("left_out", DEPARTMENTS)
def test_promotions_of_a_department_are_those_of_the_data_without_it(
    built: Built, lines: pd.DataFrame, left_out: str
) -> None:
    others = lines[lines["department"] != left_out]
    grouped = others.groupby("customer_id")
    promoted = others[others["money_off"] < 0].groupby("customer_id")
    off, purchases = -grouped["money_off"].sum(), grouped["transaction_id"].nunique()
    expected = pd.DataFrame(
        {
            "promotion_purchase_share": promoted["transaction_id"].nunique() / purchases,
            "promotion_line_share": promoted.size() / grouped.size(),
            "discount_per_purchase": off / purchases,
            "discount_share": off / (off + grouped["amount"].sum()),
        }
    ).fillna(0.0)
    found = without(built, left_out).loc[expected.index, expected.columns]
    pd.testing.assert_frame_equal(found, expected, check_names=False, rtol=1e-9, atol=1e-12)


def test_without_their_columns_and_setting_there_are_no_such_features(
    open_engine: OpenEngine, tmp_path: Path, transactions: pd.DataFrame
) -> None:
    plain = Built(open_engine, write_project(tmp_path, with_signals(transactions)))
    names = {feature.name for feature in plain.catalogue.features}
    assert not {name for name in names if "trend" in name or "channel" in name or "promotion" in name}
    assert "features.channel_counts" not in {
        str(m.relation) for m in load_models(plain.models, "features", plain.context)
    }


def test_channels_and_promotions_need_neither_times_nor_baskets(
    open_engine: OpenEngine, tmp_path: Path, lines: pd.DataFrame
) -> None:
    columns = ["customer_id", "department", "store_no", "money_off"]
    dropped = ("occurred_at", "transaction_id", "quantity", "amount")
    plain = Built(
        open_engine, write_project(tmp_path, lines[columns], source=SOURCE, learning="trend = true", drop=dropped)
    )
    frame = plain.frame("features.customers").set_index("customer_id").sort_index()
    counts = lines.groupby(["customer_id", "store_no"]).size().unstack(fill_value=0).reindex(frame.index, fill_value=0)
    assert (frame["channel_store_1"] == counts["1"]).all()
    assert (frame["promotion_purchase_share"] == frame["promotion_line_share"]).all()
    assert "frequency_trend" not in frame
    assert "discount_share" not in frame
    plain.run_checks()


def test_only_the_largest_channels_have_a_column_but_all_are_counted(
    open_engine: OpenEngine, tmp_path: Path, lines: pd.DataFrame
) -> None:
    capped = Built(open_engine, write_project(tmp_path, lines, source=SOURCE, learning="max_channel_columns = 1"))
    largest = lines.groupby("store_no")["customer_id"].nunique().idxmax()
    assert [channel.name for channel in capped.catalogue.channels] == [f"store {largest}"]
    frame = capped.frame("features.customers").set_index("customer_id")
    stores = lines.groupby("customer_id")["store_no"].nunique().reindex(frame.index)
    assert (frame["channel_count"] == stores).all()
    capped.run_checks()


@pytest.mark.parametrize(
    ("value", "promoted"),
    [("Y", True), ("no", False), ("true", True), ("False", False), ("SUMMER24", True), ("", False), (" 0 ", False)],
)
def test_a_promotion_is_a_flag_or_a_code(
    open_engine: OpenEngine, tmp_path: Path, transactions: pd.DataFrame, value: str, promoted: bool
) -> None:
    lines = transactions.assign(promo=pd.Series(value, index=transactions.index, dtype=object))
    project = Built(open_engine, write_project(tmp_path, lines, source='is_promotion = "promo"'))
    assert (project.frame("features.customers")["promotion_line_share"] == float(promoted)).all()
    assert "discount_share" not in project.frame("features.customers")


def test_a_discount_that_is_no_number_stops_the_run(
    open_engine: OpenEngine, tmp_path: Path, lines: pd.DataFrame
) -> None:
    broken = lines.assign(money_off=lines["money_off"].astype(object).map(str))
    broken.loc[broken.index[:3], "money_off"] = ["free", "nan", "inf"]
    with pytest.raises(DataError, match=r"source\.discount = 'money_off': 3 of"):
        Built(open_engine, write_project(tmp_path / "strict", broken, source=SOURCE))
    lenient = '[cleaning]\nbad_amounts = "drop"'
    kept = Built(open_engine, write_project(tmp_path / "lenient", broken, source=SOURCE, tables=lenient))
    assert kept.staged.cleaning["unusable discount"] == 3


LEAKS = {
    "purchases in a channel": (
        "macros/groups.sql",
        "t.purchase_count - c.solo_purchase_count as",
        "t.purchase_count as",
    ),
    "number of channels": (
        "features/channel_breadth_without.sql",
        "coalesce(t.channel_count, 0) - coalesce(a.channel_count, 0)",
        "coalesce(t.channel_count, 0)",
    ),
    "channels of mixed purchases": (
        "macros/groups.sql",
        "over (partition by customer_id, purchase_id, {{ key | ident }}) = 1",
        "over () = 1",
    ),
    "lines on promotion": ("features/promotions_without.sql", "t.line_count - c.line_count as", "t.line_count as"),
    "purchases on promotion": (
        "features/promotions_without.sql",
        "t.purchase_count - c.solo_purchase_count as",
        "t.purchase_count as",
    ),
    "money off": ("features/promotions_without.sql", "t.discount - c.discount as", "t.discount as"),
    "trend of spend": ("features/totals_without.sql", "t.recent_amount - r.recent_amount as", "t.recent_amount as"),
    "trend of breadth": (
        "features/totals_without.sql",
        "t.recent_breadth_count - r.is_recent as",
        "t.recent_breadth_count as",
    ),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_planted_in_the_signals_is_caught(
    open_engine: OpenEngine, tmp_path: Path, lines: pd.DataFrame, leak: str
) -> None:
    folder = write_project(tmp_path, lines, source=SOURCE, learning="trend = true")
    plant(folder, *LEAKS[leak])
    with pytest.raises(CheckFailed, match=r"leave_no_trace_in_(channels|promotions|trends)"):
        Built(open_engine, folder).run_checks()


def test_an_order_on_both_sides_of_the_recent_days_is_no_leak_and_hides_none(
    open_engine: OpenEngine, tmp_path: Path, lines: pd.DataFrame
) -> None:
    """Deliveries in parts: recent is what an order has of a department where any line of it is."""
    recent_from = lines["occurred_at"].max().normalize() - pd.Timedelta(days=RECENT - 1)
    order = {"customer_id": 9_999, "transaction_id": 10**6, "quantity": 1, "amount": 30.0, "money_off": 0.0}
    parts = [
        {**order, "department": department, "occurred_at": recent_from + shift}
        for department in ("Toys", "Garden")
        for shift in (pd.Timedelta(hours=-2), pd.Timedelta(hours=2))
    ]
    folder = write_project(tmp_path, pd.concat([lines, pd.DataFrame(parts)]), source=SOURCE, learning="trend = true")
    honest = Built(open_engine, folder)
    assert (honest.window.cutoff - pd.Timedelta(days=RECENT)) == recent_from
    assert without(honest, "Toys").loc[9_999, "monetary_trend"] == (RECENT + 1) / RECENT  # known for a day more
    honest.run_checks()
    plant(folder, *LEAKS["trend of spend"])
    with pytest.raises(CheckFailed, match="leave_no_trace_in_trends"):
        Built(open_engine, folder).run_checks()


def test_the_honest_signals_pass_the_leak_checks(built: Built) -> None:
    built.run_checks()
    assert set(built.frame("features.channels_without")["department_key"]) == set(range(len(DEPARTMENTS) + 1))


READS_LATER = {
    "channel_counts": (
        "features/channel_counts.sql",
        "from features.known_lines as l",
        "from (select * from staging.purchases inner join staging.departments using (department)) as l",
    ),
    "purchase_departments": (
        "features/purchase_departments.sql",
        "        sum(discount) as discount,\n",
        "        sum(discount) * (select count(*) from staging.purchases) as discount,\n",
    ),
}


@pytest.mark.parametrize("model", READS_LATER)
def test_signals_that_read_later_data_are_caught(
    open_engine: OpenEngine, tmp_path: Path, lines: pd.DataFrame, model: str
) -> None:
    folder = write_project(tmp_path, lines, source=SOURCE, learning="trend = true")
    earlier = Built(open_engine, folder, steps_back=1)
    models = load_models(earlier.models, "features", earlier.context)
    require_no_later_data(earlier.warehouse, earlier.config, earlier.catalogue, models, earlier.window)
    earlier.warehouse.close()
    plant(folder, *READS_LATER[model])
    later = Built(open_engine, folder, steps_back=1)
    models = load_models(later.models, "features", later.context)
    with pytest.raises(CheckFailed, match="the cut-off"):
        require_no_later_data(later.warehouse, later.config, later.catalogue, models, later.window)
