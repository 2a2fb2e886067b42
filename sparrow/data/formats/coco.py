"""COCO instances JSON: one file for all photos, boxes as ``xywh`` pixels.

Beyond COCO's own keys a photo carries ``author`` and ``source``; other programs ignore them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sparrow.boxes import box_areas, xyxy_to_xywh
from sparrow.data.errors import DataError
from sparrow.data.formats.annotations import (
    LabelledBox,
    PhotoRow,
    as_written,
    finite,
    make_dataset,
    read_text,
    safe_name,
)
from sparrow.data.tables import UNKNOWN, XYXY, Dataset

PART_PREFIX = "instances_"  # of the annotation file of a part: instances_train.json


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


def read_coco_set(folder: Path) -> Dataset:
    """As ``read_coco``, from a folder or the path of its file.

    A folder may hold several parts: ``annotations/instances_train.json`` with its photos in
    ``images/train``, and so on. All are read, and the photos' names hold their part's folder.

    Raises:
        DataError: see ``find_coco`` and ``read_coco``.
    """
    files = sorted((folder / "annotations").glob(f"{PART_PREFIX}*.json"))
    parts = {path.stem.removeprefix(PART_PREFIX): path for path in files}
    if len(parts) < 2 or not all((folder / "images" / part).is_dir() for part in parts):
        return read_coco(find_coco(folder))
    rows = [
        replace(row, image=f"{part}/{row.image}")
        for part, path in parts.items()
        for row in _read_rows(path)
    ]
    return make_dataset(folder, rows)


def read_coco(path: Path) -> Dataset:
    """Photos and boxes of an instances file.

    The dataset's root is the folder that holds ``images/``: the file's own, or the one above when
    the file is in ``annotations/``. Segments are ignored.

    Raises:
        DataError: not JSON, not COCO, ids that point nowhere, unsafe names, crowd regions.
    """
    root = path.parent.parent if path.parent.name == "annotations" else path.parent
    return make_dataset(root, _read_rows(path))


def _read_rows(path: Path) -> list[PhotoRow]:
    tree = _parse(path)
    # CVAT's exports have a licence without a name.
    licenses = {str(item.get("id")): str(item.get("name") or UNKNOWN) for item in tree["licenses"]}
    boxes = _read_boxes(path, tree)
    return [_read_photo(path, photo, boxes[photo["id"]], licenses) for photo in tree["images"]]


def _read_boxes(path: Path, tree: dict[str, list[dict[str, Any]]]) -> dict[Any, list[LabelledBox]]:
    """Boxes of each photo, by its id."""
    categories = {_key(path, c, "id"): str(_key(path, c, "name")) for c in tree["categories"]}
    boxes: dict[Any, list[LabelledBox]] = {}  # ids are numbers or texts
    for photo in tree["images"]:
        if _key(path, photo, "id") in boxes:
            raise DataError(f"{path}: image id {photo['id']!r} occurs twice")
        boxes[photo["id"]] = []
    for item in tree["annotations"]:
        box = _read_box(path, item, categories)
        if _key(path, item, "image_id") not in boxes:
            raise DataError(f"{_where(path, item)}: there is no image {item['image_id']!r}")
        boxes[item["image_id"]].append(box)
    return boxes


def _read_photo(
    path: Path, photo: dict[str, Any], boxes: Sequence[LabelledBox], licenses: Mapping[str, str]
) -> PhotoRow:
    where = f"{path}: image {photo['id']!r}"
    size = finite((_key(path, photo, "width"), _key(path, photo, "height")), where)
    return PhotoRow(
        image=safe_name(str(_key(path, photo, "file_name")), path),
        width_px=int(size[0]),
        height_px=int(size[1]),
        boxes=boxes,
        author=str(photo.get("author") or UNKNOWN),
        source=str(photo.get("source") or UNKNOWN),
        license=licenses.get(str(photo.get("license")), UNKNOWN),
    )


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
        }
        for row in dataset.images.to_dict("records")
    ]


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


def _parse(path: Path) -> dict[str, list[dict[str, Any]]]:
    try:
        tree = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not valid JSON ({error})") from error
    if not isinstance(tree, dict):
        raise DataError(f"{path}: expected a COCO object, found {type(tree).__name__}")
    lists: dict[str, list[dict[str, Any]]] = {}
    for key in ("images", "annotations", "categories", "licenses"):
        items = tree.get(key)
        if items is None and key == "licenses":
            items = []
        if items is None:
            raise DataError(f"{path}: not a COCO instances file: there is no {key!r}")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise DataError(f"{path}: {key!r} must be a list of objects")
        lists[key] = items
    return lists


def _read_box(path: Path, item: dict[str, Any], categories: dict[Any, str]) -> LabelledBox:
    where = _where(path, item)
    category = _key(path, item, "category_id")
    if category not in categories:
        raise DataError(f"{where}: there is no category {category!r}")
    if item.get("iscrowd"):
        raise DataError(f"{where}: a crowd region is not one box; remove it or draw its boxes")
    bbox = _key(path, item, "bbox")
    if not isinstance(bbox, list) or len(bbox) != 4:
        raise DataError(f"{where}: expected bbox [x, y, width, height], found {bbox!r}")
    x, y, width, height = finite(bbox, where)
    return categories[category], x, y, x + width, y + height


def _key(path: Path, item: dict[str, Any], key: str) -> Any:
    """A value that must be there; ids and names are numbers or texts."""
    if key not in item or (isinstance(item[key], (dict, list)) and key != "bbox"):
        raise DataError(f"{_where(path, item)}: {key!r} is missing or not a plain value")
    return item[key]


def _where(path: Path, item: dict[str, Any]) -> str:
    return f"{path}: entry with id {item.get('id')!r}"
