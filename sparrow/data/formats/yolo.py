"""YOLO: one text file per photo, a line per box: class, centre x, centre y, width, height.

The four are fractions of the photo's width and height; the classes are named in ``classes.txt`` or
``data.yaml``. Author, source and licence have no place in it (see the exported NOTICE).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import yaml

from sparrow.data.errors import DataError
from sparrow.data.formats.annotations import (
    PHOTO_SUFFIXES,
    LabelledBox,
    PhotoRow,
    find_folder,
    finite,
    make_dataset,
    photo_size,
    read_text,
)
from sparrow.data.tables import XYXY, Dataset

# Written with 12 digits and read to 1e-4 px, whole pixels come back whole from any photo.
_DIGITS = 12
_PIXEL_DIGITS = 4


def read_yolo(folder: Path) -> Dataset:
    """Photos and boxes of ``images/`` and ``labels/`` (with the same subfolders, if any).

    An empty label file is a photo without boxes, and so, in this format, is none at all.

    Raises:
        DataError: missing folder, class names or photo; a line that is no box.
    """
    photos_folder, labels = find_folder(folder, "images"), find_folder(folder, "labels")
    classes = _read_classes(folder)
    photos = sorted(p for p in photos_folder.rglob("*") if p.suffix.lower() in PHOTO_SUFFIXES)
    named = {photo.relative_to(photos_folder).with_suffix(".txt") for photo in photos}
    for path in sorted(labels.rglob("*.txt")):
        inner = path.relative_to(labels)
        if inner not in named and path.name != "classes.txt":
            raise DataError(f"{path}: there is no photo {inner.with_suffix('')}.* in images/")
    rows = []
    for photo in photos:
        inner = photo.relative_to(photos_folder)
        width, height = photo_size(photo)
        label_path = labels / inner.with_suffix(".txt")
        lines = read_text(label_path).splitlines() if os.path.lexists(label_path) else []
        boxes = [
            _read_line(line, f"{label_path}, line {number}", classes, width, height)
            for number, line in enumerate(lines, start=1)
            if line.strip()
        ]
        rows.append(PhotoRow(inner.as_posix(), width, height, boxes))
    return make_dataset(folder, rows)


def write_yolo(dataset: Dataset, folder: Path) -> None:
    """Write ``labels/*.txt``, ``classes.txt`` and ``data.yaml``; photos belong into ``images/``.

    ``data.yaml`` must name photos to train and photos to validate with, so it names all for both;
    ``split_sets.write_yolo_split`` writes parts.
    """
    write_labels(dataset, folder)
    write_class_names(dataset, folder, {"train": "images", "val": "images"})


def write_labels(dataset: Dataset, folder: Path) -> None:
    """Write ``labels/*.txt``, in the subfolders that the photos' names hold.

    Raises:
        DataError: two photos would share a file.
    """
    numbers = {label: number for number, label in enumerate(_classes(dataset))}
    (folder / "labels").mkdir(parents=True, exist_ok=True)
    sizes = dataset.images.set_index("image")[["width_px", "height_px"]]
    stems: dict[str, str] = {}
    for name, boxes in dataset.boxes_by_image().items():
        path = (folder / "labels" / name).with_suffix(".txt")
        if stems.setdefault(path.name, name) != name:
            raise DataError(f"{name!r} and {stems[path.name]!r} would share the file {path.name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        x_min, y_min, x_max, y_max = boxes[XYXY].to_numpy(dtype=float).T
        centred = np.stack([(x_min + x_max) / 2, (y_min + y_max) / 2, x_max - x_min, y_max - y_min])
        fractions = centred.T / np.tile(sizes.loc[name].to_numpy(dtype=float), 2)  # [N, 4]
        lines = [
            f"{numbers[label]} " + " ".join(f"{fraction:.{_DIGITS}f}" for fraction in row)
            for label, row in zip(boxes["label"], fractions.tolist(), strict=True)
        ]
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def write_class_names(dataset: Dataset, folder: Path, photos: Mapping[str, str]) -> None:
    """Write ``classes.txt`` and ``data.yaml``.

    Args:
        dataset: whose classes.
        folder: of both files.
        photos: of each part the folder of its photos, below ``folder``. There is no key ``path``:
            Ultralytics would look for "." in the working folder, and without it looks beside the
            file.
    """
    classes = _classes(dataset)
    (folder / "classes.txt").write_text("".join(f"{c}\n" for c in classes), encoding="utf-8")
    tree = {**photos, "names": dict(enumerate(classes))}
    text = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
    (folder / "data.yaml").write_text(text, encoding="utf-8")


def _read_line(line: str, where: str, classes: list[str], width: int, height: int) -> LabelledBox:
    parts = line.split()
    if len(parts) != 5:
        raise DataError(f"{where}: expected class and 4 numbers (a box), found {len(parts)} values")
    if not parts[0].isdecimal() or int(parts[0]) >= len(classes):
        raise DataError(f"{where}: class {parts[0]!r}; there are {len(classes)}, counted from 0")
    fractions = finite(parts[1:], where)
    if not all(0 <= fraction <= 1 for fraction in fractions):
        raise DataError(
            f"{where}: expected fractions of the photo from 0 to 1, found {line.strip()!r}"
        )
    x, y, w, h = np.array(fractions) * (width, height, width, height)
    box = np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2]).round(_PIXEL_DIGITS) + 0.0
    return classes[int(parts[0])], *box.tolist()


def _read_classes(folder: Path) -> list[str]:
    for path in (folder / "classes.txt", folder / "labels" / "classes.txt"):
        if os.path.lexists(path):  # what is there but no file is an error, never "no classes"
            return [line.strip() for line in read_text(path).splitlines() if line.strip()]
    path = folder / "data.yaml"
    if not os.path.lexists(path):
        raise DataError(f"{folder}: expected classes.txt or data.yaml with the class names")
    try:
        tree = yaml.safe_load(read_text(path))
    except (yaml.YAMLError, RecursionError) as error:
        raise DataError(f"{path}: not valid YAML ({error})") from error
    names = tree.get("names") if isinstance(tree, dict) else None
    if isinstance(names, dict) and sorted(names) == list(range(len(names))):
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not names:
        raise DataError(f"{path}: expected names: a list, or a mapping from 0, 1, … to names")
    return [str(name) for name in names]


def _classes(dataset: Dataset) -> list[str]:
    """Names of the classes; a class's number is its place."""
    return sorted(dataset.boxes["label"].unique())
