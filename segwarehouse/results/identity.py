"""Segments keep their numbers from run to run, and are told in words.

In: today's segments, by place, and the published state. Out: an `Identity` for each kind of segment, which says what
each is called from now on, and the rows of `learned.segments`. What a segment is has been found by the learning.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from segwarehouse.config import Config
from segwarehouse.domain import IntArray
from segwarehouse.errors import WarehouseError
from segwarehouse.learn.match import match_groups
from segwarehouse.state.published import PublishedState
from segwarehouse.warehouse import Engine

PERSONA, MIXTURE = "persona", "mixture"
_COLUMNS = {PERSONA: "segment_id", MIXTURE: "mixture_component"}


@dataclass(frozen=True)
class Identity:
    """The number of each of a department's segments, and as of which day it was first found, by place."""

    ids: IntArray
    since: tuple[dt.date | None, ...]

    @classmethod
    def new(cls, count: int, as_of: dt.date | None = None) -> "Identity":
        """Return the numbers from 0 on; without a day, they have not been compared with the published state yet."""
        return cls(np.arange(count, dtype=np.int64), (as_of,) * count)


@dataclass(frozen=True)
class Grouped:
    """Customers of a department in segments of one kind.

    Attributes
    ----------
    customers
        int64 (n,): their places in the feature table.
    groups
        int64 (n,): the place, 0 to `count` - 1, of each one's segment; of no meaning where there is none.
    count
        How many segments there are.
    """

    customers: IntArray
    groups: IntArray
    count: int


@dataclass(frozen=True)
class Numbered:
    """Segments of one kind in the published state.

    Attributes
    ----------
    customers, numbers
        int64 (n,): places in today's feature table of customers who were in a segment, and its number.
    next_number
        The first that no segment had.
    since
        As of which day a segment was first found, by number.
    """

    customers: IntArray
    numbers: IntArray
    next_number: int
    since: Mapping[int, dt.date]


@dataclass(frozen=True)
class PreviousSegments:
    """A department's segments in the published state.

    Attributes
    ----------
    as_of
        What day it was as of; None where nothing is published.
    numbered
        Its segments by kind.
    """

    as_of: dt.date | None = None
    numbered: Mapping[str, Numbered] = field(default_factory=dict)

    def identify(self, kind: str, today: Grouped, as_of: dt.date) -> Identity:
        """Return what today's segments are called: as before, where they are the same; see `match_groups`."""
        before = self.numbered.get(kind)
        if before is None or self.as_of is None or today.count == 0:
            return Identity.new(today.count, as_of)
        places = pd.Index(before.customers).get_indexer(pd.Index(today.customers))
        known = np.asarray(places >= 0, dtype=np.bool_)
        ids = match_groups(before.numbers[places[known]], today.groups[known], today.count, fresh=before.next_number)
        since = tuple(
            before.since.get(each, self.as_of) if each < before.next_number else as_of for each in ids.tolist()
        )
        return Identity(ids, since)


def previous_segments(
    config: Config, warehouse: Engine, customer_ids: "pd.Index[str]"
) -> Mapping[str, PreviousSegments]:
    """Return the segments of the published state, by department; `customer_ids` (n,) are those of today's features.

    Where there is none, or one that can't be read or that does not tell who was in which segment, nothing was there
    before: the next state starts to count anew.
    """
    try:
        with PublishedState.previous(config, warehouse) as state:
            return _read(state, customer_ids) if state else {}
    except WarehouseError:
        return {}


def _read(state: PublishedState, customer_ids: "pd.Index[str]") -> Mapping[str, PreviousSegments]:
    wanted = ("department", "customer_id", *_COLUMNS.values())
    if not set(wanted) <= set(state.columns("department_maps")):
        return {}
    maps = state.table("department_maps", columns=wanted)
    since: dict[tuple[str, str], dict[int, dt.date]] = defaultdict(dict)
    for row in state.table("segments", columns=("department", "kind", "segment_id", "since")).to_pylist():
        if row["since"]:
            since[row["department"], row["kind"]][row["segment_id"]] = row["since"]
    as_of = state.run.as_of
    frame = pd.DataFrame({name: maps[name].to_pylist() for name in maps.column_names})
    return {
        str(department): PreviousSegments(as_of, dict(_numbered(str(department), rows, customer_ids, since)))
        for department, rows in frame.groupby("department", sort=False)
    }


def _numbered(
    department: str,
    rows: pd.DataFrame,
    customer_ids: "pd.Index[str]",
    since: Mapping[tuple[str, str], Mapping[int, dt.date]],
) -> Iterator[tuple[str, Numbered]]:
    """Yield the segments of each kind that there are."""
    for kind, column in _COLUMNS.items():
        known = rows[rows[column].notna()].drop_duplicates("customer_id")
        if known.empty:
            continue
        numbers = known[column].to_numpy().astype(np.int64)
        places = customer_ids.get_indexer(pd.Index(known["customer_id"])).astype(np.int64)
        there = places >= 0
        yield (
            kind,
            Numbered(places[there], numbers[there], int(numbers.max()) + 1, since.get((department, kind), {})),
        )
