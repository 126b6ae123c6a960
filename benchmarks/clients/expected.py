"""What a client must find, as `__main__.py` wrote it down. Standard library alone: it runs in every environment."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Expected:
    """The file to open, and what is in it.

    Attributes
    ----------
    view
        The view that is read whole, `rows` rows of `columns`, ordered by rank.
    scores
        Hexadecimal: to the last bit.
    """

    file: str
    project: str
    views: list[str]
    view: str
    columns: list[str]
    rows: int
    ids: list[str]
    scores: list[str]
    reasons: list[str]

    @property
    def query(self) -> str:
        """The query that a client runs; the view's name is a slug."""
        return f'select * from targeting."{self.view}" order by rank'  # noqa: S608 - a slug of our own making

    def hold(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Stop with what differs."""
        self.require("columns", list(columns), self.columns)
        self.require("ids", [str(row[0]) for row in rows], self.ids)
        self.require("scores", [float(str(row[1])).hex() for row in rows], self.scores)
        self.require("reasons", [str(row[6]) for row in rows], self.reasons)

    def require(self, what: str, found: object, wanted: object) -> None:
        """Stop unless both are the same."""
        if found != wanted:
            sys.exit(f"{what} differ: {str(found)[:200]}, not {str(wanted)[:200]}")


def read() -> Expected:
    """Return what the file named by the first argument holds."""
    return Expected(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
