"""The scores of each of several classes as lines of a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sparrow.evaluation.confusion import Confusion

WIDE = 10  # classes whose table of confusions fits a terminal; of more the pairs are listed
PAIRS = 10
BRIEF = ("precision", "recall", "ap50", "count_mae")


def class_table(classes: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line a class: its F-beta with the interval, and some of its other numbers.

    Args:
        classes: ``ClassScores.to_dict`` of each, as files hold them too; none: no lines.
    """
    if not classes:
        return []
    width = max(len("class"), *(len(scores["name"]) for scores in classes))
    first = next(iter(classes[0]["scores"]))
    columns = "".join(f"{name:>11}" for name in BRIEF)
    lines = [f"{'class':<{width}}{'objects':>9}{'photos':>8}{first:>10}{'':18}{columns}"]
    for scores in classes:
        value, low, high = scores["scores"][first]
        interval = "" if low is None else f"{low:.3f} to {high:.3f}"
        rest = "".join(f"{_number(scores['scores'][name][0]):>11}" for name in BRIEF)
        sizes = f"{scores['objects']:>9,}{scores['photos']:>8,}"
        lines.append(f"{scores['name']:<{width}}{sizes}{_number(value):>10}  {interval:<16}{rest}")
    return lines


def confusion_lines(confusion: Confusion | None) -> list[str]:
    """The confusion matrix as a table, or its most frequent pairs; none for a single class."""
    if confusion is None:
        return []
    if len(confusion.class_names) > WIDE:
        pairs = confusion.pairs()[:PAIRS]
        return ["Taken for another class most often:"] + [
            f"  {pair.count:,} of {pair.objects:,} {pair.true} found as {pair.predicted}"
            for pair in pairs
        ] if pairs else ["No object is taken for one of another class."]  # fmt: skip
    names = confusion.names()
    first = "is, found as"
    widths = [max(len(name), 5) for name in names]
    left = max(len(first), *map(len, names))
    head = "".join(f"  {name:>{width}}" for name, width in zip(names, widths, strict=True))
    lines = [f"{first:<{left}}{head}"]
    for row, (name, counts) in enumerate(zip(names, confusion.counts.tolist(), strict=True)):
        cells = [f"{count:,}" for count in counts]
        if row == len(names) - 1:
            cells[-1] = ""  # what is nothing and found as nothing is not counted
        line = "".join(f"  {cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        lines.append(f"{name:<{left}}{line}".rstrip())
    return lines


def _number(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"
