"""A first look at an unknown file finds the columns, how they are written, and says what it is not sure of."""

import datetime as dt
import tomllib
from pathlib import Path

import pytest

from segwarehouse.config import CONFIG_NAME, load_config
from segwarehouse.errors import ConfigError, SourceError
from segwarehouse.initialise import Initialised, initialise
from segwarehouse.initialise.names import KEYS, candidates

HEADER = "Beleg-Nr;Kunden-Nr;Belegdatum;Warengruppe;Umsatz"
LINES = (
    "1;000017;31.01.2025 13:05;Fisch;1.094,00",
    "1;000017;31.01.2025 13:05;Getränke;8,50",
    "2;000018;01.02.2025 09:00;Fisch;12,00",
    "3;000017;02.02.2025 10:30;Brot;3,25",
)


def look(folder: Path, text: str, columns: dict[str, str] | None = None, encoding: str = "utf-8") -> Initialised:
    file = folder / "sales.csv"
    file.write_text(text, encoding=encoding)
    return initialise(folder, file, columns)


def how_sure(found: Initialised) -> dict[str, str]:
    return {part.key: part.sure for part in found.parts}


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            {
                "household_id": "VARCHAR",
                "store_id": "BIGINT",
                "basket_id": "BIGINT",
                "product_id": "BIGINT",
                "quantity": "INTEGER",
                "sales_value": "DOUBLE",
                "retail_disc": "DOUBLE",
                "week": "INTEGER",
                "transaction_timestamp": "TIMESTAMP",
                "department": "VARCHAR",
            },
            {
                "customer_id": "household_id",
                "department": "department",
                "occurred_at": "transaction_timestamp",
                "transaction_id": "basket_id",
                "quantity": "quantity",
                "amount": "sales_value",
            },
        ),
        (
            {
                "InvoiceNo": "VARCHAR",
                "StockCode": "VARCHAR",
                "Quantity": "BIGINT",
                "InvoiceDate": "TIMESTAMP",
                "UnitPrice": "DOUBLE",
                "CustomerID": "DOUBLE",
                "ProductCategory": "VARCHAR",
            },
            {
                "customer_id": "CustomerID",
                "department": "ProductCategory",
                "occurred_at": "InvoiceDate",
                "transaction_id": "InvoiceNo",
                "quantity": "Quantity",
                "unit_price": "UnitPrice",
                "category": "ProductCategory",
            },
        ),
        (
            {"Kd.-Nr.": "VARCHAR", "Catégorie": "VARCHAR", "Stückzahl": "BIGINT", "Preis": "DOUBLE"},
            {"customer_id": "Kd.-Nr.", "department": "Catégorie", "quantity": "Stückzahl", "unit_price": "Preis"},
        ),
        ({"a": "VARCHAR", "order_date": "DATE", "totals": "DATE"}, {"occurred_at": "order_date"}),
        (
            {"會員編號": "BIGINT", "商品大類": "VARCHAR", "交易日期": "DATE", "數量": "BIGINT", "金額": "DOUBLE"},
            {
                "customer_id": "會員編號",
                "department": "商品大類",
                "occurred_at": "交易日期",
                "quantity": "數量",
                "amount": "金額",
            },
        ),
        (
            {"顧客ID": "BIGINT", "カテゴリー": "VARCHAR", "購入日時": "TIMESTAMP", "売上金額": "DOUBLE"},
            {"customer_id": "顧客ID", "department": "カテゴリー", "occurred_at": "購入日時", "amount": "売上金額"},
        ),
        (
            {"고객번호": "BIGINT", "상품분류": "VARCHAR", "거래일자": "DATE", "주문번호": "BIGINT"},
            {
                "customer_id": "고객번호",
                "department": "상품분류",
                "occurred_at": "거래일자",
                "transaction_id": "주문번호",
            },
        ),
        (
            {"ID клиента": "BIGINT", "Категория": "VARCHAR", "Дата покупки": "DATE", "Номер чека": "BIGINT"},
            {
                "customer_id": "ID клиента",
                "department": "Категория",
                "occurred_at": "Дата покупки",
                "transaction_id": "Номер чека",
            },
        ),
        ({"ts": "TIMESTAMP WITH TIME ZONE", "status": "VARCHAR"}, {"occurred_at": "ts"}),
        ({}, {}),
    ],
)
def test_columns_are_candidates_by_name_and_type(columns: dict[str, str], expected: dict[str, str]) -> None:
    first = {key: found[0][0] for key in KEYS if (found := candidates(key, columns))}
    assert first == expected


def test_a_german_export_is_read_as_it_is_meant(tmp_path: Path) -> None:
    found = look(tmp_path, "\n".join([HEADER, *LINES]))
    assert found.guesses == {
        "customer_id": "Kunden-Nr",
        "department": "Warengruppe",
        "occurred_at": "Belegdatum",
        "transaction_id": "Beleg-Nr",
        "amount": "Umsatz",
    }
    assert set(how_sure(found).values()) == {"sure"}
    assert found.written == {"date_format": "%d.%m.%Y %H:%M", "decimal_comma": True}
    assert found.missing == {"quantity": "", "category": ""}
    seen = {part.key: part.seen for part in found.parts}
    assert "2025-01-31 to 2025-02-02" in seen["occurred_at"]
    assert "3.25 to 1,094" in seen["amount"]
    assert found.preview["Kunden-Nr"].tolist()[0] == "000017"


def test_what_is_written_is_what_the_configuration_says(tmp_path: Path) -> None:
    look(tmp_path, "\n".join([HEADER, *LINES]), encoding="latin-1")
    config = load_config(tmp_path)
    assert config.source.encoding == "latin-1"
    assert (config.source.date_format, config.source.decimal_comma) == ("%d.%m.%Y %H:%M", True)
    assert config.source.transactions == "./sales.csv"
    assert config.learning.outcome_days == 91
    text = (tmp_path / CONFIG_NAME).read_text(encoding="utf-8")
    assert "# sure: 3 different values: Fisch, Brot, Getränke" in text


def test_day_and_month_that_can_be_changed_round_are_doubtful(tmp_path: Path) -> None:
    rows = [f"{n % 5},A{n % 2},0{1 + n % 9}/0{1 + n % 8}/2025" for n in range(40)]
    found = look(tmp_path, "\n".join(["customer_id,department,date", *rows]))
    part = next(part for part in found.parts if part.key == "occurred_at")
    assert part.sure == "please check"
    assert "%d/%m/%Y" in part.seen
    assert "%m/%d/%Y" in part.seen


def test_one_day_after_the_twelfth_settles_which_is_the_month(tmp_path: Path) -> None:
    rows = [f"{n % 5},A{n % 2},0{1 + n % 9}/0{1 + n % 8}/2025" for n in range(40)]
    found = look(tmp_path, "\n".join(["customer_id,department,date", *rows, "1,A1,02/13/2025"]))
    assert found.written == {"date_format": "%m/%d/%Y"}
    assert how_sure(found)["occurred_at"] == "sure"


def test_a_price_and_a_quantity_make_the_amount(tmp_path: Path) -> None:
    rows = [f"{n % 5},A{n % 2},{n % 3 + 1},{n}.5" for n in range(20)]
    found = look(tmp_path, "\n".join(["CustomerID,Category,Quantity,UnitPrice", *rows]))
    assert found.guesses["unit_price"] == "UnitPrice"
    assert "amount" not in found.guesses
    assert load_config(tmp_path).source.unit_price == "UnitPrice"


def test_a_price_alone_is_the_amount(tmp_path: Path) -> None:
    rows = [f"{n % 5},A{n % 2},{n}.5" for n in range(20)]
    found = look(tmp_path, "\n".join(["CustomerID,Category,Price", *rows]))
    assert found.guesses["amount"] == "Price"
    assert how_sure(found)["amount"] == "likely"


def test_a_department_without_a_telling_name_is_found_by_its_values(tmp_path: Path) -> None:
    rows = [f"{n % 7},{'DE' if n % 7 < 3 else 'FR'},{'abcdef'[n % 6]}" for n in range(200)]
    found = look(tmp_path, "\n".join(["customer,land,shelf", *rows]))
    assert found.guesses["department"] == "shelf"
    assert how_sure(found)["department"] == "please check"


def test_a_time_without_a_telling_name_is_found_by_its_values(tmp_path: Path) -> None:
    """A customer has one birthday and many purchases; a code of eight digits is no day."""
    rows = [f"{n % 7},A{n % 3},{20250101 + n % 28},0{1 + n % 7}.04.1970,{1 + n % 28:02d}.03.2025" for n in range(200)]
    found = look(tmp_path, "\n".join(["customer,dept,sku,born,bought", *rows]))
    assert found.guesses == {"customer_id": "customer", "department": "dept", "occurred_at": "bought"}
    assert how_sure(found)["occurred_at"] == "please check"
    assert found.written == {"date_format": "%d.%m.%Y"}


@pytest.mark.parametrize(("days", "learning"), [(60, {"outcome_days": 20}), (400, {})])
def test_a_short_history_gets_a_window_that_it_can_be_stepped_back_by(
    tmp_path: Path, days: int, learning: dict[str, int]
) -> None:
    first = dt.date(2025, 1, 1)
    rows = [f"{n % 7},A{n % 3},{first + dt.timedelta(days=n)}" for n in range(days + 1)]
    found = look(tmp_path, "\n".join(["customer,dept,date", *rows]))
    assert found.learning == learning
    assert load_config(tmp_path).learning.outcome_days == learning.get("outcome_days", 91)
    text = (tmp_path / CONFIG_NAME).read_text(encoding="utf-8")
    assert ("a third of the history" in text) == bool(learning)


def test_a_part_that_the_user_names_is_never_another_column(tmp_path: Path) -> None:
    rows = [f"{n % 7},A{n % 3},week {n % 9},2025-03-{1 + n % 28:02d}" for n in range(200)]
    found = look(tmp_path, "\n".join(["customer,dept,week,bought", *rows]), {"occurred_at": "week"})
    assert "occurred_at" not in found.guesses
    assert found.missing["occurred_at"].startswith("week holds 'week 0'")


def test_a_customer_without_a_telling_name_is_found_by_its_values(tmp_path: Path) -> None:
    """Products are of one department, baskets of one day, and neither is who bought."""
    rows = [
        f"{basket % 50},{basket},{product},{'abcde'[product % 5]},2025-03-{1 + basket % 28:02d}"
        for basket in range(400)
        for product in (basket % 70, (3 * basket + 1) % 70)
    ]
    found = look(tmp_path, "\n".join(["wer,korb,was,dept,date", *rows]))
    assert found.guesses == {"customer_id": "wer", "department": "dept", "occurred_at": "date"}
    assert how_sure(found)["customer_id"] == "please check"


def test_a_file_without_a_heading_is_guessed_by_its_values(tmp_path: Path) -> None:
    rows = [f"{n % 50:05d},{n},{['Fish', 'Bread', 'Toys'][n % 7 % 3]},2025-03-{1 + n % 28:02d}" for n in range(400)]
    found = look(tmp_path, "\n".join(rows))
    assert found.guesses == {"customer_id": "column0", "department": "column2", "occurred_at": "column3"}
    assert set(how_sure(found).values()) == {"please check"}


def test_unicode_text_of_a_spreadsheet_is_read(tmp_path: Path) -> None:
    text = "\n".join([HEADER, *LINES]).replace(";", "\t")
    found = look(tmp_path, text, encoding="utf-16")
    assert found.written["encoding"] == "utf-16"
    assert found.guesses["customer_id"] == "Kunden-Nr"


@pytest.mark.parametrize(("bad", "fields"), [("garbage", 1), ('7,"A, B",2025-01-01,x,y', 5)])
def test_a_line_that_breaks_the_table_is_named(tmp_path: Path, bad: str, fields: int) -> None:
    rows = [f"{n % 5},A{n % 2},2025-01-{1 + n % 28:02d}" for n in range(400)]
    rows[200] = bad
    with pytest.raises(SourceError, match=f"line 202 has {fields} fields and the heading 3"):
        look(tmp_path, "\n".join(["customer,dept,date", *rows]))


def test_without_a_customer_the_columns_are_listed_and_the_way_out_is_named(tmp_path: Path) -> None:
    rows = [f"{n},{'abc'[n % 3]}" for n in range(200)]
    with pytest.raises(SourceError, match=r"who bought; .* wer \(200\)") as caught:
        look(tmp_path, "\n".join(["wer,dept", *rows]))
    assert "--column customer_id=COLUMN" in caught.value.hint


def test_without_a_department_the_columns_are_listed_and_the_way_out_is_named(tmp_path: Path) -> None:
    rows = [f"{n % 7},{'DE' if n % 7 < 3 else 'FR'}" for n in range(200)]
    text = "\n".join(["customer,land", *rows])
    with pytest.raises(SourceError, match=r"land \(2\)") as caught:
        look(tmp_path, text)
    assert "--column department=COLUMN" in caught.value.hint
    assert look(tmp_path, text, {"department": "LAND"}).guesses["department"] == "land"


def test_a_column_that_is_named_wrongly_is_refused(tmp_path: Path) -> None:
    text = "\n".join([HEADER, *LINES])
    with pytest.raises(SourceError, match="no column 'Kunde'"):
        look(tmp_path, text, {"customer_id": "Kunde"})
    with pytest.raises(ConfigError, match=r"no source\.custmer_id") as caught:
        look(tmp_path, text, {"custmer_id": "Kunden-Nr"})
    assert "customer_id" in caught.value.hint


def test_values_can_not_break_out_of_the_remarks(tmp_path: Path) -> None:
    rows = [f'{n % 5},"a{n % 2}\n[source]\nbad = \x07 1"' for n in range(40)]
    look(tmp_path, "\n".join(["customer_id,department", *rows]))
    document = tomllib.loads((tmp_path / CONFIG_NAME).read_text(encoding="utf-8"))
    assert set(document["source"]) == {"transactions", "customer_id", "department"}


def test_a_configuration_is_never_overwritten(tmp_path: Path) -> None:
    look(tmp_path, "\n".join([HEADER, *LINES]))
    with pytest.raises(ConfigError, match="exists already"):
        look(tmp_path, "\n".join([HEADER, *LINES]))


def test_years_of_two_digits_are_not_years_of_the_roman_empire(tmp_path: Path) -> None:
    rows = [f"{n % 5};A{n % 2};{n % 28 + 1:02d}.03.25" for n in range(40)]
    found = look(tmp_path, "\n".join(["\ufeff Kunde ;Kategorie;Datum", *rows]))
    assert found.written == {"date_format": "%d.%m.%y"}
    assert "2025-03-01 to 2025-03-28" in next(part.seen for part in found.parts if part.key == "occurred_at")


def test_days_as_whole_numbers_are_times(tmp_path: Path) -> None:
    rows = [f"{n % 5},A{n % 2},202503{n % 28 + 1:02d}" for n in range(40)]
    assert look(tmp_path, "\n".join(["customer,dept,day", *rows])).written == {"date_format": "%Y%m%d"}


@pytest.mark.parametrize(("unit", "factor"), [("seconds", 1), ("milliseconds", 1000)])
def test_times_as_numbers_since_1970_are_read(tmp_path: Path, unit: str, factor: int) -> None:
    rows = [f"{n % 5},A{n % 2},{(1735689600 + 86400 * n) * factor}" for n in range(40)]
    found = look(tmp_path, "\n".join(["visitor_user_id,dept,timestamp", *rows]))
    assert found.written == {"date_format": f"unix {unit}"}
    assert "2025-01-01 to 2025-02-09" in next(part.seen for part in found.parts if part.key == "occurred_at")
    assert load_config(tmp_path).source.date_format == f"unix {unit}"


def test_a_column_that_only_looks_like_it_is_named_with_its_values(tmp_path: Path) -> None:
    rows = [f"{n % 5},A{n % 2},week {n},{n}.50 EUR" for n in range(40)]
    found = look(tmp_path, "\n".join(["customer,dept,timestamp,amount", *rows]))
    assert found.guesses == {"customer_id": "customer", "department": "dept"}
    assert found.missing["occurred_at"].startswith("timestamp holds 'week 0', 'week 1', … which")
    assert found.missing["amount"].startswith("amount holds '0.50 EUR', '1.50 EUR', … which can't be read as numbers")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("sales.xlsx", b"PK", "is a spreadsheet"),
        ("nothere.csv", None, "there is no file"),
        ("head.csv", b"customer_id,department\n", "holds no rows"),
        ("folder", "folder", "is a folder"),
    ],
)
def test_what_can_not_be_transactions_is_refused_in_plain_words(
    tmp_path: Path, name: str, content: bytes | str | None, message: str
) -> None:
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    elif content:
        (tmp_path / name).mkdir()
    with pytest.raises(SourceError, match=message):
        initialise(tmp_path, tmp_path / name)
    assert not (tmp_path / CONFIG_NAME).exists()


def test_a_folder_that_can_not_be_written_to_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("customer,department\n1,a\n2,b\n", encoding="utf-8")
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match="can't be written: ") as refused:
        initialise(tmp_path / "file" / "project", tmp_path / "t.csv")
    assert "--project FOLDER" in refused.value.hint


@pytest.mark.parametrize("method", ["stat", "open"])
def test_a_file_that_may_not_be_read_is_an_error_with_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    (tmp_path / "t.csv").write_text("customer,department\n1,a\n2,b\n", encoding="utf-8")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, method, refuse)
    with pytest.raises(SourceError, match=r"t\.csv can't be read: Permission denied") as refused:
        initialise(tmp_path / "p", tmp_path / "t.csv")
    monkeypatch.undo()
    assert refused.value.hint
