"""A count and its interval in words: one form for page, command line, monitor and reports.

A count that reaches the most objects that its model finds in a photo (``ModelInfo.max_objects``) is
a minimum: there may be more. Its interval is open above, which is how every record, table and
answer holds it: ``low`` is a number, ``high`` is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sparrow.class_nouns import NO_PLURALS, objects


def is_minimum(low: int | None, high: int | None) -> bool:
    """Whether a count with this interval is the least that there may be."""
    return low is not None and high is None


def number_in_words(count: int, *, minimum: bool) -> str:
    """``3``, or ``120 or more``."""
    return f"{count} or more" if minimum else str(count)


def interval_in_words(low: int | None, high: int | None) -> str:
    """``2 to 4``, ``117 or more``; empty where there is no interval."""
    if low is None:
        return ""
    return f"{low} or more" if high is None else f"{low} to {high}"


def count_in_words(
    count: int,
    low: int | None,
    high: int | None,
    class_names: Sequence[str],
    plurals: Mapping[str, str] = NO_PLURALS,
) -> str:
    """The answer as one says it: ``3 geese, likely 2 to 4``.

    Args:
        class_names: what was counted, of several all together.
        plurals: see ``class_nouns``.
    """
    minimum = is_minimum(low, high)
    number = number_in_words(count, minimum=minimum) if count else "No"
    words = f"{number} {objects(class_names, plurals, count)}"
    if low is None or low == (count if minimum else high):
        return words
    return f"{words}, likely {interval_in_words(low, high)}"


def total_in_words(
    total: int,
    class_names: Sequence[str],
    plurals: Mapping[str, str] = NO_PLURALS,
    *,
    minimum: bool,
) -> str:
    """The sum of several photos: ``7 geese``, or ``at least 127 geese``.

    Args:
        class_names, plurals: see ``count_in_words``.
        minimum: one of the counts is a minimum, and so is their sum.
    """
    least = "at least " if minimum else ""
    return f"{least}{total if total else 'No'} {objects(class_names, plurals, total)}"
