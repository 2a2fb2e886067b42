"""Sets with a training, a validation and a test part, each kind in the layout its programs expect.

A writer takes the set with its ``split`` column and says where each photo belongs, by its name, as
a path below the folder.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from sparrow.data.formats.coco import write_coco
from sparrow.data.formats.csv import write_csv
from sparrow.data.formats.voc import write_voc_files
from sparrow.data.formats.yolo import write_class_names, write_labels
from sparrow.data.split.assignments import SPLITS
from sparrow.data.split.tables import split_tables
from sparrow.data.tables import Dataset

PARTS = dict(zip(SPLITS, ("train", "val", "test"), strict=True))  # as these programs call them

PhotoPlaces = dict[str, str]


def write_yolo_split(dataset: Dataset, folder: Path) -> PhotoPlaces:
    """``labels/train/*.txt`` and so on, ``classes.txt``, and a ``data.yaml`` as Ultralytics reads
    it: without ``path``, its folders are looked for beside the file, wherever that is.
    """
    inner = _in_parts(dataset)
    write_labels(_renamed(dataset, inner), folder)
    for part in PARTS.values():
        for kind in ("images", "labels"):
            (folder / kind / part).mkdir(parents=True, exist_ok=True)  # of a part without photos
    write_class_names(dataset, folder, {part: f"images/{part}" for part in PARTS.values()})
    return {name: f"images/{path}" for name, path in inner.items()}


def write_coco_split(dataset: Dataset, folder: Path) -> PhotoPlaces:
    """``annotations/instances_train.json`` and so on, photos in ``images/train`` and so on.

    All three list the same categories with the same numbers. A photo's ``file_name`` is its name
    in the folder of its part.
    """
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    labels = sorted(dataset.boxes["label"].unique())
    for split, part in PARTS.items():
        (folder / "images" / part).mkdir(parents=True, exist_ok=True)
        path = folder / "annotations" / f"instances_{part}.json"
        write_coco(dataset.subset(split), path, labels)
    return {name: f"images/{path}" for name, path in _in_parts(dataset).items()}


def write_voc_split(dataset: Dataset, folder: Path) -> PhotoPlaces:
    """VOC's own layout: ``JPEGImages``, ``Annotations`` and ``ImageSets/Main/train.txt``, ``val``,
    ``trainval`` and ``test``, which list photos without their suffix.
    """
    write_voc_files(dataset, folder / "Annotations", "JPEGImages")
    lists = folder / "ImageSets" / "Main"
    lists.mkdir(parents=True, exist_ok=True)
    parts = dataset.images["split"].map(PARTS)
    stems = dataset.images["image"].map(lambda name: Path(name).stem)
    chosen = {part: parts == part for part in PARTS.values()}
    for name, rows in {**chosen, "trainval": parts != "test"}.items():
        text = "".join(f"{stem}\n" for stem in sorted(stems[rows]))
        (lists / f"{name}.txt").write_text(text, encoding="utf-8")
    return {name: f"JPEGImages/{name}" for name in dataset.images["image"]}


def write_csv_split(dataset: Dataset, folder: Path) -> PhotoPlaces:
    """The CSV contract, and ``train.csv``, ``validation.csv`` and ``test.csv`` beside it."""
    write_csv(dataset, folder)
    for name, text in split_tables(dataset).items():
        (folder / name).write_bytes(text.encode())
    return {name: f"images/{name}" for name in dataset.images["image"]}


def _in_parts(dataset: Dataset) -> dict[str, str]:
    """Each photo's name below the folder of its part: ``a.jpg`` -> ``train/a.jpg``."""
    images = dataset.images
    pairs = zip(images["image"], images["split"].map(PARTS), strict=True)
    return {name: f"{part}/{name}" for name, part in pairs}


def _renamed(dataset: Dataset, names: dict[str, str]) -> Dataset:
    def rename(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(image=table["image"].map(names))

    return replace(dataset, images=rename(dataset.images), boxes=rename(dataset.boxes))
