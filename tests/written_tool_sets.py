"""Sets of labelled photos in the own formats of labelling tools, and one small set for all of them.

As in ``written_sets``, a writer puts photos and labels below a folder. A photo's name may hold a
folder; ``naming`` is one of ``NAMINGS``.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from written_sets import NAMINGS, Box, Photo, classes_of, write_photo, write_text, write_yolo

# Two classes, a photo without objects, a folder, a name with a space and an umlaut; corners are
# whole pixels.
SCENE = (
    Photo("hof/Möwe 1.jpg", (200, 100), (("gull", 20, 10, 60, 50), ("fox", 100, 40, 150, 90))),
    Photo("hof/b.jpg", (400, 300), (("fox", 40, 30, 80, 60),)),
    Photo("leer.jpg", (200, 100)),
)


def write_json(path: Path, tree: Any) -> None:
    """A JSON file."""
    write_text(path, json.dumps(tree, ensure_ascii=False))


def _write_photos(root: Path, photos: Sequence[Photo]) -> None:
    for photo in photos:
        write_photo(root / photo.name, photo)


def _studio_value(photo: Photo, box: Box) -> dict[str, Any]:
    """A rectangle as Label Studio has it, in percent of the sides."""
    label, x0, y0, x1, y1 = box
    width, height = photo.size
    return {
        "x": 100 * x0 / width,
        "y": 100 * y0 / height,
        "width": 100 * (x1 - x0) / width,
        "height": 100 * (y1 - y0) / height,
        "rotation": 0,
        "rectanglelabels": [label],
    }


def _studio_sides(photo: Photo) -> dict[str, int]:
    return {"original_width": photo.size[0], "original_height": photo.size[1]}


def studio_task(photo: Photo, number: int, name: str) -> dict[str, Any]:
    """A task of a full export, with one annotation."""
    result = [
        {"id": f"r{n}", "type": "rectanglelabels", "from_name": "label", "to_name": "image"}
        | _studio_sides(photo)
        | {"image_rotation": 0, "value": _studio_value(photo, box)}
        for n, box in enumerate(photo.boxes)
    ]
    annotation = {"id": 10 + number, "completed_by": 1, "was_cancelled": False, "result": result}
    data = {"image": name, "site": "yard"}
    return {"id": number, "data": data, "annotations": [annotation], "predictions": []}


def studio_record(photo: Photo, number: int, name: str) -> dict[str, Any]:
    """An entry of JSON-MIN."""
    record = {"image": name, "id": number, "annotator": 1, "annotation_id": 10 + number}
    values = [_studio_value(photo, box) | _studio_sides(photo) for box in photo.boxes]
    return record | ({"label": values} if values else {})


def write_studio(
    root: Path, photos: Sequence[Photo], naming: str = "local-files", form: str = "full"
) -> None:
    """Label Studio: an export has no photos, they lie as they were; forms: full, min."""
    _write_photos(root, photos)
    entry = {"full": studio_task, "min": studio_record}[form]
    tree = [entry(photo, n, NAMINGS[naming](photo.name)) for n, photo in enumerate(photos, 1)]
    write_json(root / "project-1-at-2026-01-02.json", tree)


def write_studio_yolo(root: Path, photos: Sequence[Photo]) -> None:
    """Label Studio, "YOLO with images": notes.json beside classes.txt, images and labels."""
    flat = [Photo(Path(p.name).name, p.size, p.boxes) for p in photos]
    write_yolo(root, flat, digits=16)
    write_json(root / "notes.json", {"categories": [], "info": {"contributor": "Label Studio"}})


def coco_tree(photos: Sequence[Photo]) -> dict[str, Any]:
    """COCO's lists; ids count from 0."""
    classes = classes_of(photos)
    boxes = [(n, box) for n, photo in enumerate(photos) for box in photo.boxes]
    return {
        "images": [
            {"id": n, "file_name": p.name, "width": p.size[0], "height": p.size[1]}
            for n, p in enumerate(photos)
        ],
        "annotations": [
            {"id": i, "image_id": n, "category_id": classes.index(b), "bbox": [x, y, u - x, v - y]}
            for i, (n, (b, x, y, u, v)) in enumerate(boxes)
        ],
        "categories": [{"id": n, "name": name} for n, name in enumerate(classes)],
    }


def write_camera_traps(root: Path, photos: Sequence[Photo]) -> None:
    """COCO Camera Traps: texts as ids, places and times, "empty" as a class without a box."""
    _write_photos(root, photos)
    tree = coco_tree(photos)
    tree["categories"].append({"id": 9, "name": "empty"})
    for entry, photo in zip(tree["images"], photos, strict=True):
        entry |= {"id": photo.name, "location": 12, "datetime": "2026-05-01 06:00:00"}
    for item in tree["annotations"]:
        item |= {"id": f"a{item['id']}", "image_id": photos[item["image_id"]].name}
        item["sequence_level_annotation"] = False
    empty = [p.name for p in photos if not p.boxes]
    tree["annotations"] += [{"id": f"e{n}", "image_id": n, "category_id": 9} for n in empty]
    write_json(root / "cct.json", tree)


def write_cvat(
    root: Path, photos: Sequence[Photo], naming: str = "path", form: str = "task"
) -> None:
    """CVAT, "CVAT for images 1.1"; forms: task, project (with a folder for each subset)."""
    images = []
    for n, photo in enumerate(photos):
        subset = photo.part if form == "project" else ""
        write_photo(root / "images" / subset / photo.name, photo)
        boxes = "".join(
            f'<box label={quoteattr(label)} source="manual" occluded="0" xtl="{x0:.2f}" '
            f'ytl="{y0:.2f}" xbr="{x1:.2f}" ybr="{y1:.2f}" z_order="0"></box>'
            for label, x0, y0, x1, y1 in photo.boxes
        )
        name = quoteattr(NAMINGS[naming](photo.name))
        of = f' subset="{subset}" task_id="7"' if subset else ""
        sides = 'width="{}" height="{}"'.format(*photo.size)
        images.append(f'<image id="{n}" name={name}{of} {sides}>{boxes}</image>')
    labels = "".join(f"<label><name>{name}</name></label>" for name in classes_of(photos))
    meta = f"<meta><{form}><name>t</name><labels>{labels}</labels></{form}></meta>"
    head = '<?xml version="1.0" encoding="utf-8"?>\n'
    text = f"{head}<annotations>{meta}{''.join(images)}</annotations>"
    write_text(root / "annotations.xml", text)


def _via_entries(photos: Sequence[Photo], naming: str) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for n, photo in enumerate(photos):
        name = NAMINGS[naming](photo.name)
        regions = [
            {
                "shape_attributes": {"name": "rect", "x": x0, "y": y0}
                | {"width": x1 - x0, "height": y1 - y0},
                "region_attributes": {"kind": label},
            }
            for label, x0, y0, x1, y1 in photo.boxes
        ]
        entries[f"{name}{1000 + n}"] = {"filename": name, "size": 1000 + n, "regions": regions}
    return entries


def write_via(
    root: Path, photos: Sequence[Photo], naming: str = "path", form: str = "json"
) -> None:
    """VIA 2; forms: json, project, csv."""
    _write_photos(root, photos)
    entries = _via_entries(photos, naming)
    if form == "csv":
        write_text(root / "via_export.csv", _via_table(entries))
    elif form == "project":
        tree = {"_via_settings": {}, "_via_img_metadata": entries, "_via_attributes": {}}
        write_json(root / "via_project.json", tree)
    else:
        write_json(root / "via_export.json", entries)


def _via_table(entries: dict[str, Any]) -> str:
    names = (
        "filename file_size file_attributes region_count region_id region_shape_attributes "
        "region_attributes"
    )
    rows: list[list[Any]] = [names.split()]
    none = {"shape_attributes": {}, "region_attributes": {}}
    for entry in entries.values():
        regions = entry["regions"]
        for n, region in enumerate(regions or [none]):
            cells = [json.dumps(region[f"{of}_attributes"]) for of in ("shape", "region")]
            rows.append([entry["filename"], entry["size"], "{}", len(regions), n, *cells])
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def write_labelme(
    root: Path, photos: Sequence[Photo], naming: str = "name", kind: str = "rectangle"
) -> None:
    """LabelMe: a file beside each photo; kinds: rectangle (last corner first), polygon."""
    _write_photos(root, photos)
    for photo in photos:
        shapes = []
        for label, x0, y0, x1, y1 in photo.boxes:
            corners = {
                "rectangle": [[x1, y1], [x0, y0]],
                "polygon": [[x0, y0], [x1, y0], [x1, y1], [x0, y1]],
            }[kind]
            shapes.append({"label": label, "points": corners, "shape_type": kind})
        sides = {"imageWidth": photo.size[0], "imageHeight": photo.size[1], "imageData": None}
        tree = {"shapes": shapes, "imagePath": NAMINGS[naming](photo.name)} | sides
        write_json(root / Path(photo.name).parent / f"{photo.stem}.json", tree)


def write_createml(root: Path, photos: Sequence[Photo], naming: str = "path") -> None:
    """Create ML: centre, width and height in pixels."""
    _write_photos(root, photos)
    tree = []
    for photo in photos:
        annotations = [
            {
                "label": label,
                "coordinates": {
                    "x": (x0 + x1) / 2,
                    "y": (y0 + y1) / 2,
                    "width": x1 - x0,
                    "height": y1 - y0,
                },
            }
            for label, x0, y0, x1, y1 in photo.boxes
        ]
        tree.append({"image": NAMINGS[naming](photo.name), "annotations": annotations})
    write_json(root / "_annotations.createml.json", tree)


# The dialects of each kind, for ``test_random_sets``.
_PLACED = tuple(NAMINGS)
TOOL_WRITERS: dict[str, tuple[Callable[..., None], dict[str, tuple[str, ...]]]] = {
    "labelstudio": (write_studio, {"naming": _PLACED, "form": ("full", "min")}),
    "cvat": (write_cvat, {"naming": _PLACED, "form": ("task", "project")}),
    "via": (write_via, {"naming": _PLACED, "form": ("json", "project", "csv")}),
    "labelme": (write_labelme, {"naming": _PLACED, "kind": ("rectangle", "polygon")}),
    "createml": (write_createml, {"naming": _PLACED}),
}
