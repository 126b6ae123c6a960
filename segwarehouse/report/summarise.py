"""From a published state to a plain dictionary that holds all that the report says. No customer's id is in it.

In: a published state. Out: text, numbers, lists and dictionaries, which JSON can hold.
How it looks is left to `html`; what is not in the state is not computed here, counts and samples aside.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlglot import exp, parse_one

from segwarehouse.project import read_query
from segwarehouse.report import pictures, words
from segwarehouse.report.numbers import significant
from segwarehouse.report.pictures import Detail
from segwarehouse.state.published import PublishedState, Row
from segwarehouse.templates import TEMPLATE_DIALECT, TemplateFolder

RANKINGS: Mapping[str, str] = {
    "rules": "the rules",
    "black box": "the black box",
    "activity": "plain activity",
    "best single measure": "the best single measure",
    "random": "chance",
}
"""The rankings that are drawn, in this order, and what they are called."""

LEAST_CELL = 10
"""Smaller groups of customers are not counted out, where a state does not say how small a group may be."""

RUNS = 10
"""So many of the latest runs are listed."""

LOOK_ALIKE = "look-alike only"
"""The verdict of a department whose scores say who resembles buyers, and not who will buy."""

NOT_MEASURED = "not measured"
"""What stands for the verdict at the budget in a state of a version that did not judge there."""

_HIDDEN_SETTINGS = frozenset({"salt"})
_CURVE = ("contacts", "share", "lift", "lift_low", "lift_high", "recall", "recall_low", "recall_high")
_BUYERS = ("expected_buyers", "expected_buyers_low", "expected_buyers_high")
_PRECISION = ("precision", "precision_low", "precision_high")

Summary = dict[str, Any]


def summarise(
    state: PublishedState, departments: Sequence[str] = (), detail: Detail | None = None, most: int | None = None
) -> Summary:
    """Return what there is to say about a published state.

    Parameters
    ----------
    state
        The state.
    departments
        Tell of these in detail; empty: of all that have a view.
    detail
        How many points a picture may have; by default what leaves a report of so many departments below 5 MB.
    most
        Tell of so many departments at most, those with most buyers.
    """
    rows = [_judged(row) for row in state.rows("departments", "department_key")]
    wanted = [row for row in rows if row["view_name"] and (not departments or row["department"] in departments)]
    if most is not None and len(wanted) > most:
        largest = sorted(wanted, key=lambda row: -int(str(row["buyers"])))[:most]
        wanted = [row for row in wanted if row in largest]
    detail = detail or Detail.at(len(wanted))
    run, settings = _run(state)
    least = settings.get("audience", {}).get("min_cell", LEAST_CELL)
    changes = _changes(state, least)
    overview = [_overview(row, changes) for row in rows]
    everyone = state.frame("customers_map", ("customer_id", "x", "y", "main_department"))
    phrases = {str(row["name"]): _phrase(row) for row in state.rows("features")}
    tables = _tables(state)
    audience = settings.get("audience", {})
    parts = [
        {
            **_department(state, row, {name: table.get(str(row["department"]), []) for name, table in tables.items()}),
            **_pictures(state, row, tables, everyone, phrases, detail),
            "reasons": _reasons(row, tables, least),
            "changes": changes.get(str(row["department"]), []),
        }
        for row in wanted
    ]
    for part, row in zip(parts, wanted, strict=True):
        measure = part["figures"].get("single_measure")
        part["single_measure"] = phrases.get(measure, measure)
        bins = tables["reliability"].get(str(row["department"]), [])
        part["words"] = _words(part, row, bins, settings.get("learning", {}).get("outcome_days"), least)
        part["no_profit"] = words.no_profit(audience, is_look_alike=part["verdict"] == LOOK_ALIKE)
    found_map = pictures.customers_map(everyone, detail)
    correlated = pictures.correlations(state, phrases)
    return {
        "run": run,
        "settings": {
            table: {key: value for key, value in values.items() if key not in _HIDDEN_SETTINGS}
            for table, values in settings.items()
            if table != "source"
        },
        "whole": not departments,
        "has_times": bool(settings.get("source", {}).get("occurred_at")),
        "profit": {key: audience.get(key) for key in ("cost_per_contact", "value_per_conversion", "expected_uplift")},
        "min_cell": least,
        "overview": overview,
        "departments": parts,
        "customers_map": found_map,
        "correlations": correlated,
        "cleaning": _cleaning(state, str(run.get("run_id"))),
        "steps": [row for row in state.rows("run_steps", "position") if row.pop("run_id") == run.get("run_id")],
        "runs": state.rows("runs", "started_at", columns=_RUN)[-RUNS:][::-1],
        "words": {
            "overview": words.overview(overview),
            "customers": words.customers(found_map["names"], found_map["points"]),  # type: ignore[arg-type]  # rows of plain values, read from the state
            "correlations": words.correlations(correlated),
        },
    }


_RUN = ("run_id", "started_at", "status", "as_of", "protocol", "departments_published", "departments_refused",
        "lines_kept", "lines_left_out", "customers")  # fmt: skip

_ORDERS: Mapping[str, tuple[str, ...]] = {
    # table with a department's rows: what it is ordered by
    "rules": ("position",),
    "evaluated_rules": ("rule",),
    "curves": ("share",),
    "profit": ("share",),
    "reliability": ("bin",),
    "confusions": ("prior",),
    "segments": ("kind", "segment_id"),
    "cluster_scores": ("kind", "number"),
    "mixtures": ("component",),
    "stability": (),
}

Tables = Mapping[str, Mapping[str, list[Row]]]


_SINCE = (
    "contactable", "contacts", "judged_share", "judged_contacts", "expected_buyers", "expected_buyers_low",
    "expected_buyers_high", "extra_buyers", "extra_buyers_low", "extra_buyers_high",
)  # fmt: skip
"""Columns that states of older versions lack."""


def _judged(row: Row) -> Row:
    """Return a row of departments with every column that the report reads."""
    return {
        **dict.fromkeys(_SINCE),
        "verdict_at_budget": "refused" if row["view_name"] is None else NOT_MEASURED,
        **row,
    }


def _phrase(feature: Row) -> str:
    """Return what a feature is called; a flag says which value of its column it stands for."""
    value = f" is {feature['subject']}" if feature["unit"] == "flag" and feature["subject"] else ""
    return f"{feature['phrase']}{value}"


def _tables(state: PublishedState) -> Tables:
    tables = {name: state.by_department(name, *order) for name, order in _ORDERS.items()}
    in_budget = exp.column("in_budget", quoted=True)
    combinations: dict[str, list[Row]] = {}
    for row in state.counts("audiences", "department", "rules_matched", where=in_budget):
        combinations.setdefault(str(row["department"]), []).append(row)
    return {**tables, "combinations": combinations}


def _run(state: PublishedState) -> tuple[Row, dict[str, dict[str, Any]]]:
    """Return the facts of the run that the state comes from, versions among them, and its settings."""
    run = (state.rows("run") or [{}])[0]
    logged = [row for row in state.rows("runs") if row["run_id"] == run.get("run_id")]
    facts = {**run, **(logged[0] if logged else {})}
    settings = json.loads(str(facts.pop("settings", None) or "{}"))
    facts["versions"] = json.loads(str(facts.get("versions") or "{}"))
    return facts, settings


def _changes(state: PublishedState, least: int) -> dict[str, list[Row]]:
    """Return who entered and left each department's audience, counted by reason."""
    changes: dict[str, list[Row]] = {}
    for row in state.counts("changes", "department", "change", "cause", "reason"):
        counted = {**row, **_counted(row["customers"], least)}
        changes.setdefault(str(row["department"]), []).append(counted)
    return changes


def _counted(customers: object, least: int) -> Row:
    """Return a number of customers, None where it is below the smallest group that may be told."""
    known = isinstance(customers, int) and customers >= least
    return {"customers": customers if known else None}


def _overview(row: Row, changes: Mapping[str, Sequence[Row]]) -> Row:
    moved = changes.get(str(row["department"]), ())
    return {
        **{
            key: significant(value) for key, value in row.items() if key not in {"department", "view_name", "where_sql"}
        },
        "name": row["department"],
        "view": row["view_name"],
        "refused": row["view_name"] is None,
        "entered": _moved(moved, "entered"),
        "left": _moved(moved, "left"),
    }


def _moved(changes: Sequence[Row], which: str) -> Row | None:
    """Return how many customers are known to have moved, and whether some reasons are too small to tell."""
    rows = [row for row in changes if row["change"] == which]
    known = [row["customers"] for row in rows if isinstance(row["customers"], int)]
    return {"customers": sum(known) if known else None, "more": len(known) < len(rows)} if rows else None


def _department(state: PublishedState, row: Row, tables: Mapping[str, list[Row]]) -> Summary:
    key = row["department_key"]
    return {
        "key": key,
        "name": row["department"],
        "view": row["view_name"],
        "verdict": row["verdict"],
        "verdict_at_budget": row["verdict_at_budget"],
        "verdict_words": words.verdict(row),
        "remark": row["remark"],
        "figures": {
            column: significant(value)
            for column, value in row.items()
            if column
            not in {"department_key", "department", "view_name", "where_sql", "verdict", "verdict_at_budget", "remark"}
        },
        "rules": [
            {**{column: significant(value) for column, value in rule.items() if column != "department_key"}}
            | {"sql": _candidates(state, str(rule["condition_sql"]), key)}
            for rule in tables["rules"]
        ],
        "evaluated_rules": [
            {column: significant(value) for column, value in rule.items() if column != "department_key"}
            for rule in tables["evaluated_rules"]
        ],
        "stability": tables["stability"][0] if tables["stability"] else None,
        "sql": {
            "contacts": _contacts(state, str(row["view_name"]), row["budget"]),
            "all_rules": _candidates(state, str(row["where_sql"]), key),
        },
        "curves": _curves(tables["curves"]),
        "profit": _columns(tables["profit"], ("contacts", "share", "profit", "profit_low", "profit_high")),
        "best_contacts": next((p for p in tables["profit"] if p["is_best"]), None),
        "reliability": [
            {column: significant(value) for column, value in b.items() if column != "department_key"}
            for b in tables["reliability"]
        ],
        "confusions": {str(matrix["prior"]): matrix for matrix in tables["confusions"]},
        "personas": [s for s in tables["segments"] if s["kind"] == "persona"],
        "components": [s for s in tables["segments"] if s["kind"] == "mixture"],
        "scores": [s for s in tables["cluster_scores"] if s["kind"] == "mixture"],
        "persona_scores": [s for s in tables["cluster_scores"] if s["kind"] == "persona"],
    }


def _curves(rows: Sequence[Row]) -> dict[str, dict[str, list[Any]]]:
    """Return each ranking's curve as columns; intervals of precision for the rules alone, which the slider shows."""
    found: dict[str, dict[str, list[Any]]] = {}
    for ranking in RANKINGS:
        points = [row for row in rows if row["ranking"] == ranking]
        if points:
            wanted = (*_CURVE, *_BUYERS, *_PRECISION) if ranking == "rules" else (*_CURVE, _BUYERS[0])
            found[ranking] = _columns(points, wanted)
    return found


def _columns(rows: Sequence[Row], names: Sequence[str]) -> dict[str, list[Any]]:
    return {name: [significant(row[name]) for row in rows] for name in names} if rows else {}


def _contacts(state: PublishedState, view: str, budget: object) -> str:
    context = {"view": view, "budget": budget}
    return state.text(read_query(TemplateFolder.of("sql"), "report/contacts.sql", context))


def _candidates(state: PublishedState, condition: str, department_key: object) -> str:
    """Return the query for the candidates who satisfy a condition, which the state has as SQL."""
    node = exp.Paren(this=parse_one(condition, read=TEMPLATE_DIALECT))
    query = read_query(TemplateFolder.of("sql"), "report/candidates.sql", {"department_key": department_key})
    return state.text(
        query.transform(lambda part: node if isinstance(part, exp.Placeholder) and part.name == "condition" else part)
    )


def _reasons(row: Row, tables: Tables, least: int) -> Summary:
    """Return for each rule how many of those to contact satisfy it."""
    name = str(row["department"])
    combinations = tables["combinations"].get(name, [])
    people = sum(int(str(each["customers"])) for each in combinations)
    counts: dict[str, int] = {}
    for each in combinations:
        for rule in str(each["rules_matched"]).split(", "):
            counts[rule] = counts.get(rule, 0) + int(str(each["customers"]))
    found = [
        {"rule": rule["rule"], "words": rule["words"], **_counted(counts.get(str(rule["rule"]), 0), least)}
        for rule in tables["rules"].get(name, [])
    ]
    found.sort(key=lambda reason: -(reason["customers"] if isinstance(reason["customers"], int) else 0))
    return {"people": people, "rows": found}


def _pictures(
    state: PublishedState, row: Row, tables: Tables, everyone: Any, phrases: Mapping[str, str], detail: Detail
) -> Summary:
    name = str(row["department"])
    return {
        "map": pictures.department_map(state, name, detail),
        "mixture": {
            "points": pictures.mixture_map(state, name, everyone, detail),
            "components": pictures.ellipses(tables["mixtures"].get(name, [])),
        },
        "drivers": pictures.drivers(state, name, phrases, detail),
    }


def _words(part: Summary, row: Row, bins: Sequence[Row], outcome_days: object, least: int) -> dict[str, str]:
    """Return the sentences of a department: from its row and bins as they are, since figures to draw are rounded."""
    buyers = part["map"].get("buyer", [])
    return {
        "headline": words.headline(row, outcome_days),
        "curve": words.curve(part["curves"], row["judged_contacts"], RANKINGS),
        "calibration": words.calibration(row, bins, least),
        "reasons": words.reasons(part["reasons"]["rows"], part["reasons"]["people"]),
        "drivers": words.drivers(part["drivers"].get("features", [])),
        "force": words.force(part["drivers"]),
        "truth": words.truth(buyers),
        "groups": words.groups(
            part["personas"], _chosen(part["persona_scores"]), sum(buyers) / len(buyers) if buyers else None
        ),
        "mixture": words.mixture(
            part["mixture"]["components"], _chosen(part["scores"]), len(part["mixture"]["points"].get("x", []))
        ),
        "scores": words.scores(part["scores"]),
        **({"stability": stability} if (stability := words.stability(part["stability"])) else {}),
    }


def _chosen(scores: Sequence[Row]) -> object:
    """Return the number of groups that was taken; None where the state does not say."""
    return next((row["number"] for row in scores if row["is_chosen"]), None)


def _cleaning(state: PublishedState, run_id: str) -> list[Row]:
    rows = [row for row in state.rows("cleaning") if row.pop("run_id") == run_id]
    total = sum(int(str(row["line_count"])) for row in rows) or 1
    rows.sort(key=lambda row: (row["reason"] != "kept", -int(str(row["line_count"]))))
    return [{**row, "share": significant(int(str(row["line_count"])) / total)} for row in rows]
