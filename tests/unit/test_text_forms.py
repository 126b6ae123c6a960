"""Times and numbers that are texts are read as the configuration says, each on its own; what can not be is counted."""

import datetime as dt
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from sqlglot import exp

from segwarehouse.config import load_config, render_config
from segwarehouse.errors import DataError
from segwarehouse.features import Staged
from segwarehouse.features.staging import stage
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import relation
from tests.engines import OpenEngine

TODAY = dt.date(2026, 1, 1)
COLUMNS = {"customer_id": "who", "department": "where", "occurred_at": "when", "quantity": "n"}


def staged(
    open_engine: OpenEngine, folder: Path, text: str, source: dict[str, object], **cleaning: str
) -> tuple[Staged, pa.Table]:
    (folder / "t.csv").write_text(text, encoding="utf-8")
    given: dict[str, dict[str, object]] = {
        "source": {"transactions": "./t.csv", **COLUMNS, **source},
        "cleaning": {**cleaning},
    }
    (folder / "segwarehouse.toml").write_text(render_config(given), encoding="utf-8")
    with closing(open_engine()) as engine:
        found = stage(load_config(folder), engine, TemplateFolder.of("models"), as_of=None, today=TODAY)
        rows = exp.select("*").from_(relation("staging.purchases").table()).order_by("occurred_at")
        return found, engine.fetch(rows)


def test_day_first_times_and_decimal_commas_are_read_exactly(open_engine: OpenEngine, tmp_path: Path) -> None:
    text = "who;where;when;n;sum\n01;A;03.02.2025 08:15;1.200;1.234,56\n02;B;01.12.2025 23:59;2;0,05\n"
    form = {"date_format": "%d.%m.%Y %H:%M", "decimal_comma": True, "amount": "sum"}
    _, rows = staged(open_engine, tmp_path, text, form)
    assert rows["occurred_at"].to_pylist() == [dt.datetime(2025, 2, 3, 8, 15), dt.datetime(2025, 12, 1, 23, 59)]
    assert rows["amount"].to_pylist() == [Decimal("1234.5600"), Decimal("0.0500")]
    assert rows["quantity"].to_pylist() == [1200.0, 2.0]
    assert rows["customer_id"].to_pylist() == ["01", "02"]


def test_one_bad_value_is_counted_and_the_others_are_read(open_engine: OpenEngine, tmp_path: Path) -> None:
    text = "who;where;when;n;sum\n1;A;03.02.2025;1;1,5\n2;B;n/a;2;0,05\n3;B;04.02.2025;2;free\n4;B;;2;1\n"
    form = {"date_format": "%d.%m.%Y", "decimal_comma": True, "amount": "sum"}
    found, rows = staged(open_engine, tmp_path, text, form, unparseable_dates="drop", bad_amounts="drop")
    assert found.cleaning == {"kept": 1, "unreadable date": 1, "unusable amount": 1, "no date": 1}
    assert rows["amount"].to_pylist() == [Decimal("1.5000")]
    with pytest.raises(DataError, match="1 of 4 values can't be read as dates"):
        staged(open_engine, tmp_path, text, form)


def test_quantity_times_price_is_the_amount(open_engine: OpenEngine, tmp_path: Path) -> None:
    text = (
        "who;where;when;n;price\n1;A;2025-02-03;3;0.10\n2;B;2025-02-04;-2;1.25\n3;B;2025-02-05;2;\n4;B;2025-02-06;2;x\n"
    )
    found, rows = staged(open_engine, tmp_path, text, {"unit_price": "price"}, bad_amounts="drop", returns="keep")
    assert rows["amount"].to_pylist() == [Decimal("0.3000"), Decimal("-2.5000"), Decimal("0.0000")]
    assert found.cleaning == {"kept": 2, "kept without amount": 1, "unusable amount": 1}
    with pytest.raises(DataError, match=r"source\.unit_price = 'price': 1 of 4"):
        staged(open_engine, tmp_path, text, {"unit_price": "price"}, returns="keep")


def test_a_format_does_nothing_to_times_that_are_times(open_engine: OpenEngine, tmp_path: Path) -> None:
    text = "who;where;when;n\n1;A;2025-02-03;3\n"
    _, rows = staged(open_engine, tmp_path, text, {"date_format": "%d.%m.%Y"})
    assert rows["occurred_at"].to_pylist() == [dt.datetime(2025, 2, 3)]
