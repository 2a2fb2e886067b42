"""YOLO as it is written here: one text file per photo, a line per box.

A line is class, centre x, centre y, width and height. The four are fractions of the photo's width
and height; the classes are named in ``classes.txt`` and ``data.yaml``. Author, source and licence
have no place in it (see the exported NOTICE).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import yaml

from sparrow.data.errors import DataError
from sparrow.data.tables import XYXY, Dataset

# Whole pixels come back whole from any photo: they are read to 1e-4 px.
_DIGITS = 12


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


def _classes(dataset: Dataset) -> list[str]:
    """Names of the classes; a class's number is its place."""
    return sorted(dataset.boxes["label"].unique())
