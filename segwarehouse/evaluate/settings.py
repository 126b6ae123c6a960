"""What learning and judging a department depends on besides its table.

In: a configuration and a feature table. Out: `Settings`, small enough to go to a worker with every task.
"""

import datetime as dt
from dataclasses import dataclass

from segwarehouse.config import Config
from segwarehouse.features import FeatureTable
from segwarehouse.learn.card import CardParameters
from segwarehouse.learn.department import DepartmentParameters
from segwarehouse.learn.selection import SelectionParameters


@dataclass(frozen=True)
class Settings:
    """What learning and evaluating a department depends on besides its table.

    `sampled` customers of `population` are in the feature table that the department's own is taken from.
    """

    seed: int
    outcome_days: int
    budget: int
    control_share: float
    population: int
    sampled: int
    min_cell: int
    parameters: DepartmentParameters
    cost_per_contact: float | None = None
    value_per_conversion: float | None = None
    expected_uplift: float | None = None
    cutoff: dt.date | None = None

    @classmethod
    def of(cls, config: Config, table: FeatureTable, cutoff: dt.date | None) -> "Settings":
        """Return what learning from a table and judging it depends on, as configured."""
        return cls(
            cutoff=cutoff,
            seed=config.learning.seed,
            outcome_days=config.learning.outcome_days,
            budget=config.audience.budget,
            control_share=config.audience.control_share,
            population=table.total,
            sampled=len(table.customer_ids),
            min_cell=config.audience.min_cell,
            cost_per_contact=config.audience.cost_per_contact,
            value_per_conversion=config.audience.value_per_conversion,
            expected_uplift=config.audience.expected_uplift,
            parameters=DepartmentParameters(
                balance=config.learning.balance,
                card=CardParameters(
                    # One condition is kept for the entry rule.
                    selection=SelectionParameters(max_conditions=max(1, config.learning.max_conditions - 1)),
                    max_rule_conditions=config.learning.max_rule_conditions,
                ),
                target=config.rules.target,
                min_segment=max(config.audience.min_cell, DepartmentParameters().min_segment),
            ),
        )
