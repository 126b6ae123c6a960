"""Where a CSV file stops being a table: the first line with another number of fields than the heading.

In: the path of a file that reads as one column. Out: a line number and two counts, for an error that says where to
look. The engine only finds no dialect, and then takes each line for one value.
"""

import csv
from itertools import islice
from pathlib import Path
from typing import NamedTuple

SEPARATORS = ",;\t|"
_MOST_LINES = 5_000_000


class OddLine(NamedTuple):
    """A line, counted from 1 for the heading, and how many fields it and the heading have."""

    line: int
    fields: int
    expected: int


def separator_of(heading: str) -> str | None:
    """Return the separator that a heading of several names has, None where it is one name.

    >>> separator_of("customer_id;department;amount"), separator_of("customer_id")
    (';', None)
    """
    best = max(SEPARATORS, key=heading.count)
    return best if heading.count(best) else None


def first_odd_line(path: Path, separator: str, encoding: str = "utf-8") -> OddLine | None:
    """Return the first line that does not fit the heading; None where the file can't be read so, or every line fits."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            reader = csv.reader(file, delimiter=separator)
            expected = len(next(reader))
            for row in islice(reader, _MOST_LINES):
                if row and len(row) != expected:
                    return OddLine(reader.line_num, len(row), expected)
    except (OSError, UnicodeError, csv.Error, StopIteration):
        return None
    return None
