"""YOLO as tools write it: a text file for each photo, a line for each box or polygon.

A line is a class number, then centre x, centre y, width and height as fractions of the photo's
sides; a fifth number is a confidence, six and more are the corners of a polygon.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from sparrow.data.errors import DataError
from sparrow.data.formats.annotations import finite
from sparrow.data.formats.class_names import (
    ClassNames,
    is_class_list,
    is_class_source,
    read_class_names,
)
from sparrow.data.formats.described import (
    DescribedBox,
    DescribedPhoto,
    DescribedSet,
    PhotoName,
    Remark,
)
from sparrow.data.formats.photo_folders import photo_folders
from sparrow.data.formats.source_files import SourceFiles

_CONFIDENCE = "lines have a sixth value, a confidence, which was left out"
_POLYGON = "boxes were made from polygons"
_MOST_BEYOND = 0.1  # of a side: more is no fraction at all, and the common stage cuts what is less


def find_labels(files: SourceFiles) -> list[str]:
    """Text files whose lines are boxes; where there are classes, empty ones as well."""
    texts = {name: _head(files, name) for name in _texts(files)}
    labels = [name for name, lines in texts.items() if lines and all(map(_is_row, lines))]
    if labels or not any(is_class_source(name) for name in files.names):
        return labels
    return [n for n, lines in texts.items() if lines == [] or (lines and _has_photo(files, n))]


def parse_labels(files: SourceFiles) -> DescribedSet:
    """What all label files of a set say.

    Raises:
        DataError: no class names or several; a line that is no box; no label file.
    """
    classes = read_class_names(files)
    remarks: list[Remark] = []
    photos = []
    for name in _texts(files):
        label = _photo_name(name)
        lines = files.text(name).splitlines()
        if not _is_label_file(lines) and not _has_photo(files, name):
            remarks.append(Remark("text files are no labels and were not read", name))
            continue
        boxes = [
            _read_line(line, f"{name}, line {number}", classes, remarks)
            for number, line in enumerate(lines, start=1)
            if line.strip()
        ]
        photos.append(DescribedPhoto(label, name, boxes, in_fractions=True))
    if not photos:
        raise DataError("expected YOLO labels (a *.txt file for each photo) somewhere in it")
    _refuse_one_name_twice(classes, photos)
    _refuse_half_corners(remarks)
    return DescribedSet([photo.where for photo in photos], photos, remarks)


def _has_photo(files: SourceFiles, name: str) -> bool:
    try:
        return files.photos.find(_photo_name(name)) is not None
    except DataError:  # several
        return True


def _photo_name(name: str) -> PhotoName:
    """The photo of a label file: it shares its stem."""
    return PhotoName(PurePosixPath(name).stem, photo_folders(name), is_stem=True)


def _texts(files: SourceFiles) -> list[str]:
    return [name for name in files.with_suffix(".txt") if not is_class_list(name)]


def _head(files: SourceFiles, name: str) -> list[str] | None:
    """The first lines that are not blank; None of what is no text."""
    try:
        head = files.head(name).decode("utf-8-sig", "ignore")
    except DataError:
        return None
    lines = head.splitlines()
    whole = lines[:-1] if len(lines) > 1 and not head.endswith("\n") else lines
    return [line for line in whole if line.strip()]


def _is_row(line: str) -> bool:
    """Whether a line has the form of a box: numbers, five or more."""
    parts = line.split()
    return len(parts) >= 5 and all(_is_number(part) for part in parts)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_label_file(lines: list[str]) -> bool:
    """Whether a text is labels, be they damaged: no line, or one that looks like a box."""
    filled = [line for line in lines if line.strip()]
    return not filled or any(map(_is_row, filled))


def _read_line(line: str, where: str, classes: ClassNames, remarks: list[Remark]) -> DescribedBox:
    parts = line.split()
    numbers = finite(parts[1:], where)
    label = _label(parts[0], where, classes)
    if not all(-_MOST_BEYOND <= number <= 1 + _MOST_BEYOND for number in numbers):
        raise DataError(
            f"{where}: expected fractions of the photo from 0 to 1, found {line.strip()!r}"
        )
    count = len(numbers)
    if classes.keypoints and count == 4 + classes.keypoints:
        remarks.append(Remark("lines have keypoints, which were left out", where))
    elif count == 5:
        remarks.append(Remark(_CONFIDENCE, where))
    elif count >= 6 and count % 2 == 0:
        remarks.append(Remark(_POLYGON, where))
        x, y = numbers[::2], numbers[1::2]
        return DescribedBox(label, (min(x), min(y), max(x), max(y)), where)
    elif count != 4:
        raise DataError(
            f"{where}: expected class and 4 numbers (a box), found {len(parts)} values; also read "
            "are class and 5 (with a confidence) and the corners of a polygon"
        )
    x_centre, y_centre, width, height = numbers[:4]
    half_w, half_h = width / 2, height / 2
    xyxy = (x_centre - half_w, y_centre - half_h, x_centre + half_w, y_centre + half_h)
    return DescribedBox(label, xyxy, where)


def _label(text: str, where: str, classes: ClassNames) -> str:
    count = len(classes.names)
    number = float(text) if _is_number(text) else -1.0
    if not number.is_integer() or not 0 <= number < count:
        raise DataError(f"{where}: class {text!r}; there are {count}, counted from 0")
    return classes.names[int(number)]


def _refuse_half_corners(remarks: list[Remark]) -> None:
    """Among polygons, five numbers may be two and a half corners as well as a confidence."""
    first = {remark.what: remark.where for remark in reversed(remarks)}
    if _CONFIDENCE in first and _POLYGON in first:
        raise DataError(
            f"{first[_CONFIDENCE]}: has 6 values, and {first[_POLYGON]} is a polygon: expected an "
            "even number of corners' values in each line of such a set"
        )


def _refuse_one_name_twice(classes: ClassNames, photos: list[DescribedPhoto]) -> None:
    used = {box.label for photo in photos for box in photo.boxes}
    twice = sorted(name for name in used if classes.names.count(name) > 1)
    if twice:
        raise DataError(
            f"{classes.sources[0]}: {classes.names.count(twice[0])} classes are called "
            f"{twice[0]!r}; expected a name for each"
        )
