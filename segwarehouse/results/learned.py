"""What was learned of a department, and the map of all customers that its mixture lies on.

In: a department's table, and what learning, maps and refits found. Out: frozen values. How they become rows is left to
`rows.py`.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from segwarehouse.domain import Card, Condition, Department, FloatArray, IntArray, Segment
from segwarehouse.evaluate.judge import Evaluation
from segwarehouse.evaluate.refits import Stability
from segwarehouse.evaluate.scores import Outcome
from segwarehouse.features import FeatureTable, LeftOut
from segwarehouse.learn.department import SegmentMap
from segwarehouse.learn.embed import Embedding, embed
from segwarehouse.learn.explain import Explanation
from segwarehouse.learn.mixture import Mixture
from segwarehouse.learn.propensity import ConfusionMatrices
from segwarehouse.results.identity import MIXTURE, PERSONA, Grouped, Identity, PreviousSegments
from segwarehouse.table import DepartmentTable

MOST_SHAP_CUSTOMERS, FEWEST_SHAP_CUSTOMERS, SHAP_ROWS = 200, 20, 4_000_000


@dataclass(frozen=True)
class Learned:
    """One department: what it was learned from, what was learned, and how good that was in the past.

    Attributes
    ----------
    left_out
        What it was learned from.
    card, frequency, kept, confusion
        See `learn.department.DepartmentLearned`.
    segment_map
        Its personas, on the department's own map.
    probability
        float64: of each customer of that map to be a buyer, out of fold.
    explanation
        SHAP values of the first of them, out of fold.
    mixture
        Of its buyers on the customers map of m customers.
    nearest, distances
        int64 and float64 (m,): the nearest component of every mapped customer, and how far its centre is.
    mapped_buyers
        How many of the mapped customers buy here.
    components
        The components as segments.
    evaluation
        How good its ranking was in the past.
    stability
        What refits make of it; None where there were none.
    persona_identity, component_identity
        What personas and components are called, by place.
    outcome
        How its probabilities become scores; None where there are no times, and scores stay what they are.
    """

    left_out: LeftOut
    card: Card
    frequency: Mapping[tuple[Condition, ...], float]
    kept: bool
    confusion: ConfusionMatrices
    segment_map: SegmentMap
    probability: FloatArray
    explanation: Explanation
    mixture: Mixture
    nearest: IntArray
    distances: FloatArray
    mapped_buyers: int
    components: tuple[Segment, ...]
    evaluation: Evaluation
    stability: Stability | None
    persona_identity: Identity
    component_identity: Identity
    outcome: Outcome | None = None

    @property
    def department(self) -> Department:
        """The department that is learned."""
        return self.left_out.department

    def table(self) -> DepartmentTable:
        """Return what it was learned from, made anew: hundreds of tables at once would fill the memory."""
        return self.left_out.table()


@dataclass(frozen=True)
class CustomersMap:
    """All customers, or a sample of them, in the plane, by what they buy.

    `rows` int64 (m,) are positions in the feature table, `coordinates` float64 (m, 2), `main_departments` (m,) names.
    """

    rows: IntArray
    coordinates: FloatArray
    main_departments: Sequence[str | None]


def shap_customers(departments: int, features: int) -> int:
    """Return of how many customers of a department SHAP values are stored: fewer where all together would be too many.

    >>> shap_customers(20, 150), shap_customers(400, 200), shap_customers(2_000, 200)
    (200, 50, 20)
    """
    each = SHAP_ROWS // max(1, departments * features)
    return max(FEWEST_SHAP_CUSTOMERS, min(MOST_SHAP_CUSTOMERS, each))


def identified(
    item: Learned, table: FeatureTable, mapped: CustomersMap, before: PreviousSegments, as_of: dt.date
) -> Learned:
    """Return what was learned of a department with its segments called as they were before, where they are the same."""
    clusters, rows = item.segment_map.clusters, item.table().rows[item.segment_map.embedding.rows]
    personas = Grouped(table.customer_ids.take(rows), clusters.labels, len(clusters.centres))
    components = Grouped(table.customer_ids.take(mapped.rows), item.nearest, len(item.components))
    name = item.department.name
    return replace(
        item,
        persona_identity=before.identify(name, PERSONA, personas, as_of),
        component_identity=before.identify(name, MIXTURE, components, as_of),
    )


def map_customers(table: FeatureTable, seed: int) -> CustomersMap:
    """Lay out customers by the logarithm of their purchases in each department: t-SNE, as in the recipe."""
    places = [i for i, feature in enumerate(table.catalogue.features) if feature.kind == "department"]
    names = [table.catalogue.features[i].subject for i in places]
    counts = table.values[:, places]
    found: Embedding = embed(np.log1p(counts), seed=seed, method="tsne", order=table.map_order)
    sampled = counts[found.rows]
    main = [names[best] if row[best] > 0 else None for row, best in zip(sampled, sampled.argmax(axis=1), strict=True)]
    return CustomersMap(found.rows, found.coordinates, main)
