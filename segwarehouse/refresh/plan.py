"""A dry run: the SQL that a refresh would run.

In: a configuration. Out: relations with the statements that make them. Nothing is changed.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from segwarehouse import display
from segwarehouse.config import Config
from segwarehouse.features import read_catalogue, staging_models
from segwarehouse.features.build import feature_context
from segwarehouse.ledger.history import now
from segwarehouse.project import Model, load_models, statements
from segwarehouse.refresh.choose import choose
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import SourceEngine
from segwarehouse.working import privately, stage_sources


@dataclass(frozen=True)
class PlannedRelation:
    """A relation that a refresh would make, or a check that it would run.

    Attributes
    ----------
    relation
        `schema.name`.
    statement
        The SQL that makes it; of a check, its query.
    """

    relation: str
    statement: str

    def __repr__(self) -> str:
        return display.brief(self, relation=self.relation, lines=self.statement.count("\n") + 1)


def plan(config: Config, *, as_of: dt.date | None = None, departments: Sequence[str] = ()) -> list[PlannedRelation]:
    """Return the SQL that a refresh would run up to the learning, relation by relation.

    It reads the sources to know their columns and departments, and changes nothing.
    """
    models = TemplateFolder.of("models", config.directory)

    def look(warehouse: SourceEngine) -> list[PlannedRelation]:
        staged = stage_sources(config, warehouse, models, as_of, None)
        catalogue = read_catalogue(config, warehouse, staged)
        choose(config, catalogue, departments)
        context = feature_context(catalogue, staged.window(config), config.learning)
        context |= {"leak_stride": 1, "leak_offset": 0}
        planned = staging_models(config, models, staged, now().date())
        for schema in ("features", "checks"):
            planned += load_models(models, schema, context)
        return [PlannedRelation(str(model.relation), _text_of(model, warehouse.dialect)) for model in planned]

    return privately(config, look)


def _text_of(model: Model, dialect: str) -> str:
    """Return the statements that make a relation as text; of a check, its query."""
    made = [model.query] if model.relation.schema == "checks" else statements(model)
    return "\n".join(f"{statement.sql(dialect, pretty=True, identify=True)};" for statement in made)
