"""What ``sparrow count`` says: a line a photo, then what became of every file that was found."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sparrow.cli.count_journal import Entry
from sparrow.inference.object_size import size_in_words
from sparrow.inference.photo_files import FoundPhotos
from sparrow.plain_text import one_line
from sparrow.predictions.count_words import (
    interval_in_words,
    is_minimum,
    number_in_words,
    total_in_words,
)

SOME_UNREADABLE = 3


def describe(entry: Entry) -> str:
    """One photo in a line."""
    record = entry["record"]
    name = one_line(record["file_name"])
    if record["error"] is not None:
        return f"{name}: {entry['message']}"
    low, high = record["count_low"], record["count_high"]
    likely = f"likely {interval_in_words(low, high)}" if low is not None else ""
    by_class = _classes_in_words(record["class_counts"])
    notes = "; ".join(filter(None, [likely, by_class, size_in_words(entry["smallest_px"])]))
    number = number_in_words(record["count"], minimum=is_minimum(low, high))
    return f"{name}: {number} ({notes})" if notes else f"{name}: {number}"


def _classes_in_words(class_counts: Sequence[dict[str, Any]]) -> str:
    """``robin 2, wren 1``: of several classes those that were found."""
    if len(class_counts) < 2:
        return ""
    seen = [counted for counted in class_counts if counted["count"]]
    return ", ".join(f"{counted['label']} {counted['count']}" for counted in seen)


def report(entries: Sequence[Entry], listing: FoundPhotos, class_names: tuple[str, ...]) -> int:
    """Say on standard error what was counted, what was not, and the sum of both.

    Returns:
        The exit status: 0 when every photo could be read, skipped files or not.
    """
    records = [entry["record"] for entry in entries]
    bad = [entry for entry in entries if entry["record"]["error"] is not None]
    total = sum(record["count"] or 0 for record in records)
    least = any(is_minimum(record["count_low"], record["count_high"]) for record in records)
    words = total_in_words(total, class_names, minimum=least)
    print(f"{words} in {len(entries) - len(bad)} photos", file=sys.stderr)
    _say_classes(records, class_names, minimum=least)
    _say_sizes(entries)
    failed = [(entry["record"]["file_name"], entry["message"]) for entry in bad]
    _list("could not be counted", failed)
    say_left_out(listing)
    print(_sum(len(entries) - len(bad), len(bad), listing), file=sys.stderr)
    return SOME_UNREADABLE if bad else 0


def _say_classes(
    records: Sequence[dict[str, Any]], class_names: Sequence[str], *, minimum: bool
) -> None:
    """The sum of each of several classes."""
    if len(class_names) < 2:
        return
    totals = Counter[str]()
    for record in records:
        totals.update({counted["label"]: counted["count"] for counted in record["class_counts"]})
    for name in class_names:
        print(f"  {total_in_words(totals[name], [name], minimum=minimum)}", file=sys.stderr)


def _say_sizes(entries: Sequence[Entry]) -> None:
    shrunk = [entry["smallest_px"] for entry in entries if entry["smallest_px"]]
    if shrunk:
        sizes = f"{min(shrunk)} to {max(shrunk)}" if min(shrunk) < max(shrunk) else f"{max(shrunk)}"
        print(
            f"{len(shrunk)} photos are much larger than the model sees them: objects below about "
            f"{sizes} px in them may be missed, and their likely ranges do not cover that",
            file=sys.stderr,
        )


def say_left_out(listing: FoundPhotos) -> None:
    """Name on standard error what was found and is no photo to count."""
    _list("skipped", [(file.path, file.reason) for file in listing.skipped])
    _list("counted once, though found twice", [(path, "the same file") for path in listing.twice])
    _list("not looked into without -r", [(path, "a folder") for path in listing.closed])


def _list(what: str, named: Sequence[tuple[str | Path, str | None]]) -> None:
    if not named:
        return
    print(f"{len(named)} {what}:", file=sys.stderr)
    for name, reason in named:
        print(f"  {one_line(str(name))}: {reason}", file=sys.stderr)


def _sum(counted: int, failed: int, listing: FoundPhotos) -> str:
    """``12 found: 6 counted, 4 skipped, 2 of the system``: what is zero is not named."""
    parts = {
        "could not be counted": failed,
        "skipped": len(listing.skipped),
        "found twice": len(listing.twice),
        "not looked into": len(listing.closed),
        "written by sparrow count": len(listing.own),
        "of the system, ignored": len(listing.system),
    }
    named = [f"{n} {what}" for what, n in parts.items() if n]
    return f"{counted + sum(parts.values())} found: {', '.join([f'{counted} counted', *named])}"
