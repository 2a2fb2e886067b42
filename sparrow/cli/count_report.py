"""What ``sparrow count`` says: a line a photo, then what became of every file that was found."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sparrow.class_nouns import NO_PLURALS, noun
from sparrow.cli.count_tally import Tally
from sparrow.cli.journal_entry import Entry
from sparrow.inference.photo_files import FoundPhotos
from sparrow.inference.remarks import NOT_FITTED, remarks, unlike_in_words
from sparrow.plain_text import first_of, one_line
from sparrow.predictions.count_words import (
    interval_in_words,
    is_minimum,
    number_in_words,
    total_in_words,
)
from sparrow.reports.visit_words import most_in_words
from sparrow.visits.visits import Group, Sightings

SOME_UNREADABLE = 3


def describe(entry: Entry, plurals: Mapping[str, str] = NO_PLURALS) -> str:
    """One photo in a line."""
    record = entry["record"]
    name = one_line(record["file_name"])
    if record["error"] is not None:
        return f"{name}: {entry['message']}"
    low, high = record["count_low"], record["count_high"]
    likely = f"likely {interval_in_words(low, high)}" if low is not None else ""
    by_class = _classes_in_words(record["class_counts"], plurals)
    unusual = remarks(
        entry["smallest_px"],
        entry.get("out_of_distribution"),
        record.get("tiles", 0),
        has_range=low is not None,
    )
    notes = "; ".join(filter(None, [likely, by_class, *unusual]))
    number = number_in_words(record["count"], minimum=is_minimum(low, high))
    return f"{name}: {number} ({notes})" if notes else f"{name}: {number}"


def _classes_in_words(class_counts: Sequence[dict[str, Any]], plurals: Mapping[str, str]) -> str:
    """``2 robins, 1 wren``: of several classes those that were found."""
    if len(class_counts) < 2:
        return ""
    seen = [(counted["count"], counted["label"]) for counted in class_counts if counted["count"]]
    return ", ".join(f"{number} {noun(number, label, plurals)}" for number, label in seen)


def report(tally: Tally, sightings: Sequence[str], listing: FoundPhotos) -> None:
    """Say on standard error what was counted, what was not, and the sum of both.

    Args:
        tally: of all photos.
        sightings: what is said of cameras and visits, as ``sightings_in_words`` has it.
        listing: what was found.
    """
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
    for words in sightings:
        print(words, file=sys.stderr)
    for note in [*notes_of(tally), *([tally.warning] if tally.warning else [])]:
        print(note, file=sys.stderr)
    _list("could not be counted", tally.failed)
    say_left_out(listing)
    print(sum_in_words(tally, listing), file=sys.stderr)


def sightings_in_words(sightings: Sightings, tally: Tally) -> list[str]:
    """The most at once of each camera, and what the cameras' clocks did."""
    undated = [photo.name for photo in sightings.undated]
    return [
        *(camera_in_words(group, tally) for group in sightings.cameras),
        *([undated_in_words(first_of(undated), len(undated))] if undated else []),
        *map(one_line, sightings.notes),
    ]


def camera_in_words(group: Group, tally: Tally) -> str:
    """The most at once of a camera, in a line."""
    visits = f"{group.visits} visit{'' if group.visits == 1 else 's'}"
    most = most_in_words(group, tally.class_names, tally.plurals)
    return f"{one_line(group.camera)}, {len(group.photos)} photos in {visits}: at most {most}"


def undated_in_words(names: str, number: int) -> str:
    """How many photos have no time; ``names``: of the first of them."""
    return f"{number} photos without a time are of no visit: {names}"


def notes_of(tally: Tally) -> list[str]:
    """What is to be known of the photos together: sizes that are lost, and photos unlike others."""
    notes = []
    if tally.sizes:
        notes.append(
            f"{tally.sizes.total()} photos are much larger than the model sees them: objects below "
            f"about {_between(tally.sizes)} px in them may be missed, and their likely ranges do "
            "not cover that"
        )
    if tally.tiled:
        notes.append(
            f"{tally.tiled.total()} photos were counted in tiles, {tally.tiles} together: objects "
            f"below about {_between(tally.tiled)} px in them may be missed"
        )
    if tally.tiled_without_range:
        notes.append(f"{tally.tiled_without_range} of them have {NOT_FITTED}")
    if tally.out_of_distribution:
        notes.append(unlike_in_words(tally.out_of_distribution, tally.counted, tally.false_alarms))
    return notes


def _between(sizes: Counter[int]) -> str:
    low, high = min(sizes), max(sizes)
    return f"{low} to {high}" if low < high else f"{high}"


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
