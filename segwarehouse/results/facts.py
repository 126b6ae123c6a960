"""What the rows of a department are made from.

In: what a worker has learned of a department, or what the parent knows of it beside all others. Out: `LearnedFacts` and
`OverallFacts`, one of which every maker of rows is given, and what rows of a department have in common.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from segwarehouse.domain import Card, Department, Feature, IntArray
from segwarehouse.evaluate.judge import Evaluation
from segwarehouse.evaluate.refits import Stability
from segwarehouse.learn.conversion import ExpectedShare
from segwarehouse.learn.department import DepartmentLearned
from segwarehouse.results.maps import CustomersMap, DepartmentMaps
from segwarehouse.results.reach import Reach
from segwarehouse.results.suppress import Totals
from segwarehouse.rules.compile import ViewSpec
from segwarehouse.table import DepartmentTable

Rows = Iterator[dict[str, object]]

PLACE = "place"
"""The column of a worker's rows that says which customer: her place in the feature table. Workers know no ids."""


@dataclass(frozen=True)
class LearnedFacts:
    """What a worker knows of a department.

    Attributes
    ----------
    table
        What it was learned from.
    learned
        What was learned.
    card
        Its card, in its shortest form.
    evaluation
        How good its ranking was in the past.
    stability
        What refits make of it; None where there were none.
    maps
        It on its own map and on that of all customers.
    customers_map
        The map of all customers.
    explained
        int64: the rows of `table` whose SHAP values are published.
    """

    table: DepartmentTable
    learned: DepartmentLearned
    card: Card
    evaluation: Evaluation
    stability: Stability | None
    maps: DepartmentMaps
    customers_map: CustomersMap
    explained: IntArray

    @property
    def features(self) -> Mapping[str, Feature]:
        """The features that it was learned from, by name."""
        return {feature.name: feature for feature in self.table.features}

    @property
    def totals(self) -> Totals:
        """The sums that a reader may subtract from; of the latest cut-off, where there is one."""
        latest = self.evaluation.by_cutoff[0][1] if self.evaluation.by_cutoff else None
        return Totals(
            customers=len(self.table.buyers),
            buyers=int(self.table.buyers.sum()),
            mapped_buyers=self.maps.mapped_buyers,
            candidates_then=latest.candidates if latest else 0,
            outcome_buyers=self.evaluation.outcome_buyers,
            scale=self.evaluation.scale,
        )


@dataclass(frozen=True)
class OverallFacts:
    """What is known of a department once all are learned and its view is compiled.

    Attributes
    ----------
    department
        Which one.
    evaluation
        How good its ranking was in the past, with what all departments together say of scores.
    expected_share
        Of today's candidates who will buy; None where there are no times.
    spec
        What its view is compiled from.
    reach
        How many of its customers can be contacted today.
    trials
        In how many departments quality was measured.
    """

    department: Department
    evaluation: Evaluation
    expected_share: ExpectedShare | None
    spec: ViewSpec
    reach: Reach
    trials: int


def named(department: Department, rows: Iterable[Mapping[str, object]]) -> Rows:
    """Yield rows with the columns that every row of a department starts with."""
    for row in rows:
        yield {"department_key": department.key, "department": department.name, **row}


def names_of(department: Department, count: int) -> dict[str, object]:
    """Return the same columns for `count` rows of an Arrow table."""
    return {
        "department_key": pa.array(np.full(count, department.key, dtype=np.int64)),
        "department": pa.array([department.name] * count, pa.string()),
    }


def with_ids(table: pa.Table, customer_ids: "pd.Index[str]") -> pa.Table:
    """Return rows that tell of customers with their ids in the place of places in the feature table."""
    at = table.column_names.index(PLACE)
    ids = pa.array(customer_ids.take(table[PLACE].to_numpy()))
    return table.set_column(at, "customer_id", ids)
