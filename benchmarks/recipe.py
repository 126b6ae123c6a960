"""The published recipe, re-implemented plainly: balance, classify, explain, embed, cluster, state rules.

In: features of customers, who of them are buyers, and a seed. Out: a score for any customer. Nothing is put right
here: the classifier is explained on the customers it was fitted to, and the rules describe the clusters of that.
Two choices favour the recipe: the target department's own count is not among its features (with it every candidate
would have the same score), and more than `MOST_CUSTOMERS` balanced customers are sampled, as UMAP takes minutes.
"""

import warnings
from typing import Any

import numpy as np

from segwarehouse.domain import BoolArray, FloatArray, IntArray
from segwarehouse.table import DepartmentTable

MOST_CUSTOMERS = 2_000


def recipe_features(table: DepartmentTable) -> list[int]:
    """Return which columns the recipe reads: the counts of purchases in all other departments."""
    return [at for at, feature in enumerate(table.features) if feature.kind == "department"]


def fit_recipe(values: FloatArray, buyers: BoolArray, *, seed: int) -> Any:
    """Return a fitted `RuleFitRegressor(max_rules=5)` whose prediction is the recipe's score.

    Parameters
    ----------
    values
        float64 (n, p): counts.
    buyers
        bool (n,).
    seed
        Of the balancing and of every step.
    """
    from imodels import RuleFitRegressor
    from lightgbm import LGBMClassifier
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    rows = _balanced(buyers, seed)
    features, labels = values[rows], buyers[rows]
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        import umap

        classifier = LGBMClassifier(random_state=seed, n_jobs=1, verbosity=-1).fit(features, labels)
        shap = np.asarray(classifier.predict(features, pred_contrib=True))[:, :-1]  # what shap.Explainer returns
        neighbours = min(200, len(rows) - 1)
        layout = umap.UMAP(n_neighbors=neighbours, min_dist=0.0, random_state=seed, n_jobs=1).fit_transform(shap)
        cluster = KMeans(2, n_init=10, random_state=seed).fit_predict(layout)
        if labels[cluster == 1].mean() < labels[cluster == 0].mean():
            cluster = 1 - cluster
        # cv has no effect on the rules in imodels 3.0 and fits hundreds of models in vain.
        return RuleFitRegressor(max_rules=5, cv=False, random_state=seed).fit(features, cluster.astype(np.float64))


def _balanced(buyers: BoolArray, seed: int) -> IntArray:
    """Return as many buyers as others, at most `MOST_CUSTOMERS` together."""
    generator = np.random.default_rng(seed)
    size = min(int(buyers.sum()), int((~buyers).sum()), MOST_CUSTOMERS // 2)
    parts = [generator.choice(np.flatnonzero(mask), size, replace=False) for mask in (buyers, ~buyers)]
    return np.sort(np.concatenate(parts)).astype(np.int64)


def fit_plain_rulefit(values: FloatArray, buyers: BoolArray, *, seed: int) -> Any:
    """Return imodels' `RuleFitRegressor` with its defaults, fitted to who is a buyer."""
    from imodels import RuleFitRegressor
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        return RuleFitRegressor(cv=False, random_state=seed).fit(values, buyers.astype(np.float64))


def condition_count(fitted: Any) -> int:
    """Return how many conditions a fitted RuleFit states, a linear term counting as one."""
    linear = len(fitted.coef) - len(fitted.rules_without_feature_names_)
    stated = sum(coefficient != 0.0 for coefficient in fitted.coef[:linear])
    for rule, coefficient in zip(fitted.rules_without_feature_names_, fitted.coef[linear:], strict=True):
        stated += len(rule.agg_dict) if coefficient != 0.0 else 0
    return int(stated)
