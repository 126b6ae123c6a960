"""Templates and macros print no value that no filter has made safe, and a project overrides either by its path."""

from pathlib import Path

import pytest

from segwarehouse.errors import ModelError
from segwarehouse.templates import TemplateFolder, packaged

HOSTILE = "x'; drop table t; --"
IMPORT = "{% from 'macros/own.sql' import own %}"


def rendered(project: Path, macro: str, text: str) -> str:
    """Render a model of a project that has a macro file of its own, with a value that may hold anything."""
    for path, content in (("macros/own.sql", macro), ("features/own.sql", text)):
        file = project / "models" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    return TemplateFolder.of("models", project).render("features/own.sql", {"value": HOSTILE})


def test_a_macro_yields_sql_and_sees_what_its_template_sees(tmp_path: Path) -> None:
    macro = "{% macro own(name) %}{{ name | ident }} = {{ value | literal }}{% endmacro %}"
    assert rendered(tmp_path, macro, IMPORT + "{{ own('a b') }}") == "\"a b\" = 'x''; drop table t; --'"


def test_macros_may_be_composed(tmp_path: Path) -> None:
    macro = (
        "{% macro twice(what) %}{{ what }} + {{ what }}{% endmacro %}"
        "{% macro own(name) %}({{ twice(name | ident) }})"
        "{% if caller is defined %}{{ caller() }}{% endif %}{% endmacro %}"
    )
    assert rendered(tmp_path, macro, IMPORT + "{{ own('a') }}") == '("a" + "a")'
    assert rendered(tmp_path, macro, IMPORT + "{% call own('a') %} + 1{% endcall %}") == '("a" + "a") + 1'


BARE = {
    "printed by a macro": ("{% macro own() %}\n{{ value }}{% endmacro %}", "{{ own() }}", "macros/own.sql:2: "),
    "given to a macro": ("{% macro own(name) %}{{ name }}{% endmacro %}", "{{ own(value) }}", "macros/own.sql:1: "),
    "joined to a macro's": ("{% macro own() %}a{% endmacro %}", "\n{{ own() ~ value }}", "features/own.sql:2: "),
    "changed from a macro's": (
        "{% macro own() %}a{% endmacro %}",
        "{{ own().replace('a', value) }}",
        "without a filter",
    ),
    "in the block of a call": (
        "{% macro own() %}{{ caller() }}{% endmacro %}",
        "{% call own() %}{{ value }}{% endcall %}",
        "without a filter",
    ),
    "by a filter of a block": (
        "",
        "\n{% filter replace('a', value) %}a{% endfilter %}",
        "own.sql:2: a block has no filter",
    ),
    "called with a block": ("", "{% call '{}'.format(value) %}{% endcall %}", "only a macro is called with a block"),
}


@pytest.mark.parametrize("way", BARE)
def test_no_macro_prints_a_bare_value(tmp_path: Path, way: str) -> None:
    macro, text, complaint = BARE[way]
    with pytest.raises(ModelError) as caught:
        rendered(tmp_path, macro, (IMPORT if macro else "") + text)
    assert complaint in str(caught.value)
    assert caught.value.facts["path"]


@pytest.mark.parametrize(
    ("macro", "call", "complaint"),
    [
        ("{% macro own(name) %}{{ name | ident }}{% endmacro %}", "{{ own() }}", "parameter 'name' was not provided"),
        ("{% macro own() %}a{% endmacro %}", "{{ own(1) }}", "takes not more than 0 argument"),
        (
            "{% macro own() %}{{ valeu | ident }}{% endmacro %}",
            "{{ own() }}",
            "'valeu' is undefined (it may use value)",
        ),
        ("{% macro other() %}a{% endmacro %}", "{{ own() }}", "does not export the requested name 'own'"),
        ("{% macro own( %}", "{{ own() }}", "macros/own.sql:1: "),
    ],
)
def test_what_is_wrong_with_a_macro_is_said_with_its_place(
    tmp_path: Path, macro: str, call: str, complaint: str
) -> None:
    with pytest.raises(ModelError) as caught:
        rendered(tmp_path, macro, IMPORT + call)
    assert complaint in str(caught.value)
    assert ".sql:1: " in str(caught.value)


def test_a_changed_macro_is_read_again(tmp_path: Path) -> None:
    for name in ("a", "b"):
        macro = f"{{% macro own() %}}{name}{{% endmacro %}}"
        assert rendered(tmp_path, macro, IMPORT + "{{ own() }}") == name


def test_a_project_overrides_a_packaged_macro(tmp_path: Path) -> None:
    own = tmp_path / "models" / "macros"
    own.mkdir(parents=True)
    text = (packaged("models") / "macros" / "staging.sql").read_text(encoding="utf-8")
    (own / "staging.sql").write_text(text.replace("cast(null as varchar)", "cast('?' as varchar)"), encoding="utf-8")
    context = {"has": {"occurred_at": False}, "tomorrow": None}
    path = "staging/extent.sql"
    assert "cast(null as varchar)" in TemplateFolder.of("models").render(path, context)
    assert "cast('?' as varchar)" in TemplateFolder.of("models", tmp_path).render(path, context)
