"""``sparrow count``: objects in one photo or ten thousand, with the service's own numbers."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sparrow.cli.count_journal import Entry, Journal
from sparrow.cli.count_output import FORMATS, write
from sparrow.cli.count_photos import count_all
from sparrow.config import StoresConfig
from sparrow.inference.photo_files import find_photos
from sparrow.plain_text import one_line
from sparrow.predictions.count_words import (
    interval_in_words,
    is_minimum,
    number_in_words,
    total_in_words,
)
from sparrow.progress import show_progress

SOME_UNREADABLE = 3


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "count",
        help="count the objects in photos",
        description="Count the objects in photos. A photo that cannot be read never stops the "
        "others; such photos are listed at the end and the exit status is 3. Started again with "
        "the same --to, the command goes on where it stopped.",
    )
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="files or folders")
    parser.add_argument("-r", "--recursive", action="store_true", help="folders in folders too")
    parser.add_argument("--to", type=Path, metavar="FILE", help="counts as .csv, .json or .parquet")
    parser.add_argument(
        "--megadetector", action="store_true", help="write the .json in MegaDetector's batch format"
    )
    parser.add_argument("--annotated", type=Path, metavar="DIR", help="photos with boxes drawn in")
    parser.add_argument(
        "--workers",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes (all cores)",
    )
    parser.add_argument("--model", type=Path, metavar="DIR", help="model folder (the champion)")
    parser.set_defaults(func=count)


def _check(arguments: argparse.Namespace) -> None:
    to = arguments.to
    if to is not None and to.suffix.lower() not in FORMATS:
        raise ValueError(f"--to {to}: expected a name ending in {', '.join(FORMATS)}")
    if arguments.megadetector and (to is None or to.suffix.lower() != ".json"):
        raise ValueError("--megadetector needs --to with a name ending in .json")
    if arguments.workers < 1:
        raise ValueError(f"--workers {arguments.workers}: expected at least 1")


def count(arguments: argparse.Namespace) -> int:
    """Count and report; 0 when every photo could be read, 3 when some could not."""
    _check(arguments)
    from sparrow.inference.counter import PhotoCounter
    from sparrow.inference.model_folder import INFO
    from sparrow.regular_file import sha256_of

    folder = (arguments.model or Path(StoresConfig().champion)).resolve()
    counter, to = PhotoCounter(folder), arguments.to
    class_names = counter.info.class_names
    files = find_photos(arguments.photos, recursive=arguments.recursive)
    with closing(Journal(to, sha256_of(folder / INFO))) as journal:
        left = [file for file in files if journal.known(file, arguments.annotated) is None]
        _say_what_is_known(journal, files, left)
        show = show_progress("counted", to=sys.stderr)
        counted = count_all(left, counter, arguments.annotated, arguments.workers)
        for number, entry in enumerate(counted, 1):
            journal.add(entry)
            show(number, len(left))
        entries = [journal.done[str(file)] for file in files]
        if to is not None:
            write(to, entries, class_names, megadetector=arguments.megadetector)
            journal.remove()
    if to is None:
        print(*map(describe, entries), sep="\n")
    return report(entries, class_names)


def _say_what_is_known(journal: Journal, files: Sequence[Path], left: Sequence[Path]) -> None:
    if journal.restarted:
        print(f"the journal is {journal.restarted}; counting all photos", file=sys.stderr)
    again = sum(str(file) in journal.done for file in left)
    if len(files) > len(left):
        print(f"{len(files) - len(left)} photos were counted before; going on", file=sys.stderr)
    if again:
        print(
            f"{again} photos are counted again: they changed, failed, or have no drawing yet",
            file=sys.stderr,
        )


def describe(entry: Entry) -> str:
    """One photo in a line."""
    record = entry["record"]
    name = one_line(record["file_name"])
    if record["error"] is not None:
        return f"{name}: {entry['message']}"
    low, high = record["count_low"], record["count_high"]
    likely = f" (likely {interval_in_words(low, high)})" if low is not None else ""
    return f"{name}: {number_in_words(record['count'], minimum=is_minimum(low, high))}{likely}"


def report(entries: Sequence[Entry], class_names: tuple[str, ...]) -> int:
    """Totals and the unreadable photos, on standard error; the exit status."""
    records = [entry["record"] for entry in entries]
    bad = [entry for entry in entries if entry["record"]["error"] is not None]
    total = sum(record["count"] or 0 for record in records)
    least = any(is_minimum(record["count_low"], record["count_high"]) for record in records)
    words = total_in_words(total, class_names, minimum=least)
    print(f"{words} in {len(entries) - len(bad)} photos", file=sys.stderr)
    if not bad:
        return 0
    print(f"{len(bad)} photos could not be counted:", file=sys.stderr)
    for entry in bad:
        print(f"  {one_line(entry['record']['file_name'])}: {entry['message']}", file=sys.stderr)
    return SOME_UNREADABLE
