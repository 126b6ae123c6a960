"""The worlds that benchmarks look at, as departments at cut-offs in the past.

In: which world, and when. Out: every eligible department's `Past` at a cut-off. All of it is made by the code that a
refresh runs: staging, feature models, checks.
"""

import datetime as dt
import runpy
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from segwarehouse.config import Config, load_config
from segwarehouse.evaluate.judge import FEWEST_OUTCOMES, Past
from segwarehouse.evaluate.settings import Settings
from segwarehouse.features import Catalogue, Staged, Window, read_catalogue
from segwarehouse.features.build import build_features
from segwarehouse.simulate import simulate
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import Engine, connect
from segwarehouse.working import stage_sources

COMPLETE_JOURNEY = Path(__file__).parents[1] / "examples" / "complete_journey"
ALL_SIGNALS = Path(__file__).parent / "all_signals.sql"
FEWEST_DAYS = 60
"""Probabilities are mapped to outcomes one window before a cut-off, where that has at least so many days before it."""


def complete_journey(folder: Path, *, all_signals: bool = False) -> Path:
    """Copy the example project, with its data, into a folder; with every optional column that the data has, or not."""
    project = folder / "complete_journey"
    kept_out = shutil.ignore_patterns("published*", "runs", "data", "warehouse.duckdb*")
    shutil.copytree(COMPLETE_JOURNEY, project, ignore=kept_out)
    runpy.run_path(str(project / "prepare.py"), run_name="__main__")
    if all_signals:
        shutil.copyfile(ALL_SIGNALS, project / "models" / "staging" / "transactions.sql")
    return project


def planted(folder: Path, customers: int, seed: int) -> Path:
    """Simulate a world in which each department has rules of its own that say who buys there."""
    return simulate(folder / "planted", customers=customers, seed=seed).directory


@dataclass
class World:
    """A staged project, of which nothing after the last outcome window is known."""

    config: Config
    warehouse: Engine
    models: TemplateFolder
    staged: Staged
    catalogue: Catalogue
    numbers: dict[object, int]

    def departments_at(self, cutoff: dt.date, *, eligible: bool = True) -> dict[str, Past]:
        """Return the departments as of a cut-off, by name.

        Eligible are those with `learning.min_buyers` buyers before it, as many candidates, and 10 candidates who buy
        in the outcome window.
        """
        learning = self.config.learning
        moment = dt.datetime.combine(cutoff, dt.time())
        window = Window(moment, learning.outcome_days, learning.recent_days, self.staged.first_at)
        table = build_features(self.config, self.warehouse, self.models, self.catalogue, window)
        everyone = [self.numbers.setdefault(each, len(self.numbers)) for each in table.customer_ids]
        settings = Settings.of(self.config, table, cutoff)
        found = {}
        for department in self.catalogue.departments:
            alone = table.for_department(department)
            buyers, bought = int(alone.buyers.sum()), int((alone.outcomes & ~alone.buyers).sum())
            least = learning.min_buyers if eligible else 2
            if min(buyers, len(alone.buyers) - buyers) >= least and bought >= (FEWEST_OUTCOMES if eligible else 1):
                numbers = np.array(everyone, dtype=np.int64)[alone.rows]
                found[department.name] = Past(alone, numbers, settings)
        return found

    def has_history(self, cutoff: dt.date) -> bool:
        """Return whether there is enough time before a cut-off to learn from."""
        first = self.staged.first_at
        return first is not None and (cutoff - first.date()).days >= FEWEST_DAYS


@contextmanager
def opened(
    project: Path, cutoffs: Sequence[dt.date], most_customers: int, seed: int, *, all_signals: bool = False
) -> Iterator[World]:
    """Stage a project; every transaction after the last cut-off's outcome window stays out."""
    config = load_config(project)
    learning = replace(config.learning, max_customers=most_customers, seed=seed)
    config = replace(config, learning=replace(learning, trend=learning.trend or all_signals))
    models = TemplateFolder.of("models", config.directory)
    as_of = max(cutoffs) + dt.timedelta(days=config.learning.outcome_days)
    with connect(None) as warehouse:
        staged = stage_sources(config, warehouse, models, as_of, None)
        yield World(config, warehouse, models, staged, read_catalogue(config, warehouse, staged), {})
