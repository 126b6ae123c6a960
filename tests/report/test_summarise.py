"""What the report says is what the state says: the same numbers, nobody's id, no group that is too small."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from segwarehouse.report import summarise, write_report
from segwarehouse.report.html import MOST_BYTES
from segwarehouse.report.pictures import Detail
from segwarehouse.state.published import PublishedState
from tests.conftest import DEPARTMENTS

COPIES = 40
DEPARTMENT_TABLES = (
    "departments", "rules", "evaluated_rules", "curves", "profit", "reliability", "confusions", "segments",
    "cluster_scores", "mixtures", "department_maps", "shap_values", "audiences",
)  # fmt: skip


def ask(state: Path, query: str) -> pd.DataFrame:
    with duckdb.connect(str(state), read_only=True) as connection:
        return connection.execute(query).df()


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, key)
    else:
        yield key, value


def part_of(summary: dict[str, Any], name: str) -> dict[str, Any]:
    return next(part for part in summary["departments"] if part["name"] == name)


def test_it_is_plain_json(summary: dict[str, Any]) -> None:
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_no_key_is_a_customers(summary: dict[str, Any]) -> None:
    keys = {key for key, _ in leaves(summary)}
    assert len(keys) > 100
    assert not {key for key in keys if "customer_id" in key}


@pytest.mark.parametrize("department", DEPARTMENTS)
def test_curves_are_those_of_the_table(state: Path, summary: dict[str, Any], department: str) -> None:
    curves = part_of(summary, department)["curves"]
    table = ask(state, f"select * from targeting.curves where department = '{department}' order by share")
    assert set(curves) == set(table["ranking"])
    for ranking, columns in curves.items():
        expected = table[table["ranking"] == ranking]
        for column, values in columns.items():
            assert values == pytest.approx(expected[column].tolist(), rel=1e-4)


def test_curves_say_what_evaluation_says_at_the_points_of_both(state: Path) -> None:
    names = {"expected buyers": "expected_buyers", "precision": "precision", "recall": "recall", "lift": "lift"}
    compared = ask(
        state,
        "select e.metric, e.value, e.low, e.high, c.* from targeting.evaluation as e join targeting.curves as c on "
        "c.department = e.department and c.ranking = e.ranking and c.contacts = e.budget where e.evaluated_at is null",
    )
    budgets = ask(
        state, "select count(*) as n from targeting.evaluation where evaluated_at is null and budget is not null"
    )
    assert len(compared) == budgets["n"].iloc[0] > 100
    for metric, column in names.items():
        rows = compared[compared["metric"] == metric]
        for mine, theirs in (("value", column), ("low", f"{column}_low"), ("high", f"{column}_high")):
            pd.testing.assert_series_equal(rows[mine], rows[theirs], check_names=False)


def test_curves_go_to_everyone_and_chance_is_one(state: Path) -> None:
    curves = ask(state, "select * from targeting.curves")
    everyone = curves[curves["share"] == 1.0]
    assert len(everyone) == len(DEPARTMENTS) * 5
    assert everyone["lift"].to_numpy() == pytest.approx(1.0)
    assert everyone["recall"].to_numpy() == pytest.approx(1.0)
    assert curves.loc[curves["ranking"] == "random", "lift"].to_numpy() == pytest.approx(1.0)
    assert curves.groupby(["department", "ranking"])["contacts"].is_monotonic_increasing.all()


def test_reasons_are_counted_over_those_to_contact(state: Path, summary: dict[str, Any]) -> None:
    for part in summary["departments"]:
        audience = ask(
            state, f"select rules_matched from targeting.audiences where in_budget and department = '{part['name']}'"
        )
        assert part["reasons"]["people"] == len(audience)
        for reason in part["reasons"]["rows"]:
            expected = sum(reason["rule"] in matched.split(", ") for matched in audience["rules_matched"])
            assert reason["customers"] == (expected if expected >= summary["min_cell"] else None)


def test_groups_below_the_minimum_cell_are_not_counted_out(summary: dict[str, Any]) -> None:
    changes = {change["change"]: change["customers"] for change in part_of(summary, "Bread")["changes"]}
    assert changes == {"entered": 12, "left": None}
    row = next(row for row in summary["overview"] if row["name"] == "Bread")
    assert row["entered"] == {"customers": 12, "more": False}
    assert row["left"] == {"customers": None, "more": True}


def test_sql_selects_what_the_view_has_within_the_budget(state: Path, summary: dict[str, Any]) -> None:
    for part in summary["departments"]:
        contacts = ask(state, part["sql"]["contacts"])
        expected = ask(state, f'select customer_id from targeting."{part["view"]}" where in_budget order by rank')
        assert contacts["customer_id"].tolist() == expected["customer_id"].tolist()
        selected = ask(state, f'select customer_id from targeting."{part["view"]}"')
        assert len(ask(state, part["sql"]["all_rules"])) == len(selected)
        assert part["figures"]["selected"] in {
            len(selected),
            None,
        }  # None: with the rules' counts it would give one away
        for rule in part["rules"]:
            assert len(ask(state, rule["sql"])) == rule["candidates"]


def test_a_part_can_be_told_alone(state: Path) -> None:
    with PublishedState.of_file(state) as published:
        alone = summarise(published, ["Toys"])
    assert [part["name"] for part in alone["departments"]] == ["Toys"]
    assert len(alone["overview"]) == len(DEPARTMENTS)


def test_a_state_of_an_older_version_is_told_as_far_as_it_goes(state: Path, tmp_path: Path) -> None:
    older = tmp_path / "older.duckdb"
    shutil.copyfile(state, older)
    with duckdb.connect(str(older)) as connection:
        for name in ("curves", "profit", "changes", "cleaning", "correlations", "customers_map", "shap_values"):
            connection.execute(f"drop table targeting.{name}").fetchall()
    with PublishedState.of_file(older) as published:
        report = write_report(published, tmp_path / "report.html")
    assert report.departments == len(DEPARTMENTS)
    assert "was published before it was kept" in report.path.read_text(encoding="utf-8")


def test_the_report_of_200_departments_is_below_the_limit(state: Path, tmp_path: Path) -> None:
    many = tmp_path / "many.duckdb"
    shutil.copyfile(state, many)
    with duckdb.connect(str(many)) as connection:
        for name in DEPARTMENT_TABLES:
            keyed = "department_key + 1000 * n as department_key, " if name != "audiences" else ""
            connection.execute(
                f"insert into targeting.{name} select t.* replace ({keyed}department || ' ' || n as department) "
                f"from targeting.{name} as t, range(1, {COPIES}) as copies(n)"
            ).fetchall()
    with PublishedState.of_file(many) as published:
        report = write_report(published, tmp_path / "report.html")
    assert report.departments == COPIES * len(DEPARTMENTS) == 200
    assert report.size_bytes == (tmp_path / "report.html").stat().st_size <= MOST_BYTES


def test_detail_shrinks_with_departments_until_nothing_is_drawn() -> None:
    points = [Detail.at(count).map_points for count in (5, 40, 60, 100, 200, 2000)]
    assert points[0] == points[1] == Detail().map_points
    assert points == sorted(points, reverse=True)
    assert points[-1] == 0


def test_a_state_of_an_older_version_claims_nothing_of_the_budget(state: Path, tmp_path: Path) -> None:
    older = Path(shutil.copyfile(state, tmp_path / "older.duckdb"))
    with duckdb.connect(str(older)) as connection:
        for column in ("verdict_at_budget", "judged_contacts", "expected_buyers", "extra_buyers", "contactable"):
            connection.execute(f"alter table targeting.departments drop column {column}")
    with PublishedState.of_file(older) as published:
        summary = summarise(published)
    assert "most active customers" not in summary["words"]["overview"]
    for part in summary["departments"]:
        assert part["verdict_words"].startswith("The verdict is “not measured”, and over all candidates")
        assert part["words"]["headline"] == "How many of the contacted would buy is not known."
