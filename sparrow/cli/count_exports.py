"""What ``sparrow count`` writes for other programs, read from the journal photo by photo."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sparrow.atomic_file import atomic_file
from sparrow.cli.count_output import faint_of, record_of, write_list
from sparrow.cli.counted_folder import CountedFolder
from sparrow.cli.export_options import species, whereabouts
from sparrow.inference import count_formats as formats
from sparrow.interchange.camtrap_package import Package, write_package
from sparrow.interchange.camtrap_rows import Naming
from sparrow.interchange.counted_file import CountedFile
from sparrow.interchange.deployments import Deployments
from sparrow.interchange.label_studio import task
from sparrow.interchange.sorted_folders import Sorting, sort_photo
from sparrow.interchange.xmp_sidecar import sidecar_path, write_sidecar
from sparrow.plain_text import first_of, one_line
from sparrow.visits.visits import Sightings

_SHOWN = 20  # of what could not be written, by name


def check_whereabouts(arguments: argparse.Namespace, photos: CountedFolder) -> None:
    """Refuse a package that lacks what its standard requires, before an hour's counting.

    Raises:
        ValueError: see ``Deployments.check``.
    """
    deployments = Deployments(whereabouts(arguments))
    for file in photos.files:
        name, capture = photos.capture_now(file)
        deployments.add(name, file, capture)
    deployments.check()


def write_exports(
    arguments: argparse.Namespace, photos: CountedFolder, sightings: Sightings
) -> int:
    """Write what was asked for; how many files could not be written, which are named.

    Raises:
        OSError: a file cannot be written; it is named.
        ValueError: see ``write_package``.
    """
    if arguments.camtrap_dp is not None:
        _write_camtrap(arguments, photos, sightings)
    writers: dict[str, Callable[[Path, CountedFolder], None]] = {
        "label_studio": _write_label_studio,
        "coco": _write_coco,
        "coco_results": _write_coco_results,
    }
    for name, write in writers.items():
        to = getattr(arguments, name)
        if to is not None:
            write(to, photos)
    problems: list[str] = []
    if arguments.sort_into is not None:
        problems += _sort(arguments, photos)
    if arguments.xmp is not None:
        problems += _write_sidecars(arguments, photos)
    for problem in problems[:_SHOWN]:
        print(one_line(problem), file=sys.stderr)
    if len(problems) > _SHOWN:
        print(f"and {len(problems) - _SHOWN} more such files", file=sys.stderr)
    return len(problems)


def counted_files(
    photos: CountedFolder, sightings: Sightings | None = None
) -> Iterator[CountedFile]:
    """Each photo with all that is known of it."""
    for file, entry in photos.entries():
        record = record_of(entry)
        visit = None if sightings is None else sightings.visit_of.get(record.file_name)
        capture = photos.capture(file, entry)
        yield CountedFile(file, record, capture, visit, entry["message"], faint_of(entry))


def _write_camtrap(
    arguments: argparse.Namespace, photos: CountedFolder, sightings: Sightings
) -> None:
    title = f"Counted photos of {photos.root.name or photos.root}"
    naming = Naming(photos.class_names, species(arguments))
    package = Package(arguments.camtrap_dp, title, naming, whereabouts(arguments))
    deployments = write_package(package, counted_files(photos, sightings), sightings.visits)
    _say_what_is_missing(deployments, naming)
    print(
        f"{package.folder / 'datapackage.json'}: contributors, and samplingDesign and "
        "captureMethod of the project, are yours to correct; they stay when it is written again",
        file=sys.stderr,
    )


def _say_what_is_missing(deployments: Deployments, naming: Naming) -> None:
    """What could not be in a Camtrap-DP package, and what is in doubt there."""
    unnamed = [name for name in naming.class_names if name not in naming.species]
    for what, names in (
        ("photos without a time are not in the package", deployments.undated),
        ("photos are not in the package, which allows no such paths", deployments.unnamed),
        ("classes have no scientific name (--species) and are tags there", unnamed),
    ):
        if names:
            print(f"{len(names)} {what}: {first_of(names)}", file=sys.stderr)
    for camera, number in deployments.ambiguous.items():
        print(
            f"{one_line(camera)}: {number} photos were taken when summer time changed, so that "
            "their distance from UTC is in doubt (timestampIssues)",
            file=sys.stderr,
        )


def _counted(photos: CountedFolder) -> Iterator[CountedFile]:
    return (photo for photo in counted_files(photos) if photo.record.error is None)


def _write_label_studio(to: Path, photos: CountedFolder) -> None:
    _write_lists(to, [("", map(task, _counted(photos)))])


def _write_coco(to: Path, photos: CountedFolder) -> None:
    names = photos.class_names
    images = (formats.coco_image(photo.record, i) for i, photo in enumerate(_counted(photos), 1))
    boxes = ((i, box) for i, photo in enumerate(_counted(photos), 1) for box in photo.record.boxes)
    annotations = (
        {"id": number, **formats.coco_annotation(box, i, names)}
        for number, (i, box) in enumerate(boxes, 1)
    )
    categories = iter(formats.coco_categories(names))
    lists = [("images", images), ("annotations", annotations), ("categories", categories)]
    _write_lists(to, lists)


def _write_coco_results(to: Path, photos: CountedFolder) -> None:
    results = (
        formats.coco_result(box, i, photos.class_names)
        for i, photo in enumerate(_counted(photos), 1)
        for box in (*photo.record.boxes, *photo.faint)
    )
    _write_lists(to, [("", results)])


def _write_lists(to: Path, lists: Sequence[tuple[str, Iterable[dict[str, Any]]]]) -> None:
    """A JSON object of lists, or one list that has no name, none of which is ever in memory."""
    try:
        with atomic_file(to) as partial, partial.open("w", encoding="utf-8") as file:
            for number, (name, items) in enumerate(lists):
                begin = f'{{\n "{name}": [' if number == 0 else f' "{name}": ['
                last = number == len(lists) - 1
                end = ("\n}\n" if last else ",\n") if name else "\n"
                write_list(file, begin if name else "[", items, end)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(to)) from error


def _sort(arguments: argparse.Namespace, photos: CountedFolder) -> Iterator[str]:
    folder = arguments.sort_into
    sorting = Sorting(folder, arguments.by, arguments.link, photos.class_names)
    folder.mkdir(parents=True, exist_ok=True)
    others = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    for photo in counted_files(photos):
        yield from sort_photo(sorting, _below(photo), others)


def _write_sidecars(arguments: argparse.Namespace, photos: CountedFolder) -> Iterator[str]:
    written: dict[Path, str] = {}
    for photo in map(_below, _counted(photos)):
        path = sidecar_path(arguments.xmp, photo.name, arguments.xmp_names)
        if path in written:
            problem: str | None = f"it is the sidecar of {written[path]}; see --xmp-names"
        else:
            problem = write_sidecar(path, photo.record, photos.class_names)
        written.setdefault(path, photo.name)
        if problem is not None:
            yield f"{path}: not written for {photo.name}: {problem}"


def _below(photo: CountedFile) -> CountedFile:
    """A photo of another drive has no place below a folder but under its bare name."""
    if not Path(photo.name).is_absolute():
        return photo
    return replace(photo, record=replace(photo.record, file_name=photo.file.name))
