"""COCO instances JSON: one file for all photos, boxes as ``xywh`` pixels.

Beyond COCO's own keys a photo carries ``author`` and ``source``; other programs ignore them.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sparrow.boxes import box_areas, xyxy_to_xywh
from sparrow.data.errors import DataError
from sparrow.data.formats.annotations import PhotoRow, as_written, make_dataset, safe_name
from sparrow.data.formats.coco_file import read_file
from sparrow.data.formats.coco_labels import describe
from sparrow.data.formats.source_files import SourceFiles
from sparrow.data.tables import NAMED_CAMERA, XYXY, Dataset


def find_coco(folder: Path) -> Path:
    """The annotation file of a COCO set: the folder's one JSON file, or that of ``annotations/``.

    Raises:
        DataError: none or several.
    """
    if folder.is_file():
        return folder
    for place in (folder, folder / "annotations"):
        files = sorted(place.glob("*.json"))
        if len(files) > 1:
            names = ", ".join(path.name for path in files)
            raise DataError(f"{place}: several JSON files ({names}); name the one to read")
        if files:
            return files[0]
    raise DataError(f"{folder}: expected a COCO instances file (*.json) here or in annotations/")


def read_coco(path: Path) -> Dataset:
    """Photos and boxes as a file says them, without looking at the photos.

    Raises:
        DataError: not JSON, not COCO, ids that point nowhere, a photo without a size or twice.
    """
    name = str(path)
    files = SourceFiles(Path(), (name,), name)
    rows = []
    for photo in describe(read_file(name, files.json(name))):
        if photo.size is None:
            raise DataError(f"{photo.where}: 'width' and 'height' are missing")
        boxes = [(box.label, *box.xyxy) for box in photo.boxes]
        row = PhotoRow(safe_name(photo.name.text, path), *photo.size, boxes)
        row = replace(row, author=photo.author, source=photo.source, license=photo.license)
        rows.append(replace(row, camera=photo.camera))
    return make_dataset(path.parent, rows)


def write_coco_set(dataset: Dataset, folder: Path) -> None:
    """Write ``instances.json`` into a folder; photos belong into ``images/``."""
    write_coco(dataset, folder / "instances.json")


def write_coco(dataset: Dataset, path: Path, classes: Sequence[str] = ()) -> None:
    """Write an instances file; the photos belong into ``images/`` beside it.

    Args:
        dataset: photos and boxes.
        path: the file.
        classes: categories to list even if no box has them, for a person to choose from.
    """
    labels = sorted({*dataset.boxes["label"], *classes})
    licenses = sorted(dataset.images["license"].unique())
    photo_ids = {name: i + 1 for i, name in enumerate(dataset.images["image"])}
    tree = {
        "info": {"description": "Photos and boxes exported by Sparrow", "version": "1.0"},
        "licenses": [{"id": i + 1, "name": name, "url": ""} for i, name in enumerate(licenses)],
        "categories": [
            {"id": i + 1, "name": label, "supercategory": ""} for i, label in enumerate(labels)
        ],
        "images": _images(dataset, photo_ids, licenses),
        "annotations": _annotations(dataset, photo_ids, labels),
    }
    path.write_text(json.dumps(tree, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _images(
    dataset: Dataset, photo_ids: dict[str, int], licenses: list[str]
) -> list[dict[str, Any]]:
    license_ids = {name: i + 1 for i, name in enumerate(licenses)}
    return [
        {
            "id": photo_ids[row["image"]],
            "file_name": row["image"],
            "width": int(row["width_px"]),
            "height": int(row["height_px"]),
            "license": license_ids[row["license"]],
            "author": row["author"],
            "source": row["source"],
            **_location(row),
        }
        for row in dataset.images.to_dict("records")
    ]


def _location(row: Mapping[Hashable, Any]) -> dict[str, str]:
    """The camera that a photo's row names, as COCO Camera Traps calls it."""
    camera = row.get(NAMED_CAMERA)
    return {"location": camera} if isinstance(camera, str) and camera else {}


def _annotations(
    dataset: Dataset, photo_ids: dict[str, int], labels: list[str]
) -> list[dict[str, Any]]:
    xyxy = dataset.boxes[XYXY].to_numpy(dtype=float)
    label_ids = {label: i + 1 for i, label in enumerate(labels)}
    rows = zip(
        dataset.boxes["image"],
        dataset.boxes["label"],
        xyxy_to_xywh(xyxy).round(6).tolist(),
        box_areas(xyxy).round(6).tolist(),
        strict=True,
    )
    return [
        {
            "id": i + 1,
            "image_id": photo_ids[image],
            "category_id": label_ids[label],
            "bbox": [as_written(number) for number in xywh],
            "area": as_written(area),
            "iscrowd": 0,
        }
        for i, (image, label, xywh, area) in enumerate(rows)
    ]
