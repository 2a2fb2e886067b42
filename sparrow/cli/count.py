"""``sparrow count``: objects in one photo or ten thousand, with the service's own numbers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sparrow.cli.count_journal import Journal, journal_path
from sparrow.cli.count_output import FORMATS, write
from sparrow.cli.count_photos import count_all
from sparrow.cli.count_report import describe, report
from sparrow.cli.count_table import refuse_other_table
from sparrow.inference.photo_files import FoundPhotos, find_photos
from sparrow.portable import usable_cores
from sparrow.progress import show_progress
from sparrow.served_settings import default_champion


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "count",
        help="count the objects in photos",
        description="Count the objects in photos. A photo that cannot be read never stops the "
        "others; such photos are listed at the end and the exit status is 3. Files that are no "
        "photos, RAW and video among them, are named as skipped. Started again with the same "
        "--to, the command goes on where it stopped.",
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
        default=usable_cores(),
        metavar="N",
        help="processes (all cores)",
    )
    parser.add_argument("--model", type=Path, metavar="DIR", help="model folder (the champion)")
    parser.set_defaults(func=count)


def _check(arguments: argparse.Namespace) -> None:
    to = arguments.to
    if to is not None and to.suffix.lower() not in FORMATS:
        raise ValueError(f"--to {to}: expected a name ending in {', '.join(FORMATS)}")
    if to is not None and to.suffix.lower() == ".parquet":
        import pandas  # noqa: F401 here, and not after an hour's counting
        import pyarrow  # noqa: F401
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

    listing = _find(arguments)
    files, to = listing.photos, arguments.to
    folder = (arguments.model or default_champion()).resolve()
    counter = PhotoCounter(folder)
    class_names = counter.info.class_names
    with closing(Journal(to, sha256_of(folder / INFO))) as journal:
        left = [file for file in files if journal.known(file, arguments.annotated) is None]
        _say_what_is_known(journal, files, left)
        show = show_progress("counted", to=sys.stderr)
        counted = count_all(left, counter, arguments.annotated, arguments.workers)
        for number, entry in enumerate(counted, 1):
            journal.add(entry)
            show(number, len(left))
        entries = [journal.entry(file) for file in files]
        if to is not None:
            write(to, entries, listing.skipped, class_names, megadetector=arguments.megadetector)
            journal.remove()
    if to is None:
        print(*map(describe, entries), sep="\n")
    return report(entries, listing, class_names)


def _find(arguments: argparse.Namespace) -> FoundPhotos:
    """The photos; a table of others is not overwritten, and finding that out costs no counting."""
    to = arguments.to
    own = () if to is None else (to, journal_path(to))
    listing = find_photos(arguments.photos, recursive=arguments.recursive, own=own)
    if to is not None:
        refuse_other_table(to, listing.photos)
    return listing


def _say_what_is_known(journal: Journal, files: Sequence[Path], left: Sequence[Path]) -> None:
    if journal.restarted:
        print(f"the journal is {journal.restarted}; counting all photos", file=sys.stderr)
    again = sum(journal.has(file) for file in left)
    if len(files) > len(left):
        print(f"{len(files) - len(left)} photos were counted before; going on", file=sys.stderr)
    if again:
        print(
            f"{again} photos are counted again: they changed, failed, or have no drawing yet",
            file=sys.stderr,
        )
