"""What the pictures are drawn from: points, sampled and rounded, without anyone's id.

In: a published state, and how many points a picture may have. Out: columns of numbers. Points are ordered by where
they lie, so that their order says nothing about who they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from segwarehouse.domain import FloatArray
from segwarehouse.report.numbers import significant
from segwarehouse.state.published import PublishedState, Row

Columns = dict[str, list[Any]]

NAMED_DEPARTMENTS = 7
"""So many departments have a colour of their own on the customers map: more can't be told apart."""

MOST_CORRELATED = 28
"""The heat map shows so many features at most."""

NO_GROUP = -1
"""The group of a customer whose own is too small to be shown."""

ELLIPSE_REACH = 2.0
"""Ellipses are drawn at two standard deviations: about 86 percent of a component lies inside."""

_GRADES = 9
"""A feature's value is shown as one of so many grades, from the lowest to the highest of the sample."""


@dataclass(frozen=True)
class Detail:
    """How much a picture may hold: points of a map, customers and features of the SHAP pictures."""

    map_points: int = 1500
    swarm_customers: int = 200
    swarm_features: int = 10
    force_customers: int = 100
    force_features: int = 6

    @classmethod
    def at(cls, departments: int, level: int = 0) -> "Detail":
        """Return the detail that so many departments leave room for; with every level there is less.

        >>> Detail.at(10).map_points, Detail.at(200).map_points, Detail.at(200, level=3).map_points
        (1500, 300, 0)
        """
        part = min(1.0, 40.0 / max(departments, 1)) * 0.6**level
        points, customers = int(cls.map_points * part), int(cls.swarm_customers * part)
        return cls(
            map_points=points if points >= 100 else 0,
            swarm_customers=customers if customers >= 10 else 0,
            swarm_features=cls.swarm_features if part > 0.5 else 6,
            force_customers=min(cls.force_customers, customers) if customers >= 10 else 0,
            force_features=cls.force_features if part > 0.5 else 4,
        )


def department_map(state: PublishedState, department: str, detail: Detail) -> Columns:
    """Return the customers of a department's SHAP map: x, y, group, and 1 for who buys here."""
    frame = state.frame("department_maps", ("x", "y", "segment_id", "is_buyer"), department)
    sampled = _sample(frame, detail.map_points)
    return {
        **_coordinates(sampled),
        "group": sampled["segment_id"].fillna(NO_GROUP).astype(int).tolist(),
        "buyer": sampled["is_buyer"].astype(int).tolist(),
    }


def mixture_map(state: PublishedState, department: str, everyone: pd.DataFrame, detail: Detail) -> Columns:
    """Return the department's buyers on the customers map: x, y, and whose centre is nearest."""
    columns = ("customer_id", "is_buyer", "mixture_component")
    members = state.frame("department_maps", columns, department)
    buyers = members[members["is_buyer"].astype(bool) & members["mixture_component"].notna()]
    sampled = _sample(everyone.merge(buyers, on="customer_id"), detail.map_points)
    return {**_coordinates(sampled), "component": sampled["mixture_component"].astype(int).tolist()}


def ellipses(mixtures: Sequence[Row]) -> list[Row]:
    """Return each component's weight, centre (x, y) and the matrix that makes the unit circle its ellipse.

    The matrix is `ELLIPSE_REACH` times the square root of the covariance, by its eigenvectors: ``xx, xy, yx, yy``.
    """
    found: list[Row] = []
    for row in mixtures:
        covariance = np.array(
            [[row["covariance_xx"], row["covariance_xy"]], [row["covariance_xy"], row["covariance_yy"]]],
            dtype=np.float64,
        )
        values, vectors = np.linalg.eigh(covariance)
        matrix = vectors * (ELLIPSE_REACH * np.sqrt(np.maximum(values, 0.0)))
        found.append(
            {
                "component": row["component"],
                "weight": significant(row["weight"], 3),
                "x": significant(row["mean_x"], 4),
                "y": significant(row["mean_y"], 4),
                "matrix": [significant(float(value), 4) for value in matrix.ravel()],
            }
        )
    return found


def customers_map(everyone: pd.DataFrame, detail: Detail) -> dict[str, object]:
    """Return the customers map: x, y and which of the named departments each customer buys most in."""
    sampled = _sample(everyone, detail.map_points)
    names = sampled["main_department"].value_counts().index[:NAMED_DEPARTMENTS].tolist()
    place = sampled["main_department"].map({name: i for i, name in enumerate(names)}).fillna(len(names))
    return {"names": names, "points": {**_coordinates(sampled), "department": place.astype(int).tolist()}}


def drivers(state: PublishedState, department: str, phrases: Mapping[str, str], detail: Detail) -> dict[str, object]:
    """Return what drives the classifier: the strongest features, a beeswarm and a force picture of a sample.

    The swarm has, feature by feature and in each for `customers` of them, the push in log-odds, an offset that keeps
    points apart, and the grade of the feature's value. The force picture has pushes in the same way, for customers
    ordered by their sum; after its features comes what all others push together. `alone` is for how many of the
    `customers` one feature has more than half of the push.
    """
    columns = ("customer_id", "feature", "value", "shap_value")
    frame = state.frame("shap_values", columns, department)
    if frame.empty or not detail.swarm_customers:
        return {}
    pushes = frame.pivot_table(index="customer_id", columns="feature", values="shap_value", sort=False)
    values = frame.pivot_table(index="customer_id", columns="feature", values="value", sort=False)
    strength = pushes.abs().mean().sort_values(ascending=False, kind="stable")
    names = strength[strength > 0].index[: detail.swarm_features].tolist()
    described: list[Row] = [
        {
            "feature": phrases.get(name, name),
            "strength": _rounded(strength[name], 4),
            "direction": _direction(values[name].to_numpy(), pushes[name].to_numpy()),
        }
        for name in names
    ]
    return {
        "features": described,
        "customers": len(pushes),
        "alone": int((pushes.abs().max(axis=1) > 0.5 * pushes.abs().sum(axis=1)).sum()),
        "force_features": len(names[: detail.force_features]),
        "swarm": _swarm(pushes[names].to_numpy()[: detail.swarm_customers], values[names].to_numpy()),
        "force": _force(pushes, names[: detail.force_features], detail.force_customers),
    }


def correlations(state: PublishedState, phrases: Mapping[str, str]) -> dict[str, object]:
    """Return the correlations of the features that go together most, similar ones side by side.

    Features are ordered by the first eigenvector of their correlation matrix.
    """
    frame = state.frame("correlations", ("feature", "other_feature", "correlation")).dropna(ignore_index=True)
    if frame.empty:
        return {}
    names = sorted(set(frame["feature"]) | set(frame["other_feature"]))
    rows, columns = (pd.Index(names).get_indexer(pd.Index(frame[name])) for name in ("feature", "other_feature"))
    values = np.eye(len(names))
    values[rows, columns] = values[columns, rows] = frame["correlation"].to_numpy(dtype=np.float64)
    matrix = pd.DataFrame(values, index=names, columns=names)
    strongest = (matrix.abs().sum() - 1.0).nlargest(MOST_CORRELATED).index
    shown = matrix.loc[strongest, strongest].fillna(0.0)
    order = np.linalg.eigh(shown.to_numpy())[1][:, -1].argsort(kind="stable")
    shown = shown.iloc[order, order]
    below, beside = np.tril_indices(len(shown), -1)
    strongest_at = int(frame["correlation"].abs().to_numpy().argmax())
    best = frame.iloc[strongest_at]
    return {
        "features": [phrases.get(name, name) for name in shown.index],
        "all_features": len(names),
        "pairs": {
            "row": below.tolist(),
            "column": beside.tolist(),
            "correlation": _listed(shown.to_numpy()[below, beside], 2),
        },
        "strongest": {
            "feature": phrases.get(str(best["feature"]), str(best["feature"])),
            "other": phrases.get(str(best["other_feature"]), str(best["other_feature"])),
            "correlation": _rounded(frame["correlation"].to_numpy()[strongest_at], 2),
        },
    }


def _sample(frame: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return at most so many rows, ordered by where they lie: every so-manyth one, so that the sample is spread."""
    ordered = frame.sort_values(["x", "y"], ignore_index=True)
    if len(ordered) <= most:
        return ordered
    return ordered.iloc[np.linspace(0, len(ordered) - 1, most).round().astype(int)]


def _coordinates(frame: pd.DataFrame) -> Columns:
    """Return coordinates to three digits of the map's extent."""
    return {
        axis: _listed(frame[axis].to_numpy(dtype=np.float64), 1 if _extent(frame[axis]) > 50 else 2) for axis in "xy"
    }


def _extent(values: "pd.Series[Any]") -> float:
    return float(values.max() - values.min()) if len(values) else 0.0


def _direction(values: FloatArray, pushes: FloatArray) -> int:
    """Return 1 where higher values push towards buying, -1 where away from it, 0 where neither is plain."""
    if np.ptp(values) == 0.0 or np.ptp(pushes) == 0.0:
        return 0
    ranks = pd.Series(values).rank().corr(pd.Series(pushes).rank())
    return 0 if abs(ranks) < 0.2 else int(np.sign(ranks))


def _swarm(pushes: FloatArray, values: FloatArray) -> dict[str, Any]:
    found: dict[str, Any] = {"customers": len(pushes), "push": [], "offset": [], "grade": []}
    reach = float(np.abs(pushes).max()) or 1.0
    for place in range(pushes.shape[1]):
        ranks = pd.Series(values[:, place]).rank(pct=True).to_numpy()[: len(pushes)]
        found["push"] += _listed(pushes[:, place], 3)
        found["offset"] += _listed(_offsets(pushes[:, place] / reach), 2)
        found["grade"] += np.minimum((ranks * _GRADES).astype(int), _GRADES - 1).tolist()
    return found


def _offsets(places: FloatArray) -> FloatArray:
    """Return offsets in -0.3 .. 0.3 that spread points of about the same place, alternating around the middle."""
    bins = np.round(places * 60.0).astype(int)
    offsets = np.zeros(len(places), dtype=np.float64)
    deepest = 1
    for each in np.unique(bins):
        members = np.flatnonzero(bins == each)
        steps = np.arange(len(members))
        offsets[members] = np.where(steps % 2 == 0, 1, -1) * ((steps + 1) // 2)
        deepest = max(deepest, len(members) // 2)
    return offsets * min(0.05, 0.3 / deepest)


def _force(pushes: pd.DataFrame, names: Sequence[str], customers: int) -> dict[str, Any]:
    total = pushes.sum(axis=1)
    ordered = pushes.loc[total.sort_values(ascending=False, kind="stable").index]
    places = np.unique(np.linspace(0, len(ordered) - 1, min(customers, len(ordered))).round().astype(int))
    shown = ordered.iloc[places]
    parts = [*(shown[name] for name in names), shown.drop(columns=list(names)).sum(axis=1)]
    return {
        "customers": len(shown),
        "push": [value for part in parts for value in _listed(part.to_numpy(), 3)],
    }


def _listed(values: FloatArray, digits: int) -> list[float]:
    return [_rounded(value, digits) for value in values]


def _rounded(value: float, digits: int) -> float:
    return round(float(value), digits) + 0.0
