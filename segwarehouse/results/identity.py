"""Segments keep their numbers from run to run, and are told in words.

In: today's segments, by place, and the published state. Out: an `Identity` for each kind of segment, which says what
each is called from now on, and the rows of `learned.segments`. What a segment is has been found by the learning.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from segwarehouse.config import Config
from segwarehouse.domain import Feature, IntArray, Segment
from segwarehouse.errors import WarehouseError
from segwarehouse.learn.match import match_groups
from segwarehouse.rules.typical import describe_typical
from segwarehouse.state.published import PublishedState
from segwarehouse.warehouse import Warehouse

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
        pandas Index (n,): their ids.
    groups
        int64 (n,): the place, 0 to `count` - 1, of each one's segment; of no meaning where there is none.
    count
        How many segments there are.
    """

    customers: "pd.Index[str]"
    groups: IntArray
    count: int


@dataclass(frozen=True)
class PreviousSegments:
    """Who was in which segment in the published state.

    Attributes
    ----------
    as_of
        What day it was as of; None where nothing is published.
    groups
        The segment of each customer, by department and kind.
    since
        As of which day a segment was first found, by department, kind and number.
    """

    as_of: dt.date | None
    groups: Mapping[tuple[str, str], "pd.Series[int]"]
    since: Mapping[tuple[str, str, int], dt.date]

    def identify(self, department: str, kind: str, today: Grouped, as_of: dt.date) -> Identity:
        """Return what today's segments are called: as before, where they are the same; see `match_groups`."""
        before = self.groups.get((department, kind))
        if before is None or before.empty or self.as_of is None or today.count == 0:
            return Identity.new(today.count, as_of)
        places = before.index.get_indexer(pd.Index(today.customers))
        known = np.asarray(places >= 0, dtype=np.bool_)
        previous = np.asarray(before.to_numpy(), dtype=np.int64)
        fresh = int(previous.max()) + 1
        ids = match_groups(previous[places[known]], today.groups[known], today.count, fresh=fresh)
        since = tuple(
            self.since.get((department, kind, each), self.as_of) if each < fresh else as_of for each in ids.tolist()
        )
        return Identity(ids, since)


NOTHING_PUBLISHED = PreviousSegments(None, {}, {})


def previous_segments(config: Config, warehouse: Warehouse) -> PreviousSegments:
    """Return the segments of the published state.

    Where there is none, or one that can't be read or that does not tell who was in which segment, nothing was there
    before: the next state starts to count anew.
    """
    try:
        with PublishedState.previous(config, warehouse) as state:
            return _read(state) if state else NOTHING_PUBLISHED
    except WarehouseError:
        return NOTHING_PUBLISHED


def _read(state: PublishedState) -> PreviousSegments:
    wanted = ("department", "customer_id", *_COLUMNS.values())
    if not set(wanted) <= set(state.columns("department_maps")):
        return NOTHING_PUBLISHED
    segments = state.table("segments", columns=("department", "kind", "segment_id", "since")).to_pylist()
    since = {(row["department"], row["kind"], row["segment_id"]): row["since"] for row in segments if row["since"]}
    return PreviousSegments(state.run.as_of, _by_department(state.table("department_maps", columns=wanted)), since)


def _by_department(maps: pa.Table) -> dict[tuple[str, str], "pd.Series[int]"]:
    frame = pd.DataFrame({name: maps[name].to_pylist() for name in maps.column_names})
    groups: dict[tuple[str, str], pd.Series[int]] = {}
    for department, rows in frame.groupby("department", sort=False):
        for kind, column in _COLUMNS.items():
            known = rows[rows[column].notna()].drop_duplicates("customer_id")
            groups[str(department), kind] = known.set_index("customer_id")[column].astype(np.int64)
    return groups


def segment_rows(
    segments: Sequence[Segment], kind: str, identity: Identity, features: Mapping[str, Feature]
) -> Iterator[dict[str, object]]:
    """Yield a row for each segment; which are too small to be published is left to `suppress`."""
    for segment, number, since in zip(segments, identity.ids.tolist(), identity.since, strict=True):
        yield {
            "kind": kind,
            "segment_id": number,
            "name": segment.name,
            "size": segment.size,
            "weight": segment.weight,
            "buyer_share": segment.buyer_share,
            "lift": segment.lift,
            "drivers": "; ".join(segment.drivers),
            "typical": describe_typical(segment.typical, features),
            "since": since,
        }
