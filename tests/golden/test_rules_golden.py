"""Each card in `rules/*.toml` compiles to the text in the file of the same name, and that very text is right.

The text proves what is written, the proof proves that it is right: the `.sql` file itself runs, against Python.
To accept a change of the SQL on purpose: `SEGWAREHOUSE_ACCEPT=1 pytest tests/golden`.
"""

import datetime as dt
import os
import tomllib
from pathlib import Path

import pyarrow as pa
import pytest
import sqlglot
from sqlglot import exp

from segwarehouse.domain import Activity, ActivityTerm, Card, Condition, Feature, Operator, Rule
from segwarehouse.rules.boundaries import boundary_columns
from segwarehouse.rules.compile import CUSTOMERS, DEPARTMENT_COUNTS, ViewSpec, department_view
from segwarehouse.rules.prove import prove_on_customers
from segwarehouse.rules.validate import validate_view
from segwarehouse.warehouse import SourceEngine
from tests.engines import DIALECT

CASES = sorted(Path(__file__).parent.glob("rules/*.toml"))


def read_audience(path: Path) -> ViewSpec:
    case = tomllib.loads(path.read_text(encoding="utf-8"))
    rules = tuple(
        Rule(tuple(Condition(name, Operator(sign), float(at)) for name, sign, at in rule["conditions"]), rule["points"])
        for rule in case["rules"]
    )
    activity = case["activity"]
    terms = tuple(ActivityTerm(name, weight) for name, weight in activity["terms"])
    card = Card(
        rules, Activity(terms, activity["floor"], activity["unit"], activity["cap"]), tuple(case["probabilities"])
    )
    features = {name: Feature(name, *described) for name, described in case["features"].items()}
    return ViewSpec(
        card,
        features,
        department_key=case["department_key"],
        budget=case["budget"],
        control_share=case["control_share"],
        salt=case["salt"],
        as_of=dt.date.fromisoformat(str(case["as_of"])),
        run_id=case["run_id"],
    )


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_card_compiles_to_this_text(path: Path) -> None:
    text = department_view(read_audience(path)).sql(DIALECT, pretty=True) + "\n"
    expected = path.with_suffix(".sql")
    if os.environ.get("SEGWAREHOUSE_ACCEPT"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_this_text_selects_ranks_and_scores_as_python_does(engine: SourceEngine, path: Path) -> None:
    audience = read_audience(path)
    view = sqlglot.parse_one(path.with_suffix(".sql").read_text(encoding="utf-8"), read=DIALECT, into=exp.Select)
    columns, rows = boundary_columns([audience.card], seed=1)
    arrays = {name: pa.array(values, mask=missing, from_pandas=False) for name, (values, missing) in columns.items()}
    ids = pa.array(range(rows))
    engine.execute(exp.Create(this=exp.Table(db=exp.to_identifier("features")), kind="SCHEMA"))
    engine.load(CUSTOMERS, pa.table({"customer_id": ids, **arrays}))
    keys = pa.array([audience.department_key] * (rows // 5))
    engine.load(
        DEPARTMENT_COUNTS,
        pa.table({"customer_id": ids.take(pa.array(range(0, rows // 5 * 5, 5))), "department_key": keys}),
    )
    validate_view(view, engine.columns(CUSTOMERS))
    proof = prove_on_customers(engine, audience, view=view)
    proof.require(path.stem)
    assert proof.selected > audience.budget or not audience.card.rules


def test_there_are_cases() -> None:
    assert len(CASES) >= 4
    assert {path.stem for path in CASES} == {path.stem for path in CASES[0].parent.glob("*.sql")}
