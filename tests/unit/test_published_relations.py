"""A published table is declared once: models, words, reserved names and documentation agree with that."""

from pathlib import Path

import pyarrow as pa
import pytest

from segwarehouse.domain import Feature
from segwarehouse.errors import SegwarehouseError
from segwarehouse.evaluate.bootstrap import Estimate
from segwarehouse.evaluate.judge import Evaluation
from segwarehouse.evaluate.profit import ProfitCurve, ProfitPoint
from segwarehouse.features.catalogue import reserved_view_names
from segwarehouse.project import Model, read_model
from segwarehouse.results.quality import profit_rows
from segwarehouse.results.reach import Reach
from segwarehouse.results.tables import COMMENTS, OF_DEPARTMENTS, TABLES, arrow
from segwarehouse.state.comments import Words
from segwarehouse.templates import TemplateFolder, packaged
from tests.docs.generated import column_lines

ROOT = Path(__file__).parents[2]
MODELS = TemplateFolder.of("models")
SQL_TYPES = {
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
    pa.date32(): "DATE",
    pa.bool_(): "BOOLEAN",
}
PUBLISHED = {path.stem for path in packaged("models").glob("targeting/*.sql")} | {"audiences"}


def model(name: str) -> Model:
    return read_model(MODELS, f"targeting/{name}.sql", {})


def test_every_published_relation_is_reserved(tmp_path: Path) -> None:
    assert len(PUBLISHED) > 15
    assert PUBLISHED | TABLES.keys() <= reserved_view_names(MODELS)
    own = tmp_path / "models" / "targeting" / "Regions.sql"
    own.parent.mkdir(parents=True)
    own.write_text("select 1 as region", encoding="utf-8")
    assert reserved_view_names(TemplateFolder.of("models", tmp_path)) - reserved_view_names(MODELS) == {"regions"}


def test_every_published_relation_is_documented() -> None:
    record = (ROOT / "docs" / "decisions" / "0006-the-published-relations.md").read_text(encoding="utf-8")
    assert {name for name in PUBLISHED if f"`{name}`" not in record} == set()


@pytest.mark.parametrize("name", sorted(TABLES))
def test_the_reference_page_has_the_columns_that_are_declared(name: str) -> None:
    page = (ROOT / "docs" / "relations.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## targeting.{name}\n")[2].partition("\n## ")[0]
    declared = [(each.name, SQL_TYPES[each.type or pa.int64()], each.comment) for each in TABLES[name].columns]
    assert "\n".join(column_lines(declared)) in section


@pytest.mark.parametrize("name", sorted(TABLES))
def test_a_model_publishes_the_columns_that_are_declared_in_their_order(name: str) -> None:
    """What a model adds of its own, such as the held-out figures of rules, comes after them."""
    published = model(name).query.named_selects
    assert tuple(published[: len(TABLES[name].names)]) == TABLES[name].names
    assert (len(published) > len(TABLES[name].names)) == (name == "rules")


@pytest.mark.parametrize("name", sorted(TABLES))
def test_what_a_declared_column_is_stands_nowhere_else(name: str) -> None:
    said = {contract.column for contract in model(name).contracts if contract.description}
    assert said & set(TABLES[name].names) == set()
    assert all(column.comment for column in TABLES[name].columns)
    assert len(set(TABLES[name].names)) == len(TABLES[name].columns)


def test_no_file_has_words_of_a_table_that_declares_its_own() -> None:
    assert Words.read(TemplateFolder.of("sql")).columns.keys() & COMMENTS.keys() == set()


def test_what_is_hidden_counted_or_carried_over_names_declared_columns() -> None:
    for table in TABLES.values():
        if table.on_today:
            named = (table.on_today.share, table.on_today.contacts, *table.on_today.in_proportion)
            assert set(named) <= set(table.names)
            assert table.name in OF_DEPARTMENTS
        if table.hide:
            assert table.name in OF_DEPARTMENTS
    assert {name for name in TABLES if name not in OF_DEPARTMENTS} == {"features", "correlations", "customers_map"}
    names = list(TABLES)
    assert names.index("rules") < names.index("departments")
    assert names.index("segments") < names.index("department_maps")


def test_every_table_of_departments_has_one_maker() -> None:
    makers = {name: (table.make_in_worker, table.make_in_parent) for name, table in TABLES.items()}
    one = {name for name, (worker, parent) in makers.items() if (worker is None) != (parent is None)}
    assert one == set(OF_DEPARTMENTS)


def test_profit_is_made_in_the_columns_that_are_declared() -> None:
    """The one table that a refresh leaves empty where no uplift is configured."""
    points = tuple(ProfitPoint(share, Estimate(share, 0.0, 1.0, 0.1)) for share in (0.0, 0.5, 1.0))
    curve = ProfitCurve(points, points[2], Estimate(1.0, 0.5, 1.0, 0.1))
    reach = Reach(candidates=1000, selected=900, contactable=900, contacts=90, control_share=0.1)
    rows = [
        {"department_key": 1, "department": "D", **row} for row in profit_rows(Evaluation(None, profit=curve), reach)
    ]
    found = arrow("profit", rows)
    assert found.num_rows == 3
    assert {name for name in TABLES["profit"].names if found[name].null_count == 3} == set()
    assert found["best_contacts_high"].to_pylist() == [None, None, 900]


def test_the_dictionary_of_features_has_the_fields_of_a_feature() -> None:
    assert tuple(Feature.__dataclass_fields__) == TABLES["features"].names


def test_a_row_may_lack_a_column_but_has_none_that_is_not_declared() -> None:
    found = arrow("correlations", [{"feature": "a", "other_feature": "b", "correlation": float("nan")}, {}])
    assert found.schema == TABLES["correlations"].schema()
    assert found.to_pylist() == [
        {"feature": "a", "other_feature": "b", "correlation": None},
        dict.fromkeys(TABLES["correlations"].names),
    ]
    with pytest.raises(SegwarehouseError, match="correlations has no column p_value"):
        arrow("correlations", [{"feature": "a", "p_value": 0.5}])


def test_the_schema_of_a_table_of_customers_waits_for_their_ids() -> None:
    assert TABLES["customers_map"].schema(pa.int64()).field("customer_id").type == pa.int64()
    assert [name for name in TABLES if TABLES[name].has_customers] == [
        "department_maps",
        "customers_map",
        "shap_values",
    ]
