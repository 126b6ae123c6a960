"""What the columns of `features.customers` mean, how they go together, and what they add to a probability.

In: the features of all customers, or `LearnedFacts`. Out: the declarations and the rows of `features`, `correlations`
and `shap_values`.
"""

from dataclasses import asdict

import numpy as np
import pyarrow as pa

from segwarehouse.features import FeatureTable
from segwarehouse.results.declaration import CUSTOMER, DEPARTMENT, Table, real, text, whole
from segwarehouse.results.facts import PLACE, LearnedFacts, Rows, names_of

MOST_CORRELATED = 200
"""Correlations are stored for so many features at most."""


def feature_rows(table: FeatureTable) -> Rows:
    """Yield what each feature means."""
    yield from (asdict(feature) for feature in table.catalogue.features)


def correlation_rows(table: FeatureTable) -> Rows:
    """Yield the correlation of every pair of features that vary, each pair once."""
    varying = np.flatnonzero(table.values.std(axis=0) > 0)[:MOST_CORRELATED]
    names = [table.catalogue.features[place].name for place in varying]
    matrix = np.atleast_2d(np.corrcoef(table.values[:, varying], rowvar=False))
    for i, feature in enumerate(names):
        for j in range(i):
            yield {"feature": feature, "other_feature": names[j], "correlation": float(matrix[i, j])}


def shap_table(facts: LearnedFacts) -> pa.Table:
    """Return the SHAP values of some customers of the department's map, a row for each feature."""
    table, rows = facts.table, facts.explained
    names = [feature.name for feature in table.features]
    shown = facts.learned.propensity.explanation.of(rows)
    return pa.table(
        {
            **names_of(table.department, len(rows) * len(names)),
            PLACE: table.rows[np.repeat(rows, len(names))],
            "feature": pa.array(names * len(rows), pa.string()),
            "value": table.values[rows].ravel(),
            "shap_value": shown.shap.ravel(),
            "base_value": np.repeat(shown.base, len(names)),
        }
    )


_FEATURE = text("feature", "column of features.customers")

FEATURES = Table(
    "features",
    (
        text("name", "the column"),
        text("kind", "behaviour, department, category, customer or activity"),
        text("phrase", "what a person calls it"),
        text("unit", "count, days, amount, flag or number"),
        text("subject", "the department or category that it stands for"),
        whole("recent_days", "how many last days it looks back where it is about recent activity; 0 for all others"),
    ),
)

CORRELATIONS = Table(
    "correlations",
    (
        _FEATURE,
        text("other_feature", "another column of features.customers"),
        real("correlation", "Pearson's coefficient, -1 to 1"),
    ),
)

SHAP_VALUES = Table(
    "shap_values",
    (
        *DEPARTMENT,
        CUSTOMER,
        _FEATURE,
        real("value", "the customer's value of the feature"),
        real("shap_value", "what it adds to the log-odds of being a buyer"),
        real("base_value", "log-odds without any feature"),
    ),
    make_in_worker=shap_table,
)
