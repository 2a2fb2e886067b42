"""The most at once in words: one form for the command line and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sparrow.class_nouns import NO_PLURALS, noun, objects, plural
from sparrow.predictions.count_words import interval_in_words, is_minimum, number_in_words
from sparrow.visits.maximum import Maximum
from sparrow.visits.tables import class_rows
from sparrow.visits.visits import Group


def most_in_words(
    group: Group, class_names: Sequence[str], plurals: Mapping[str, str] = NO_PLURALS
) -> str:
    """``3 robins at once (likely 2 to 4)``; of several classes all together, then each."""
    total = group.maxima[0]
    words = f"{_number(total)} {objects(class_names, plurals, total.count)} at once{_likely(total)}"
    if len(class_names) == 1:
        return words
    own = zip(class_names, group.maxima[1:], strict=True)
    each = (f"{_number(m)} {noun(m.count, name, plurals)}{_likely(m)}" for name, m in own)
    return f"{words}; {', '.join(each)}"


def most_with_interval(most: Maximum) -> str:
    """``3 (likely 2 to 4)``."""
    return f"{_number(most)}{_likely(most)}"


def headings(class_names: Sequence[str], plurals: Mapping[str, str] = NO_PLURALS) -> list[str]:
    """What stands over the numbers of ``class_rows``."""
    own = [plural(name, plurals) for name in class_names]
    return own if len(class_rows(class_names)) == 1 else ["all together", *own]


def _number(most: Maximum) -> str:
    return number_in_words(most.count, minimum=is_minimum(most.low, most.high))


def _likely(most: Maximum) -> str:
    likely = interval_in_words(most.low, most.high)
    return f" (likely {likely})" if likely else ""
