"""Sets of labelled photos as labelling tools write them: each format in its dialects.

A set is a list of ``Photo``; a writer puts photos and labels below a folder. What a dialect leaves
open (folders, names, numbers, encodings) is an argument.
"""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image

Box = tuple[str, int, int, int, int]  # class, then xyxy pixels


@dataclass(frozen=True)
class Photo:
    """A photo of a set.

    Attributes:
        name: its file's name, with suffix.
        size: (width, height) in pixels.
        boxes: inside it.
        part: "train", "valid" or "test"; layouts with splits put it there.
    """

    name: str
    size: tuple[int, int]
    boxes: tuple[Box, ...] = ()
    part: str = "train"

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem


def write_photo(path: Path, photo: Photo) -> None:
    """A photo that differs from any other: of its name are made its pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = np.frombuffer(photo.name.encode().ljust(8, b"."), dtype=np.uint8)
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize(photo.size).save(path)


def write_text(path: Path, text: str, encoding: str = "utf-8") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))


def classes_of(photos: Sequence[Photo]) -> list[str]:
    return sorted({box[0] for photo in photos for box in photo.boxes})


# How tools write the name of a photo that is at ``inner`` below the set's folder.
NAMINGS = {
    "name": lambda inner: PurePosixPath(inner).name,
    "path": lambda inner: inner,
    "dotted": lambda inner: f"./{inner}",
    "windows": lambda inner: inner.replace("/", "\\"),
    "absolute": lambda inner: f"/home/me/old place/{PurePosixPath(inner).name}",
    "drive": lambda inner: "C:\\Users\\me\\" + inner.replace("/", "\\"),
    "url": lambda inner: "https://example.org/data/" + quote(inner),
    "percent": lambda inner: quote(PurePosixPath(inner).name),
    "label-studio": lambda inner: f"/data/upload/3/0a1b2c3d-{PurePosixPath(inner).name}",
    "local-files": lambda inner: f"/data/local-files/?d={quote(inner)}",
    "composed": lambda inner: unicodedata.normalize("NFC", PurePosixPath(inner).name),
    "decomposed": lambda inner: unicodedata.normalize("NFD", PurePosixPath(inner).name),
    "small": lambda inner: PurePosixPath(inner).name.lower(),
}


def write_coco(
    root: Path, photos: Sequence[Photo], layout: str = "images", naming: str = "name",
    numbers: str = "whole", sizes: bool = True,
) -> None:  # fmt: skip
    """Layouts: images, beside, roboflow, official, cvat; numbers: whole, text, polygon, edge."""
    by_part = {part: [p for p in photos if p.part == part] for part in {p.part for p in photos}}
    for part, some in by_part.items() if layout in ("roboflow", "official") else [("", photos)]:
        folder = {"roboflow": part, "official": part, "beside": ""}.get(layout, "images")
        for photo in some:
            write_photo(root / folder / photo.name, photo)
        labels = {
            "roboflow": f"{part}/_annotations.coco.json",
            "official": f"annotations/instances_{part}.json",
            "cvat": "annotations/instances_default.json",
        }.get(layout, "result.json")
        tree = _coco_tree(some, classes_of(photos), numbers)
        for entry, photo in zip(tree["images"], some, strict=True):
            entry["file_name"] = NAMINGS[naming](f"{folder}/{photo.name}".lstrip("/"))
            if not sizes:
                del entry["width"], entry["height"]
        write_text(root / labels, json.dumps(tree))


def _coco_tree(photos: Sequence[Photo], classes: list[str], numbers: str) -> dict:
    as_id = str if numbers == "text" else int
    images = [
        {"id": n, "file_name": p.name, "width": p.size[0], "height": p.size[1]}
        for n, p in enumerate(photos)
    ]
    annotations = []
    for n, photo in enumerate(photos):
        for label, x0, y0, x1, y1 in photo.boxes:
            entry: dict = {"id": len(annotations), "image_id": as_id(n), "iscrowd": 0}
            entry["category_id"] = as_id(classes.index(label) + 1)
            if numbers == "polygon":
                entry["segmentation"] = [[x0, y0, x1, y0, x1, y1, x0, y1]]
            elif numbers == "edge" and x1 == photo.size[0]:
                entry["bbox"] = [x0, y0, x1 - x0 + 0.6, y1 - y0]
            else:
                entry["bbox"] = [x0, y0, x1 - x0, y1 - y0]
            annotations.append(entry)
    categories = [{"id": n + 1, "name": name} for n, name in enumerate(classes)]
    group = [{"id": 0, "name": classes[0] if classes else "all", "supercategory": "none"}]
    return {"images": images, "annotations": annotations, "categories": group + categories}


def write_voc(
    root: Path, photos: Sequence[Photo], layout: str = "JPEGImages", naming: str = "name",
    encoding: str = "utf-8", sizes: bool = True,
) -> None:  # fmt: skip
    """Layouts: JPEGImages, images, beside, split (photos beside labels in each part)."""
    for photo in photos:
        folder, labels = {
            "JPEGImages": ("JPEGImages", "Annotations"),
            "images": ("images", "annotations"),
            "nested": (f"JPEGImages/{photo.part}", f"Annotations/{photo.part}"),
            "beside": ("", ""),
            "split": (photo.part, photo.part),
        }[layout]
        write_photo(root / folder / photo.name, photo)
        said = NAMINGS[naming](f"{folder}/{photo.name}".lstrip("/"))
        size = "<size><width>{}</width><height>{}</height></size>".format(*photo.size)
        objects = "".join(
            f"<object><name>{escape(label)}</name><bndbox><xmin>{x0 + 1}</xmin><ymin>{y0 + 1}"
            f"</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
            for label, x0, y0, x1, y1 in photo.boxes
        )
        text = (
            f'<?xml version="1.0" encoding="{encoding}"?>\n<annotation><filename>{escape(said)}'
            f"</filename>{size if sizes else ''}{objects}</annotation>"
        )
        write_text(root / labels / f"{photo.stem}.xml", text, encoding)


def write_yolo(
    root: Path, photos: Sequence[Photo], layout: str = "images", classes: str = "classes.txt",
    form: str = "box", digits: int = 6,
) -> None:  # fmt: skip
    """Layouts: images, roboflow, ultralytics, beside, darknet; forms: box, polygon, confidence."""
    names = classes_of(photos)
    for photo in photos:
        folder, labels = {
            "images": ("images", "labels"),
            "roboflow": (f"{photo.part}/images", f"{photo.part}/labels"),
            "ultralytics": (f"images/{photo.part}", f"labels/{photo.part}"),
            "beside": ("", ""),
            "darknet": ("obj_train_data", "obj_train_data"),
        }[layout]
        write_photo(root / folder / photo.name, photo)
        lines = [_yolo_line(photo, box, names, form, digits) for box in photo.boxes]
        write_text(root / labels / f"{photo.stem}.txt", "".join(f"{line}\n" for line in lines))
    numbered = "".join(f"  {n}: {json.dumps(name)}\n" for n, name in enumerate(names))
    text = {
        "data.yaml": f"train: ../train/images\nnc: {len(names)}\nnames: {json.dumps(names)}\n",
        "dataset.yaml": f"path: ../x\nnames:\n{numbered}" if names else "names: []\n",
    }.get(classes, "".join(f"{name}\n" for name in names))
    write_text(root / classes, text)


def _yolo_line(photo: Photo, box: Box, names: list[str], form: str, digits: int) -> str:
    label, x0, y0, x1, y1 = box
    width, height = photo.size
    if form == "polygon":
        xy = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
        corners = tuple(value for x, y in xy for value in (x / width, y / height))
    else:
        corners = (
            (x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height,
        )  # fmt: skip
    numbers = [f"{value:.{digits}f}" for value in corners]
    return " ".join(
        [str(names.index(label)), *numbers, *(["0.75"] if form == "confidence" else [])]
    )


def write_csv(
    root: Path, photos: Sequence[Photo], layout: str = "tensorflow", separator: str = ",",
    encoding: str = "utf-8", blank_rows: bool = False,
) -> None:  # fmt: skip
    """Layouts: contract, tensorflow, kaggle, retinanet (which holds photos without boxes)."""
    folder = "images" if layout in ("contract", "kaggle") else ""
    for photo in photos:
        write_photo(root / folder / photo.name, photo)
    for name, rows in _csv_tables(photos, layout).items():
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=separator).writerows(rows)
        if blank_rows:
            text.write(separator * (len(rows[0]) - 1) + "\r\n\r\n")
        write_text(root / name, text.getvalue(), encoding)


def _csv_tables(photos: Sequence[Photo], layout: str) -> dict[str, list[list[object]]]:
    rows = [(photo, *box) for photo in photos for box in photo.boxes]
    if layout == "contract":
        info: list[list[object]] = [["Name", "Author", "Number_HSparrows", "Source", "License"]]
        info += [[p.name, "Ada", len(p.boxes), "mine", "CC0"] for p in photos]
        names = (
            "label_name bbox_x bbox_y bbox_width bbox_height image_name image_width image_height"
        )
        boxes: list[list[object]] = [list(names.split())]
        boxes += [[b, x, y, x1 - x, y1 - y, p.name, *p.size] for p, b, x, y, x1, y1 in rows]
        return {"image_info.csv": info, "bboxes/bounding_boxes.csv": boxes}
    empty = [photo for photo in photos if not photo.boxes]
    if layout == "tensorflow":
        table: list[list[object]] = [
            ["filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"]
        ]
        table += [[p.name, *p.size, b, x, y, x1, y1] for p, b, x, y, x1, y1 in rows]
        return {"labels.csv": table + [[p.name, *p.size, "", "", "", "", ""] for p in empty]}
    if layout == "kaggle":
        table = [["image_id", "width", "height", "bbox", "source", "class"]]
        table += [
            [p.stem, *p.size, str([x, y, x1 - x, y1 - y]), "x", b] for p, b, x, y, x1, y1 in rows
        ]
        return {"train.csv": table + [[p.stem, *p.size, "", "x", ""] for p in empty]}
    table = [[p.name, x, y, x1, y1, b] for p, b, x, y, x1, y1 in rows]
    return {"annotations.csv": table + [[p.name, "", "", "", "", ""] for p in empty]}
