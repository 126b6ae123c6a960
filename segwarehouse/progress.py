"""How far a piece of work is, told while it is done."""

from collections.abc import Callable


def counted(tell: Callable[[str, float], None], total: int) -> Callable[[str], None]:
    """Return a function that is called before each of `total` pieces of work, and tells how many are done.

    >>> seen = []
    >>> before = counted(lambda subject, share: seen.append((subject, share)), 2)
    >>> before("a"), before("b"), seen
    (None, None, [('a', 0.0), ('b', 0.5)])
    """
    done = 0

    def before(subject: str) -> None:
        nonlocal done
        tell(subject, min(1.0, done / total))
        done += 1

    return before
