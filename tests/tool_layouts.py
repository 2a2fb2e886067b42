"""One small set in the layouts of labelling tools: two classes, an empty photo, a sub-folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from PIL import Image

Boxes = list[tuple[str, float, float, float, float]]

# Sizes and corners are whole pixels and whole percent of the sides.
SIZES = {"hof/Möwe 1.jpg": (200, 100), "hof/b.jpg": (400, 300), "leer.jpg": (200, 100)}
SCENE: dict[str, Boxes] = {
    "hof/Möwe 1.jpg": [("gull", 20, 10, 60, 50), ("house sparrow", 100, 40, 150, 90)],
    "hof/b.jpg": [("house sparrow", 40, 30, 80, 60)],
    "leer.jpg": [],
}
CLASSES = ["gull", "house sparrow"]


def write_photos(root: Path) -> None:
    """The photos of the scene; each has its own colour, so that none equals another."""
    for number, (name, size) in enumerate(SIZES.items()):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (60 * number, 120, 60)).save(path)


def write_json(path: Path, tree: Any) -> None:
    """A JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tree, ensure_ascii=False), encoding="utf-8")


def percent_value(box: tuple[str, float, float, float, float], size: tuple[int, int]) -> Any:
    """A rectangle as Label Studio has it."""
    label, x_min, y_min, x_max, y_max = box
    width, height = size
    return {
        "x": 100 * x_min / width,
        "y": 100 * y_min / height,
        "width": 100 * (x_max - x_min) / width,
        "height": 100 * (y_max - y_min) / height,
        "rotation": 0,
        "rectanglelabels": [label],
    }


def _studio_address(name: str) -> str:
    """How Label Studio names a photo: uploaded, from a local folder, or from a bucket."""
    if name == "hof/Möwe 1.jpg":
        return "/data/local-files/?d=" + quote(name)
    return "s3://bucket/" + name if name == "leer.jpg" else "/data/upload/1/90fbb0c7-b.jpg"


def studio_task(name: str, number: int = 1) -> dict[str, Any]:
    """A task of a full export with one annotation."""
    width, height = SIZES[name]
    result = [
        {
            "id": f"r{index}",
            "type": "rectanglelabels",
            "from_name": "label",
            "to_name": "image",
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "value": percent_value(box, (width, height)),
        }
        for index, box in enumerate(SCENE[name])
    ]
    annotation = {"id": 10 + number, "completed_by": 1, "was_cancelled": False, "result": result}
    return {
        "id": number,
        "data": {"image": _studio_address(name), "site": "Hof"},
        "annotations": [annotation],
        "predictions": [],
    }


def write_studio(root: Path) -> None:
    """Label Studio, "JSON": the export has no photos, they lie as they were."""
    write_photos(root)
    tasks = [studio_task(name, number) for number, name in enumerate(SCENE, start=1)]
    write_json(root / "project-1-at-2026-01-02.json", tasks)


def write_studio_min(root: Path) -> None:
    """Label Studio, "JSON-MIN"."""
    write_photos(root)
    records = []
    for number, (name, boxes) in enumerate(SCENE.items(), start=1):
        record = {"image": _studio_address(name), "id": number, "annotator": 1, "lead_time": 2.5}
        sides = {"original_width": SIZES[name][0], "original_height": SIZES[name][1]}
        values = [percent_value(box, SIZES[name]) | sides for box in boxes]
        records.append(
            record | {"annotation_id": 10 + number} | ({"label": values} if boxes else {})
        )
    write_json(root / "project-1-at-2026-01-02.json", records)


def coco_tree(prefix: str = "") -> dict[str, Any]:
    """The scene as COCO."""
    names = list(SCENE)
    boxes = [(names.index(name), box) for name, some in SCENE.items() for box in some]
    return {
        "images": [
            {"id": i, "file_name": prefix + name, "width": w, "height": h}
            for i, (name, (w, h)) in enumerate(SIZES.items())
        ],
        "annotations": [
            {
                "id": i,
                "image_id": photo,
                "category_id": CLASSES.index(label),
                "bbox": [x_min, y_min, x_max - x_min, y_max - y_min],
            }
            for i, (photo, (label, x_min, y_min, x_max, y_max)) in enumerate(boxes)
        ],
        "categories": [{"id": i, "name": name} for i, name in enumerate(CLASSES)],
    }


def write_studio_coco(root: Path) -> None:
    """Label Studio, "COCO": the names have the folder of the photos once more."""
    write_photos(root / "images")
    tree = coco_tree("images/")
    tree["images"][1]["file_name"] = "images\\hof\\b.jpg"  # exported on Windows
    write_json(root / "result.json", tree)


def write_studio_yolo(root: Path) -> None:
    """Label Studio, "YOLO": classes.txt, notes.json, images and labels."""
    write_photos(root / "images")
    (root / "classes.txt").write_text("\n".join(CLASSES), encoding="utf-8")
    write_json(root / "notes.json", {"categories": [], "info": {"contributor": "Label Studio"}})
    for name, boxes in SCENE.items():
        width, height = SIZES[name]
        lines = [
            f"{CLASSES.index(label)} {(x_min + x_max) / 2 / width} {(y_min + y_max) / 2 / height} "
            f"{(x_max - x_min) / width} {(y_max - y_min) / height}"
            for label, x_min, y_min, x_max, y_max in boxes
        ]
        path = (root / "labels" / name).with_suffix(".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines), encoding="utf-8")


def write_camera_traps(root: Path) -> None:
    """COCO Camera Traps: texts as ids, places and times, "empty" as a class without a box."""
    write_photos(root)
    tree = coco_tree()
    tree["categories"].append({"id": 9, "name": "empty"})
    for photo, name in zip(tree["images"], SCENE, strict=True):
        photo |= {"id": name, "location": 12, "datetime": "2026-05-01 06:00:00", "seq_id": "s1"}
    for item in tree["annotations"]:
        item |= {"id": f"a{item['id']}", "image_id": list(SCENE)[item["image_id"]]}
        item["sequence_level_annotation"] = False
    tree["annotations"].append({"id": "a9", "image_id": "leer.jpg", "category_id": 9})
    write_json(root / "cct.json", tree)


def _cvat_image(name: str, number: int, subset: str) -> str:
    width, height = SIZES[name]
    boxes = "".join(
        f'<box label="{label}" source="manual" occluded="0" xtl="{x_min:.2f}" ytl="{y_min:.2f}" '
        f'xbr="{x_max:.2f}" ybr="{y_max:.2f}" z_order="0"></box>'
        for label, x_min, y_min, x_max, y_max in SCENE[name]
    )
    of = f' subset="{subset}" task_id="7"' if subset else ""
    head = f'<image id="{number}" name={quoteattr(name)}{of} width="{width}" height="{height}">'
    return f"{head}{boxes}</image>"


def write_cvat(root: Path, subset: str = "") -> None:
    """CVAT, "CVAT for images 1.1", of a task; of a project there are subsets."""
    write_photos(root / "images" / subset)
    images = "".join(_cvat_image(name, i, subset) for i, name in enumerate(SCENE))
    labels = "".join(f"<label><name>{name}</name></label>" for name in CLASSES)
    kind = "project" if subset else "task"
    meta = f"<meta><{kind}><name>t</name><labels>{labels}</labels></{kind}></meta>"
    text = f'<?xml version="1.0" encoding="utf-8"?><annotations>{meta}{images}</annotations>'
    (root / "annotations.xml").write_text(text, encoding="utf-8")


def write_cvat_project(root: Path) -> None:
    """CVAT, "CVAT for images 1.1", of a project."""
    write_cvat(root, "Train")


def via_entries() -> dict[str, Any]:
    """The scene as VIA's annotation file has it."""
    return {
        f"{name}{1000 + i}": {
            "filename": name,
            "size": 1000 + i,
            "regions": [
                {
                    "shape_attributes": {
                        "name": "rect",
                        "x": x_min,
                        "y": y_min,
                        "width": x_max - x_min,
                        "height": y_max - y_min,
                    },
                    "region_attributes": {"kind": label},
                }
                for label, x_min, y_min, x_max, y_max in boxes
            ],
            "file_attributes": {},
        }
        for i, (name, boxes) in enumerate(SCENE.items())
    }


def write_via(root: Path) -> None:
    """VIA 2, "Export annotations (as json)"."""
    write_photos(root)
    write_json(root / "via_export_json.json", via_entries())


def write_via_project(root: Path) -> None:
    """VIA 2, "Save" of a project."""
    write_photos(root)
    tree = {"_via_settings": {}, "_via_img_metadata": via_entries(), "_via_attributes": {}}
    write_json(root / "via_project_2Jan2026.json", tree)


def write_via_csv(root: Path) -> None:
    """VIA 2, "Export annotations (as csv)"."""
    write_photos(root)
    lines = [
        "filename,file_size,file_attributes,region_count,region_id,"
        "region_shape_attributes,region_attributes"
    ]
    for entry in via_entries().values():
        regions = entry["regions"]
        empty = {"shape_attributes": {}, "region_attributes": {}}
        for index, region in enumerate(regions or [empty]):
            cells = [json.dumps(region[f"{of}_attributes"]) for of in ("shape", "region")]
            quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
            lines.append(
                f'{entry["filename"]},{entry["size"]},"{{}}",{len(regions)},{index},{quoted}'
            )
    (root / "via_export_csv.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_labelme(root: Path) -> None:
    """LabelMe: a file beside each photo, the second corner of a rectangle may come first."""
    write_photos(root)
    for name, boxes in SCENE.items():
        shapes = [
            {
                "label": label,
                "points": [[x_max, y_max], [x_min, y_min]],
                "group_id": None,
                "shape_type": "rectangle",
                "flags": {},
            }
            for label, x_min, y_min, x_max, y_max in boxes
        ]
        sides = {"imageWidth": SIZES[name][0], "imageHeight": SIZES[name][1], "imageData": None}
        tree = {"version": "5.5.0", "shapes": shapes, "imagePath": Path(name).name} | sides
        write_json((root / name).with_suffix(".json"), tree)


def write_createml(root: Path) -> None:
    """Create ML: centre, width and height in pixels."""
    write_photos(root)
    tree = [
        {
            "image": name,
            "annotations": [
                {
                    "label": label,
                    "coordinates": {
                        "x": (x_min + x_max) / 2,
                        "y": (y_min + y_max) / 2,
                        "width": x_max - x_min,
                        "height": y_max - y_min,
                    },
                }
                for label, x_min, y_min, x_max, y_max in boxes
            ],
        }
        for name, boxes in SCENE.items()
    ]
    write_json(root / "_annotations.createml.json", tree)


LAYOUTS = {
    "Label Studio JSON": ("labelstudio", write_studio, "project-1-at-2026-01-02.json"),
    "Label Studio JSON-MIN": ("labelstudio", write_studio_min, "project-1-at-2026-01-02.json"),
    "Label Studio COCO": ("coco", write_studio_coco, "result.json"),
    "Label Studio YOLO": ("yolo", write_studio_yolo, "labels/hof/b.txt"),
    "COCO Camera Traps": ("coco", write_camera_traps, "cct.json"),
    "CVAT task": ("cvat", write_cvat, "annotations.xml"),
    "CVAT project": ("cvat", write_cvat_project, "annotations.xml"),
    "VIA JSON": ("via", write_via, "via_export_json.json"),
    "VIA project": ("via", write_via_project, "via_project_2Jan2026.json"),
    "VIA CSV": ("via", write_via_csv, "via_export_csv.csv"),
    "LabelMe": ("labelme", write_labelme, "hof/b.json"),
    "Create ML": ("createml", write_createml, "_annotations.createml.json"),
}
