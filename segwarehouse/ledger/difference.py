"""What changed between two runs: who entered and who left each audience, by three causes that add up.

In: two runs that are kept. Out: counts for each department, or the customers themselves. Nothing is computed anew, as
the data of previous runs is gone: every refresh stores who entered and left since the state before it, each with one
cause (`compare.py`), and two runs further apart are joined by the path of refreshes between them. A customer's cause is
that of the last change on the path, so causes add up here as they do for a single step. Where a run on the path is kept
no longer, or a department had no view in it, the cause is unknown, and is said to be.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from segwarehouse import display
from segwarehouse.config import Config
from segwarehouse.errors import UnknownName, did_you_mean
from segwarehouse.ledger.ledger import Ledger, ledger_to_read
from segwarehouse.state.published import PublishedState

CAUSES = ("data", "rules", "budget")
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Difference:
    """The audiences of two runs next to each other.

    Attributes
    ----------
    before, after
        The runs.
    departments
        For each department with a view in both: ``department``, the sizes ``before`` and ``after``, how many
        ``entered`` and ``left``, and of these how many by each cause: ``entered_by_data`` and so on. Counts by an
        unknown cause are there only where there are any.
    only_before, only_after
        Departments with a view in one of the two.
    """

    before: str
    after: str
    departments: Sequence[dict[str, object]]
    only_before: Sequence[str]
    only_after: Sequence[str]

    def __repr__(self) -> str:
        return display.brief(self, before=self.before, after=self.after, departments=len(self.departments))

    def as_dict(self) -> dict[str, Any]:
        """Return the same as plain values, for JSON."""
        return {
            "before": self.before,
            "after": self.after,
            "departments": list(self.departments),
            "only_before": list(self.only_before),
            "only_after": list(self.only_after),
        }


def difference(config: Config, before: str | None = None, after: str | None = None) -> Difference:
    """Count who entered and who left between two runs; without runs, between the published state and the one before.

    Raises
    ------
    UnknownName
        If a run is not kept, or the published state had none before it.
    NothingPublished
        If no runs are named and nothing is published.
    """
    with _history(config) as ledger:
        pair = _pair(config, ledger, before, after)
        sizes = ledger.read("sizes", {"before": pair[0], "after": pair[1]}).to_pylist()
        moved = _moved(ledger, *pair)
    keys = zip(moved["department"].to_pylist(), moved["change"].to_pylist(), moved["cause"].to_pylist(), strict=True)
    counts = Counter(keys)
    causes = (*CAUSES, UNKNOWN) if any(cause == UNKNOWN for _, _, cause in counts) else CAUSES
    both = [row for row in sizes if row["size_before"] is not None and row["size_after"] is not None]
    return Difference(
        before=pair[0],
        after=pair[1],
        departments=[_counted(row, counts, causes) for row in both],
        only_before=[row["department"] for row in sizes if row["size_after"] is None],
        only_after=[row["department"] for row in sizes if row["size_before"] is None],
    )


def moved_customers(config: Config, before: str | None = None, after: str | None = None) -> pa.Table:
    """Return who entered and who left: ``department``, ``customer_id`` as text, ``change``, ``cause``, ``reason``.

    Raises the errors of `difference`.
    """
    with _history(config) as ledger:
        return _moved(ledger, *_pair(config, ledger, before, after))


def logged_runs(ledger: Ledger) -> pa.Table:
    """Return every run of the log, the latest first, with what it read and whether it can be compared."""
    return ledger.read("runs", {})


def _counted(
    row: Mapping[str, Any], counts: Mapping[tuple[str, str, str], int], causes: Sequence[str]
) -> dict[str, object]:
    name = row["department"]
    by_cause = {
        f"{change}_by_{cause}": counts.get((name, change, cause), 0)
        for change in ("entered", "left")
        for cause in causes
    }
    return {
        "department": name,
        "before": row["size_before"],
        "after": row["size_after"],
        "entered": sum(by_cause[f"entered_by_{cause}"] for cause in causes),
        "left": sum(by_cause[f"left_by_{cause}"] for cause in causes),
        **by_cause,
    }


@contextmanager
def _history(config: Config) -> Iterator[Ledger]:
    """Open the ledger, read-only."""
    with ledger_to_read(config) as ledger:
        if ledger is None or not ledger.columns("changes"):
            raise UnknownName(f"{config.ledger} keeps no run yet", "run: segwarehouse refresh", name="")
        yield ledger


def _pair(config: Config, ledger: Ledger, before: str | None, after: str | None) -> tuple[str, str]:
    """Return the two runs to compare, both kept."""
    if after is None:
        with PublishedState.open(config) as state:
            after = state.run.run_id
    kept = ledger.read("published_runs", {})["run_id"].to_pylist()
    before = before or _parents(ledger).get(after)
    if before is None:
        raise UnknownName(f"run {after} has no state before it", "there is nothing to compare with yet", name=after)
    for name in (before, after):
        if name not in kept:
            raise UnknownName(f"run {name!r} is not kept", did_you_mean(name, kept), name=name)
    return before, after


def _parents(ledger: Ledger) -> dict[str, str]:
    """Return, for each run, the run that it was compared with."""
    rows = ledger.table("runs")
    pairs = zip(rows["run_id"].to_pylist(), rows["compared_with"].to_pylist(), strict=True)
    return {run_id: previous for run_id, previous in pairs if previous is not None}


def path_between(parents: Mapping[str, str], before: str, after: str) -> list[tuple[str, int]]:
    """Return the runs whose changes lead from one run to another, each with its direction, -1 against time.

    Empty where no path of comparisons joins them.

    >>> parents = {"b": "a", "c": "b", "x": "b"}
    >>> path_between(parents, "a", "c"), path_between(parents, "c", "x")
    ([('b', 1), ('c', 1)], [('c', -1), ('x', 1)])
    """
    back, forward = _line(parents, before), _line(parents, after)
    shared = next((run_id for run_id in forward if run_id in back), None)
    if shared is None:
        return []
    undone = back[: back.index(shared)]
    done = forward[: forward.index(shared)]
    return [*((run_id, -1) for run_id in undone), *((run_id, 1) for run_id in reversed(done))]


def _line(parents: Mapping[str, str], run_id: str) -> list[str]:
    """Return a run and all that came before it, the latest first."""
    line = [run_id]
    while (previous := parents.get(line[-1])) is not None and previous not in line:
        line.append(previous)
    return line


def _moved(ledger: Ledger, before: str, after: str) -> pa.Table:
    path = path_between(_parents(ledger), before, after) or [(after, 0)]
    return ledger.read("moved", {"before": before, "after": after, "path": path})
