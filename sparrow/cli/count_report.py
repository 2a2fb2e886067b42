"""What ``sparrow count`` says: a line a photo, then what became of every file that was found."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sparrow.cli.count_journal import Entry
from sparrow.cli.count_tally import Tally
from sparrow.inference.object_size import size_in_words
from sparrow.inference.photo_files import FoundPhotos
from sparrow.plain_text import first_of, one_line
from sparrow.predictions.count_words import (
    interval_in_words,
    is_minimum,
    number_in_words,
    total_in_words,
)
from sparrow.visits.maximum import Maximum
from sparrow.visits.tables import class_rows
from sparrow.visits.visits import Group, Sightings

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


def report(tally: Tally, sightings: Sightings, listing: FoundPhotos) -> None:
    """Say on standard error what was counted, what was not, and the sum of both."""
    words = total_in_words(tally.total, tally.class_names, tally.plurals, minimum=tally.minimum)
    print(f"{words} in {tally.counted} photos", file=sys.stderr)
    if len(tally.class_names) > 1:
        for name in tally.class_names:
            sum_of_class = tally.by_class[name]
            words = total_in_words(sum_of_class, [name], tally.plurals, minimum=tally.minimum)
            print(f"  {words}", file=sys.stderr)
    if tally.left_out:
        print(
            f"{tally.left_out} detections at excluded places are left out, in "
            f"{tally.left_out_of} photos",
            file=sys.stderr,
        )
    _say_sightings(sightings, tally.class_names)
    _say_sizes(tally)
    _list("could not be counted", tally.failed)
    say_left_out(listing)
    print(sum_in_words(tally, listing), file=sys.stderr)


def _say_sightings(sightings: Sightings, class_names: Sequence[str]) -> None:
    """The most at once of each camera, and what the cameras' clocks did."""
    for group in sightings.cameras:
        visits = f"{group.visits} visit{'' if group.visits == 1 else 's'}"
        print(
            f"{one_line(group.camera)}, {len(group.photos)} photos in {visits}: "
            f"{most_in_words(group, class_names)}",
            file=sys.stderr,
        )
    if sightings.undated:
        names = [photo.name for photo in sightings.undated]
        print(
            f"{len(names)} photos without a time are of no visit: {first_of(names)}",
            file=sys.stderr,
        )
    for note in sightings.notes:
        print(one_line(note), file=sys.stderr)


def most_in_words(group: Group, class_names: Sequence[str]) -> str:
    """``at most 3 robin at once (likely 2 to 4), 0 wren``."""
    most = (_one_most(name, group.maxima[place]) for place, name in class_rows(class_names))
    return f"at most {', '.join(most)} at once"


def _one_most(name: str, most: Maximum) -> str:
    likely = interval_in_words(most.low, most.high)
    return f"{number_in_words(most.count, minimum=is_minimum(most.low, most.high))} {name}" + (
        f" (likely {likely})" if likely else ""
    )


def _say_sizes(tally: Tally) -> None:
    if tally.sizes:
        low, high = min(tally.sizes), max(tally.sizes)
        sizes = f"{low} to {high}" if low < high else f"{high}"
        print(
            f"{tally.sizes.total()} photos are much larger than the model sees them: objects below "
            f"about {sizes} px in them may be missed, and their likely ranges do not cover that",
            file=sys.stderr,
        )


def say_left_out(listing: FoundPhotos) -> None:
    """Name on standard error what was found and is no photo to count."""
    kinds = Counter(file.reason for file in listing.skipped).most_common()
    by_kind = f" ({', '.join(f'{n} {kind}' for kind, n in kinds)})" if len(kinds) > 1 else ""
    _list(f"skipped{by_kind}", [(file.path, file.reason) for file in listing.skipped])
    _list("counted once, though found twice", [(path, "the same file") for path in listing.twice])
    _list("not looked into without -r", [(path, "a folder") for path in listing.closed])


def _list(what: str, named: Sequence[tuple[str | Path, str | None]]) -> None:
    if not named:
        return
    print(f"{len(named)} {what}:", file=sys.stderr)
    for name, reason in named:
        print(f"  {one_line(str(name))}: {reason}", file=sys.stderr)


def sum_in_words(tally: Tally, listing: FoundPhotos) -> str:
    """``12 found: 6 counted, 4 skipped, 2 of the system``: what is zero is not named."""
    parts = {
        "could not be counted": len(tally.failed),
        "skipped": len(listing.skipped),
        "found twice": len(listing.twice),
        "not looked into": len(listing.closed),
        "written by sparrow count": len(listing.own),
        "of the system, ignored": len(listing.system),
    }
    named = [f"{n} {what}" for what, n in parts.items() if n]
    counted = f"{tally.counted} counted"
    return f"{tally.counted + sum(parts.values())} found: {', '.join([counted, *named])}"
