"""Groups of customers as seen from each department, and the maps that they lie on. They explain; they select nobody.

In: nothing. Out: the declarations of `segments`, `cluster_scores`, `mixtures`, `confusions`, `department_maps` and
`customers_map`. Their rows are made in `rows.py`.
"""

from segwarehouse.results.declaration import CUSTOMER, DEPARTMENT, Table, day, real, text, truth, whole
from segwarehouse.results.suppress import hide_confusions, hide_maps, hide_mixtures, hide_segments

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
)

CUSTOMERS_MAP = Table(
    "customers_map",
    (CUSTOMER, *_PLACE, text("main_department", "where the customer has most purchases")),
)
