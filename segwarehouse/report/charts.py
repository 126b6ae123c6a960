"""What every chart looks like: Vega-Lite specifications, as plain data.

In: nothing. Out: for each chart a specification whose data are called ``rows`` (and, on the mixture map, ``outlines``
and ``centres``), filled in by the page for the department that is shown. Colours are the page's own CSS variables, so
that a chart follows light, dark and print without being drawn again. Every text from data stands in the data, never
in a specification.

Source of the form: Vega-Lite 6 (https://vega.github.io/vega-lite/docs/spec.html).
"""

from collections.abc import Mapping, Sequence
from typing import Any

Spec = dict[str, Any]

RANKING_STYLES: Mapping[str, tuple[str, list[int]]] = {
    # ranking: colour, dashes
    "rules": ("var(--accent)", [1, 0]),
    "black box": ("var(--black-box)", [6, 3]),
    "activity": ("var(--activity)", [2, 2]),
    "best single measure": ("var(--single)", [8, 3, 2, 3]),
    "random": ("var(--random)", [1, 4]),
}

CATEGORIES = [f"var(--c{place})" for place in range(1, 9)]
GRADES = [f"var(--g{place})" for place in range(9)]
DIVERGING = [f"var(--d{place})" for place in range(9)]

_SIGNED = "datum.value === 0 ? '0' : format(datum.value, '+.1f')"

CONFIG: Spec = {
    "aria": False,  # the figure around a chart has its text alternative
    "background": None,
    "font": "inherit",
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "gridColor": "var(--line)",
        "labelColor": "var(--ink-2)",
        "labelFontSize": 12,
        "labelPadding": 6,
        "ticks": False,
        "titleColor": "var(--ink-2)",
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    },
    "text": {"color": "var(--ink-2)", "fontSize": 12},
}
"""What all charts share."""


def _colours(field: str, domain: Sequence[Any], colours: Sequence[str]) -> Spec:
    scale = {"domain": list(domain), "range": list(colours)}
    return {"field": field, "type": "nominal", "scale": scale, "legend": None}


def _field(name: str, title: str, number: str = "") -> Spec:
    """Return a line of a tooltip."""
    return {"field": name, "title": title, **({"format": number, "type": "quantitative"} if number else {})}


def _no_axis(name: str) -> Spec:
    return {"field": name, "type": "quantitative", "axis": None, "scale": {"zero": False, "nice": False, "padding": 8}}


def curve() -> Spec:
    """Return each ranking along the number of contacts, with bands; `at` is the number that was chosen."""
    names = list(RANKING_STYLES)
    colour = _colours("ranking", names, [colour for colour, _ in RANKING_STYLES.values()])
    dashes = {
        "field": "ranking",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": names, "range": [dashes for _, dashes in RANKING_STYLES.values()]},
    }
    x = {
        "field": "contacts",
        "type": "quantitative",
        "title": "customers contacted",
        "axis": {"grid": False, "tickCount": 6, "labelOverlap": "greedy", "labelSeparation": 12},
        "scale": {"type": "sqrt", "nice": False, "zero": True},
    }
    y = {"field": "value", "type": "quantitative", "axis": {"tickCount": 5}, "scale": {"zero": False}}
    nearest = {"type": "point", "on": "pointerover", "nearest": True, "clear": "pointerout", "encodings": ["x"]}
    return {
        "height": 300,
        "params": [{"name": "at", "value": 0}],
        "data": {"name": "rows"},
        "layer": [
            {
                "mark": {"type": "area", "clip": True},
                "encoding": {
                    "x": x,
                    "y": {**y, "field": "low", "title": None},
                    "y2": {"field": "high"},
                    "color": colour,
                    "opacity": {"condition": {"test": "datum.ranking === 'rules'", "value": 0.2}, "value": 0.07},
                },
            },
            {
                "mark": {"type": "rule", "color": "var(--ink)", "strokeWidth": 1},
                "data": {"values": [{}]},
                "transform": [{"calculate": "at", "as": "contacts"}],
                "encoding": {"x": x},
            },
            {
                "mark": {"type": "line", "strokeWidth": 2, "clip": True},
                "encoding": {"x": x, "y": {**y, "title": None}, "color": colour, "strokeDash": dashes},
            },
            {
                "params": [{"name": "near", "select": nearest}],
                "mark": {"type": "point", "filled": True, "size": 50, "clip": True},
                "encoding": {
                    "x": x,
                    "y": {**y, "title": None},
                    "color": colour,
                    "opacity": {"condition": {"param": "near", "empty": False, "value": 1}, "value": 0},
                    "tooltip": [
                        _field("label", "ranking"),
                        _field("contacts", "contacted", ",d"),
                        _field("shown", "value"),
                        _field("between", "95% interval"),
                    ],
                },
            },
        ],
    }


def reliability() -> Spec:
    """Return the predicted share of buyers against the observed one, bin by bin, with intervals."""
    axis = {"format": ".0%", "tickCount": 5}
    x = {"field": "predicted", "type": "quantitative", "title": "predicted to buy", "axis": {**axis, "grid": False}}
    y = {"field": "observed", "type": "quantitative", "title": "bought", "axis": axis}
    return {
        "height": 260,
        "data": {"name": "rows"},
        "layer": [
            {
                "mark": {"type": "line", "color": "var(--random)", "strokeDash": [3, 3]},
                "data": {"name": "diagonal"},
                "encoding": {"x": {**x, "field": "at"}, "y": {**y, "field": "at"}},
            },
            {
                "mark": {"type": "rule", "color": "var(--accent)", "strokeWidth": 1.5, "opacity": 0.6},
                "encoding": {"x": x, "y": {**y, "field": "observed_low"}, "y2": {"field": "observed_high"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60, "color": "var(--accent)", "opacity": 1},
                "encoding": {
                    "x": x,
                    "y": y,
                    "tooltip": [
                        _field("candidates", "customers", ",d"),
                        _field("predicted", "predicted to buy", ".1%"),
                        _field("observed", "bought", ".1%"),
                        _field("observed_low", "at least", ".1%"),
                        _field("observed_high", "at most", ".1%"),
                    ],
                },
            },
        ],
    }


def swarm() -> Spec:
    """Return the beeswarm of SHAP values: a row a feature, a dot a customer, the name above its row."""
    y = {"type": "quantitative", "axis": None, "scale": {"reverse": True, "nice": False, "zero": False}}
    x = {
        "field": "push",
        "type": "quantitative",
        "title": "← less likely to buy\u2003·\u2003more likely to buy →",
        "axis": {"grid": False, "tickCount": 5, "labelExpr": _SIGNED},
    }
    return {
        "data": {"name": "rows"},
        "layer": [
            {
                "mark": {"type": "rule", "color": "var(--line-2)"},
                "data": {"values": [{"push": 0}]},
                "encoding": {"x": x},
            },
            {
                "mark": {"type": "circle", "size": 16, "opacity": 0.85},
                "encoding": {
                    "x": x,
                    "y": {"field": "y", **y},
                    "color": _colours("grade", range(len(GRADES)), GRADES),
                    "tooltip": [
                        _field("name", "measure"),
                        _field("push", "push (log-odds)", "+.2f"),
                        _field("level", "this customer's value"),
                    ],
                },
            },
            {
                "mark": {"type": "text", "align": "left", "baseline": "middle", "limit": 320, "color": "var(--ink)"},
                "data": {"name": "labels"},
                "encoding": {"x": {"value": 0}, "y": {"field": "y", **y}, "text": {"field": "name"}},
            },
        ],
    }


def force() -> Spec:
    """Return customers side by side: what pushes each towards buying, upwards, and away from it, downwards."""
    return {
        "height": 260,
        "data": {"name": "rows"},
        "mark": {"type": "bar"},
        "encoding": {
            "x": {
                "field": "customer",
                "type": "ordinal",
                "axis": None,
                "scale": {"paddingInner": 0, "paddingOuter": 0},
            },
            "y": {
                "field": "push",
                "type": "quantitative",
                "stack": "zero",
                "title": "push towards buying (log-odds)",
                "axis": {"tickCount": 5, "labelExpr": _SIGNED},
            },
            "color": _colours("colour", range(len(CATEGORIES)), CATEGORIES),
            "order": {"field": "colour"},
            "tooltip": [_field("name", "measure"), _field("push", "push (log-odds)", "+.2f")],
        },
    }


def groups() -> Spec:
    """Return the SHAP map, coloured by group."""
    return {
        "height": 300,
        "data": {"name": "rows"},
        "mark": {"type": "circle", "size": 16, "opacity": 0.8},
        "encoding": {
            "x": _no_axis("x"),
            "y": _no_axis("y"),
            "color": _colours("group", range(len(CATEGORIES)), CATEGORIES),
            "tooltip": [_field("name", "group"), _field("truth", "buys here")],
        },
    }


def truth() -> Spec:
    """Return the same map, coloured by who buys."""
    return {
        **groups(),
        "encoding": {
            **groups()["encoding"],
            "color": _colours("buyer", (0, 1), ("var(--dim)", "var(--accent)")),
        },
    }


def mixture() -> Spec:
    """Return the buyers on the customers map, with the mixture's centres and ellipses."""
    colour = _colours("component", range(len(CATEGORIES)), CATEGORIES)
    return {
        "height": 300,
        "layer": [
            {
                "data": {"name": "rows"},
                "mark": {"type": "circle", "size": 16, "opacity": 0.6},
                "encoding": {"x": _no_axis("x"), "y": _no_axis("y"), "color": colour},
            },
            {
                "data": {"name": "outlines"},
                "mark": {"type": "line", "strokeWidth": 1.5},
                "encoding": {
                    "x": _no_axis("x"),
                    "y": _no_axis("y"),
                    "color": colour,
                    "order": {"field": "order"},
                    "detail": {"field": "component"},
                },
            },
            {
                "data": {"name": "centres"},
                "mark": {
                    "type": "point",
                    "shape": "cross",
                    "filled": True,
                    "size": 140,
                    "opacity": 1,
                    "stroke": "var(--bg)",
                },
                "encoding": {
                    "x": _no_axis("x"),
                    "y": _no_axis("y"),
                    "color": colour,
                    "tooltip": [_field("name", "group of buyers"), _field("weight", "share of buyers", ".0%")],
                },
            },
        ],
    }


def scores() -> Spec:
    """Return how well each number of mixture components separates the buyers, and how well it is found again."""
    x = {"field": "number", "type": "ordinal", "title": "number of groups", "axis": {"labelAngle": 0}}
    y = {"field": "score", "type": "quantitative", "title": "score, at most 1", "axis": {"tickCount": 4}}
    colour = _colours("kind", ("silhouette", "stability"), ("var(--accent)", "var(--activity)"))
    return {
        "height": 160,
        "data": {"name": "rows"},
        "layer": [
            {
                "mark": {"type": "line", "strokeWidth": 1.5, "opacity": 0.6},
                "encoding": {"x": x, "y": y, "color": colour},
            },
            {
                "mark": {"type": "point", "filled": True, "opacity": 1},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": colour,
                    "size": {"condition": {"test": "datum.is_chosen === 1", "value": 130}, "value": 40},
                    "tooltip": [_field("kind", "score"), _field("number", "groups"), _field("score", "value", ".2f")],
                },
            },
        ],
    }


def customers() -> Spec:
    """Return the customers map, coloured by where each buys most; `highlight` brings a department forward."""
    return {
        "height": 380,
        "params": [{"name": "highlight", "value": -1}],
        "data": {"name": "rows"},
        "mark": {"type": "circle", "size": 18},
        "encoding": {
            "x": _no_axis("x"),
            "y": _no_axis("y"),
            "color": _colours("department", range(len(CATEGORIES)), CATEGORIES),
            "opacity": {
                "condition": {"test": "highlight < 0 || datum.department === highlight", "value": 0.8},
                "value": 0.08,
            },
            "tooltip": [_field("name", "buys most in")],
        },
    }


def correlations() -> Spec:
    """Return the heat map of correlations, as a triangle, each feature's name at the end of its row."""
    y = {"type": "quantitative", "axis": None, "scale": {"reverse": True, "nice": False, "zero": False}}
    x = {"type": "quantitative", "axis": None, "scale": {"nice": False, "zero": True}}
    return {
        "data": {"name": "rows"},
        "layer": [
            {
                "mark": {"type": "rect", "stroke": "var(--bg)", "strokeWidth": 1},
                "encoding": {
                    "x": {"field": "x", **x},
                    "x2": {"field": "x2"},
                    "y": {"field": "y", **y},
                    "y2": {"field": "y2"},
                    "color": _colours("grade", range(len(DIVERGING)), DIVERGING),
                    "tooltip": [
                        _field("first", "measure"),
                        _field("second", "and"),
                        _field("correlation", "correlation", "+.2f"),
                    ],
                },
            },
            {
                "mark": {"type": "text", "align": "left", "baseline": "middle", "dx": 5, "fontSize": 11, "limit": 170},
                "data": {"name": "labels"},
                "encoding": {"x": {"field": "x", **x}, "y": {"field": "y", **y}, "text": {"field": "name"}},
            },
        ],
    }


SPECS: Mapping[str, Spec] = {
    chart.__name__: {"width": "container", "autosize": {"type": "fit-x", "contains": "padding"}, **chart()}
    for chart in (curve, reliability, swarm, force, groups, truth, mixture, scores, customers, correlations)
}
"""Every chart's specification by its name."""
