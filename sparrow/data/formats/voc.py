"""Pascal VOC: one XML file per photo.

VOC counts pixels from 1 and includes the last one: ``x_min = xmin - 1`` and ``x_max = xmax``.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

from sparrow.data.errors import DataError
from sparrow.data.formats.annotations import (
    PHOTO_SUFFIXES,
    PhotoRow,
    as_written,
    find_folder,
    finite,
    list_photos,
    make_dataset,
    photo_size,
    read_text,
    safe_name,
)
from sparrow.data.tables import UNKNOWN, XYXY, Dataset

PHOTO_FOLDERS = ("images", "JPEGImages")
XML_FOLDERS = ("annotations", "Annotations")


def read_voc(folder: Path) -> Dataset:
    """Photos and boxes of a VOC set: ``images/`` and ``annotations/``, or VOC's own names.

    A photo without an XML file is one nobody looked at: an error, not a photo without boxes. Some
    programs count from 0; their 0 stays 0. Parts of objects and the flags are ignored.

    Raises:
        DataError: a folder or photo is missing, XML that is damaged, unsafe or not VOC.
    """
    photos = find_folder(folder, *PHOTO_FOLDERS)
    files = sorted(find_folder(folder, *XML_FOLDERS).glob("*.xml"))
    rows = [_read_photo(path, photos) for path in files]
    described = {row.image for row in rows}
    forgotten = [path.name for path in list_photos(photos) if path.name not in described]
    if forgotten:
        raise DataError(
            f"{folder}: {len(forgotten)} photos have no XML file, for example {forgotten[0]!r}; "
            "write one without objects if the photo shows none"
        )
    return make_dataset(folder, rows)


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
    _add(_add(root, "owner", ""), "name", row["author"])
    size = _add(root, "size", "")
    for tag, value in (("width", row["width_px"]), ("height", row["height_px"]), ("depth", 3)):
        _add(size, tag, str(int(value)))
    _add(root, "segmented", "0")
    return root


def _read_photo(path: Path, photos: Path) -> PhotoRow:
    root = _parse(path)
    image = _photo_name(root, path, photos)
    size = [root.findtext(f"size/{side}") for side in ("width", "height")]
    if None in size or "0" in size:  # some programs leave it out
        width, height = photo_size(photos / image)
    else:
        width, height = (int(number) for number in finite(size, f"{path}: size"))
    boxes = []
    for number, item in enumerate(root.findall("object"), start=1):
        where = f"{path}: object {number}"
        label = (item.findtext("name") or "").strip()
        corners = [item.findtext(f"bndbox/{tag}") for tag in ("xmin", "ymin", "xmax", "ymax")]
        if not label or None in corners:
            raise DataError(f"{where}: expected a name and bndbox/xmin, ymin, xmax, ymax")
        x_min, y_min, x_max, y_max = finite(corners, where)
        x_min, y_min = (v if v == 0 else v - 1 for v in (x_min, y_min))
        boxes.append((label, x_min, y_min, x_max, y_max))
    return PhotoRow(
        image,
        width,
        height,
        boxes,
        author=_text(root, "owner/name"),
        source=_text(root, "source/database"),
        license=_text(root, "source/license"),
    )


def _parse(path: Path) -> ET.Element:
    text = read_text(path)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        # Entities can expand without end or read other files; VOC needs none.
        raise DataError(f"{path}: holds a DOCTYPE or ENTITY declaration, which is refused")
    try:
        root = ET.fromstring(text)  # noqa: S314 - see above
    except (ET.ParseError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: not valid XML ({error})") from error
    if root.tag != "annotation":
        raise DataError(f"{path}: expected a VOC <annotation>, found <{root.tag}>")
    return root


def _photo_name(root: ET.Element, path: Path, photos: Path) -> str:
    """The photo an XML file is about: what it says, else the photo of the same name."""
    said = (root.findtext("filename") or "").strip()
    if said:
        name = safe_name(said, path)
        if (photos / name).is_file():
            return name
    for suffix in (s for low in PHOTO_SUFFIXES for s in (low, low.upper())):
        if (photos / f"{path.stem}{suffix}").is_file():
            return f"{path.stem}{suffix}"
    raise DataError(f"{path}: there is neither a photo {said!r} nor {path.stem}.jpg in {photos}")


def _text(root: ET.Element, where: str) -> str:
    text = (root.findtext(where) or "").strip()
    return UNKNOWN if text.lower() in ("", "unknown", "unspecified") else text


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
