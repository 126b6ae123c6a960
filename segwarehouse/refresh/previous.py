"""The state that is published while a new one is made: what the new one is compared with.

In: a configuration. Out: `Previous`, its cards as they read over the new data, and those of them that may be kept.
Whether one stays is left to `learn/department.py`, which keeps it unless a new one is better beyond chance.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from segwarehouse.config import Config
from segwarehouse.domain import Activity, ActivityTerm, Card, Department, Feature, Rule
from segwarehouse.errors import WarehouseError
from segwarehouse.evaluate.scores import pool_from_json
from segwarehouse.features import Catalogue, Staged
from segwarehouse.learn.conversion import Pool
from segwarehouse.rules.compile import ViewSpec
from segwarehouse.state.published import PublishedState
from segwarehouse.warehouse import Engine

DECISIVE = {"learning": ("seed", "balance"), "rules": ("target",)}
"""A card is learned anew where one of these has changed. Its limits are not among them: it keeps to them anyway."""


@dataclass(frozen=True)
class Previous:
    """What a refresh needs to know of the published state, read before a new one takes its place.

    Attributes
    ----------
    run_id, settings, specs, members
        As a `PublishedState` has them.
    quality
        The department's row of `targeting.departments`, by department.
    pool
        What the scores of all departments have in common; None where there are no times, or an older version wrote it.
    """

    run_id: str
    settings: Mapping[str, Any]
    specs: Mapping[str, ViewSpec]
    quality: Mapping[str, Mapping[str, Any]]
    members: pa.Table
    pool: Pool | None = None

    @classmethod
    def of(cls, state: PublishedState) -> "Previous":
        """Read a state."""
        return cls(
            run_id=state.run.run_id,
            settings=state.settings,
            specs=state.specs,
            quality=state.departments,
            members=state.members,
            pool=pool_from_json(state.run.score_pool),
        )


@dataclass(frozen=True)
class Reread:
    """A previous card over new data.

    Attributes
    ----------
    spec
        With the card's features under the names that they have now. A feature that the new data does not have is
        NULL for everybody, so what reads it never holds, and is left out.
    missing
        Such features, in words.
    is_same
        Whether the card is the previous one to the letter.
    """

    spec: ViewSpec
    missing: tuple[str, ...]
    is_same: bool


def previous_pool(config: Config, previous: Previous | None) -> Pool | None:
    """Return what the published scores have in common, where they are of the same outcome window; None otherwise."""
    if previous is None or previous.settings.get("learning", {}).get("outcome_days") != config.learning.outcome_days:
        return None
    return previous.pool


def read_previous(config: Config, warehouse: Engine) -> Previous | None:
    """Return the published state; None where there is none, or none that can be read: it is then replaced unseen."""
    try:
        with PublishedState.previous(config, warehouse) as state:
            return Previous.of(state) if state else None
    except WarehouseError:
        return None


def reread(previous: ViewSpec, department: Department, catalogue: Catalogue, staged: Staged, run_id: str) -> Reread:
    """Return a previous card as it reads over the new data. Features are the same where they mean the same."""
    named = {_meaning(feature): feature.name for feature in catalogue.features}
    names = {name: name for name in catalogue.activity}
    for feature in previous.features.values():
        if _meaning(feature) in named:
            names[feature.name] = named[_meaning(feature)]
    missing = [name for name in previous.card.features if name not in names]
    card = _renamed(previous.card, names)
    return Reread(
        spec=replace(
            previous,
            card=card,
            features={feature.name: feature for feature in catalogue.features},
            department_key=department.key,
            as_of=staged.as_of.date(),
            run_id=run_id,
        ),
        missing=tuple(previous.features[name].phrase if name in previous.features else name for name in missing),
        is_same=card == previous.card,
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


def cards_to_keep(
    config: Config, previous: Previous | None, catalogue: Catalogue, staged: Staged, run_id: str
) -> Mapping[str, Card]:
    """Return the published cards by department; none that reads a feature which the new data does not have."""
    if previous is None or not config.rules.warm_start:
        return {}
    for table, keys in DECISIVE.items():
        now = getattr(config, table)
        if any(previous.settings.get(table, {}).get(key) != getattr(now, key) for key in keys):
            return {}
    again = {
        department.name: reread(previous.specs[department.name], department, catalogue, staged, run_id)
        for department in catalogue.departments
        if department.name in previous.specs
    }
    return {name: found.spec.card for name, found in again.items() if not found.missing}
