"""A card exported for each engine is the text in `export/`, and that of states is right: it runs, against Python.

To accept a change of the SQL on purpose: `SEGWAREHOUSE_ACCEPT=1 pytest tests/golden`.
"""

import os
from pathlib import Path

import pyarrow as pa
import pytest
import sqlglot
from sqlglot import exp

from segwarehouse.rules.boundaries import boundary_columns
from segwarehouse.rules.compile import CUSTOMERS, DEPARTMENT_COUNTS
from segwarehouse.rules.prove import prove_on_customers
from segwarehouse.rules.render import DIALECTS
from segwarehouse.state.export import PROVED, TRANSPILED, create_view
from segwarehouse.warehouse import Relation, SourceEngine
from tests.engines import DIALECT
from tests.golden.test_rules_golden import read_audience

FOLDER = Path(__file__).parent
CARD = FOLDER / "rules/four_rules_on_activity.toml"
HOSTILE = 'Fish */ drop table x; /* "&"\n-- chips'


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_card_exports_as_this_text(dialect: str) -> None:
    label = PROVED if dialect == DIALECT else TRANSPILED
    text = create_view("Fish & Chips", "fish_chips", read_audience(CARD), dialect, label) + "\n"
    expected = FOLDER / f"export/{dialect}.sql"
    if os.environ.get("SEGWAREHOUSE_ACCEPT"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")
    assert label in text


def test_what_is_exported_for_the_engine_of_states_selects_ranks_and_scores_as_python_does(
    engine: SourceEngine,
) -> None:
    audience = read_audience(CARD)
    create = sqlglot.parse_one((FOLDER / f"export/{DIALECT}.sql").read_text(encoding="utf-8"), read=DIALECT)
    columns, rows = boundary_columns([audience.card], seed=2)
    arrays = {name: pa.array(values, mask=missing, from_pandas=False) for name, (values, missing) in columns.items()}
    ids = pa.array(range(rows))
    for schema in ("features", "targeting"):
        engine.execute(exp.Create(this=exp.Table(db=exp.to_identifier(schema)), kind="SCHEMA"))
    engine.load(CUSTOMERS, pa.table({"customer_id": ids, **arrays}))
    buyers = ids.take(pa.array(range(0, rows // 5 * 5, 5)))
    keys = pa.array([audience.department_key] * len(buyers))
    engine.load(DEPARTMENT_COUNTS, pa.table({"customer_id": buyers, "department_key": keys}))
    engine.execute(create)
    view = exp.select("*").from_(Relation("targeting", "fish_chips").table())
    proof = prove_on_customers(engine, audience, view=view)
    proof.require("Fish & Chips")
    assert proof.selected > 0


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_name_can_not_leave_the_remark(dialect: str) -> None:
    text = create_view(HOSTILE, 'a"b`c', read_audience(CARD), dialect, TRANSPILED)
    statements = [node for node in sqlglot.parse(text, read=dialect) if node is not None]
    assert [type(node) for node in statements] == [exp.Create]
    assert statements[0].find(exp.Drop) is None
    assert statements[0].this.name == 'a"b`c'
