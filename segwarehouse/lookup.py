"""What a user has named, among what there is: exactly, or without regard to case where only one can be meant.

In: a name as it was typed, and the names that there are. Out: the name as it stands in the data, or an `UnknownName`.
"""

from collections.abc import Iterable

from segwarehouse.errors import UnknownName, did_you_mean


def find_name(name: str, known: Iterable[str], kind: str = "department") -> str:
    """Return the one of the `known` names that is meant.

    Parameters
    ----------
    name
        As it was typed. Its case does not matter where one known name alone differs from it by nothing else.
    kind
        What it is a name of, for the error.

    Raises
    ------
    UnknownName
        If there is none, or if several differ from it only by case.

    >>> find_name("seafood", ["SEAFOOD", "Floral"]), find_name("toys", ["Toys", "toys"])
    ('SEAFOOD', 'toys')
    """
    names = list(known)
    if name in names:
        return name
    alike = [each for each in names if each.casefold() == name.casefold()]
    if len(alike) == 1:
        return alike[0]
    if alike:
        shown = ", ".join(map(repr, alike))
        raise UnknownName(f"{name!r} may be any of the {kind}s {shown}", "write it as it stands in the data", name=name)
    raise UnknownName(f"there is no {kind} {name!r}", did_you_mean(name, names), name=name)
