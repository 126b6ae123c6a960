"""The candidates for a card: short conjunctions with round thresholds, each selecting its own set of customers.

In: features and paths through trees (from RuleFit and from boosted trees). Out: candidate rules with the customers
that each selects. Which of them a card takes is left to `card.py`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np

from segwarehouse.domain import BoolArray, Column, Condition, Feature, FloatArray, Operator
from segwarehouse.learn.thresholds import Path, Split, complement, grain_of, rounded_conditions

Conjunction = tuple[Condition, ...]

LEAST_SUPPORT = 0.03
MOST_SUPPORT = 0.8
_QUANTILES = np.linspace(0.05, 0.95, 13)
_TREES = 120


@dataclass(frozen=True, slots=True)
class CandidateRules:
    """Candidate rules.

    Attributes
    ----------
    rules
        Conjunctions in a stable order, shorter ones first; conditions sorted.
    masks
        bool (rules, n): the customers that each selects. No two rows are equal.
    """

    rules: tuple[Conjunction, ...]
    masks: BoolArray


def build_pool(
    values: FloatArray, features: tuple[Feature, ...], paths: Iterable[Path], *, most_conditions: int
) -> CandidateRules:
    """Turn paths and quantiles into candidates.

    A path with a positive effect gives its conjunction and every part of it; one with a negative effect gives the
    complement of each of its conditions. Conditions on the same side of one feature are merged. Of the rules that
    select the same customers one stays, the shortest. Support is 3 to 80 percent of the customers.

    Parameters
    ----------
    values
        float64 (n, p), finite.
    features
        The p features.
    paths
        From `boosted_paths` and `rulefit_paths`.
    most_conditions
        Longer conjunctions are left out.
    """
    grains = [grain_of(float(spread)) for spread in values.std(axis=0)]
    found: set[Conjunction] = set(_single_conditions(values, features, grains))
    for path in paths:
        found.update(rule for rule in _rules_of(path, features, grains) if len(rule) <= most_conditions)
    columns = {feature.name: Column.complete(values[:, at]) for at, feature in enumerate(features)}
    return _distinct(sorted(found, key=lambda rule: (len(rule), rule)), columns, len(values))


def boosted_paths(values: FloatArray, target: FloatArray, *, leaves: int, seed: int) -> list[Path]:
    """Return the paths to the leaves of boosted regression trees with `leaves` leaves each.

    Parameters
    ----------
    values
        float64 (n, p).
    target
        float64 (n,): what the trees explain.
    leaves
        Leaves a tree: 4 gives paths of two or three splits.
    seed
        Fixes the rows and columns that each tree sees.

    Notes
    -----
    scikit-learn's ``GradientBoostingRegressor`` with rate 0.1, max_features 0.4, subsample 0.5 and 30 rows in a
    leaf. The thresholds are read from the fitted trees.
    """
    if np.ptp(target) == 0.0:
        return []
    fitted = tree_generator(len(values), leaves=leaves, trees=_TREES, seed=seed).fit(values, target)
    return [path for tree in fitted.estimators_[:, 0] for path in _leaf_paths(tree.tree_)]


def tree_generator(rows: int, *, leaves: int, trees: int, seed: int) -> Any:
    """Return the unfitted ``GradientBoostingRegressor`` that boosted paths and RuleFit grow their trees with."""
    from sklearn.ensemble import GradientBoostingRegressor

    return GradientBoostingRegressor(
        n_estimators=trees,
        learning_rate=0.1,
        max_features=0.4,
        subsample=0.5,
        max_leaf_nodes=leaves,
        max_depth=None,
        min_samples_leaf=max(1, min(30, rows // 20)),
        random_state=seed,
    )


def _leaf_paths(tree: Any) -> Iterator[Path]:
    """Yield the path to each leaf of a fitted scikit-learn tree that has a split."""
    waiting: list[tuple[int, tuple[Split, ...]]] = [(0, ())]
    while waiting:
        node, splits = waiting.pop()
        if tree.children_left[node] < 0:
            if splits:
                yield Path(splits, float(tree.value[node].ravel()[0]))
            continue
        column, threshold = int(tree.feature[node]), float(tree.threshold[node])
        waiting.append((int(tree.children_right[node]), (*splits, Split(column, above=True, threshold=threshold))))
        waiting.append((int(tree.children_left[node]), (*splits, Split(column, above=False, threshold=threshold))))


def _rules_of(path: Path, features: tuple[Feature, ...], grains: Sequence[float]) -> Iterator[Conjunction]:
    choices = [rounded_conditions(split, features[split.column], grains[split.column]) for split in path.splits]
    if path.effect < 0.0:
        yield from ((complement(condition),) for conditions in choices for condition in conditions)
        return
    for size in range(1, len(choices) + 1):
        for part in combinations(choices, size):
            yield from (merged(conditions) for conditions in product(*part))


def merged(conditions: Iterable[Condition]) -> Conjunction:
    """Return the conditions sorted, with one left for each side of a feature: the narrower.

    >>> low, high = Condition("x", Operator.AT_LEAST, 2.0), Condition("x", Operator.AT_LEAST, 5.0)
    >>> merged([low, high]) == (high,)
    True
    """
    kept: dict[tuple[str, Operator], Condition] = {}
    for condition in conditions:
        side = (condition.feature, condition.operator)
        other = kept.get(side, condition)
        pick = max if condition.operator is Operator.AT_LEAST else min
        kept[side] = pick(other, condition)
    return tuple(sorted(kept.values()))


def _single_conditions(
    values: FloatArray, features: tuple[Feature, ...], grains: Sequence[float]
) -> Iterator[Conjunction]:
    """Yield both sides of round thresholds next to quantiles, of all customers and of those above zero."""
    for at, feature in enumerate(features):
        column = values[:, at]
        above_zero = column[column > 0.0]
        parts = [column, above_zero] if len(above_zero) else [column]
        bounds = {float(bound) for part in parts for bound in np.quantile(part, _QUANTILES, method="nearest")}
        for bound in bounds:
            for condition in rounded_conditions(Split(at, above=True, threshold=bound), feature, grains[at]):
                yield (condition,)
                yield (complement(condition),)


def _distinct(rules: list[Conjunction], columns: Mapping[str, Column], count: int) -> CandidateRules:
    """Keep rules of the right support, the first of each set of customers."""
    single: dict[Condition, BoolArray] = {}
    kept: list[Conjunction] = []
    masks: list[BoolArray] = []
    seen: set[bytes] = set()
    for rule in rules:
        mask = np.ones(count, dtype=np.bool_)
        for condition in rule:
            if condition not in single:
                single[condition] = condition.matches(columns)
            mask &= single[condition]
        if not LEAST_SUPPORT * count <= np.count_nonzero(mask) <= MOST_SUPPORT * count:
            continue
        key = np.packbits(mask).tobytes()
        if key not in seen:
            seen.add(key)
            kept.append(rule)
            masks.append(mask)
    stacked = np.stack(masks) if masks else np.zeros((0, count), dtype=np.bool_)
    return CandidateRules(tuple(kept), stacked)
