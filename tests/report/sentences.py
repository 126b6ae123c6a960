"""Every number in every sentence of a report, worked out again from the published relations, by SQL alone.

    python -m tests.report.sentences published/warehouse.duckdb

In: a published state. Out: for each sentence the numbers that it should hold, in order, as they should be written, and
those that it holds; the command prints what differs and ends with 1 if anything does. Nothing of the report's own code
is used for what is expected: not its queries, nor how it writes numbers.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from segwarehouse.report import summarise
from segwarehouse.state.published import PublishedState

Row = dict[str, Any]

_NUMBER = re.compile(r"[+−]?(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?%?")
_QUOTED = re.compile(r"“[^”]*”")
RANKINGS = ("black box", "activity", "best single measure", "random")


@dataclass(frozen=True)
class Sentence:
    """A sentence of a department, or of the whole report where there is none, and the numbers that it should hold."""

    department: str
    name: str
    text: str
    expected: Sequence[str]

    @property
    def found(self) -> list[str]:
        """The numbers that it holds; what stands in quotation marks is somebody's words."""
        return _NUMBER.findall(_QUOTED.sub("", self.text))

    @property
    def is_true(self) -> bool:
        """Whether it holds the numbers that it should."""
        return self.found == list(self.expected)


def sentences(state: Path) -> Iterator[Sentence]:
    """Yield every sentence of the report of a state with the numbers that it should hold."""
    with PublishedState.of_file(state) as published:
        summary = summarise(published)
    with duckdb.connect(str(state), read_only=True) as connection:
        tables = Tables(connection)
        yield from _whole(summary, tables)
        for part in summary["departments"]:
            department = tables.departments[part["name"]]
            for name, text in part["words"].items():
                yield Sentence(part["name"], name, text, _EXPECTED[name](tables, department, part))
            yield Sentence(part["name"], "verdict", part["verdict_words"], _verdict(department))


class Tables:
    """The published relations, asked by SQL."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.departments = {row["department"]: row for row in self.rows("select * from targeting.departments")}
        settings = self.rows(
            "select s.settings from targeting.runs as s inner join targeting.run as r on r.run_id = s.run_id"
        )
        self.settings: Row = json.loads(settings[0]["settings"])
        self.least: int = self.settings["audience"]["min_cell"]

    def rows(self, query: str, *parameters: object) -> list[Row]:
        """Return the rows of a query."""
        found = self._connection.execute(query, list(parameters))
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def one(self, query: str, *parameters: object) -> Row:
        """Return the only row of a query."""
        (row,) = self.rows(query, *parameters)
        return row


def _whole(summary: Row, tables: Tables) -> Iterator[Sentence]:
    published = [row for row in tables.departments.values() if row["view_name"]]
    tally = [row["verdict_at_budget"] for row in published]
    expected = [whole(len(published))]
    expected += [whole(tally.count(word)) for word in ("beats activity", "trails", "ties") if word in tally]
    if "not evaluated" in tally and "look-alike only" not in tally:
        expected.append(whole(tally.count("not evaluated")))
    if len(published) < len(tables.departments):
        expected.append(whole(len(tables.departments) - len(published)))
    yield Sentence("", "overview", summary["words"]["overview"], expected)
    strongest = tables.rows(
        "select correlation from targeting.correlations where correlation is not null "
        "order by abs(correlation) desc limit 1"
    )
    text = summary["words"]["correlations"]
    for row in tables.rows(
        """
        select phrase || case when unit = 'flag' and subject <> '' then ' is ' || subject else '' end as words
        from targeting.features order by length(words) desc
        """
    ):
        text = text.replace(row["words"], "")
    yield Sentence("", "correlations", text, [f"{signed(strongest[0]['correlation'], 2)}", "1"] if strongest else [])


def _verdict(row: Row) -> list[str]:
    measured = {"beats activity", "ties", "trails"}
    if not {row["verdict"], row["verdict_at_budget"]} & measured:
        return []
    return [whole(row["judged_contacts"])] if row["judged_contacts"] is not None else []


def _headline(tables: Tables, row: Row, _part: Row) -> list[str]:
    if row["verdict"] == "look-alike only":
        return [whole(row["contacts"])] if row["contacts"] is not None else []
    if row["expected_buyers"] is None:
        return []
    covered = []
    if row["judged_share"] == 0.1 and row["judged_contacts"] != row["budget"]:
        covered = [row["budget"], *([row["contacts"]] if row["contacts"] is not None else []), row["candidates"]]
    days = tables.settings["learning"]["outcome_days"]
    return [
        *map(whole, covered),
        whole(row["judged_contacts"]),
        expected_count(row["expected_buyers"]),
        whole(days),
        expected_count(row["expected_buyers_low"]),
        expected_count(row["expected_buyers_high"]),
        expected_count(abs(row["extra_buyers"])),
        signed_count(row["extra_buyers_low"]),
        signed_count(row["extra_buyers_high"]),
    ]


def _curve(tables: Tables, row: Row, _part: Row) -> list[str]:
    if row["judged_contacts"] is None:
        return []
    points = {
        point["ranking"]: point
        for point in tables.rows(
            "select * from targeting.curves where department = ? and contacts = ?",
            row["department"],
            row["judged_contacts"],
        )
    }
    rules = points["rules"]
    return [
        whole(row["judged_contacts"]),
        expected_count(rules["expected_buyers"]),
        expected_count(rules["expected_buyers_low"]),
        expected_count(rules["expected_buyers_high"]),
        *(expected_count(points[name]["expected_buyers"]) for name in RANKINGS if name in points),
    ]


def _calibration(tables: Tables, row: Row, _part: Row) -> list[str]:
    bins = tables.one(
        """
        select
            count(*) as bins,
            count(*) filter (observed is not null) as known,
            sum(candidates) filter (observed is not null) as customers,
            sum(candidates * predicted) filter (observed is not null) as predicted,
            sum(candidates * observed) as observed
        from targeting.reliability where department = ?
        """,
        row["department"],
    )
    if not bins["bins"]:
        return []
    if not bins["known"]:
        return [whole(tables.least)]
    customers = float(bins["customers"])
    hidden = bins["bins"] - bins["known"]
    errors = [row["calibration_error"], row["calibration_error_by_chance"]]
    return [
        whole(customers),
        percent(float(bins["predicted"]) / customers),
        percent(float(bins["observed"]) / customers),
        *([whole(hidden), whole(bins["bins"]), whole(tables.least)] if hidden else []),
        *(percent(error) for error in errors if error is not None),
    ]


def _reasons(tables: Tables, row: Row, part: Row) -> list[str]:
    within = "from targeting.audiences where department = ? and in_budget"
    people = tables.one(f"select count(*) as people {within}", row["department"])["people"]
    counts = tables.rows(
        f"""
        select r.words, count(*) as customers
        from (select unnest(string_split(rules_matched, ', ')) as rule {within}) as m
        inner join targeting.rules as r on r.rule = m.rule and r.department = ?
        group by r.words having count(*) >= ? order by customers desc
        """,
        row["department"],
        row["department"],
        tables.least,
    )
    if not counts:
        return []
    said = _QUOTED.findall(part["words"]["reasons"])[0].strip("“”")
    assert said in {each["words"] for each in counts if each["customers"] == counts[0]["customers"]}
    return [whole(counts[0]["customers"]), whole(people)]


def _drivers(tables: Tables, _row: Row, part: Row) -> list[str]:
    names = " ".join(feature["feature"] for feature in part["drivers"].get("features", [])[:3])
    return _NUMBER.findall(names) if tables else []


def _force(tables: Tables, row: Row, _part: Row) -> list[str]:
    found = tables.one(
        """
        select count(*) as customers, count(*) filter (largest > 0.5 * total) as alone from (
            select max(abs(shap_value)) as largest, sum(abs(shap_value)) as total
            from targeting.shap_values where department = ? group by customer_id
        )
        """,
        row["department"],
    )
    return [whole(found["alone"]), whole(found["customers"])] if found["customers"] else []


def _truth(tables: Tables, row: Row, part: Row) -> list[str]:
    drawn = part["map"]["buyer"]
    there = tables.one(
        "select count(*) as customers, count(*) filter (is_buyer) as buyers "
        "from targeting.department_maps where department = ?",
        row["department"],
    )
    whole_map = len(drawn) == there["customers"]
    assert len(drawn) <= there["customers"]
    buyers = there["buyers"] if whole_map else sum(drawn)
    return [whole(buyers), whole(len(drawn))] if drawn else []


def _chosen(tables: Tables, row: Row, kind: str) -> int:
    query = "select number from targeting.cluster_scores where department = ? and kind = ? and is_chosen = 1"
    return int(tables.one(query, row["department"], kind)["number"])


def _groups(tables: Tables, row: Row, part: Row) -> list[str]:
    number = _chosen(tables, row, "persona")
    if number < 2:
        return []
    shares = tables.one(
        """
        select min(buyer_share) as least, max(buyer_share) as most, count(buyer_share) as known
        from targeting.segments where department = ? and kind = 'persona'
        """,
        row["department"],
    )
    if shares["known"] < 2:
        return [whole(number)]
    drawn = part["map"]["buyer"]
    hidden = number - shares["known"]
    return [
        whole(number),
        percent(shares["most"]),
        percent(shares["least"]),
        *([percent(sum(drawn) / len(drawn))] if drawn else []),
        *([whole(hidden)] if hidden else []),
    ]


def _mixture(tables: Tables, row: Row, part: Row) -> list[str]:
    number, points = _chosen(tables, row, "mixture"), len(part["mixture"]["points"]["x"])
    if number == 1:
        return [whole(points)]
    shown = tables.one(
        "select count(*) as shown, max(weight) as largest from targeting.mixtures where department = ?",
        row["department"],
    )
    hidden = number - shown["shown"]
    if not shown["shown"]:
        return [whole(points), whole(number)]
    return [whole(points), whole(number), percent(shown["largest"]), *([whole(hidden)] if hidden else [])]


def _scores(tables: Tables, row: Row, _part: Row) -> list[str]:
    tried = tables.one(
        """
        select min(number) as least, max(number) as most, max(silhouette) filter (is_chosen = 1) as silhouette
        from targeting.cluster_scores where department = ? and kind = 'mixture'
        """,
        row["department"],
    )
    silhouette = [] if tried["silhouette"] is None else [f"{tried['silhouette']:.2f}"]
    return [whole(_chosen(tables, row, "mixture")), *silhouette, whole(tried["least"]), whole(tried["most"])]


def _stability(tables: Tables, row: Row, _part: Row) -> list[str]:
    found = tables.one("select * from targeting.stability where department = ?", row["department"])
    often = [] if found["refit_count"] == 1 else [whole(found["refit_count"])]
    shares = (found["audience_jaccard"], found["audience_jaccard_lowest"], found["rule_overlap"])
    return [*often, *map(percent, shares)]


_EXPECTED: dict[str, Callable[[Tables, Row, Row], list[str]]] = {
    "headline": _headline,
    "curve": _curve,
    "calibration": _calibration,
    "reasons": _reasons,
    "drivers": _drivers,
    "force": _force,
    "truth": _truth,
    "groups": _groups,
    "mixture": _mixture,
    "scores": _scores,
    "stability": _stability,
}


def whole(value: float) -> str:
    return format(round(value), ",")


def expected_count(value: float) -> str:
    return whole(value) if abs(value) >= 9.95 or value == int(value) else format(value, ".1f")


def percent(value: float) -> str:
    near_the_ends = value not in {0, 1} and (abs(value) < 0.0995 or abs(value) >= 0.995)
    return format(100.0 * value, ".1f" if near_the_ends else ".0f") + "%"


def signed(value: float, digits: int) -> str:
    text = format(abs(value), f".{digits}f")
    return text if float(text) == 0.0 else ("+" if value > 0 else "−") + text


def signed_count(value: float) -> str:
    return signed(value, 0 if abs(value) >= 9.95 or value == int(value) else 1)


def main() -> None:
    """Print every sentence whose numbers are not those of the relations."""
    checked = list(sentences(Path(sys.argv[1])))
    wrong = [sentence for sentence in checked if not sentence.is_true]
    for sentence in wrong:
        print(f"{sentence.department} {sentence.name}: {sentence.text}")  # noqa: T201 - a command of its own
        print(f"    holds {sentence.found}, should hold {list(sentence.expected)}")  # noqa: T201
    numbers = sum(len(sentence.expected) for sentence in checked)
    print(f"{len(checked)} sentences, {numbers} numbers, {len(wrong)} sentences wrong")  # noqa: T201
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
