"""Planted rules come back through the whole job: from a simulated project's files to the published rules table.

The world: 10,000 customers, ten departments; in each, three rules of two conditions were planted on features and on
purchases elsewhere, and whoever satisfies one of them buys there with high probability, everyone else with low.
"""

from pathlib import Path

import pandas as pd
import pytest

from segwarehouse.api import Project
from segwarehouse.domain import Card, Rule
from segwarehouse.learn.card import leading_rules
from segwarehouse.rules.compile import compile_membership
from segwarehouse.rules.stored import card_from_json
from segwarehouse.simulate import simulate
from tests.engines import DIALECT, ask_rows

CUSTOMERS = 10_000
DEPARTMENTS = 10
SEED = 42
LEARNED = ("Meat & Poultry", "Deli / Prepared")
LEAST_JACCARD = 0.9


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    project = simulate(folder, customers=CUSTOMERS, departments=DEPARTMENTS, seed=SEED)
    config = project.directory / "segwarehouse.toml"
    text = config.read_text(encoding="utf-8")
    assert "# refits = 3" in text
    config.write_text(text.replace("# refits = 3", "refits = 0"), encoding="utf-8")
    Project(folder).refresh(departments=LEARNED)
    return folder


def leading(card: Card) -> Card:
    """Return a card of the leading rules alone: the small ones only order customers."""
    rules: tuple[Rule, ...] = tuple(card.rules[at] for at in leading_rules(card.rules))
    return Card(rules, card.activity, card.probabilities)


@pytest.mark.parametrize("department", LEARNED)
def test_the_published_rules_select_whom_the_planted_ones_select(world: Path, department: str) -> None:
    truth = pd.read_parquet(world / "data" / "truth.parquet")
    planted = set(truth.loc[truth[department], "customer_id"])
    ((card,),) = ask_rows(world, f"select card from targeting.cards where department = '{department}'")
    where = compile_membership(leading(card_from_json(card))).sql(DIALECT)
    rows = ask_rows(world, f"select customer_id from features.customers where {where}")
    selected = {customer for (customer,) in rows}
    assert 0.05 * CUSTOMERS < len(planted) < 0.6 * CUSTOMERS
    assert len(selected & planted) / len(selected | planted) >= LEAST_JACCARD


def test_planted_drivers_beat_activity_on_a_time_that_was_never_seen(world: Path) -> None:
    verdicts = ask_rows(
        world, "select verdict, difference_from_activity_low from targeting.departments where verdict <> 'refused'"
    )
    assert len(verdicts) == len(LEARNED)
    assert all(verdict == "beats activity" and low > 0 for verdict, low in verdicts)
