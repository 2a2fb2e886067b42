"""Pascal VOC as it is written here: one XML file per photo.

VOC counts pixels from 1 and includes the last one: ``x_min = xmin - 1`` and ``x_max = xmax``.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

from sparrow.data.errors import DataError
from sparrow.data.formats.annotations import as_written
from sparrow.data.tables import NAMED_CAMERA, XYXY, Dataset


def write_voc(dataset: Dataset, folder: Path) -> None:
    """Write ``annotations/*.xml``; the photos belong into ``images/`` beside it."""
    write_voc_files(dataset, folder / "annotations", "images")


def write_voc_files(dataset: Dataset, target: Path, photos: str) -> None:
    """Write an XML file for each photo.

    Args:
        dataset: photos and boxes.
        target: folder of the files.
        photos: name of the folder of the photos, beside ``target``.

    Raises:
        DataError: two photos would share a file.
    """
    target.mkdir(parents=True, exist_ok=True)
    boxes = dataset.boxes_by_image()
    stems: dict[str, str] = {}
    for row in dataset.images.to_dict("records"):
        name = row["image"]
        stem = Path(name).stem
        if stems.setdefault(stem, name) != name:
            raise DataError(f"{name!r} and {stems[stem]!r} would share the file {stem}.xml")
        root = _describe_photo(row, photos)
        rows = boxes[name]
        for label, xyxy in zip(rows["label"], rows[XYXY].to_numpy(dtype=float), strict=True):
            _add_object(root, label, xyxy.tolist())
        ET.indent(root)
        ET.ElementTree(root).write(target / f"{stem}.xml", encoding="utf-8")


def _describe_photo(row: Mapping[Hashable, Any], photos: str) -> ET.Element:
    """The annotation of a row of ``Dataset.images``, without its objects."""
    root = ET.Element("annotation")
    _add(root, "folder", photos)
    _add(root, "filename", row["image"])
    source = _add(root, "source", "")
    _add(source, "database", row["source"])
    _add(source, "license", row["license"])
    if row.get(NAMED_CAMERA) and isinstance(row[NAMED_CAMERA], str):
        _add(source, "camera", row[NAMED_CAMERA])
    _add(_add(root, "owner", ""), "name", row["author"])
    size = _add(root, "size", "")
    for tag, value in (("width", row["width_px"]), ("height", row["height_px"]), ("depth", 3)):
        _add(size, tag, str(int(value)))
    _add(root, "segmented", "0")
    return root


def _add_object(root: ET.Element, label: str, xyxy: list[float]) -> None:
    item = _add(root, "object", "")
    _add(item, "name", label)
    for tag, value in (("pose", "Unspecified"), ("truncated", "0"), ("difficult", "0")):
        _add(item, tag, value)
    box = _add(item, "bndbox", "")
    corners = (xyxy[0] + 1, xyxy[1] + 1, xyxy[2], xyxy[3])
    for tag, corner in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True):
        _add(box, tag, str(as_written(corner)))


def _add(parent: ET.Element, tag: str, text: str) -> ET.Element:
    child = ET.SubElement(parent, tag)
    child.text = text or None
    return child
