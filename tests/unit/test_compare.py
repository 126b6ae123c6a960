"""Causes add up for every path that a customer can take through the three steps, and along any path of runs."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sqlglot import exp

from segwarehouse.config import load_config
from segwarehouse.domain import Activity, ActivityTerm, Card, Condition, Department, Feature, Operator, Rule
from segwarehouse.errors import UnknownName
from segwarehouse.evaluate.bootstrap import Estimate
from segwarehouse.features import Catalogue, Staged
from segwarehouse.ledger.difference import difference, moved_customers, path_between
from segwarehouse.ledger.ledger import Ledger
from segwarehouse.project import create_schema, run_script
from segwarehouse.refresh.compare import Churn, Compared
from segwarehouse.refresh.gate import hold_back, is_lower
from segwarehouse.refresh.previous import Previous, Reread, reread
from segwarehouse.rules.compile import ViewSpec
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import Engine, Relation, SourceEngine
from tests.conftest import write_project
from tests.engines import LEDGER, open_file

SQL = TemplateFolder.of("sql")
PATHS = list(product((0, 1), repeat=4))


@pytest.fixture
def warehouse(engine: SourceEngine) -> SourceEngine:
    for schema in ("features", "learned"):
        engine.execute(create_schema(schema))
    return engine


def load(warehouse: Engine, name: str, rows: Sequence[Mapping[str, object]]) -> None:
    schema, _, table = name.partition(".")
    warehouse.load(Relation(schema, table), pa.Table.from_pylist(rows))


def changes_of(warehouse: Engine, paths: Sequence[tuple[int, ...]]) -> list[dict[str, object]]:
    """Customer i takes paths[i] through the steps; the first is a buyer now, the second is gone from the data."""
    run_script(warehouse, SQL, "compare/create.sql", {})
    rows = [
        {"department": "D", "step": step, "customer_id": str(i), "rank": 1, "points": 1, "in_budget": True}
        for i, path in enumerate(paths)
        for step, inside in enumerate(path)
        if inside
    ]
    load(warehouse, "learned.audience_steps", rows)
    text = {"budget_reason": "the budget went from 1 to 2", "missing": None, "origin": "learned"}
    schema = pa.schema([("missing", pa.string())])
    compared = pa.table({"department": ["D"], "is_compared": [True], **{key: [text[key]] for key in text}})
    compared = compared.set_column(
        compared.column_names.index("missing"), schema.field(0), pa.array([None], pa.string())
    )
    warehouse.load(Relation("learned", "compared"), compared)
    load(warehouse, "learned.departments", [{"department": "D", "department_key": 7}])
    load(warehouse, "features.customers", [{"customer_id": i} for i in range(len(paths)) if i != 1])
    load(warehouse, "features.department_counts", [{"customer_id": 0, "department_key": 7}])
    run_script(warehouse, SQL, "compare/changes.sql", {"id_type": "BIGINT"})
    found: list[dict[str, object]] = warehouse.fetch(exp.select("*").from_("learned.changes")).to_pylist()
    return found


def test_every_path_through_the_steps_has_one_cause_and_they_add_up(warehouse: SourceEngine) -> None:
    found = {row["customer_id"]: row for row in changes_of(warehouse, [(1, 0, 0, 0), (1, 0, 0, 0), *PATHS])}
    causes = ("data", "rules", "budget")
    for customer, path in enumerate([(1, 0, 0, 0), (1, 0, 0, 0), *PATHS]):
        if path[0] == path[3]:
            assert customer not in found, path
            continue
        row = found[customer]
        last = max(step for step in range(3) if path[step] != path[step + 1])
        assert (row["change"], row["cause"]) == ("entered" if path[3] else "left", causes[last]), path
    net = Counter((row["change"], row["cause"]) for row in found.values())
    sizes = [sum(path[step] for path in [(1, 0, 0, 0), (1, 0, 0, 0), *PATHS]) for step in (0, 3)]
    assert sum(n if change == "entered" else -n for (change, _), n in net.items()) == sizes[1] - sizes[0]


def test_reasons_are_words_for_a_marketer(warehouse: SourceEngine) -> None:
    paths = [(1, 0, 0, 0), (1, 0, 0, 0), (1, 0, 0, 0), (0, 1, 1, 1), (0, 0, 1, 1), (1, 1, 0, 0), (0, 0, 0, 1)]
    reasons = [row["reason"] for row in sorted(changes_of(warehouse, paths), key=lambda row: str(row["customer_id"]))]
    assert reasons == [
        "has bought in the department",
        "is no longer in the data",
        "ranks lower by what customers have bought since",
        "ranks higher by what customers have bought since, or is new",
        "ranks higher by new rules",
        "ranks lower by new rules",
        "the budget went from 1 to 2",
    ]


def kept_history(
    folder: Path, random: np.random.Generator, runs: int
) -> tuple[Path, dict[str, set[str]], dict[str, str]]:
    """A ledger with runs that exchange customers at random; one run in four branches off an older one."""
    write_project(folder)
    members: dict[str, set[str]] = {"r0": set(map(str, range(10)))}
    parents: dict[str, str] = {}
    changes: list[dict[str, object]] = []
    for number in range(1, runs):
        name = f"r{number}"
        previous = f"r{number - 1}" if number % 4 else f"r{random.integers(number)}"
        parents[name] = previous
        members[name] = {str(i) for i in random.choice(30, size=10, replace=False)}
        for customer in members[name] ^ members[previous]:
            change = "entered" if customer in members[name] else "left"
            cause = str(random.choice(["data", "rules", "budget"]))
            row = {"run_id": name, "department": "D", "customer_id": customer, "change": change, "cause": cause}
            changes.append({**row, "reason": f"{cause} of {name}"})
    with open_file(folder / LEDGER) as warehouse:
        Ledger(warehouse).create()
        stamp = dt.datetime(2026, 1, 1)
        log = [
            {"run_id": name, "started_at": stamp + dt.timedelta(days=day), "status": "published"}
            for day, name in enumerate(members)
        ]
        texts = {"finished_at": None, "settings": "{}", "versions": "{}", "seed": 1}
        load(
            warehouse,
            "history.runs",
            [{**row, "compared_with": parents.get(str(row["run_id"])), **texts} for row in log],
        )
        load(warehouse, "history.cards", [{"run_id": name, "department": "D"} for name in members])
        load(warehouse, "history.changes", changes)
        rows = [
            {"run_id": name, "department": "D", "customer_id": customer, "rank": 1, "points": 1, "in_budget": True}
            for name, inside in members.items()
            for customer in inside
        ]
        load(warehouse, "history.memberships", rows)
    return folder, members, parents


def test_any_two_runs_differ_by_causes_that_add_up(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    folder, members, parents = kept_history(tmp_path, random, runs=12)
    config = load_config(folder)
    for before, after in product(members, repeat=2):
        if before == after:
            continue
        found = difference(config, before, after)
        (row,) = found.departments
        assert row["entered"] == len(members[after] - members[before])
        assert row["left"] == len(members[before] - members[after])
        assert "entered_by_unknown" not in row
        for change in ("entered", "left"):
            assert row[change] == sum(int(str(row[f"{change}_by_{cause}"])) for cause in ("data", "rules", "budget"))
        who = {(row["customer_id"], row["change"]) for row in moved_customers(config, before, after).to_pylist()}
        assert who == {(c, "entered") for c in members[after] - members[before]} | {
            (c, "left") for c in members[before] - members[after]
        }
        path = path_between(parents, before, after)
        assert all(parents[run] in {before, after, *(name for name, _ in path), *parents.values()} for run, _ in path)


def test_the_cause_over_several_runs_is_that_of_the_last_change(tmp_path: Path) -> None:
    folder, members, parents = kept_history(tmp_path, np.random.default_rng(8), runs=4)
    assert parents == {"r1": "r0", "r2": "r1", "r3": "r2"}
    config = load_config(folder)
    steps = {
        pair: {row["customer_id"]: row["reason"] for row in moved_customers(config, *pair).to_pylist()}
        for pair in pairwise(members)
    }
    for row in moved_customers(config, "r0", "r3").to_pylist():
        last = [found[row["customer_id"]] for found in steps.values() if row["customer_id"] in found][-1]
        assert row["reason"] == last


def test_where_a_run_in_between_is_gone_the_cause_is_unknown_and_still_adds_up(tmp_path: Path) -> None:
    folder, members, _ = kept_history(tmp_path, np.random.default_rng(8), runs=4)
    with open_file(folder / LEDGER) as warehouse:
        Ledger(warehouse).write("forget", {"kept": ["r0", "r3"]})
    config = load_config(folder)
    (row,) = difference(config, "r0", "r3").departments
    assert row["entered"] == len(members["r3"] - members["r0"])
    assert int(str(row["entered_by_unknown"])) > 0
    with pytest.raises(UnknownName, match="'r1' is not kept"):
        difference(config, "r1", "r3")


PRODUCE = Feature("purchases_produce", "department", "purchases in PRODUCE", "count", "PRODUCE")
MEAT = Feature("purchases_meat", "department", "purchases in MEAT", "count", "MEAT")
CARD = Card(
    (
        Rule((Condition("purchases_produce", Operator.AT_LEAST, 3.0),), 2),
        Rule(
            (Condition("purchases_meat", Operator.AT_LEAST, 1.0), Condition("purchases_produce", Operator.BELOW, 9.0)),
            1,
        ),
    ),
    Activity((ActivityTerm("breadth_log", 3), ActivityTerm("recency_log", -1)), unit=10, cap=2),
    (0.1, 0.2),
)
AUDIENCE = ViewSpec(CARD, {f.name: f for f in (PRODUCE, MEAT)}, 1, 30, 0.1, "s", dt.date(2026, 1, 1), "r0")
STAGED = Staged({}, dt.datetime(2026, 2, 1), None, None, "BIGINT", "customer_id", {})


def catalogue_of(*features: Feature) -> Catalogue:
    return Catalogue({}, (), (), (), (), {}, features, ("breadth_log",))


def test_a_previous_card_reads_the_same_feature_under_its_new_name() -> None:
    renamed = Feature("purchases_produce_2", "department", "purchases in PRODUCE", "count", "PRODUCE")
    impostor = Feature("purchases_produce", "department", "purchases in produce", "count", "produce")
    found = reread(
        AUDIENCE, Department(5, "FISH", "fish", 1, 9, None, 1), catalogue_of(renamed, impostor, MEAT), STAGED, "r1"
    )
    assert not found.is_same
    assert {c.feature for rule in found.spec.card.rules for c in rule.conditions} == {
        "purchases_produce_2",
        "purchases_meat",
    }
    assert (found.spec.department_key, found.spec.run_id) == (5, "r1")


def test_what_the_data_no_longer_has_holds_for_nobody() -> None:
    found = reread(AUDIENCE, Department(5, "FISH", "fish", 1, 9, None, 1), catalogue_of(PRODUCE), STAGED, "r1")
    assert found.missing == ("purchases in MEAT", "recency_log")
    assert [rule.points for rule in found.spec.card.rules] == [2]
    assert [term.feature for term in found.spec.card.activity.terms] == ["breadth_log"]


def test_a_feature_that_looks_back_otherwise_is_another_one() -> None:
    features = [
        Feature("recent_monetary_amount", "behaviour", "spend", "amount", recent_days=days) for days in (28, 14)
    ]
    card = Card((Rule((Condition("recent_monetary_amount", Operator.AT_LEAST, 3.0),), 2),), Activity(), (0.1,))
    previous = replace(AUDIENCE, card=card, features={features[0].name: features[0]})
    department = Department(5, "FISH", "fish", 1, 9, None, 1)
    assert reread(previous, department, catalogue_of(features[0]), STAGED, "r1").is_same
    found = reread(previous, department, catalogue_of(features[1]), STAGED, "r1")
    assert (found.is_same, found.missing) == (False, ("spend",))


def previous_of(*, budget: int = 30, learning: dict[str, object] | None = None, lift: float | None = 2.0) -> Previous:
    low = None if lift is None else lift - 0.4
    row = {"budget": budget, "lift_at_budget": lift, "lift_at_budget_low": low, "lift_at_budget_high": None}
    settings = {"learning": {"outcome_days": 60, "max_conditions": 12, "jobs": 8, **(learning or {})}}
    return Previous("r0", settings, {"FISH": AUDIENCE}, {"FISH": row}, pa.table({}))


def compared_of(churn: Churn, *, is_same: bool = True) -> Compared:
    return Compared("r0", {"FISH": Reread(AUDIENCE, (), is_same)}, {"FISH": churn})


SAME, HALF, MOST = Churn(30, 30, 30), Churn(30, 30, 15), Churn(30, 30, 14)
GOOD = {"FISH": Estimate(2.0, 1.6, 2.4, 0.2)}
WORSE = {"FISH": Estimate(1.3, 1.0, 1.6, 0.15)}
NOISE = {"FISH": Estimate(1.7, 1.4, 2.1, 0.15)}


@pytest.mark.parametrize(
    ("previous", "churn", "lifts", "said"),
    [
        (previous_of(), SAME, GOOD, None),
        (previous_of(), HALF, GOOD, None),
        (previous_of(), MOST, GOOD, "new rules would exchange 53% of the audience"),
        (previous_of(), SAME, WORSE, "the lift at the budget fell from 2.00 to 1.30, by more than noise"),
        (previous_of(), SAME, NOISE, None),
        (previous_of(), SAME, {"FISH": None}, None),
        (previous_of(lift=None), SAME, WORSE, None),
        (previous_of(budget=40), SAME, WORSE, None),
        (previous_of(learning={"max_conditions": 4}), MOST, GOOD, None),
        (previous_of(learning={"max_conditions": 4}), SAME, WORSE, "the lift"),
        (previous_of(learning={"jobs": 1}), MOST, GOOD, "new rules"),
        (previous_of(learning={"outcome_days": 91}), MOST, WORSE, None),
    ],
    ids=[
        "nothing changes", "just the share", "too much", "worse", "noise", "not measured now", "not measured then",
        "another budget", "other rules were asked for", "and are worse", "jobs change no rule", "another outcome",
    ],
)  # fmt: skip
def test_what_is_held_back(
    tmp_path: Path, previous: Previous, churn: Churn, lifts: dict[str, Estimate | None], said: str | None
) -> None:
    held = hold_back(load_config(write_project(tmp_path)), previous, compared_of(churn), lifts)
    assert (held == {}) if said is None else held["FISH"].startswith(said)


def test_a_first_run_and_a_card_that_can_not_be_read_hold_nothing_back(tmp_path: Path) -> None:
    config = load_config(write_project(tmp_path))
    assert hold_back(config, None, Compared(None, {}, {}), WORSE) == {}
    assert hold_back(config, previous_of(), compared_of(MOST, is_same=False), WORSE) == {}


def test_lower_by_noise_alone_is_rarely_said() -> None:
    """Two samples of the same quality: at most one time in forty the second seems lower."""
    random = np.random.default_rng(1)
    draws = random.normal(2.0, 0.2, size=(4000, 2))
    said = [is_lower(then, then - 0.392, Estimate(now, now - 0.392, now + 0.392, 0.2)) for then, now in draws]
    assert 0.01 < np.mean(said) < 0.04
