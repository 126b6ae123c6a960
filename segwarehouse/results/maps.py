"""Customers in the plane: the map of all of them, and each department's own map with its segments.

In: a feature table, or a department's table and what was learned from it. Out: frozen values. How they become rows is
left to `rows.py`, what segments are called from run to run to `identity.py`.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segwarehouse.domain import FloatArray, IntArray, Segment
from segwarehouse.evaluate.settings import Settings
from segwarehouse.features import FeatureTable
from segwarehouse.learn.department import SegmentMap
from segwarehouse.learn.embed import Embedding, embed
from segwarehouse.learn.mixture import Mixture, fit_mixture
from segwarehouse.learn.segments import name_components
from segwarehouse.results.identity import MIXTURE, PERSONA, Grouped, Identity, PreviousSegments
from segwarehouse.table import DepartmentTable

MOST_SHAP_CUSTOMERS, FEWEST_SHAP_CUSTOMERS, SHAP_ROWS = 200, 20, 4_000_000


@dataclass(frozen=True)
class CustomersMap:
    """All customers, or a sample of them, in the plane, by what they buy.

    `rows` int64 (m,) are positions in the feature table, `coordinates` float64 (m, 2), `main_departments` (m,) names.
    """

    rows: IntArray
    coordinates: FloatArray
    main_departments: Sequence[str | None]


@dataclass(frozen=True)
class DepartmentMaps:
    """A department's personas on its own map, and the mixture of its buyers on the customers map of m customers.

    Attributes
    ----------
    segment_map
        Its personas, on its own map.
    mixture
        Of its buyers on the customers map.
    nearest, distances
        int64 and float64 (m,): the nearest component of every mapped customer, and how far its centre is.
    mapped_buyers
        How many of the mapped customers buy here.
    components
        The components as segments.
    persona_identity, component_identity
        What personas and components are called, by place.
    """

    segment_map: SegmentMap
    mixture: Mixture
    nearest: IntArray
    distances: FloatArray
    mapped_buyers: int
    components: tuple[Segment, ...]
    persona_identity: Identity
    component_identity: Identity


def shap_customers(departments: int, features: int) -> int:
    """Return of how many customers of a department SHAP values are stored: fewer where all together would be too many.

    >>> shap_customers(20, 150), shap_customers(400, 200), shap_customers(2_000, 200)
    (200, 50, 20)
    """
    each = SHAP_ROWS // max(1, departments * features)
    return max(FEWEST_SHAP_CUSTOMERS, min(MOST_SHAP_CUSTOMERS, each))


def map_customers(table: FeatureTable, seed: int) -> CustomersMap:
    """Lay out customers by the logarithm of their purchases in each department: t-SNE, as in the recipe."""
    places = [i for i, feature in enumerate(table.catalogue.features) if feature.kind == "department"]
    names = [table.catalogue.features[i].subject for i in places]
    counts = table.values[:, places]
    found: Embedding = embed(np.log1p(counts), seed=seed, method="tsne", order=table.map_order)
    sampled = counts[found.rows]
    main = [names[best] if row[best] > 0 else None for row, best in zip(sampled, sampled.argmax(axis=1), strict=True)]
    return CustomersMap(found.rows, found.coordinates, main)


def map_department(
    table: DepartmentTable,
    segment_map: SegmentMap,
    customers_map: CustomersMap,
    settings: Settings,
    previous: PreviousSegments,
    as_of: dt.date,
) -> DepartmentMaps:
    """Fit the mixture of a department's buyers, and call its segments as they were called before.

    Parameters
    ----------
    table
        What was learned from.
    segment_map
        What was learned.
    previous
        The department's segments in the published state.
    as_of
        The day as of which segments that are new were found.
    """
    mapped_buyers = np.isin(customers_map.rows, table.rows[table.buyers])
    mixture = fit_mixture(customers_map.coordinates[mapped_buyers], seed=settings.seed)
    nearest, distances = mixture.nearest(customers_map.coordinates)
    known = np.isin(customers_map.rows, table.rows)
    places = np.searchsorted(table.rows, customers_map.rows[known])
    components = name_components(
        nearest[known],
        len(mixture.weights),
        values=table.values[places],
        features=table.features,
        labels=table.buyers[places],
        weights=mixture.weights,
        min_cell=settings.min_cell,
    )
    clusters = segment_map.clusters
    personas = Grouped(table.rows[segment_map.embedding.rows], clusters.labels, len(clusters.centres))
    return DepartmentMaps(
        segment_map=segment_map,
        mixture=mixture,
        nearest=nearest,
        distances=distances,
        mapped_buyers=int(mapped_buyers.sum()),
        components=components,
        persona_identity=previous.identify(PERSONA, personas, as_of),
        component_identity=previous.identify(MIXTURE, Grouped(customers_map.rows, nearest, len(components)), as_of),
    )
