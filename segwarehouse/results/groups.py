"""Groups of customers as seen from each department, and the maps that they lie on. They explain; they select nobody.

In: `LearnedFacts`, or the map of all customers. Out: the declarations and the rows of `segments`, `cluster_scores`,
`mixtures`, `confusions`, `department_maps` and `customers_map`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd
import pyarrow as pa

from segwarehouse.domain import Feature, Segment
from segwarehouse.results.declaration import CUSTOMER, DEPARTMENT, Table, day, real, text, truth, whole
from segwarehouse.results.facts import PLACE, LearnedFacts, Rows, names_of
from segwarehouse.results.identity import MIXTURE, PERSONA, Identity
from segwarehouse.results.maps import CustomersMap
from segwarehouse.results.suppress import hide_confusions, hide_maps, hide_mixtures, hide_segments
from segwarehouse.rules.typical import describe_typical


def segment_rows(facts: LearnedFacts) -> Rows:
    """Yield the personas and the components of the mixture."""
    maps, features = facts.maps, facts.features
    yield from _rows_of_kind(maps.segment_map.segments, PERSONA, maps.persona_identity, features)
    yield from _rows_of_kind(maps.components, MIXTURE, maps.component_identity, features)


def _rows_of_kind(segments: Sequence[Segment], kind: str, identity: Identity, features: Mapping[str, Feature]) -> Rows:
    """Yield a row for each segment; which are too small to be published is left to `suppress`."""
    for segment, number, since in zip(segments, identity.ids.tolist(), identity.since, strict=True):
        yield {
            "kind": kind,
            "segment_id": number,
            "name": segment.name,
            "size": segment.size,
            "weight": segment.weight,
            "buyer_share": segment.buyer_share,
            "lift": segment.lift,
            "drivers": "; ".join(segment.drivers),
            "typical": describe_typical(segment.typical, features),
            "since": since,
        }


def cluster_score_rows(facts: LearnedFacts) -> Rows:
    """Yield a row for each number of personas, and of components, that was tried."""
    maps = facts.maps
    chosen = len(maps.segment_map.clusters.centres)
    for tried in maps.segment_map.clusters.scores:
        yield {
            "kind": "persona",
            "number": tried.number,
            "silhouette": tried.silhouette,
            "stability": tried.stability,
            "is_chosen": int(tried.number == chosen),
        }
    for fitted in maps.mixture.scores:
        yield {
            "kind": "mixture",
            "number": fitted.number,
            "silhouette": fitted.silhouette,
            "stability": fitted.stability,
            "bic": fitted.bic,
            "is_chosen": int(fitted.number == len(maps.mixture.weights)),
        }


def mixture_rows(facts: LearnedFacts) -> Rows:
    """Yield centre, spread and weight of each component."""
    maps, mixture = facts.maps, facts.maps.mixture
    for component, weight, mean, covariance in zip(
        maps.component_identity.ids.tolist(), mixture.weights, mixture.means, mixture.covariances, strict=True
    ):
        yield {
            "component": component,
            "weight": float(weight),
            "mean_x": float(mean[0]),
            "mean_y": float(mean[1]),
            "covariance_xx": float(covariance[0, 0]),
            "covariance_xy": float(covariance[0, 1]),
            "covariance_yy": float(covariance[1, 1]),
        }


def confusion_rows(facts: LearnedFacts) -> Rows:
    """Yield the confusion matrix at the natural and at the balanced prior."""
    for prior in ("natural", "balanced"):
        yield {"prior": prior, **asdict(getattr(facts.learned.confusion, prior))}


def department_map_table(facts: LearnedFacts) -> pa.Table:
    """Return the department's own map; distances are those of the same customers on the customers map."""
    table, maps, probability = facts.table, facts.maps, facts.learned.propensity.probability
    embedding, clusters = maps.segment_map.embedding, maps.segment_map.clusters
    rows = table.rows[embedding.rows]
    place = pd.Index(facts.customers_map.rows).get_indexer(pd.Index(rows))
    mapped = (place >= 0) & (maps.nearest[place] >= 0)
    components = np.append(maps.component_identity.ids, -1)[maps.nearest[place]]
    return pa.table(
        {
            **names_of(table.department, len(rows)),
            PLACE: rows,
            "x": embedding.coordinates[:, 0],
            "y": embedding.coordinates[:, 1],
            "segment_id": maps.persona_identity.ids[clusters.labels],
            "probability": probability[embedding.rows],
            "is_buyer": table.buyers[embedding.rows],
            "mixture_component": pa.array(components, mask=~mapped),
            "mixture_distance": pa.array(np.where(mapped, maps.distances[place], 0.0), mask=~mapped),
        }
    )


def customers_map_table(ids: pa.Array, found: CustomersMap) -> pa.Table:
    """Return the map of all customers."""
    return pa.table(
        {
            "customer_id": ids,
            "x": found.coordinates[:, 0],
            "y": found.coordinates[:, 1],
            "main_department": pa.array(found.main_departments, pa.string()),
        }
    )


_KIND = text("kind", "persona, or mixture of the department's buyers")
_PLACE = real("x", "first coordinate on the map"), real("y", "second coordinate on the map")
_CENTRE, _SPREAD = "its centre on the customers map", "its spread"

SEGMENTS = Table(
    "segments",
    (
        *DEPARTMENT,
        _KIND,
        whole("segment_id", "number of the segment in its department and kind"),
        text("name", "what stands out in it"),
        whole("size", "customers of the mapped sample"),
        real("weight", "share of the buyers; of a component only"),
        real("buyer_share", "share of buyers among its customers"),
        real("lift", "buyer_share over that of all"),
        text("drivers", "what tells it from other customers; a component: from other buyers"),
        text("typical", "medians of the drivers over its customers; a component: over its buyers"),
        day("since", "as of which day it was first found; its id is the same from then on"),
    ),
    hide=hide_segments,
    make_in_worker=segment_rows,
)

CLUSTER_SCORES = Table(
    "cluster_scores",
    (
        *DEPARTMENT,
        _KIND,
        whole("number", "how many clusters or components were tried"),
        real("silhouette", "mean silhouette, -1 to 1; higher is better separated"),
        real("stability", "adjusted Rand index between refits; NULL for one component"),
        real("bic", "of the mixture; NULL for personas"),
        whole("is_chosen", "whether this number was taken"),
    ),
    make_in_worker=cluster_score_rows,
)

MIXTURES = Table(
    "mixtures",
    (
        *DEPARTMENT,
        whole("component", "segment_id of the segment"),
        real("weight", "share of the buyers that it stands for"),
        real("mean_x", _CENTRE),
        real("mean_y", _CENTRE),
        real("covariance_xx", _SPREAD),
        real("covariance_xy", _SPREAD),
        real("covariance_yy", _SPREAD),
    ),
    hide=hide_mixtures,
    make_in_worker=mixture_rows,
)

CONFUSIONS = Table(
    "confusions",
    (
        *DEPARTMENT,
        text("prior", "natural, or balanced as the published recipe has it"),
        whole("true_negatives", "others who were taken for others"),
        whole("false_positives", "others who were taken for buyers"),
        whole("false_negatives", "buyers who were taken for others"),
        whole("true_positives", "buyers who were taken for buyers"),
    ),
    hide=hide_confusions,
    make_in_worker=confusion_rows,
)

DEPARTMENT_MAPS = Table(
    "department_maps",
    (
        *DEPARTMENT,
        CUSTOMER,
        *_PLACE,
        whole("segment_id", "persona"),
        real("probability", "out of fold, at natural prevalence"),
        truth("is_buyer", "whether the customer buys here"),
        whole("mixture_component", "segment_id of the component whose centre is nearest, on the customers map"),
        real("mixture_distance", "to that centre"),
    ),
    hide=hide_maps,
    make_in_worker=department_map_table,
)

CUSTOMERS_MAP = Table(
    "customers_map",
    (CUSTOMER, *_PLACE, text("main_department", "where the customer has most purchases")),
)
