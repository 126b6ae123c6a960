"""A published state explains itself: every relation and every column of schema `targeting` has a comment."""

from pathlib import Path

from segwarehouse.refresh import RefreshReport
from segwarehouse.state.comments import Words
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import Relation
from tests.engines import ask_rows


def test_every_relation_has_a_comment(published: tuple[Path, RefreshReport]) -> None:
    bare = """
        select table_name from information_schema.tables
        where table_schema in ('targeting', 'features') and coalesce(table_comment, '') = ''
    """
    assert ask_rows(published[0], bare) == [], "give its model a description, or say it in sql/publish/words.toml"


def test_every_column_has_a_comment(published: tuple[Path, RefreshReport]) -> None:
    bare = """
        select table_name, column_name from information_schema.columns
        where table_schema = 'targeting' and coalesce(column_comment, '') = '' order by table_name, column_name
    """
    assert ask_rows(published[0], bare) == [], "declare it in results/, or say it in its model or in words.toml"


def test_features_are_explained_in_the_words_of_the_rules(published: tuple[Path, RefreshReport]) -> None:
    said = """
        select f.phrase, c.column_comment
        from targeting.features as f
        inner join information_schema.columns as c on c.column_name = f.name and c.table_name = 'customers'
    """
    found = ask_rows(published[0], said)
    assert len(found) > 10
    assert all(phrase == comment for phrase, comment in found)


def test_no_words_are_left_over(published: tuple[Path, RefreshReport]) -> None:
    words = Words.read(TemplateFolder.of("sql"))
    columns = ask_rows(published[0], "select table_schema, table_name, column_name from information_schema.columns")
    known: dict[str, set[str]] = {}
    for schema, table, column in columns:
        known.setdefault(table if schema == "targeting" else f"{schema}.{table}", set()).add(column)
        known.setdefault("common", set()).add(column)
    known["view"] = known["look_alike"] = known["audiences"]
    assert set(words.columns) <= set(known)
    for name, group in words.columns.items():
        assert set(group) <= known[name], name
    assert set(words.relations) <= set(known)


def test_a_models_own_words_come_first_and_bounds_explain_themselves() -> None:
    words = Words.read(TemplateFolder.of("sql"))
    runs = Relation("targeting", "runs")
    assert words.of_column(runs, "status", "what became of it") == "what became of it"
    assert words.of_column(runs, "status").startswith("running")
    assert words.of_column(runs, "auc_low") == "lower bound of the 95 percent interval of auc"
    assert words.of_column(runs, "unheard_of") == ""
