"""The cards that are published now, which a refresh keeps where new ones would be no better.

In: a configuration and the working warehouse. Out: each department's card, or none where cards were learned with other
settings, or there is nothing that can be read. Whether a card stays is left to `learn/department.py`.
"""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

from sqlglot import exp

from segwarehouse.config import Config
from segwarehouse.domain import RuleSet
from segwarehouse.errors import SegwarehouseError
from segwarehouse.refresh.verify import open_published
from segwarehouse.rules.card import card_from_json
from segwarehouse.warehouse import DuckDBWarehouse, Warehouse, relation

DECISIVE = {"learning": ("seed", "balance"), "rules": ("target",)}
"""A card is learned anew where one of these has changed. Its limits are not among them: it is held to them anyway."""


def former_cards(config: Config, warehouse: DuckDBWarehouse) -> Mapping[str, RuleSet]:
    """Return the published cards by department, as long as they were learned with the same settings."""
    if not config.rules.warm_start:
        return {}
    if not config.in_place and not config.publish.url.path.exists():
        return {}
    try:
        with _state(config, warehouse) as state:
            return _cards(state, config) if state.columns(relation("targeting.cards")) else {}
    except SegwarehouseError:
        return {}  # what is there can't be read, for instance from an older version: the new state replaces it


def _state(config: Config, warehouse: DuckDBWarehouse) -> AbstractContextManager[Warehouse]:
    return nullcontext(warehouse) if config.in_place else open_published(config)


def _cards(state: Warehouse, config: Config) -> Mapping[str, RuleSet]:
    runs = exp.select("settings").from_("targeting.runs").where("run_id = (SELECT run_id FROM targeting.run)")
    settings = json.loads(state.fetch(runs)["settings"][0].as_py())
    for table, keys in DECISIVE.items():
        now = getattr(config, table)
        if any(settings.get(table, {}).get(key) != getattr(now, key) for key in keys):
            return {}
    cards = state.fetch(exp.select("department", "card").from_("targeting.cards"))
    return {
        department: card_from_json(card)
        for department, card in zip(cards["department"].to_pylist(), cards["card"].to_pylist(), strict=True)
    }
