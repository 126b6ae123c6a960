"""How long `verify` takes on a large published state, next to a scoring of the same customers in Python.

    python -m benchmarks.verify --customers 1000000 --departments 20

In: nothing; a state is made of random features, of the width that a project of so many departments has, and of random
cards of 4 to 6 rules on top of activity. It holds what `verify` reads, and views as a refresh publishes them. Out:
seconds of all, by turns in one process, their ratios, and the most memory that was used.

A scoring in Python is what a batch without a warehouse would do: read the customers' features and purchases into
Python, and for each department rank everyone who does not buy there. Two are timed:

- by the model: a LightGBM for each department, of the size that the learning uses, and nothing but its probabilities;
- by the card, with numpy (`Card.apply`): buyers left out, the control group drawn (MD5 of salt and id), ranks by
  points, activity and id, and a table of the columns that the view has, reasons in words included. That is the half of
  `verify` that is Python's: `verify` does all of it, runs the view, compares the two row by row, and proves boundary
  values besides, so it can't be below 1 there.
"""

import argparse
import datetime as dt
import hashlib
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import lightgbm
import numpy as np
import pyarrow as pa
from sqlglot import exp

from segwarehouse.api import Project
from segwarehouse.domain import (
    Activity,
    ActivityTerm,
    BoolArray,
    Card,
    Column,
    Columns,
    Condition,
    Feature,
    IntArray,
    Operator,
    Rule,
)
from segwarehouse.learn.propensity import LightGBMParameters
from segwarehouse.project import create_schema
from segwarehouse.rules.compile import VIEW_COLUMNS, ViewSpec, control_limit, department_view, naming_its_run
from segwarehouse.rules.expected import Texts, patterns
from segwarehouse.rules.stored import card_to_json
from segwarehouse.state.published import PublishedState
from segwarehouse.warehouse import Engine, Relation, connect

Result = TypeVar("Result")

BEHAVIOUR = (
    "recency_days",
    "tenure_days",
    "frequency_count",
    "monetary_amount",
    "breadth_count",
    "recent_frequency_count",
)
ACTIVITY = ("breadth_log", "frequency_log", "amount_log", "recency_log")
RUN = "20260101T000000Z-0000"
AS_OF = dt.date(2026, 1, 1)
BOUGHT_IN = 0.3
FITTED_ON = 20_000
CONFIG = '[source]\ntransactions = "none.parquet"\n'


def main() -> None:
    """Make a state, and time both by turns."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--departments", type=int, default=20)
    parser.add_argument("--budget", type=int, default=5_000)
    parser.add_argument("--turns", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder), arguments.customers, arguments.departments, arguments.budget)
        models = fit_models(project)
        seconds: dict[str, list[float]] = {"verify": [], "model": [], "card": []}
        for turn in range(arguments.turns):
            _, by_model = timed(score_by_model, project, models)
            rows, by_card = timed(score_by_card, project)
            proofs, verified = timed(project.verify)
            if not all(proof.proved for proof in proofs) or rows != sum(proof.customers.selected for proof in proofs):
                raise SystemExit("SQL and Python disagree")
            for name, took in (("verify", verified), ("model", by_model), ("card", by_card)):
                seconds[name].append(took)
            print(
                f"turn {turn + 1}: verify {verified:.1f} s, scoring by the model {by_model:.1f} s, "
                f"by the card {by_card:.1f} s, {rows:,} rows of views",
                flush=True,
            )
    middle = {name: statistics.median(each) for name, each in seconds.items()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(
        f"{arguments.customers:,} customers, {arguments.departments} departments: verify takes "
        f"{middle['verify'] / middle['model']:.2f} of the time of one scoring in Python by the model,"
    )
    print(f"and {middle['verify'] / middle['card']:.2f} of one by the card; at most {peak:.1f} GB of memory")


def timed(work: Callable[..., Result], *arguments: object) -> tuple[Result, float]:
    """Return what `work` returns, and how many seconds it took."""
    started = time.perf_counter()
    result = work(*arguments)
    return result, time.perf_counter() - started


def make_project(folder: Path, customers: int, departments: int, budget: int, seed: int = 7) -> Project:
    """Write a state of random features and cards, and the configuration of a project that it could come from."""
    (folder / "segwarehouse.toml").write_text(CONFIG, encoding="utf-8")
    project = Project(folder)
    random = np.random.default_rng(seed)
    names = [f"DEPARTMENT {number}" for number in range(departments)]
    purchases = [f"purchases_department_{number}" for number in range(departments)]
    features = [Feature(name, "behaviour", name, "count") for name in BEHAVIOUR]
    features += [
        Feature(column, "department", f"purchases in {name}", "count", name)
        for column, name in zip(purchases, names, strict=True)
    ]
    audiences = {
        name: ViewSpec(
            random_card(random, features, without=column),
            {feature.name: feature for feature in features},
            number + 1,
            budget,
            0.1,
            "segwarehouse",
            AS_OF,
            RUN,
        )
        for number, (name, column) in enumerate(zip(names, purchases, strict=True))
    }
    file = project.config.publish.url.path
    with connect(file) as state:
        for schema in ("features", "targeting"):
            state.execute(create_schema(schema))
        load_features(state, random, customers, purchases)
        load_cards(state, features, audiences)
        for number, audience in enumerate(audiences.values()):
            view = naming_its_run(department_view(audience))
            state.execute(
                exp.Create(this=Relation("targeting", f"view_{number}").table(), kind="VIEW", expression=view)
            )
    return project


def random_card(random: np.random.Generator, features: list[Feature], without: str) -> Card:
    """Return a card of 4 to 6 rules of one or two conditions, as learning leaves them."""
    read = [feature.name for feature in features if feature.name != without]
    rules = tuple(
        Rule(
            tuple(
                Condition(read[at], Operator.AT_LEAST, float(random.integers(1, 8)))
                for at in random.choice(len(read), size=random.integers(1, 3), replace=False)
            ),
            int(random.integers(1, 5)),
        )
        for _ in range(random.integers(4, 7))
    )
    terms = tuple(ActivityTerm(name, int(weight)) for name, weight in zip(ACTIVITY, (30, 20, 10, -5), strict=True))
    top = 8 + sum(rule.points for rule in rules)
    return Card(rules, Activity(terms, floor=50_000, unit=30_000, cap=8), tuple(np.linspace(0.01, 0.6, top + 1)))


def load_features(state: Engine, random: np.random.Generator, customers: int, purchases: list[str]) -> None:
    """Write `features.customers` and `features.department_counts`: most customers buy in a few departments."""
    ids = np.sort(random.choice(customers * 10, size=customers, replace=False))
    table: dict[str, pa.Array] = {"customer_id": pa.array(ids, pa.int64())}
    for name in BEHAVIOUR:
        table[name] = pa.array(np.floor(random.gamma(1.5, 4.0, customers)))
    for name in ACTIVITY:
        table[name] = pa.array(np.floor(random.normal(2_500, 700, customers)).clip(0))
    buyers: list[pa.Array] = []
    keys: list[pa.Array] = []
    for number, name in enumerate(purchases):
        bought = random.random(customers) < BOUGHT_IN
        table[name] = pa.array(np.where(bought, np.floor(random.gamma(1.0, 4.0, customers)) + 1.0, 0.0))
        buyers.append(pa.array(ids[bought], pa.int64()))
        keys.append(pa.array(np.full(int(bought.sum()), number + 1, dtype=np.int64)))
    state.load(Relation("features", "customers"), pa.table(table))
    counts = {"customer_id": pa.concat_arrays(buyers), "department_key": pa.concat_arrays(keys)}
    state.load(Relation("features", "department_counts"), pa.table(counts))


def load_cards(state: Engine, features: list[Feature], audiences: dict[str, ViewSpec]) -> None:
    """Write the tables of schema `targeting` that `verify` reads."""
    state.load(Relation("targeting", "features"), pa.Table.from_pylist([asdict(feature) for feature in features]))
    state.load(Relation("targeting", "run"), pa.table({"run_id": [RUN], "as_of": pa.array([AS_OF], pa.date32())}))
    cards = [
        {
            "department_key": audience.department_key,
            "department": name,
            "view_name": f"view_{number}",
            "budget": audience.budget,
            "control_share": audience.control_share,
            "salt": audience.salt,
            "card": card_to_json(audience.card),
            "words": json.dumps(audience.words),
        }
        for number, (name, audience) in enumerate(audiences.items())
    ]
    state.load(Relation("targeting", "cards"), pa.Table.from_pylist(cards))


def score_by_card(project: Project) -> int:
    """Score every department without SQL beyond two SELECTs, and return how many rows the views would have."""
    total = 0
    with PublishedState.open(project.config) as state:
        audiences = state.specs
        table = state.engine.fetch(exp.select("*").from_("features.customers"))
        bought = state.engine.fetch(exp.select("customer_id", "department_key").from_("features.department_counts"))
    ids = table["customer_id"].to_numpy()
    columns: Columns = {name: Column.complete(table[name].to_numpy()) for name in table.column_names[1:]}
    by_id = np.argsort(ids, kind="stable")
    place = by_id[np.searchsorted(ids, bought["customer_id"].to_numpy(), sorter=by_id)]
    keys = bought["department_key"].to_numpy()
    draws: dict[str, IntArray] = {}
    for audience in audiences.values():
        if audience.salt not in draws:
            draws[audience.salt] = draw(ids, audience.salt)
        buyer = np.zeros(len(ids), dtype=np.bool_)
        buyer[place[keys == audience.department_key]] = True
        total += view_in_python(audience, ids, columns, buyer, draws[audience.salt]).num_rows
    return total


def fit_models(project: Project) -> dict[int, lightgbm.Booster]:
    """Return a classifier for each department key, of the size that the learning uses, fitted to a sample."""
    size = LightGBMParameters()
    with PublishedState.open(project.config) as state:
        audiences = state.specs
        sample = state.engine.fetch(exp.select("*").from_("features.customers").limit(FITTED_ON))
    names = sample.column_names[1:]
    columns: Columns = {name: Column.complete(sample[name].to_numpy()) for name in names}
    values = np.column_stack([sample[name].to_numpy() for name in names])
    random = np.random.default_rng(7)
    models = {}
    for audience in audiences.values():
        chance = audience.card.apply(columns, len(values)).score
        options = {
            "objective": "binary",
            "num_leaves": size.leaves,
            "learning_rate": size.learning_rate,
            "feature_fraction": size.column_share,
            "verbosity": -1,
        }
        labels = (random.random(len(values)) < chance).astype(np.float64)
        models[audience.department_key] = lightgbm.train(options, lightgbm.Dataset(values, labels), size.trees)
    return models


def score_by_model(project: Project, models: dict[int, lightgbm.Booster]) -> int:
    """Rank every department's candidates by a classifier, and return how many there are."""
    total = 0
    with PublishedState.open(project.config) as state:
        table = state.engine.fetch(exp.select("*").from_("features.customers"))
        bought = state.engine.fetch(exp.select("customer_id", "department_key").from_("features.department_counts"))
    ids = table["customer_id"].to_numpy()
    values = np.column_stack([table[name].to_numpy() for name in table.column_names[1:]])
    by_id = np.argsort(ids, kind="stable")
    place = by_id[np.searchsorted(ids, bought["customer_id"].to_numpy(), sorter=by_id)]
    keys = bought["department_key"].to_numpy()
    for key, model in models.items():
        candidate = np.ones(len(ids), dtype=np.bool_)
        candidate[place[keys == key]] = False
        members = np.flatnonzero(candidate)
        probability = np.asarray(model.predict(values[members]))
        total += len(members[np.lexsort((ids[members], -probability))])
    return total


def draw(ids: IntArray, salt: str) -> IntArray:
    """Return what decides whether a customer is in the control group."""
    start = hashlib.md5(f"{salt}:".encode(), usedforsecurity=False)
    digests = []
    for number in ids.tolist():
        digest = start.copy()
        digest.update(str(number).encode())
        digests.append(digest.digest()[:4])
    return np.frombuffer(b"".join(digests), dtype=">u4").astype(np.int64)


def view_in_python(audience: ViewSpec, ids: IntArray, columns: Columns, buyer: BoolArray, draws: IntArray) -> pa.Table:
    """Return the table that the department's view selects, best first."""
    scored = audience.card.apply(columns, len(ids))
    members = np.flatnonzero(scored.selected & ~buyer)
    members = members[np.lexsort((ids[members], -scored.activity[members], -scored.points[members]))]
    target = draws[members] >= control_limit(audience.control_share)
    pattern, example = patterns(scored.matched[members])
    words = [Texts.of(audience, scored.matched[members[at]]) for at in example]
    texts = [pa.array([getattr(each, name) for each in words], pa.string()) for name in Texts._fields]
    parts = [
        ids[members],
        scored.score[members],
        np.arange(1, len(members) + 1),
        target & (np.cumsum(target) <= audience.budget),
        pa.array(["control", "target"]).take(pa.array(target.astype(np.int8))),
        *(text.take(pa.array(pattern)) for text in texts),
        pa.repeat(pa.scalar(audience.as_of), len(members)),
        pa.repeat(audience.run_id, len(members)),
    ]
    return pa.table(dict(zip(VIEW_COLUMNS, parts, strict=True)))


if __name__ == "__main__":
    main()
