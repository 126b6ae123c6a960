"""How numbers read: whole counts, shares in percent, ratios and intervals. A number that is not there is a dash."""

NONE = "–"


def count(value: object) -> str:
    """Return a whole number with separators.

    >>> count(12345.0), count(None)
    ('12,345', '–')
    """
    return f"{round(value):,}" if isinstance(value, int | float) else NONE


def few(value: object) -> str:
    """Return an expected number of customers: whole, but with a decimal where it is small.

    >>> few(58.4), few(2.68), few(0.0), few(None)
    ('58', '2.7', '0', '–')
    """
    if not isinstance(value, int | float):
        return NONE
    return count(value) if abs(value) >= 9.95 or float(value).is_integer() else f"{value:.1f}"


def share(value: object) -> str:
    """Return a share of 1 in percent, with a decimal near nothing and near all.

    >>> share(0.4235), share(0.0803), share(0.0), share(0.9967)
    ('42%', '8.0%', '0%', '99.7%')
    """
    if not isinstance(value, int | float):
        return NONE
    return f"{value:.0%}" if value in {0, 1} or 0.0995 <= abs(value) < 0.995 else f"{value:.1%}"


def ratio(value: object) -> str:
    """Return a ratio with two decimals.

    >>> ratio(1.6511)
    '1.65'
    """
    return f"{value:.2f}" if isinstance(value, int | float) else NONE


def signed(value: object, digits: int = 3) -> str:
    """Return a difference with its sign.

    >>> signed(0.0127), signed(-0.0063), signed(0.0)
    ('+0.013', '−0.006', '0.000')
    """
    if not isinstance(value, int | float):
        return NONE
    text = f"{abs(value):.{digits}f}"
    zero = not text.strip("0.")
    return text if zero else f"{'+' if value > 0 else '−'}{text}"


def signed_few(value: object) -> str:
    """Return a difference of expected numbers of customers, as `few` has them.

    >>> signed_few(12.4), signed_few(-2.68), signed_few(0.0)
    ('+12', '−2.7', '0')
    """
    if not isinstance(value, int | float):
        return NONE
    return signed(value, 0 if abs(value) >= 9.95 or float(value).is_integer() else 1)


def money(value: object) -> str:
    """Return an amount without its currency, which nobody has told.

    >>> money(1234.5), money(-20)
    ('1,234', '−20')
    """
    if not isinstance(value, int | float):
        return NONE
    return f"{'−' if round(value) < 0 else ''}{abs(round(value)):,}"


def times(value: object) -> str:
    """Return a lift as it is said.

    >>> times(1.6511), times(1.0), times(0.8)
    ('1.65 times as many', 'as many', '0.80 times as many')
    """
    text = ratio(value)
    return "as many" if text == "1.00" else f"{text} times as many"


def plural(number: object, noun: str) -> str:
    """Return a count with its noun.

    >>> plural(1, "rule"), plural(5, "rule"), plural(2, "category")
    ('1 rule', '5 rules', '2 categories')
    """
    if number == 1:
        return f"1 {noun}"
    return f"{count(number)} {noun[:-1]}ies" if noun.endswith("y") else f"{count(number)} {noun}s"


def significant(value: object, digits: int = 5) -> object:
    """Return a number to so many significant digits, anything else as it is: files stay small.

    >>> significant(0.123456789), significant(40.00000001), significant(None)
    (0.12346, 40.0, None)
    """
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value
