"""What a verdict says to people."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from monitoring.columns import Column, Floats
from monitoring.verdict import ColumnChange
from sparrow.plain_text import one_line


def number(value: float, *, is_fraction: bool = False) -> str:
    """Three digits, or a percentage."""
    return f"{value:.1%}" if is_fraction else f"{value:.3g}"


def change_in_words(
    column: Column, reference: Floats, current: Floats, spread: bool, drifted: bool
) -> str:
    """A sentence on one column.

    Args:
        column: which.
        reference: its values over the reference, NaN where undefined.
        current: over the photos of the nested window that differs most.
        spread: whether the values spread or narrow, and do not move.
        drifted: beyond what chance explains.
    """
    known, seen = (values[~np.isnan(values)] for values in (reference, current))
    subject = column.words[0].upper() + column.words[1:]
    if not len(known):
        return f"{subject}: the reference has none to compare with."
    if not len(seen):
        return f"{subject}: none in this window; {_mean(column, known)} in the reference."
    both = f"{_mean(column, seen)} in the newest {len(current)} photos, {_mean(column, known)} in "
    if not drifted:
        return f"{subject}: {both}the reference; within chance."
    if spread:
        return (
            f"{subject} {'scatters more' if _width(seen) > _width(known) else 'scatters less'}: "
            f"the middle half lies in {_middle(seen)} in the newest {len(current)} photos, in "
            f"{_middle(known)} in the reference."
        )
    verb = "rose" if seen.mean() > known.mean() else "fell"
    return f"{subject} {verb}: {both}the reference."


def errors_in_words(errors: int, photos: int, usual: float, drifted: bool) -> str:
    """A sentence on photos that could not be counted."""
    end = "more than chance explains" if drifted else "within chance"
    return (
        f"{errors} of the newest {photos} photos could not be counted; {usual:.1%} are usual "
        f"(monitoring.error_fraction): {end}."
    )


def latency_in_words(median_ms: float | None, photos: int, limit_ms: float | None) -> str:
    """A sentence on the time a photo takes; ``median_ms`` is None where none was counted."""
    if median_ms is None:
        return "None of the newest photos could be counted: their time says nothing."
    said = f"A photo took {median_ms:.0f} ms, median of the newest {photos} that were counted"
    if limit_ms is None:
        return f"{said}; no limit is set (monitoring.max_latency_ms)."
    return f"{said}; {'over' if median_ms > limit_ms else 'within'} the limit of {limit_ms:.0f} ms."


def minimums_in_words(photos: int) -> str:
    """On counts that are minimums; empty where none is."""
    if not photos:
        return ""
    return (
        f"In {photos} of these photos the count reaches the most that the model finds: it is a "
        "minimum, and so are means over them."
    )


def scores_in_words(outside: Sequence[float], boxes: int) -> str:
    """Scores that are none: the ones outside 0..1, of so many boxes."""
    if not outside:
        return f"All {boxes} scores lie in 0 to 1."
    known = [score for score in outside if not math.isnan(score)]
    range_words = f", from {min(known):g} to {max(known):g}" if known else ""
    return (
        f"{len(outside)} of {boxes} scores do not lie in 0 to 1{range_words}: the engine, the "
        "service or the log is broken; a new training does not repair it."
    )


def classes_in_words(
    unknown: Sequence[str], n_unknown: int, boxes: int, classes: Sequence[str]
) -> str:
    """Classes that the model does not know, and the number of their boxes."""
    known = ", ".join(classes)
    if not unknown:
        return f"All {boxes} boxes are of classes that the model knows ({known})."
    return (
        f"{n_unknown} of {boxes} boxes are of classes that the model does not know "
        f"({one_line(', '.join(unknown))}; it knows {known}): another model writes under this "
        "version, or the log is broken."
    )


def small_reference_in_words(photos: int, groups: int, min_groups: int) -> str:
    """A reference of too few groups for a verdict."""
    return (
        f"The model's reference has {photos} photos in {groups} groups (author, camera's day, "
        f"near-duplicates); at least {min_groups} groups are needed to know what is usual: there "
        "is no verdict."
    )


def small_window_in_words(photos: int, min_photos: int) -> str:
    """A window of too few photos for a verdict."""
    return (
        f"The window holds {photos} photos; at least {min_photos} are needed "
        "(monitoring.windows): there is no verdict."
    )


def reason_in_words(changes: Sequence[ColumnChange], windows: Sequence[int], rate: float) -> str:
    """The sentence of a verdict on so many photos in each nested window."""
    drifted = [change for change in changes if change.drifted]
    if drifted:
        others = len(drifted) - 1
        more = f" And {others} more changed." if others > 1 else ""
        more = f" And {drifted[1].column} changed." if others == 1 else more
        return drifted[0].words + more
    sizes = ", ".join(str(window) for window in windows[:-1])
    sizes = f"{sizes} and {windows[-1]}" if sizes else str(windows[-1])
    return (
        f"The newest {sizes} photos differ from the reference by no more than chance explains "
        f"(false alarms: at most {rate:.0%} of runs)."
    )


def _mean(column: Column, values: Floats) -> str:
    return number(float(values.mean()), is_fraction=column.is_fraction)


def _middle(values: Floats) -> str:
    low, high = np.quantile(values, [0.25, 0.75])
    return f"{number(float(low))} to {number(float(high))}"


def _width(values: Floats) -> float:
    low, high = np.quantile(values, [0.25, 0.75])
    return float(high - low)
