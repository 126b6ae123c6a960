"""Nothing is published about fewer customers than `audience.min_cell`, nor can it be worked out from the rest.

In: a department's rows of a result table before they are stored. Out: the same rows, without what is too small. A
count from 1 to the minimum less 1 is too small, and so is one that follows from it by subtraction from a known total:
the other cells of a confusion matrix, the buyers whom a rule does not select. Where cells add up to a known total and
a single one is left out, or several with too few customers together, the next smallest goes as well (complementary
suppression: Cox 1980, "Suppression methodology and statistical disclosure control"). Which table is treated how is
declared with the table.

Shares over whole rankings (precision, recall and lift at a budget) are left as they are: they come with intervals and
are means over cut-offs. And it protects tables that are passed on: whoever may query the views can count.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from segwarehouse.domain import BoolArray, Card, is_small, shown_count

Row = dict[str, Any]

Made = list[Row] | pa.Table
"""Rows of one department in one table, as its maker returns them."""


@dataclass(frozen=True)
class Totals:
    """What a reader may know of a department: the sums that cells are subtracted from.

    Attributes
    ----------
    customers, buyers
        That the rules were learned from.
    mapped_buyers
        Buyers among the customers on the map.
    candidates_then, outcome_buyers
        At the latest cut-off at which quality was measured; 0 where it was not.
    scale
        How many customers each one that was learned from stands for.
    """

    customers: int = 0
    buyers: int = 0
    mapped_buyers: int = 0
    candidates_then: int = 0
    outcome_buyers: int = 0
    scale: float = 1.0


@dataclass(frozen=True)
class Disclosure:
    """What may be told of a department, and what a reader can subtract from.

    Attributes
    ----------
    totals
        Of the department; all 0 where nothing was learned of it.
    least
        `audience.min_cell`.
    shown
        What is shown of the department in other tables, by name.
    """

    totals: Totals
    least: int
    shown: Mapping[str, Any] = field(default_factory=dict)

    def hides(self, counts: Iterable[float]) -> bool:
        """Tell whether one of the counts is too small to be told."""
        return any(is_small(round(count), self.least) for count in counts)


Treatment = Callable[[Any, Disclosure], Any]
"""From a department's rows in a table to what may be shown of them; see `Made`."""


def suppressed(counts: Sequence[int], least: int, others: Sequence[bool] = ()) -> list[bool]:
    """Return which cells of a partition with a known total must go: the small ones, and enough to hide them among.

    Parameters
    ----------
    counts
        Of each cell.
    least
        Of customers in a cell, and in all cells together that are left out.
    others
        Which cells must go for another reason than their count.

    Examples
    --------
    >>> suppressed([3, 40, 12, 60], 10)
    [True, False, True, False]
    >>> suppressed([3, 4, 50], 10), suppressed([6, 7, 50], 10), suppressed([20, 30], 10)
    ([True, True, True], [True, True, False], [False, False])
    """
    gone = [is_small(count, least) or (at < len(others) and others[at]) for at, count in enumerate(counts)]
    while any(gone) and (sum(gone) < 2 or sum(n for n, out in zip(counts, gone, strict=True) if out) < least):
        left = [at for at, out in enumerate(gone) if not out and counts[at] > 0]
        if not left:
            break
        gone[min(left, key=lambda at: counts[at])] = True
    return gone


def without_small_rules(card: Card, matched: BoolArray, least: int) -> Card:
    """Return the card without the rules that too few customers satisfy; `matched` is bool (n, rules)."""
    sizes = matched.sum(axis=0)
    kept = tuple(rule for rule, size in zip(card.rules, sizes, strict=True) if size >= least)
    return Card(kept, card.activity, card.probabilities)


def _without(row: Row, *columns: str) -> Row:
    return {**row, **dict.fromkeys(columns)}


def hide_rules(rows: list[Row], known: Disclosure) -> list[Row]:
    """Hide what a rule finds where one of its four cells is small: buyers and others, selected and not.

    `unique_candidates` stands or falls together: of two rules, the one's follows from the other's.
    """
    figures = ("candidates", "learned_precision", "learned_recall", "learned_lift")
    found = []
    for row in rows:
        bought = round(row["support"] * known.totals.customers) - row["candidates"]
        others = known.totals.customers - known.totals.buyers - row["candidates"]
        cells = (bought, known.totals.buyers - bought, row["candidates"], others)
        found.append(_without(row, *figures) if known.hides(cells) else row)
    if known.hides(row["unique_candidates"] for row in rows) or any(row["candidates"] is None for row in found):
        found = [_without(row, "unique_candidates") for row in found]
    return found


def hide_evaluated_rules(rows: list[Row], known: Disclosure) -> list[Row]:
    """Leave out rules that few candidates satisfied, and hide how many of them bought where those are few."""
    figures = ("precision", "precision_low", "precision_high", "recall", "lift", "lift_low", "lift_high")
    found = []
    for row in rows:
        matched = row["support"] * known.totals.candidates_then
        if known.hides((matched, known.totals.candidates_then - matched)):
            continue
        bought = matched * _known(row["precision"])
        alone = _known(row["unique_coverage"]) * known.totals.outcome_buyers
        hidden = figures if known.hides((bought, matched - bought, known.totals.outcome_buyers - bought)) else ()
        found.append(_without(row, *hidden, *(("unique_coverage",) if known.hides((alone,)) else ())))
    return found


def _known(share: float | None) -> float:
    return share if share is not None and math.isfinite(share) else 0.0


def hide_reliability(rows: list[Row], known: Disclosure) -> list[Row]:
    """Hide how many bought where few did, or few did not; all bins together are the outcome buyers."""
    sizes = [round(row["candidates"] / known.totals.scale) for row in rows]
    bought = [round(size * row["observed"]) for size, row in zip(sizes, rows, strict=True)]
    few_others = [is_small(size - count, known.least) for size, count in zip(sizes, bought, strict=True)]
    gone = suppressed(bought, known.least, few_others)
    bounds = ("observed", "observed_low", "observed_high")
    return [_without(row, *bounds) if out else row for row, out in zip(rows, gone, strict=True)]


def hide_segments(rows: list[Row], known: Disclosure) -> list[Row]:
    """Leave out small segments, with others to hide them among, and the buyers of those that have few."""
    found = []
    for kind in sorted({row["kind"] for row in rows}, reverse=True):
        part = [row for row in rows if row["kind"] == kind]
        gone = suppressed([row["size"] for row in part], known.least)
        part = [row for row, out in zip(part, gone, strict=True) if not out and row["size"] > 0]
        bought = [round(row["size"] * row["buyer_share"]) for row in part]
        few_others = [is_small(row["size"] - count, known.least) for row, count in zip(part, bought, strict=True)]
        hidden = suppressed(bought, known.least, few_others)
        found += [_without(row, "buyer_share", "lift") if out else row for row, out in zip(part, hidden, strict=True)]
    return found


def hide_mixtures(rows: list[Row], known: Disclosure) -> list[Row]:
    """Leave out the components of few buyers, with others to hide them among."""
    gone = suppressed([math.ceil(row["weight"] * known.totals.mapped_buyers) for row in rows], known.least)
    return [row for row, out in zip(rows, gone, strict=True) if not out]


def hide_confusions(rows: list[Row], known: Disclosure) -> list[Row]:
    """Hide a matrix that has a small cell: with its margins known, one cell tells the others."""
    cells = ("true_negatives", "false_positives", "false_negatives", "true_positives")
    return [_without(row, *cells) if known.hides(row[cell] for cell in cells) else row for row in rows]


def hide_departments(rows: list[Row], known: Disclosure) -> list[Row]:
    """Hide small counts of a department, and how many the view selects where its rules tell of no single one."""
    hides_unique = any(row["unique_candidates"] is None for row in known.shown.get("rules", ()))
    return [_department(row, known.least, hides_unique=hides_unique) for row in rows]


def _department(row: Row, least: int, *, hides_unique: bool) -> Row:
    """Hide small counts of a department, in its remark too; buyers and candidates add up to all customers."""
    counts = {name: row.get(name) for name in ("buyers", "candidates", "outcome_buyers")}
    small = {name: count for name, count in counts.items() if count is not None and is_small(count, least)}
    for count in small.values():
        remark = re.sub(
            rf"\b{count}\b(?= (outcome )?(buyers|customers))", shown_count(count, least), row.get("remark") or ""
        )
        row = {**row, "remark": remark.replace("only fewer", "fewer") or None}
    if {"buyers", "candidates"} & small.keys():
        row = _without(row, "buyers", "candidates")
    if "outcome_buyers" in small:
        row = _without(row, "outcome_buyers")
    counted = [name for name in ("selected", "contactable", "contacts") if is_small(row.get(name) or 0, least)]
    return _without(row, *counted, *(("selected",) if hides_unique else ()))


def hide_maps(maps: pa.Table, known: Disclosure) -> pa.Table:
    """Return the department's map in which customers of a segment that is not published are in none."""
    for kind, column, *also in (("persona", "segment_id"), ("mixture", "mixture_component", "mixture_distance")):
        numbers = [row["segment_id"] for row in known.shown["segments"] if row["kind"] == kind]
        shown = pc.is_in(maps[column], pa.array(numbers, maps[column].type))
        for name in (column, *also):
            nothing = pa.scalar(None, maps[name].type)
            maps = maps.set_column(maps.column_names.index(name), name, pc.if_else(shown, maps[name], nothing))
    return maps
