"""Text on its way out: no credentials, nothing that steers a terminal; JSON stays true."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwarehouse.display import facts, sentences, table
from segwarehouse.errors import ConfigError
from segwarehouse.outgoing import as_json, masked, masked_values, printable

SECRET = "s3cr3t"  # noqa: S105 - it is what must not be seen


@pytest.mark.parametrize(
    "text",
    [
        f"https://ann:{SECRET}@host/t.parquet",
        f"no file matches 'https:/ann:{SECRET}@host/t.parquet'",
        f"https://{SECRET}@host/t.parquet",
        f"postgres://ann:p@{SECRET}@host:5432/shop",
        f"postgres://ann:p/{SECRET}@host:5432/shop",
        f"https://host/t.csv?v=1&token={SECRET}&w=2",
        f"https://host/t.csv?key={SECRET}",
        f"https://host/t.csv?sig={SECRET}#x",
        f"https://host/t.csv?X-Amz-Algorithm=a&X-Amz-Signature={SECRET}",
        f"https://host/t.csv?X-Amz-Security-Token={SECRET}",
        f"host=db user=ann password={SECRET} port=1",
        f"host=db user=ann password='it is {SECRET}' port=1",
        f"host=db user=ann password = {SECRET}",
        f"Server=db;Uid=ann;Pwd={SECRET};",
        f"DefaultEndpointsProtocol=https;AccountKey={SECRET}==;",
        f"api_key={SECRET}",
        f"SECRET_TOKEN={SECRET}",
    ],
)
def test_no_credential_is_left(text: str) -> None:
    assert SECRET not in masked(text)
    assert "***" in masked(text)
    assert masked(masked(text)) == masked(text)
    assert SECRET not in str(ConfigError(text, text, value=text, nested={"a": [text]}))
    assert SECRET not in repr(masked_values({"a": [text, (text,)], "b": 1}))
    assert SECRET not in repr(ConfigError("x", value={"a": [text]}).facts)


@pytest.mark.parametrize(
    "text",
    [
        "data/transactions.parquet",
        "data/key=1/part.parquet",
        "ann@example.com bought 3",
        "https://host:8080/t.parquet?v=1",
        "write KEY=COLUMN, such as department=Range",
        'where "token" = 3 and secret_count >= 2 and "a" = 1',
        "duckdb:////srv/warehouse.duckdb",
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert masked(text) == text
    assert printable(text) == text


def test_what_steers_a_terminal_is_written_out_and_scripts_are_not() -> None:
    assert printable("a\x1b[2J\x07\x9b1m\u202eb\r\n\u2028") == r"a\x1b[2J\x07\x9b1m\u202eb\r\n\u2028"
    for plain in ("海鲜", "Été", "🐟", "a\u3000b", "a\xa0b", "'\"=1+1"):
        assert printable(plain) == plain


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_is_true_and_printable(text: str) -> None:
    written = as_json({"name": text, text: [1.5, None]}, indent=2)
    assert json.loads(written) == {"name": text, text: [1.5, None]} or text == "name"
    assert {unicodedata.category(sign) for sign in written if sign != "\n"} & {"Cc", "Cf", "Zl", "Zp"} == set()


def test_a_notebook_shows_no_sign_that_turns_the_direction() -> None:
    shown = facts("\u202et", {"\x1bn": "\u202ev"}) + table("t", [{"a": "\u202e"}]) + sentences(["\u202e"])
    assert "\u202e" not in shown
    assert "\x1b" not in shown
    assert r"\u202e" in shown
