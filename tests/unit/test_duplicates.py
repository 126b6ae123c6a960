"""Lines are copies of each other where every column of the source is equal, and only then."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from segwarehouse.api import Project
from segwarehouse.config import load_config
from segwarehouse.features.staging import stage
from segwarehouse.templates import TemplateFolder, row_hash
from segwarehouse.warehouse import DuckDB, relation

TODAY = dt.date(2026, 1, 1)

# One customer bought the same things at the same time in one department: sku, shelf or nested column tell them apart.
SOURCE = """
select 7 as customer_id, 'A' as department, timestamp '2025-03-01 10:00' as occurred_at, 1.5 as amount,
    sku, tags, place, file
from (values
    ('x', ['a', 'b'], {'lane': 1, 'note': null}, 'first'),
    ('x', ['a', 'b'], {'lane': 1, 'note': null}, 'first'),
    ('x', ['a', 'b'], {'lane': 1, 'note': null}, 'first'),
    ('y', ['a', 'b'], {'lane': 1, 'note': null}, 'first'),
    ('x', ['a, b'], {'lane': 1, 'note': null}, 'first'),
    ('x', ['a', 'b'], {'lane': 1, 'note': 'NULL'}, 'first'),
    ('x', ['a', 'b'], {'lane': 1, 'note': null}, null),
    ('x', ['a', 'b'], {'lane': 1, 'note': null}, null),
    ('x', ['a', 'b'], {'lane': 1, 'note': null}, '')
) as t (sku, tags, place, file)
"""
CONFIG = """
[source]
transactions = "./t.parquet"
customer_id = "customer_id"
department = "department"
occurred_at = "occurred_at"
amount = "amount"
"""


def cleaned(folder: Path, query: str, cleaning: str = "") -> tuple[Mapping[str, int], pa.Table]:
    """Stage what a query returns, as a Parquet file; return what became of the lines, and those that are kept."""
    with duckdb.connect() as connection:
        connection.execute(f"copy ({query}) to '{folder / 't.parquet'}' (format parquet)")
    (folder / "segwarehouse.toml").write_text(f"{CONFIG}[cleaning]\n{cleaning}\n", encoding="utf-8")
    models = TemplateFolder.of("models", folder)
    with DuckDB(None, base=folder, threads=1) as warehouse:
        found = stage(load_config(folder), warehouse, models, as_of=None, today=TODAY)
        return found.cleaning, warehouse.fetch(exp.select("*").from_(relation("staging.purchases").table()))


def test_copies_are_counted_and_kept_unless_the_configuration_says_otherwise(tmp_path: Path) -> None:
    found, rows = cleaned(tmp_path, SOURCE)
    assert found == {"kept": 6, "kept duplicate": 3}
    assert rows.num_rows == 9


def test_a_line_that_differs_in_a_column_without_a_part_is_no_copy(tmp_path: Path) -> None:
    found, rows = cleaned(tmp_path, SOURCE, 'duplicates = "drop"')
    assert found == {"kept": 6, "duplicate": 3}
    assert rows.num_rows == 6


def test_copies_without_an_amount_are_counted_once(tmp_path: Path) -> None:
    unknown = SOURCE.replace("1.5 as amount", "if(sku = 'y', 1.5, null) as amount")
    assert cleaned(tmp_path, unknown)[0] == {"kept": 1, "kept without amount": 5, "kept duplicate": 3}


def test_copies_that_are_left_out_for_another_reason_are_no_duplicates(tmp_path: Path) -> None:
    nobody = SOURCE.replace("select 7 as", "select if(file is null, null, 7) as")
    assert cleaned(tmp_path, nobody)[0] == {"kept": 5, "kept duplicate": 2, "no customer": 2}


OWN = "select customer_id, department, occurred_at, amount{more} from source.transactions"


@pytest.mark.parametrize(
    ("more", "duplicates"),
    [
        ("", 8),
        (", sku", 7),
        (", sku, file", 5),
        (", {{ source_columns | row_hash }} as row_hash", 3),
        (", 1 as row_hash", 8),
        (", row_number() over () as row_hash", 0),
    ],
)
def test_a_model_of_ones_own_is_compared_by_what_it_hands_on(tmp_path: Path, more: str, duplicates: int) -> None:
    own = tmp_path / "models" / "staging"
    own.mkdir(parents=True)
    (own / "transactions.sql").write_text(OWN.format(more=more), encoding="utf-8")
    kept = {"kept": 9 - duplicates}
    assert cleaned(tmp_path, SOURCE)[0] == kept | ({"kept duplicate": duplicates} if duplicates else {})
    dropped = cleaned(tmp_path, SOURCE, 'duplicates = "drop"')[0]
    assert dropped == kept | ({"duplicate": duplicates} if duplicates else {})


def of_two_customers() -> str:
    people = ((1, "A"), (2, "B"))
    return " union all ".join(
        SOURCE.replace("7 as customer_id, 'A'", f"{who} as customer_id, '{where}'") for who, where in people
    )


@pytest.mark.parametrize(("cleaning", "fate"), [("", "are kept"), ('duplicates = "drop"', "would be left out")])
def test_check_warns_where_only_what_a_model_hands_on_is_compared(tmp_path: Path, cleaning: str, fate: str) -> None:
    own = tmp_path / "models" / "staging"
    own.mkdir(parents=True)
    (own / "transactions.sql").write_text(OWN.format(more=""), encoding="utf-8")
    cleaned(tmp_path, of_two_customers(), cleaning)
    advice = "\n".join(Project(tmp_path).check().advice)
    assert f"16 lines equal another line in every column of models/staging/transactions.sql and {fate}" in advice
    assert "unless that file also selects {{ source_columns | row_hash }} as row_hash" in advice


def test_the_example_project_compares_all_columns_of_its_source() -> None:
    example = Path(__file__).parents[2] / "examples" / "complete_journey"
    text = TemplateFolder.of("models", example).render(
        "staging/transactions.sql", {"source_columns": {"product_id": "BIGINT", "store_id": "BIGINT"}}
    )
    assert 'CAST("t"."product_id" AS TEXT)' in text
    assert text.rstrip().splitlines()[-3].strip().endswith("as row_hash")


def test_check_says_how_many_there_are(tmp_path: Path) -> None:
    cleaned(tmp_path, of_two_customers())
    report = Project(tmp_path).check()
    assert {str(row["reason"]): row["rows"] for row in report.cleaning} == {"kept": 12, "kept duplicate": 6}
    assert any(line.startswith("6 lines equal another line in every column of the source") for line in report.advice)


ENGINE = duckdb.connect()
texts = st.one_of(st.none(), st.text(alphabet=",\\N:- a'é", max_size=4))
rows = st.lists(
    st.tuples(texts, texts, st.one_of(st.none(), st.integers(-3, 3)), st.lists(texts, max_size=2)), max_size=9
)


@settings(max_examples=150, deadline=None)
@given(rows)
def test_the_hash_is_equal_exactly_where_rows_are(found: list[tuple[object, ...]]) -> None:
    columns = {"a": "VARCHAR", "b": "VARCHAR", "c": "INTEGER", "d": "VARCHAR[]"}
    table = pa.table(
        [
            pa.array([row[at] for row in found], kind)
            for at, kind in enumerate((pa.string(), pa.string(), pa.int32(), pa.list_(pa.string())))
        ],
        names=list(columns),
    )
    query = sqlglot.parse_one(f"select cast({row_hash(columns)} as varchar) as h from t", dialect="duckdb")
    cursor = ENGINE.cursor()
    cursor.register("t", table)
    hashes = [each for (each,) in cursor.execute(query.sql("duckdb")).fetchall()]
    same = {(i, j) for i, one in enumerate(found) for j, other in enumerate(found) if one == other}
    assert {(i, j) for i, one in enumerate(hashes) for j, other in enumerate(hashes) if one == other} == same


EVERY_TYPE = {
    "union_value(a := 1)::union(a integer, b integer)": "union_value(b := 1)::union(a integer, b integer)",
    "cast('x' as variant)": "cast(['x'] as variant)",
    "cast(1 as variant)": "cast('1' as variant)",
    r"'\xAA'::blob": r"'\xAB'::blob",
    "map {'a': 1}": "map {'a': 2}",
    "timestamp_ns '2025-01-01 00:00:00.000000001'": "timestamp_ns '2025-01-01 00:00:00.000000002'",
    "timestamptz '2025-01-01 00:00:00+00'": "timestamptz '2025-01-01 00:00:00+01'",
    "0.1::double": "nextafter(0.1::double, 1::double)",
    "0.1::float": "0.2::float",
    "1.10::decimal(18, 2)": "1.11::decimal(18, 2)",
    "'a'::enum ('a', 'b')": "'b'::enum ('a', 'b')",
    "interval 1 day": "interval 2 days",
    "'101'::bit": "'100'::bit",
    "[1.5, 2.5]": "[1.5, 2.6]",
    "170141183460469231731687303715884105727::hugeint": "170141183460469231731687303715884105726::hugeint",
    "time '10:00'": "time '10:01'",
    "true": "false",
}


@pytest.mark.parametrize(("one", "other"), EVERY_TYPE.items(), ids=list(EVERY_TYPE))
def test_every_type_can_be_compared(one: str, other: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            f"create table t as select {one} as v union all select {other} union all select {one} union all select null"
        )
        columns = dict(
            connection.sql("select column_name, data_type from duckdb_columns() where table_name = 't'").fetchall()
        )
        hashes = [each for (each,) in connection.sql(f"select {row_hash(columns)} from t").fetchall()]
    assert hashes[0] == hashes[2]
    assert len(set(hashes)) == 3


def test_a_table_of_fifteen_hundred_columns_can_be_compared() -> None:
    columns = {f"c{at}": "VARCHAR" for at in range(1_500)}
    values = ", ".join(f"'{at}' as c{at}" for at in range(1_499))
    with duckdb.connect() as connection:
        connection.execute(f"create table t as select {values}, 'x' as c1499 union all select {values}, 'y'")
        hashes = connection.sql(f"select {row_hash(columns)} from t").fetchall()
    assert hashes[0] != hashes[1]
