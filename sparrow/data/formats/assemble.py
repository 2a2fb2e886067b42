"""The one stage from what label files say to a set: photos found, sizes compared, boxes placed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sparrow.data.errors import DataError
from sparrow.data.formats.annotations import PhotoRow, make_dataset
from sparrow.data.formats.described import DescribedPhoto, DescribedSet
from sparrow.data.formats.folder_cameras import with_cameras, with_day
from sparrow.data.formats.frame import Frame, place_boxes, read_frame
from sparrow.data.formats.import_report import ImportOptions, ImportReport
from sparrow.data.formats.matching import match_photos
from sparrow.data.formats.same_pictures import refuse_contradictions
from sparrow.data.formats.source_files import SourceFiles
from sparrow.data.formats.told_classes import with_classes
from sparrow.data.tables import Dataset
from sparrow.plain_text import readable_name
from sparrow.progress import Progress


@dataclass(frozen=True, eq=False)
class AssembledSet:
    """A set that was read, with its photos where they are.

    Attributes:
        dataset: the tables; a photo's name is its path below ``dataset.root``.
        report: what was taken, cut and left out.
    """

    dataset: Dataset
    report: ImportReport


def assemble(
    kind: str,
    described: DescribedSet,
    files: SourceFiles,
    options: ImportOptions,
    progress: Progress | None = None,
) -> AssembledSet:
    """Make the set that label files of a kind describe.

    Args:
        kind, described, files: what is told, and the set's files.
        options: what a person decided.
        progress: called with (done, total) photos.

    Raises:
        DataError: whatever would need a guess; see the modules for each.
    """
    report = ImportReport(kind, described.label_files)
    report.extend(described.remarks)
    matched = match_photos(with_classes(described, options, report), files, options, report)
    rows = []
    for number, (name, photo) in enumerate(matched.items(), 1):
        if readable_name(name) != name:
            report.add("photos' names were no UTF-8 and are written as UTF-8", readable_name(name))
        rows.append(_row(name, photo, files, options, report))
        if progress:
            progress(number, len(matched))
    refuse_contradictions(rows, files, report)
    _count(rows, report)
    return AssembledSet(make_dataset(files.root, with_cameras(rows, options, report)), report)


def _row(
    name: str,
    photo: DescribedPhoto,
    files: SourceFiles,
    options: ImportOptions,
    report: ImportReport,
) -> PhotoRow:
    frame = _frame(name, photo, files, report)
    boxes = place_boxes(photo, frame, options, report)
    return PhotoRow(
        name, frame.width_px, frame.height_px, boxes, photo.author, photo.source, photo.license,
        photo.camera,
    )  # fmt: skip


def _frame(name: str, photo: DescribedPhoto, files: SourceFiles, report: ImportReport) -> Frame:
    try:
        return read_frame(files.path(name))
    except DataError as error:
        if photo.size is None or photo.in_fractions:
            raise
        # The checks of the set name the photo again; the tables can be made without it.
        report.add("photos cannot be opened; their stated size was taken", str(error))
        return Frame(*photo.size)


def _count(rows: list[PhotoRow], report: ImportReport) -> None:
    report.photos = len(rows)
    report.empty_photos = sum(not row.boxes for row in rows)
    for row in rows:
        report.boxes.update(box[0] for box in row.boxes)
    spellings = Counter(label.strip().casefold() for label in report.boxes)
    for label in sorted(report.boxes):
        if label != label.strip() or spellings[label.strip().casefold()] > 1:
            what = "classes have blanks at their ends or differ only in case: no config takes them"
            report.add(what, repr(label))


# Folders that every tool makes: they tell nothing about a photo.
_PLAIN_FOLDERS = {"images", "jpegimages", "labels", "obj_train_data", "data"}


def flat_names(names: list[str]) -> Mapping[str, str]:
    """Each photo's name without folders; where two would be the same, the folder goes before it.

    So does the day of a folder of days, which would be lost otherwise.

    Raises:
        DataError: two photos would still share a name.
    """
    flat = {name: readable_name(with_day(name)) for name in names}
    for shorten in (_telling_path, lambda name: name.replace("/", "_")):
        taken: dict[str, list[str]] = defaultdict(list)
        for name, short in flat.items():
            taken[short].append(name)
        for same in taken.values():
            if len(same) > 1:
                flat.update({name: readable_name(shorten(name)) for name in same})
    by_flat: dict[str, str] = {}
    for name, short in flat.items():
        if by_flat.setdefault(short, name) != name:
            raise DataError(
                f"the photos {by_flat[short]} and {name} would both be called {short!r}; rename one"
            )
    return flat


def _telling_path(name: str) -> str:
    *folders, last = name.split("/")
    return "_".join([*(f for f in folders if f.lower() not in _PLAIN_FOLDERS), last])
