"""The words that a column's name is made of."""

import re


def words_of(column: str) -> list[str]:
    """Return the words of a column name, folded: ``CustomerID`` and ``customer-id`` are customer, id."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", column)
    return [word.casefold() for word in re.split(r"[\W_]+", spaced) if word]
