r"""Text on its way out: to a terminal, a log, a page, the run log. What it must not carry is taken from it here.

In: any text, from data, from the user or from an engine. Out: the same without credentials (`masked`), and without
characters that steer a terminal or turn the reading direction (`printable`, `as_json`). What is a value of its own, in
a CSV file or in a column, stays as it is and is left to others.

>>> printable("no file matches https://ann:pa55@host/t.csv?token=abc \x1b[2J")
'no file matches https://***@host/t.csv?token=*** \\x1b[2J'
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

MASK = "***"

_NAME = (
    r"[\w.-]*(?:password|passwd|passphrase|pwd|secret|token|signature|credential|"
    r"api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key)[\w.-]*"
)
_VALUE = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s&;,'"<>)\]}]+)"""

_MASKED = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # scheme://user:password@host; paths may have lost a slash on their way, and passwords may hold an @ or a slash.
        (r"\b([a-z][a-z0-9+.-]+:/+)[^\s/?#]*@", rf"\1{MASK}@"),
        (r"\b([a-z][a-z0-9+.-]+:/+)[^\s/?#@:]*:[^\s@]*@", rf"\1{MASK}@"),
        # ?key=…, &sig=…: names that only mean a secret in a query.
        (r"([?&](?:key|sig|auth|code|sas)=)[^\s&#'\"]+", rf"\1{MASK}"),
        # password=… of a DSN, token=… and X-Amz-Signature=… of a query; a comparison in SQL has spaces around its sign.
        (rf"(?<![\w.-])({_NAME}=){_VALUE}", rf"\1{MASK}"),
        (rf"(?<![\w.-])((?:password|passwd|pwd)\s+=\s+){_VALUE}", rf"\1{MASK}"),
    )
)


def masked(text: str) -> str:
    """Return a text in which `***` stands for every password, token, key and signature.

    >>> masked("host=db user=ann password='a b' port=1"), masked("s3://b/x.parquet?X-Amz-Signature=1f&v=2")
    ('host=db user=ann password=*** port=1', 's3://b/x.parquet?X-Amz-Signature=***&v=2')
    """
    if "=" not in text and "@" not in text:
        return text
    for pattern, replacement in _MASKED:
        text = pattern.sub(replacement, text)
    return text


def masked_values(value: object) -> object:
    """Return plain values with every text in them masked; paths too, where they held anything to mask."""
    match value:
        case str():
            return masked(value)
        case Path():
            return value if masked(str(value)) == str(value) else masked(str(value))
        case Mapping():
            return {name: masked_values(item) for name, item in value.items()}
        case list():
            return [masked_values(item) for item in value]
        case tuple() if type(value) is tuple:
            return tuple(masked_values(item) for item in value)
    return value


def printable(text: str) -> str:
    r"""Return text on one line, masked, with whatever could steer a terminal or mislead the eye written out.

    >>> printable("SEA\x1b[2J\nFOOD \u202eevil")
    'SEA\\x1b[2J\\nFOOD \\u202eevil'
    """
    return visible(masked(text))


def visible(text: str, kept: str = "") -> str:
    """Return text with control, format and unassigned characters written out, but for those in `kept`."""
    if text.isprintable():
        return text
    return "".join(sign if _is_harmless(sign) or sign in kept else repr(sign)[1:-1] for sign in text)


def as_json(value: object, indent: int | None = None) -> str:
    r"""Return plain values as JSON, in their own scripts: what is not printable is escaped, so the values stay true.

    >>> as_json({"name": "木\x9b\u202e"})
    '{"name": "木\\u009b\\u202e"}'
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    if text.isprintable():
        return text
    return "".join(sign if _is_harmless(sign) or sign == "\n" else json.dumps(sign)[1:-1] for sign in text)


def _is_harmless(sign: str) -> bool:
    """Whether a character is printed as it is; spaces of other scripts are."""
    return sign.isprintable() or unicodedata.category(sign) == "Zs"
