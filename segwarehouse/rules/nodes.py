"""The small syntax trees that compiled cards are made of: literals, columns, CASE, joined texts and sums.

In: plain values. Out: sqlglot nodes that mean the same on every engine, identifiers quoted.
"""

from collections.abc import Callable, Sequence
from functools import reduce

from sqlglot import exp

from segwarehouse.errors import StatementRefused

EXACT = 2**53
"""Whole numbers below this are the same as doubles."""

_CHAIN = 100


def number(value: float) -> exp.Expr:
    """Return a literal that reads back as the same double where it is compared with a DOUBLE.

    >>> [number(value).sql("duckdb") for value in (3.0, -0.5, 1e22, -0.0)]
    ['3', '-0.5e0', '1e+22', '0']
    """
    return whole(int(value)) if float(value).is_integer() and abs(value) < EXACT else double(value)


def double(value: float) -> exp.Expr:
    """Return a literal of type DOUBLE: the exponent keeps it from being a DECIMAL."""
    digits = repr(abs(float(value))).removesuffix(".0")
    literal = exp.Literal(this=digits if "e" in digits else f"{digits}e0", is_string=False)
    return exp.Neg(this=literal) if value < 0 else literal


def whole(value: int) -> exp.Expr:
    """Return the literal of a whole number."""
    literal = exp.Literal(this=str(abs(value)), is_string=False)
    return exp.Neg(this=literal) if value < 0 else literal


def text(value: str) -> exp.Expr:
    """Return the literal of a text. Raises `StatementRefused` for one with a NUL character."""
    if "\0" in value:
        raise StatementRefused(f"{value!r} holds a NUL character, which no engine keeps in text")
    return exp.Literal.string(value)


def column(name: str) -> exp.Column:
    """Return a column, quoted. Raises `StatementRefused` for a name that no engine has."""
    if not name or "\0" in name:
        raise StatementRefused(f"{name!r} can't name a column", "use one or more characters, without NUL")
    return exp.Column(this=exp.to_identifier(name, quoted=True))


def case(ifs: Sequence[tuple[exp.Expr, exp.Expr]], default: exp.Expr | None) -> exp.Case:
    """Return a CASE of tests with their values."""
    branches = [exp.If(this=test, true=value) for test, value in ifs]
    return exp.Case(ifs=branches, default=default) if default is not None else exp.Case(ifs=branches)


def listing(pieces: Sequence[tuple[exp.Expr, str]], separator: str) -> exp.Expr:
    """Return the texts whose test holds, joined by the separator. Only CASE, || and SUBSTRING: they run everywhere."""
    if not pieces:
        return text("")
    shown = [case([(test.copy(), text(separator + words))], text("")) for test, words in pieces]
    found = joined(shown, exp.DPipe, safe=True)
    return exp.Substring(this=found, start=whole(len(separator) + 1))


def joined(terms: Sequence[exp.Expr], node: Callable[..., exp.Expr], **options: bool) -> exp.Expr:
    """Return the terms joined left to right; many terms as a balanced tree, since engines limit the depth."""
    if len(terms) <= _CHAIN:
        return reduce(lambda left, right: node(this=left, expression=right, **options), terms)
    half = len(terms) // 2
    left, right = (exp.Paren(this=joined(part, node, **options)) for part in (terms[:half], terms[half:]))
    return node(this=left, expression=right, **options)
