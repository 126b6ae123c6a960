"""The published cards that a refresh may keep: those that were learned with the settings of now.

In: a configuration, the published state and the new catalogue. Out: each department's card. Whether it stays is left to
`learn/department.py`, which keeps it unless a new one is better beyond chance.
"""

from collections.abc import Mapping

from segwarehouse.config import Config
from segwarehouse.domain import Card
from segwarehouse.features import Catalogue, Staged
from segwarehouse.refresh.previous import Previous, reread

DECISIVE = {"learning": ("seed", "balance"), "rules": ("target",)}
"""A card is learned anew where one of these has changed. Its limits are not among them: it is held to them anyway."""


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
