"""The configuration file: what is accepted, what is refused and with which words, and what `init` writes."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from segwarehouse.config import (
    CONFIG_NAME,
    Config,
    DatabaseUrl,
    ExtraSource,
    load_config,
    render_config,
    settings,
)
from segwarehouse.errors import ConfigError

MINIMAL = '[source]\ntransactions = "data/transactions.parquet"\n'

COMPLETE = """
[warehouse]
url = "duckdb:///warehouse.duckdb"          # the working database; relative to this file
[publish]
url = "duckdb:///published/warehouse.duckdb"
[source]
transactions = "data/transactions.parquet"
customer_id = "household_id"
department = "department"
occurred_at = "transaction_timestamp"
transaction_id = "basket_id"
quantity = "quantity"
amount = "sales_value"
customers = "data/customers.parquet"
[source.extra]
products = "data/products.parquet"
[cleaning]
returns = "keep"
[learning]
outcome_days = 91
seed = 42
min_buyers = 100
departments = ["SEAFOOD", "Æbler & 'pærer'"]
[audience]
budget = 500
control_share = 0.1
"""


def written(directory: Path, text: str) -> Path:
    (directory / CONFIG_NAME).write_text(text, encoding="utf-8")
    return directory


def loaded(directory: Path, text: str) -> Config:
    return load_config(written(directory, text))


def refused(directory: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        loaded(directory, text)
    return caught.value


def test_every_key_of_the_documented_form_is_read(tmp_path: Path) -> None:
    config = loaded(tmp_path, COMPLETE)
    assert config.directory == tmp_path
    assert config.warehouse.url == DatabaseUrl("duckdb", tmp_path / "warehouse.duckdb")
    assert config.publish.url == DatabaseUrl("duckdb", tmp_path / "published/warehouse.duckdb")
    assert config.source.customer_id == "household_id"
    assert config.source.occurred_at == "transaction_timestamp"
    assert config.source.transaction_id == "basket_id"
    assert config.source.amount == "sales_value"
    assert config.source.extra == (ExtraSource("products", "data/products.parquet"),)
    assert config.cleaning.returns == "keep"
    assert config.learning.departments == ("SEAFOOD", "Æbler & 'pærer'")
    assert config.audience.control_share == 0.1


def test_what_is_left_out_has_the_stated_default(tmp_path: Path) -> None:
    config = loaded(tmp_path, MINIMAL)
    assert config.publish.url.path == tmp_path / "published/warehouse.duckdb"
    assert (config.source.customer_id, config.source.department) == ("customer_id", "department")
    assert config.source.occurred_at is None
    assert config.source.customers is None
    assert config.cleaning.unparseable_dates == "error"
    assert (config.learning.outcome_days, config.learning.seed, config.learning.min_buyers) == (91, 42, 100)
    assert (config.learning.max_customers, config.learning.jobs, config.learning.balance) == (50_000, 0, False)
    assert (config.audience.budget, config.audience.salt, config.audience.min_cell) == (500, "segwarehouse", 10)


def test_a_config_is_frozen_and_hashable(tmp_path: Path) -> None:
    config = loaded(tmp_path, COMPLETE)
    assert hash(config) == hash(load_config(tmp_path))
    with pytest.raises(FrozenInstanceError):
        config.learning.seed = 1  # type: ignore[misc]  # that it can't be assigned is what is tested


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert loaded(tmp_path, "\ufeff" + MINIMAL).source.transactions == "data/transactions.parquet"


@pytest.mark.parametrize(
    ("line", "key", "wanted"),
    [
        ("[learning]\nmin_buyers = true", "learning.min_buyers", "a whole number"),
        ("[learning]\nmin_buyers = '100'", "learning.min_buyers", "a whole number"),
        ("[learning]\nmin_buyers = 100.0", "learning.min_buyers", "a whole number"),
        ("[learning]\nmin_buyers = 0", "learning.min_buyers", "10 or more"),
        ("[learning]\noutcome_days = -1", "learning.outcome_days", "from 1 to 3660"),
        ("[learning]\nseed = 4294967296", "learning.seed", "from 0 to 4294967295"),
        ("[learning]\nbalance = 1", "learning.balance", "true or false"),
        ("[learning]\ndepartments = 'SEAFOOD'", "learning.departments", "a list of texts"),
        ("[learning]\ndepartments = ['A', 3]", "learning.departments", "a list of texts"),
        ("[learning]\ndepartments = ['A', '']", "learning.departments", "empty"),
        ("[learning]\ndepartments = ['A', 'A']", "learning.departments", "twice"),
        ("[learning]\nmax_conditions = 1", "learning.max_rule_conditions", "more than learning.max_conditions"),
        ("[audience]\nbudget = 0", "audience.budget", "1 or more"),
        ("[audience]\ncontrol_share = nan", "audience.control_share", "a number from 0 to 0.9"),
        ("[audience]\ncontrol_share = inf", "audience.control_share", "a number from 0 to 0.9"),
        ("[audience]\ncontrol_share = 1", "audience.control_share", "a number from 0 to 0.9"),
        ("[audience]\nsalt = ''", "audience.salt", "empty"),
        ('[audience]\nsalt = "a\\u0000b"', "audience.salt", "NUL"),
        ("[cleaning]\nreturns = 'ignore'", "cleaning.returns", '"drop" or "keep"'),
        ("[cleaning]\nreturns = ['drop']", "cleaning.returns", '"drop" or "keep"'),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_key_and_what_is_wanted(
    tmp_path: Path, line: str, key: str, wanted: str
) -> None:
    error = refused(tmp_path, f"{MINIMAL}{line}\n")
    assert error.facts["key"] == key
    assert key in error.message
    assert wanted in error.message
    assert error.hint
    assert "\n" not in error.message + error.hint


def test_a_whole_number_is_a_fine_share(tmp_path: Path) -> None:
    share = loaded(tmp_path, f"{MINIMAL}[audience]\ncontrol_share = 0\n").audience.control_share
    assert isinstance(share, float)
    assert share == 0.0


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        (MINIMAL + "custmer_id = 'x'", "source.custmer_id", "did you mean 'customer_id'?"),
        (MINIMAL + "budget = 5", "source.budget", "did you mean 'audience.budget'?"),
        (MINIMAL + "[learnign]\nseed = 1", "learnign", "did you mean 'learning'?"),
        ("transactions = 'x'\n" + MINIMAL, "transactions", "transactions belongs under [source]"),
        (MINIMAL + "[cleaning]\nreturns = 'keeep'", "cleaning.returns", "did you mean 'keep'?"),
    ],
)
def test_a_misspelt_name_gets_the_nearest_valid_one(tmp_path: Path, text: str, key: str, hint: str) -> None:
    error = refused(tmp_path, text)
    assert error.facts["key"] == key
    assert key in error.message
    assert error.hint == hint


def test_a_table_that_is_no_table_is_refused(tmp_path: Path) -> None:
    assert "source is 'x', not a table" in refused(tmp_path, "source = 'x'").message
    assert "learning is [{'seed': 1}], not a table" in refused(tmp_path, MINIMAL + "[[learning]]\nseed = 1").message


def test_missing_transactions_are_asked_for(tmp_path: Path) -> None:
    error = refused(tmp_path, "[learning]\nseed = 1\n")
    assert error.message == "source.transactions is missing"
    assert 'transactions = "data/transactions.parquet" under [source]' in error.hint


def test_a_missing_file_points_to_init(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no segwarehouse\.toml in") as caught:
        load_config(tmp_path)
    assert "segwarehouse init" in caught.value.hint


def test_a_syntax_error_names_file_and_line(tmp_path: Path) -> None:
    error = refused(tmp_path, MINIMAL + "amount = sales\n")
    assert str(tmp_path / CONFIG_NAME) in error.message
    assert "line 3" in error.message


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / CONFIG_NAME).write_bytes(b'[source]\ntransactions = "caf\xe9.csv"\n')
    with pytest.raises(ConfigError, match="can't be read"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://localhost/shop",
        "duckdb://warehouse.duckdb",
        "duckdb:/warehouse.duckdb",
        "warehouse.duckdb",
        "duckdb:///",
        "duckdb:///folder/",
        "duckdb:///:memory:",
        "duckdb:///warehouse.duckdb?access_mode=read_only",
        "DUCKDB:///warehouse.duckdb",
    ],
)
def test_another_url_is_refused_with_what_is_supported(tmp_path: Path, url: str) -> None:
    error = refused(tmp_path, f'{MINIMAL}[warehouse]\nurl = "{url}"\n')
    assert error.facts["key"] == "warehouse.url"
    assert repr(url) in error.message
    assert "duckdb:///relative/path.duckdb or duckdb:////absolute/path.duckdb" in error.message


@pytest.mark.parametrize("name", ["targeting.duckdb", "Features.db", "main", "temp.v2.duckdb"])
@pytest.mark.parametrize("table", ["warehouse", "publish"])
def test_a_database_called_like_a_schema_is_refused_with_the_reason(tmp_path: Path, name: str, table: str) -> None:
    error = refused(tmp_path, f'{MINIMAL}[{table}]\nurl = "duckdb:///folder/{name}"\n')
    assert error.facts["key"] == f"{table}.url"
    assert "ambiguous" in error.message


def test_relative_urls_start_at_the_file_and_absolute_ones_stay(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    config = loaded(project, f'{MINIMAL}[warehouse]\nurl = "duckdb:///{tmp_path}/a b.duckdb"\n')
    assert config.warehouse.url.path == tmp_path / "a b.duckdb"
    config = loaded(project, f'{MINIMAL}[warehouse]\nurl = "duckdb:///../elsewhere/w.duckdb"\n')
    assert config.warehouse.url.path == tmp_path / "elsewhere/w.duckdb"


def test_the_published_path_keeps_the_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "published").symlink_to("state")
    assert loaded(tmp_path, MINIMAL).publish.url.path == tmp_path / "published/warehouse.duckdb"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[publish]\nurl = "duckdb:///published.duckdb"\n', "holds the project itself"),
        ('[publish]\nurl = "duckdb:///../published.duckdb"\n', "holds the project itself"),
        ('[publish]\nurl = "duckdb:///data/published.duckdb"\n', "holds the source data/transactions.parquet"),
        ('[publish]\nurl = "duckdb:///runs/published.duckdb"\n', "in use for something else"),
        ('[warehouse]\nurl = "duckdb:///published/work.duckdb"\n', "holds the working database work.duckdb"),
    ],
)
def test_the_published_folder_must_be_its_own(tmp_path: Path, text: str, reason: str) -> None:
    error = refused(tmp_path, MINIMAL + text)
    assert error.facts["key"] == "publish.url"
    assert reason in error.message


def test_publishing_into_the_working_database_is_allowed(tmp_path: Path) -> None:
    assert loaded(tmp_path, f'{MINIMAL}[publish]\nurl = "duckdb:///warehouse.duckdb"\n').in_place
    assert not loaded(tmp_path, MINIMAL).in_place


@pytest.mark.parametrize("name", ["transactions", "Customers", "two words", "1st", "naïve"])
def test_extra_sources_need_plain_names_of_their_own(tmp_path: Path, name: str) -> None:
    error = refused(tmp_path, f'{MINIMAL}[source.extra]\n"{name}" = "x.csv"\n')
    assert error.facts["key"] == "source.extra"
    assert name in error.message


def test_an_extra_source_without_a_location_is_refused(tmp_path: Path) -> None:
    assert "products is ''" in refused(tmp_path, f'{MINIMAL}[source.extra]\nproducts = ""\n').message
    assert "not a table of name = location" in refused(tmp_path, f"{MINIMAL}extra = 3\n").message


def test_customer_and_department_can_not_be_one_column(tmp_path: Path) -> None:
    error = refused(tmp_path, f'{MINIMAL}customer_id = "x"\ndepartment = "x"\n')
    assert error.facts["key"] == "source.department"


def test_files_are_located_from_the_project_and_relations_are_left_alone(tmp_path: Path) -> None:
    config = loaded(tmp_path, MINIMAL)
    assert config.locate("data/t.parquet") == str(tmp_path / "data/t.parquet")
    assert config.locate("t.CSV") == str(tmp_path / "t.CSV")
    assert config.locate("part*") == str(tmp_path / "part*")
    assert config.locate("/srv/t.parquet") == "/srv/t.parquet"
    assert config.locate("raw.transactions") == "raw.transactions"
    assert config.locate("s3://bucket/t.parquet") == "s3://bucket/t.parquet"


def test_every_setting_is_described() -> None:
    described = list(settings())
    assert {item.table for item in described} == {
        "warehouse",
        "publish",
        "source",
        "cleaning",
        "learning",
        "rules",
        "audience",
        "gate",
        "history",
    }
    assert all(item.description.endswith(".") and item.accepts for item in described)
    assert [item.key for item in described if item.required] == ["transactions"]


def test_the_written_file_reads_back_to_the_same_object(tmp_path: Path) -> None:
    given: dict[str, dict[str, object]] = {
        "warehouse": {"url": "duckdb:///db/warehouse.duckdb"},
        "source": {
            "transactions": 'odd "name" \\ 木.parquet',
            "customer_id": "Kunde\tNr",
            "department": "dept\x7f",
            "amount": "#1 = [x]",
            "extra": {"products": "data/products.parquet"},
        },
        "learning": {"departments": ["A & B", "水産", "🐟"], "balance": True, "seed": 7},
        "audience": {"control_share": 0.25},
    }
    text = render_config(given)
    config = loaded(tmp_path, text)
    assert config.warehouse.url.path == tmp_path / "db/warehouse.duckdb"
    assert config.source.transactions == given["source"]["transactions"]
    assert config.source.customer_id == "Kunde\tNr"
    assert config.source.department == "dept\x7f"
    assert config.source.amount == "#1 = [x]"
    assert config.source.extra == (ExtraSource("products", "data/products.parquet"),)
    assert config.learning.departments == ("A & B", "水産", "🐟")
    assert (config.learning.balance, config.learning.seed) == (True, 7)
    assert config.audience.control_share == 0.25
    assert config.cleaning == loaded(tmp_path, MINIMAL).cleaning


def test_the_commented_defaults_of_the_written_file_are_the_real_ones(tmp_path: Path) -> None:
    bare = loaded(tmp_path, render_config({"source": {"transactions": "t.csv"}}))
    text = render_config({"source": {"transactions": "t.csv"}})
    optional = (
        "occurred_at", "transaction_id", "quantity", "amount", "unit_price", "date_format", "category", "channel",
        "discount", "is_promotion", "ledger", "customers", "cost_per", "value_per", "expected_uplift",
    )  # fmt: skip
    active = [
        line.removeprefix("# ") if " = " in line and not line.startswith(tuple(f"# {key}" for key in optional)) else ""
        for line in text.splitlines()
    ]
    tables = [line if line.startswith("[") else "" for line in text.splitlines()]
    uncommented = "\n".join(left or right for left, right in zip(tables, active, strict=True))
    assert "outcome_days = 91" in uncommented
    assert loaded(tmp_path, uncommented) == bare
