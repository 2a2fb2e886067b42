"""Described photos to files: each description to one photo, each photo to one description."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sparrow.data.errors import DataError
from sparrow.data.formats.described import DescribedPhoto, DescribedSet, PhotoName
from sparrow.data.formats.import_report import ImportOptions, ImportReport
from sparrow.data.formats.photo_index import PhotoIndex
from sparrow.data.formats.source_files import SourceFiles

MAX_NAMED = 5  # of many, how many an error names


def match_photos(
    described: DescribedSet, files: SourceFiles, options: ImportOptions, report: ImportReport
) -> dict[str, DescribedPhoto]:
    """The photo file (relative to the set) of each description, sorted by name.

    Raises:
        DataError: a description fits no photo or several, a photo has two descriptions or none.
    """
    matched: dict[str, DescribedPhoto] = {}
    missing = []
    photos = _photos_below(described.photos_below, files)
    for photo in described.photos:
        name = _find(photo, photos)
        if name is None:
            missing.append(photo)
        elif name in matched:
            raise DataError(
                f"the photo {name} is described twice: by {matched[name].where} and "
                f"by {photo.where}; remove one, or name the label file to read in place of the "
                "folder"
            )
        else:
            matched[name] = photo
    _take_missing(missing, options, report)
    _take_unlabelled(matched, photos.names, options, report)
    _leave_unboxed(matched, options, report)
    if not matched:
        raise DataError("no photos in this set")
    return dict(sorted(matched.items()))


def _photos_below(folder: str, files: SourceFiles) -> PhotoIndex:
    """The photos that belong to a set, and not to its history or to its contact sheets."""
    if not folder:
        return files.photos
    return PhotoIndex([name for name in files.names if name.startswith(f"{folder}/")])


def _find(photo: DescribedPhoto, photos: PhotoIndex) -> str | None:
    try:
        name = photos.find(photo.name)
        second = photos.find(photo.second_name) if photo.second_name else None
    except DataError as error:
        raise DataError(f"{photo.where}: {error}") from error
    if name and second and name != second:
        raise DataError(
            f"{photo.where} says that its photo is {photo.name.text!r} ({name}), but "
            f"by its own name it is about {second}; rename one of them"
        )
    return name or second


def _take_missing(
    missing: Sequence[DescribedPhoto], options: ImportOptions, report: ImportReport
) -> None:
    if missing and options.missing == "refuse":
        first = missing[0]
        raise DataError(
            f"{len(missing):,} photos are described but not there: "
            f"{_some(repr(photo.name.text) for photo in missing)} (the first in {first.where}); "
            "add them, or leave their labels out with --missing skip"
        )
    for photo in missing:
        report.add("descriptions of photos that are not there were left out", photo.where)


def _leave_unboxed(
    matched: dict[str, DescribedPhoto], options: ImportOptions, report: ImportReport
) -> None:
    """Photos with objects whose boxes are not told: an error, or left out, but never empty."""
    unboxed = {name: photo for name, photo in matched.items() if photo.unboxed}
    if unboxed and options.unlabelled == "refuse":
        first = next(iter(unboxed.values()))
        raise DataError(
            f"{len(unboxed):,} photos show objects whose boxes are not told: {_some(unboxed)} (the "
            f"first in {first.where}); draw the boxes, or leave the photos out with "
            "--unlabelled skip"
        )
    for name, photo in unboxed.items():
        del matched[name]
        report.add("photos with objects whose boxes are not told were left out", photo.where)


def _take_unlabelled(
    matched: dict[str, DescribedPhoto],
    names: Sequence[str],
    options: ImportOptions,
    report: ImportReport,
) -> None:
    """Photos that nothing describes: an error, or by option without boxes or left out."""
    rest = [name for name in names if name not in matched]
    if rest and options.unlabelled == "refuse":
        raise DataError(
            f"{len(rest):,} of {len(names):,} photos are in no label file: "
            f"{_some(rest)}; label them, or say what they are: --unlabelled empty (photos without "
            "objects) or --unlabelled skip (leave them out)"
        )
    for name in rest:
        if options.unlabelled == "empty":
            matched[name] = _unlabelled(name)
            report.add("photos that no label file describes were taken as empty", name)
        else:
            report.add("photos that no label file describes were left out", name)


def _unlabelled(name: str) -> DescribedPhoto:
    return DescribedPhoto(PhotoName(name), f"{name}, in no label file")


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:MAX_NAMED]) + (", …" if len(names) > MAX_NAMED else "")
