"""Each tool's own format as it lies on the disk gives the same boxes; damaged, it is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from written_tool_sets import (
    SCENE,
    write_camera_traps,
    write_createml,
    write_cvat,
    write_labelme,
    write_studio,
    write_studio_yolo,
    write_via,
)

from sparrow.data.errors import DataError
from sparrow.data.formats.imports import Target, import_set, read_set
from sparrow.data.tables import XYXY, Dataset

STUDIO, CREATEML = "project-1-at-2026-01-02.json", "_annotations.createml.json"
# What a person chose in the tool: kind, writer and dialect, and the label file to damage.
LAYOUTS: dict[str, tuple[str, Callable[..., None], dict[str, str], str]] = {
    "Label Studio JSON": ("labelstudio", write_studio, {}, STUDIO),
    "Label Studio JSON-MIN": ("labelstudio", write_studio, {"form": "min"}, STUDIO),
    "Label Studio upload": ("labelstudio", write_studio, {"naming": "label-studio"}, STUDIO),
    "Label Studio YOLO": ("yolo", write_studio_yolo, {}, "labels/b.txt"),
    "COCO Camera Traps": ("coco", write_camera_traps, {}, "cct.json"),
    "CVAT task": ("cvat", write_cvat, {}, "annotations.xml"),
    "CVAT project": ("cvat", write_cvat, {"form": "project"}, "annotations.xml"),
    "VIA JSON": ("via", write_via, {}, "via_export.json"),
    "VIA project": ("via", write_via, {"form": "project"}, "via_project.json"),
    "VIA CSV": ("via", write_via, {"form": "csv"}, "via_export.csv"),
    "LabelMe": ("labelme", write_labelme, {}, "hof/b.json"),
    "Create ML": ("createml", write_createml, {}, CREATEML),
}
Boxes = dict[str, list[tuple[Any, ...]]]
EXPECTED: Boxes = {Path(photo.name).name: sorted(photo.boxes) for photo in SCENE}


def write(layout: str, root: Path) -> Path:
    """The scene in a layout; its label file."""
    _, writer, dialect, labels = LAYOUTS[layout]
    writer(root, SCENE, **dialect)
    return root / labels


def boxes_of(dataset: Dataset) -> Boxes:
    """Boxes of each photo by its file name, sorted."""
    boxes: Boxes = {Path(name).name: [] for name in dataset.images["image"]}
    columns = (dataset.boxes["image"], dataset.boxes["label"], dataset.boxes[XYXY].to_numpy())
    for image, label, xyxy in zip(*columns, strict=True):
        boxes[Path(image).name].append((label, *xyxy.tolist()))
    return {name: sorted(some) for name, some in boxes.items()}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_tools_layout_is_recognised_and_its_boxes_are_equal_to_the_pixel(
    tmp_path: Path, layout: str
) -> None:
    write(layout, tmp_path / "set")
    imported = import_set(None, tmp_path / "set", Target(tmp_path / "into"))
    assert imported.report.kind == LAYOUTS[layout][0]
    assert boxes_of(imported.dataset) == EXPECTED
    assert {path.name for path in (tmp_path / "into" / "images").iterdir()} == set(EXPECTED)
    assert (imported.report.photos, imported.report.empty_photos) == (3, 1)


def _cut(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: len(text) * 2 // 3], encoding="utf-8")


def _damage_numbers(path: Path) -> None:
    """A number of a shape becomes a text."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        path.write_text(json.dumps(_with_texts(json.loads(text))), encoding="utf-8")
    elif path.suffix == ".xml":
        path.write_text(text.replace('xtl="40.00"', 'xtl="forty"'), encoding="utf-8")
    elif path.suffix == ".csv":
        path.write_text(text.replace('""x"": 40', '""x"": ""forty""'), encoding="utf-8")
    else:
        path.write_text(text.replace(" ", " forty ", 1), encoding="utf-8")


def _with_texts(tree: Any) -> Any:
    if isinstance(tree, list):
        return [_with_texts(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    of_shape = {"x": "forty", "bbox": ["forty", 0, 1, 1], "points": [["forty", 0], [1, 1]]}
    return {key: of_shape.get(key, _with_texts(value)) for key, value in tree.items()}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("damage", [_cut, _damage_numbers])
def test_a_damaged_label_file_is_named_and_nothing_is_written(
    tmp_path: Path, layout: str, damage: Callable[[Path], None]
) -> None:
    labels = write(layout, tmp_path / "set")
    damage(labels)
    for kind in (None, LAYOUTS[layout][0]):
        with pytest.raises(DataError, match=labels.name) as error:
            import_set(kind, tmp_path / "set", Target(tmp_path / "into"))
        assert damage is _cut or "forty" in str(error.value)
        assert not (tmp_path / "into").exists()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_missing_photo_is_named_with_its_row_and_nothing_is_written(
    tmp_path: Path, layout: str
) -> None:
    labels = write(layout, tmp_path / "set")
    (photo,) = (tmp_path / "set").rglob("b.jpg")
    photo.unlink()
    with pytest.raises(DataError, match="not there") as error:
        import_set(None, tmp_path / "set", Target(tmp_path / "into"))
    assert str(labels.relative_to(tmp_path / "set")) in str(error.value)
    assert not (tmp_path / "into").exists()


def test_the_label_file_alone_may_be_named(tmp_path: Path) -> None:
    labels = write("Label Studio JSON", tmp_path)
    for kind in (None, "labelstudio"):
        assert boxes_of(read_set(kind, labels).dataset) == EXPECTED
