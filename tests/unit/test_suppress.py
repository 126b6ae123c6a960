"""Nothing about fewer customers than the minimum is published, and subtraction finds nothing either."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwarehouse.domain import Activity, Card, Condition, Operator, Rule
from segwarehouse.results.suppress import Totals, suppressed, without_small_rules
from segwarehouse.results.tables import hide, publishable

LEAST = 10
TOTALS = Totals(customers=500, buyers=100, mapped_buyers=80, candidates_then=400, outcome_buyers=60)
NAMES = {"department_key": 1, "department": "FISH"}
Row = dict[str, Any]


def shown(**tables: list[Row]) -> dict[str, list[Row]]:
    return publishable({table: [{**NAMES, **row} for row in rows] for table, rows in tables.items()}, TOTALS, LEAST)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=8), st.integers(1, 20))
def test_what_is_left_out_of_a_partition_can_not_be_worked_out(counts: list[int], least: int) -> None:
    gone = suppressed(counts, least)
    kept = [count for count, out in zip(counts, gone, strict=True) if not out]
    hidden = [count for count, out in zip(counts, gone, strict=True) if out]
    assert not any(0 < count < least for count in kept)
    if hidden:
        nothing_left = not any(kept)
        assert nothing_left or (len(hidden) >= 2 and sum(hidden) >= least)
    if not any(0 < count < least for count in counts):
        assert not hidden


def rule(bought: int, others: int, unique: int) -> Row:
    """A rule as it is counted on 100 buyers and 400 others."""
    matched = bought + others
    return {
        "support": matched / 500, "candidates": others, "unique_candidates": unique, "points": 2,
        "learned_precision": bought / matched, "learned_recall": bought / 100, "learned_lift": bought / matched / 0.2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("bought", "others"), [(9, 60), (60, 9), (95, 60), (60, 395)], ids=["buyers", "others", "other buyers", "the rest"]
)
def test_a_rule_tells_none_of_its_four_cells_where_one_is_small(bought: int, others: int) -> None:
    row = shown(rules=[rule(bought, others, 0)])["rules"][0]
    assert [row[name] for name in ("candidates", "learned_precision", "learned_recall", "learned_lift")] == [None] * 4
    assert row["unique_candidates"] is None
    assert row["points"] == 2
    assert row["support"] == (bought + others) / 500


def test_a_rule_of_enough_customers_is_told_whole() -> None:
    row = shown(rules=[rule(40, 60, 20)])["rules"][0]
    assert row == {**NAMES, **rule(40, 60, 20)}


def test_of_two_rules_neither_can_be_worked_out_from_the_other_and_the_total() -> None:
    """Selected customers less those of the second rule are those that only the first selects."""
    found = shown(
        rules=[rule(40, 60, 5), rule(40, 80, 25)], departments=[{"selected": 85, "buyers": 100, "candidates": 400}]
    )
    assert [row["unique_candidates"] for row in found["rules"]] == [None, None]
    assert found["departments"][0]["selected"] is None


@pytest.mark.parametrize("cell", range(4))
def test_a_confusion_matrix_with_a_small_cell_is_withheld(cell: int) -> None:
    cells = ["true_negatives", "false_positives", "false_negatives", "true_positives"]
    counts: Row = {name: 9 if at == cell else 50 for at, name in enumerate(cells)}
    found = shown(confusions=[{"prior": "natural", **counts}, {"prior": "balanced", **dict.fromkeys(cells, 10)}])
    assert [found["confusions"][0][name] for name in cells] == [None] * 4
    assert [found["confusions"][1][name] for name in cells] == [10] * 4


def test_a_bin_in_which_few_bought_is_hidden_with_another_one() -> None:
    bins = [{"bin": at, "candidates": 40, "predicted": 0.3, "observed": n / 40} for at, n in enumerate((3, 12, 20, 25))]
    found = shown(reliability=bins)["reliability"]
    assert [row["observed"] is None for row in found] == [True, True, False, False]
    assert [row["predicted"] for row in found] == [0.3] * 4
    other_side = shown(reliability=[{**bins[0], "observed": 38 / 40}, *bins[1:]])["reliability"]
    assert other_side[0]["observed"] is None


def segment(kind: str, number: int, size: int, share: float = 0.5) -> Row:
    return {"kind": kind, "segment_id": number, "size": size, "buyer_share": share, "lift": 1.0}


def test_a_small_segment_goes_with_another_and_with_its_customers_on_the_map() -> None:
    rows = [segment("persona", 0, 200), segment("persona", 1, 6), segment("persona", 2, 50), segment("mixture", 0, 256)]
    found = shown(segments=rows)["segments"]
    assert [(row["kind"], row["segment_id"]) for row in found] == [("persona", 0), ("mixture", 0)]
    sizes = {row["segment_id"]: row["size"] for row in rows if row["kind"] == "persona"}
    people = [number for number, size in sizes.items() for _ in range(size)]
    maps = pa.table(
        {
            "department_key": pa.array([1] * len(people)),
            "segment_id": pa.array(people),
            "mixture_component": pa.array([0] * len(people)),
            "mixture_distance": pa.array([0.5] * len(people)),
        }
    )
    hidden = hide("department_maps", maps, TOTALS, LEAST, {"segments": found})
    assert hidden["segment_id"].null_count == 56
    assert set(hidden["segment_id"].drop_null().to_pylist()) == {0}
    assert hidden["mixture_distance"].null_count == 0
    personas = [row for row in found if row["kind"] == "persona"]
    none = hide("department_maps", maps, TOTALS, LEAST, {"segments": personas})
    assert none["mixture_component"].null_count == none["mixture_distance"].null_count == len(people)


def test_the_buyers_of_a_segment_are_hidden_where_they_are_few() -> None:
    rows = [segment("persona", 0, 200, 0.03), segment("persona", 1, 100, 0.5), segment("persona", 2, 60, 0.5)]
    found = shown(segments=rows)["segments"]
    assert [row["buyer_share"] for row in found] == [None, 0.5, None]
    assert [row["lift"] for row in found] == [None, 1.0, None]


def test_a_component_of_few_buyers_is_left_out_with_another() -> None:
    rows = [{"component": at, "weight": weight} for at, weight in enumerate((0.05, 0.35, 0.6))]
    assert [row["component"] for row in shown(mixtures=rows)["mixtures"]] == [2]


def test_a_rule_measured_on_few_candidates_is_left_out_and_few_buyers_are_hidden() -> None:
    figures = dict.fromkeys(("precision_low", "precision_high", "lift", "lift_low", "lift_high", "recall"), 0.5)
    rows = [
        {"rule": "R1", "support": 5 / 400, "precision": 0.2, "unique_coverage": 0.5, **figures},
        {"rule": "R2", "support": 0.5, "precision": 0.02, "unique_coverage": 0.5, **figures},
        {"rule": "R3", "support": 0.5, "precision": 0.2, "unique_coverage": 0.05, **figures},
        {"rule": "R4", "support": 0.5, "precision": float("nan"), "unique_coverage": 0.0, **figures},
    ]
    found = {row["rule"]: row for row in shown(evaluated_rules=rows)["evaluated_rules"]}
    assert set(found) == {"R2", "R3", "R4"}
    assert all(found["R2"][name] is None for name in (*figures, "precision"))
    assert found["R3"]["precision"] == 0.2
    assert found["R3"]["unique_coverage"] is None


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            {"buyers": 7, "candidates": 493, "remark": "7 buyers, and learning.min_buyers is 100"},
            {"buyers": None, "candidates": None, "remark": "fewer than 10 buyers, and learning.min_buyers is 100"},
        ),
        (
            {"buyers": 497, "candidates": 3, "remark": "only 3 customers do not buy here yet"},
            {"buyers": None, "candidates": None, "remark": "fewer than 10 customers do not buy here yet"},
        ),
        (
            {"buyers": 90, "candidates": 410, "outcome_buyers": 4, "remark": None},
            {"buyers": 90, "candidates": 410, "outcome_buyers": None, "remark": None},
        ),
        ({"buyers": 90, "candidates": 410, "selected": 5}, {"buyers": 90, "candidates": 410, "selected": None}),
        ({"buyers": 90, "candidates": 410, "remark": "90 buyers"}, {"buyers": 90, "remark": "90 buyers"}),
    ],
)  # fmt: skip
def test_small_counts_of_a_department_are_hidden_in_words_too(row: Row, expected: Row) -> None:
    found = shown(departments=[row])["departments"][0]
    assert {name: found[name] for name in expected} == expected


def test_a_rule_that_few_customers_satisfy_is_not_in_the_card() -> None:
    rules = tuple(Rule((Condition("x", Operator.AT_LEAST, at),), 1) for at in (1.0, 2.0))
    matched = np.zeros((100, 2), dtype=np.bool_)
    matched[:10, 0] = matched[:9, 1] = True
    assert without_small_rules(Card(rules, Activity(), (0.5,)), matched, LEAST).rules == rules[:1]
