"""What the columns of `features.customers` mean, how they go together, and what they add to a probability.

In: nothing. Out: the declarations of `features`, `correlations` and `shap_values`. Their rows are made in `rows.py`;
those of `features` are the features of the catalogue.
"""

from segwarehouse.results.declaration import CUSTOMER, DEPARTMENT, Table, real, text, whole

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
)
