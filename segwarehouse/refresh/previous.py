"""The state that is published while a new one is made: what the new one is held against.

In: a configuration. Out: `Former`, and its cards as they read over the new data. Nothing is decided here.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from sqlglot import exp

from segwarehouse.config import Config
from segwarehouse.domain import Activity, ActivityTerm, Card, Department, Feature, Rule
from segwarehouse.errors import WarehouseError
from segwarehouse.evaluate.scores import pool_from_json
from segwarehouse.features import Catalogue, Staged
from segwarehouse.learn.conversion import Pool
from segwarehouse.rules.compile import ViewSpec
from segwarehouse.state.proof import stored_specs
from segwarehouse.warehouse import Engine, connect, relation


@dataclass(frozen=True)
class Former:
    """A published state.

    Attributes
    ----------
    run_id
        The run that it comes from.
    settings
        What that run was configured with, by table.
    specs
        What each department's view is compiled from, by department.
    quality
        The department's row of `targeting.departments`, by department.
    members
        `targeting.audiences`: ``department``, ``customer_id`` as text, ``rank`` and ``in_budget``.
    pool
        What the scores of all departments have in common; None where there are no times, or an older version wrote it.
    """

    run_id: str
    settings: Mapping[str, Any]
    specs: Mapping[str, ViewSpec]
    quality: Mapping[str, Mapping[str, Any]]
    members: pa.Table
    pool: Pool | None = None


@dataclass(frozen=True)
class Reread:
    """A former card over new data.

    Attributes
    ----------
    spec
        With the card's features under the names that they have now. A feature that the new data does not have is
        NULL for everybody, so what reads it never holds, and is left out.
    missing
        Such features, in words.
    is_same
        Whether the card is the former one to the letter.
    """

    spec: ViewSpec
    missing: tuple[str, ...]
    is_same: bool


@contextmanager
def former_state(config: Config, warehouse: Engine) -> Iterator[Engine | None]:
    """Open the published state, read-only; None where there is none.

    Where views are published in the working database itself, `warehouse` is that state.
    """
    cards = relation("targeting.cards")
    if config.in_place:
        yield warehouse if warehouse.columns(cards) else None
    elif config.publish.url.path.exists():
        with connect(config.publish.url.path, read_only=True) as state:
            yield state if state.columns(cards) else None
    else:
        yield None


def former_pool(config: Config, former: Former | None) -> Pool | None:
    """Return what the published scores have in common, where they are of the same outcome window; None otherwise."""
    if former is None or former.settings.get("learning", {}).get("outcome_days") != config.learning.outcome_days:
        return None
    return former.pool


def read_former(config: Config, warehouse: Engine) -> Former | None:
    """Return the published state; None where there is none, or none that can be read: it is then replaced unseen."""
    try:
        with former_state(config, warehouse) as state:
            return _read(state) if state else None
    except WarehouseError:
        return None


def _read(state: Engine) -> Former:
    described = state.fetch(exp.select("*").from_("targeting.run")).to_pylist()[0]
    run = described["run_id"]
    runs = exp.select("settings").from_("targeting.runs").where(exp.column("run_id").eq(exp.Literal.string(run)))
    rows = state.fetch(exp.select("*").from_("targeting.departments")).to_pylist()
    text = exp.cast(exp.column("customer_id"), "varchar").as_("customer_id")
    return Former(
        run_id=run,
        settings=json.loads(state.fetch(runs)["settings"].to_pylist()[0]),
        specs={name: spec for name, (_, spec) in stored_specs(state).items()},
        quality={row["department"]: row for row in rows},
        members=state.fetch(exp.select("department", text, "rank", "in_budget").from_("targeting.audiences")),
        pool=pool_from_json(described.get("score_pool")),
    )


def reread(former: ViewSpec, department: Department, catalogue: Catalogue, staged: Staged, run_id: str) -> Reread:
    """Return a former card as it reads over the new data. Features are the same where they mean the same."""
    named = {_meaning(feature): feature.name for feature in catalogue.features}
    names = {name: name for name in catalogue.activity}
    for feature in former.features.values():
        if _meaning(feature) in named:
            names[feature.name] = named[_meaning(feature)]
    missing = [name for name in former.card.features if name not in names]
    card = _renamed(former.card, names)
    return Reread(
        spec=replace(
            former,
            card=card,
            features={feature.name: feature for feature in catalogue.features},
            department_key=department.key,
            as_of=staged.as_of.date(),
            run_id=run_id,
        ),
        missing=tuple(former.features[name].phrase if name in former.features else name for name in missing),
        is_same=card == former.card,
    )


def _meaning(feature: Feature) -> tuple[str, ...]:
    """Return what a feature is, whatever its column is called: slugs may be numbered otherwise in new data.

    Features of behaviour are called the same in all data, and mean another thing where they look back otherwise.
    """
    what = feature.name if feature.kind == "behaviour" else feature.phrase
    return (feature.kind, what, feature.unit, feature.subject, str(feature.recent_days))


def _renamed(card: Card, names: Mapping[str, str]) -> Card:
    rules = [
        Rule(tuple(replace(each, feature=names[each.feature]) for each in rule.conditions), rule.points)
        for rule in card.rules
        if all(each.feature in names for each in rule.conditions)
    ]
    terms = [ActivityTerm(names[term.feature], term.weight) for term in card.activity.terms if term.feature in names]
    activity = Activity(tuple(terms), card.activity.floor, card.activity.unit, card.activity.cap)
    return Card(tuple(rules), activity, card.probabilities)
