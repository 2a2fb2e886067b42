"""Pascal VOC as tools write it: an XML file for each photo, anywhere, in any declared encoding.

VOC counts pixels from 1 and includes the last one: ``x_min = xmin - 1`` and ``x_max = xmax``. Some
programs count from 0; their 0 stays 0.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import PurePosixPath

from sparrow.data.errors import DataError
from sparrow.data.formats.annotations import finite
from sparrow.data.formats.described import (
    DescribedBox,
    DescribedPhoto,
    DescribedSet,
    PhotoName,
    Remark,
)
from sparrow.data.formats.photo_folders import photo_folders
from sparrow.data.formats.source_files import SourceFiles
from sparrow.data.formats.xml_files import by_root, parse_xml, with_root
from sparrow.data.tables import UNKNOWN

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def find_labels(files: SourceFiles) -> list[str]:
    """The XML files whose root is VOC's ``<annotation>``."""
    return with_root(files, "annotation")


def parse_labels(files: SourceFiles) -> DescribedSet:
    """What all VOC files of a set say.

    Raises:
        DataError: there is none; one is damaged, unsafe, or not in its declared encoding.
    """
    names, others = by_root(files, "annotation")
    if not names and others:
        name, tag = next(iter(others.items()))
        raise DataError(f"{name}: expected a VOC <annotation>, found <{tag}>")
    if not names:
        raise DataError("expected VOC annotations (*.xml) somewhere in it")
    remarks = [Remark("XML files are no VOC annotations and were not read", n) for n in others]
    photos = [_describe(name, files.content(name), remarks) for name in names]
    return DescribedSet(names, photos, remarks)


def _describe(name: str, content: bytes, remarks: list[Remark]) -> DescribedPhoto:
    root = parse_xml(name, content)
    if root.tag != "annotation":
        raise DataError(f"{name}: expected a VOC <annotation>, found <{root.tag}>")
    boxes = [
        _box(item, f"{name}, object {number}", remarks)
        for number, item in enumerate(root.findall("object"), start=1)
    ]
    folders, stem = photo_folders(name), PurePosixPath(name).stem
    own_name = PhotoName(stem, folders, is_stem=True)
    said = (root.findtext("filename") or "").strip()
    return DescribedPhoto(
        PhotoName(said, folders) if said else own_name,
        name,
        boxes,
        size=_size(root, name),
        second_name=own_name if said else None,
        author=_text(root, "owner/name"),
        source=_text(root, "source/database"),
        license=_text(root, "source/license"),
        camera=(root.findtext("source/camera") or "").strip(),
    )


def _box(item: ET.Element, where: str, remarks: list[Remark]) -> DescribedBox:
    label = (item.findtext("name") or "").strip()
    texts = [item.findtext(f"bndbox/{tag}") for tag in _CORNERS]
    if not label or None in texts:
        raise DataError(f"{where}: expected a name and bndbox/xmin, ymin, xmax, ymax")
    x_1, y_1, x_2, y_2 = finite(texts, where)
    (x_min, x_max), (y_min, y_max) = sorted((x_1, x_2)), sorted((y_1, y_2))
    if (x_min, y_min) != (x_1, y_1):
        remarks.append(Remark("boxes had their corners in another order", where))
    if 0 in (x_min, y_min):
        what = "boxes begin at 0: it stays 0, all other corners were taken as counted from 1"
        remarks.append(Remark(what, where))
    x_min, y_min = (value if value == 0 else value - 1 for value in (x_min, y_min))
    return DescribedBox(label, (x_min, y_min, x_max, y_max), where)


def _size(root: ET.Element, name: str) -> tuple[int, int] | None:
    """The size as said; LabelImg writes 0 where it does not know."""
    texts = [(root.findtext(f"size/{side}") or "").strip() for side in ("width", "height")]
    if "" in texts:
        return None
    width, height = finite(texts, name)
    return (int(width), int(height)) if width > 0 and height > 0 else None


def _text(root: ET.Element, where: str) -> str:
    text = (root.findtext(where) or "").strip()
    return UNKNOWN if text.lower() in ("", "unknown", "unspecified") else text
