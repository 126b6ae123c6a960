"""Hostile names through every door: nothing executes, nothing is lost, and names come back as they came."""

import json
import re
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from segwarehouse.api import Project
from segwarehouse.errors import DataError, ModelError, WarehouseError
from segwarehouse.refresh import RefreshReport
from segwarehouse.warehouse import connect
from tests.conftest import make_transactions, write_project

ATTACKS = (
    "'); DROP TABLE canary; --",
    '"; DROP SCHEMA targeting CASCADE; --',
    "x' OR '1'='1",
    "a/*comment*/b -- c",
    "{{ 7 * 7 }}{% raw %}",
    "$membership $points",
    '=HYPERLINK("http://x","y")',
    "<script>alert(1)</script>&amp;",
    "../../etc/passwd",
    "select",
    "SELECT",
    "rules",
    "\u202eevil\u202c \u200bwidth",
    "раураl",  # Cyrillic letters that look like Latin ones
    "paypal",
    "back\\slash \t tab \n line",
    "🐟" * 20,
    "n" * 5_000,
    " leading and trailing ",
    "%s %(x)s {0} \\u0041",
)
LEARNED = ATTACKS[:2]
COLUMN = 'cust"omer; --'
SALT = 'it\'s "salt"; --'


def hostile_ids(customers: np.ndarray) -> list[str]:
    return [f"{ATTACKS[customer % len(ATTACKS)][:30]}#{customer:05d}" for customer in customers]


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RefreshReport, pd.DataFrame]:
    random = np.random.default_rng(5)
    frame = make_transactions(400)
    frame["department"] = np.array(ATTACKS, dtype=object)[random.integers(0, len(ATTACKS), len(frame))]
    frame["customer_id"] = hostile_ids(frame["customer_id"].to_numpy())
    customers = pd.DataFrame({COLUMN: sorted(set(frame["customer_id"]))})
    for position, attack in enumerate(ATTACKS[:6]):
        customers[attack] = np.array(ATTACKS, dtype=object)[(np.arange(len(customers)) + position) % 3]
    frame = frame.rename(columns={"customer_id": COLUMN, "department": ATTACKS[0]})
    folder = write_project(tmp_path_factory.mktemp("attacked"), frame, customers=customers)
    config = folder / "segwarehouse.toml"
    text = config.read_text(encoding="utf-8")
    text = text.replace('customer_id = "customer_id"', f"customer_id = {json.dumps(COLUMN)}")
    text = text.replace('department = "department"', f"department = {json.dumps(ATTACKS[0])}")
    text = text.replace("budget = 30", f"budget = 30\nsalt = {json.dumps(SALT)}")
    config.write_text(text.replace("min_buyers = 40", "min_buyers = 20"), encoding="utf-8")
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute("create table canary as select 1 as alive").fetchall()
    return folder, Project(folder).refresh(departments=LEARNED), frame


def ask(file: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_names_come_back_as_they_came(attacked: tuple[Path, RefreshReport, pd.DataFrame]) -> None:
    folder, _, frame = attacked
    published = folder / "published" / "warehouse.duckdb"
    names = {str(name) for (name,) in ask(published, "select department from targeting.departments")}
    assert names == set(ATTACKS)
    ids = {str(customer) for (customer,) in ask(published, "select customer_id from features.customers")}
    assert ids == set(frame[COLUMN])


def test_nothing_executes(attacked: tuple[Path, RefreshReport, pd.DataFrame]) -> None:
    folder, _, _ = attacked
    assert ask(folder / "warehouse.duckdb", "select alive from canary") == [(1,)]
    tables = "select table_schema from information_schema.tables where table_catalog = current_database()"
    assert {schema for (schema,) in ask(folder / "published" / "warehouse.duckdb", tables)} == {"features", "targeting"}


def test_views_have_plain_unique_names_and_are_proved(attacked: tuple[Path, RefreshReport, pd.DataFrame]) -> None:
    folder, report, _ = attacked
    views = [str(row["view_name"]) for row in report.departments]
    assert len({view.casefold() for view in views}) == len(LEARNED)
    assert all(view.replace("_", "").isalnum() for view in views)
    assert all(proof["proved"] for proof in Project(folder).verify())
    for department in LEARNED:
        audience = Project(folder).audience(department)
        assert len(audience) == 30
        assert audience["reasons"].str.len().gt(0).all()


def test_the_report_holds_no_id_and_no_markup_from_data(attacked: tuple[Path, RefreshReport, pd.DataFrame]) -> None:
    folder, report, frame = attacked
    assert report.report == folder / "published" / "report.html"
    text = report.report.read_text(encoding="utf-8")
    assert "<script>alert" not in text
    numbers = {customer.rpartition("#")[2] for customer in frame[COLUMN]}
    assert len(numbers) > 300
    assert set(re.findall(r"#(\d{5})(?![0-9a-f])", text)) & numbers == set()  # a sixth digit makes it a colour


def test_the_working_connection_can_reach_nothing_but_its_sources(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n", encoding="utf-8")
    folder = write_project(tmp_path / "project", make_transactions(120))
    own = folder / "models" / "staging"
    own.mkdir(parents=True)
    stolen = f"select *, (select max(a) from read_csv('{secret}')) as stolen from source.transactions\n"
    (own / "transactions.sql").write_text(stolen, encoding="utf-8")
    with pytest.raises((ModelError, WarehouseError), match="disabled by configuration"):
        Project(folder).check()


def test_a_locked_connection_changes_no_setting_and_writes_no_file(tmp_path: Path) -> None:
    source = tmp_path / "in" / "t.parquet"
    source.parent.mkdir()
    make_transactions(50).to_parquet(source)
    with connect(tmp_path / "w.duckdb") as warehouse:
        warehouse.lock_down([str(source)], tmp_path / "runs")
        raw = warehouse._connection  # the attacker is past the adapter
        assert raw.execute(f"select count(*) > 0 from read_parquet('{source}')").fetchall() == [(True,)]
        for attack in (
            "set enable_external_access = true",
            "set lock_configuration = false",
            "load httpfs",
            f"copy (select 1) to '{tmp_path / 'out.csv'}'",
            "select * from read_text('/etc/hostname')",
            f"attach '{tmp_path / 'other.duckdb'}' as other",
        ):
            with pytest.raises(duckdb.Error):
                raw.execute(attack).fetchall()
    assert not (tmp_path / "out.csv").exists()
    assert not (tmp_path / "other.duckdb").exists()


def test_a_name_with_nul_is_refused_in_words(tmp_path: Path) -> None:
    frame = make_transactions(120)
    frame.loc[frame["department"] == "Toys", "department"] = "To\0ys"
    with pytest.raises(DataError, match="NUL"):
        Project(write_project(tmp_path, frame)).check()
