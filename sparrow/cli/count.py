"""``sparrow count``: objects in one photo or ten thousand, with the service's own numbers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.cli.count_journal import Journal, journal_path
from sparrow.cli.count_options import add_options, check_options, is_archive, visit_options
from sparrow.cli.count_output import OutputForm, write, write_visits
from sparrow.cli.count_page import write_page
from sparrow.cli.count_photos import Wanted, count_all
from sparrow.cli.count_places import draw_without_places, say_places, write_places
from sparrow.cli.count_report import SOME_UNREADABLE, describe, report, sightings_in_words
from sparrow.cli.count_table import refuse_other_table
from sparrow.cli.count_tally import Tally
from sparrow.cli.counted_folder import CountedFolder, root_of
from sparrow.cli.export_options import check_model, set_aside_sidecars, written_files
from sparrow.cli.project import find_champion
from sparrow.inference.photo_files import FoundPhotos, find_photos
from sparrow.portable import usable_cores
from sparrow.progress import show_progress
from sparrow.visits.fixed_places import FixedPlace, PlaceFinder, read_places
from sparrow.visits.visits import SeenPhoto, Sightings, find_sightings

if TYPE_CHECKING:
    from sparrow.inference.counter import PhotoCounter


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
    add_options(parser)
    parser.set_defaults(func=count)


def count(arguments: argparse.Namespace) -> int:
    """Count and report; 0 when every photo could be read, 3 when some could not."""
    if is_archive(arguments):
        from sparrow.cli.archive_count import count_archive

        return count_archive(arguments)
    arguments.photos = list(map(Path, arguments.photos))
    arguments.model = None if arguments.model is None else Path(arguments.model)
    check_options(arguments)
    from sparrow.cli.count_exports import check_whereabouts, write_exports
    from sparrow.inference.counter import PhotoCounter
    from sparrow.inference.model_folder import INFO
    from sparrow.regular_file import sha256_of

    excluded = read_places(arguments.exclude) if arguments.exclude is not None else []
    listing = _find(arguments)
    to, folder = arguments.to, find_champion(arguments.model)
    counter = PhotoCounter(folder, load=False)  # others may count
    check_model(arguments, counter.info)
    with closing(Journal(to, sha256_of(folder / INFO))) as journal:
        root, names = root_of(arguments.photos), counter.info.class_names
        options = visit_options(arguments)
        photos = CountedFolder(
            root, names, options, excluded, journal=journal, files=listing.photos
        )
        if arguments.camtrap_dp is not None:
            check_whereabouts(arguments, photos)
        _count(journal, listing.photos, counter, arguments)
        left_out = photos.below(listing)
        draw_without_places(photos)
        tally, sightings, places = _take_up(photos, counter, say_each=to is None)
        threshold = None if arguments.boxes_from is None else counter.info.threshold
        form = OutputForm(arguments.megadetector, threshold)
        _write_all(arguments, photos, (tally, sightings, places), (left_out, form))
        refused = write_exports(arguments, photos, sightings)
        journal.remove()
    say_places(places, written_to=arguments.fixed_places)
    report(tally, sightings_in_words(sightings, tally), left_out)
    return SOME_UNREADABLE if tally.failed or refused else 0


def _write_all(
    arguments: argparse.Namespace,
    photos: CountedFolder,
    result: tuple[Tally, Sightings, list[FixedPlace]],
    output: tuple[FoundPhotos, OutputForm],
) -> None:
    """Write the files that were asked for; ``result``: of ``_take_up``."""
    (tally, sightings, places), (left_out, form) = result, output
    if arguments.to is not None:
        write(
            arguments.to,
            photos.output(sightings.visit_of.get),
            left_out.skipped,
            photos.class_names,
            form,
        )
    if arguments.visits is not None:
        write_visits(arguments.visits, sightings, photos.class_names)
    if arguments.report is not None:
        write_page(arguments.report, photos, tally, sightings, left_out)
    if arguments.fixed_places is not None:
        write_places(arguments.fixed_places, places, photos)


def _count(
    journal: Journal, files: Sequence[Path], counter: PhotoCounter, arguments: argparse.Namespace
) -> None:
    """Count what the journal does not have yet."""
    root, tiles = root_of(arguments.photos), arguments.tiles
    wanted = Wanted(arguments.annotated, root, arguments.boxes_from, tiles)
    left = [
        file
        for file in files
        if not journal.known(file, wanted.drawing_folder(file), wanted.boxes_from)
        or journal.tiles(file) != tiles
    ]
    _say_what_is_known(journal, files, left)
    show = show_progress("counted", to=sys.stderr)
    counted = count_all(left, counter, wanted, arguments.workers or usable_cores())
    for number, entry in enumerate(counted, 1):
        journal.add(entry)
        show(number, len(left))


def _take_up(
    photos: CountedFolder, counter: PhotoCounter, *, say_each: bool
) -> tuple[Tally, Sightings, list[FixedPlace]]:
    """Sums, visits and fixed places of all photos, each of which is looked at once."""
    tally = Tally.of(counter)
    seen, finder = list[SeenPhoto](), PlaceFinder()
    for file, entry in photos.entries():
        tally.add(entry)
        if entry["record"]["error"] is None:
            photo = photos.seen(file, entry)
            seen.append(photo)
            finder.add(photo.capture.camera, photo.capture.taken, entry["record"])
        if say_each:
            print(describe(entry, tally.plurals))
    seconds = photos.options.seconds
    sightings = find_sightings(seen, seconds, tally.confidence, tally.false_alarms)
    return tally, sightings, finder.places()


def _find(arguments: argparse.Namespace) -> FoundPhotos:
    """The photos; a table of others is not overwritten, and finding that out costs no counting."""
    to = arguments.to
    own = [path for path in (to, arguments.visits, arguments.report) if path is not None]
    own += [] if to is None else [journal_path(to)]
    own += written_files(arguments)
    listing = find_photos(arguments.photos, recursive=arguments.recursive, own=own)
    set_aside_sidecars(listing)
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
            f"{again} photos are counted again: they changed, failed, lack a drawing or the boxes "
            "below the threshold, or were counted with other --tiles",
            file=sys.stderr,
        )
