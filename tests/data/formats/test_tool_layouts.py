"""Each tool's layout as it lies on the disk gives the same boxes; damaged, it names the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tool_layouts import LAYOUTS, SCENE, Boxes

from sparrow.data.errors import DataError
from sparrow.data.formats.imports import Target, import_set, read_set
from sparrow.data.tables import XYXY, Dataset


def boxes_of(dataset: Dataset) -> dict[str, Boxes]:
    """Boxes of each photo by its file name, sorted."""
    found: dict[str, Boxes] = {Path(name).name: [] for name in dataset.images["image"]}
    columns = (dataset.boxes["image"], dataset.boxes["label"], dataset.boxes[XYXY].to_numpy())
    for image, label, xyxy in zip(*columns, strict=True):
        found[Path(image).name].append((label, *xyxy.tolist()))
    return {name: sorted(boxes) for name, boxes in found.items()}


EXPECTED = {Path(name).name: sorted(boxes) for name, boxes in SCENE.items()}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_tools_layout_is_recognised_and_its_boxes_are_equal_to_the_pixel(
    tmp_path: Path, layout: str
) -> None:
    kind, write, _ = LAYOUTS[layout]
    write(tmp_path / "set")
    imported = import_set(None, tmp_path / "set", Target(tmp_path / "into"))
    assert imported.report.kind == kind
    assert boxes_of(imported.dataset) == EXPECTED
    assert {path.name for path in (tmp_path / "into" / "images").iterdir()} == set(EXPECTED)
    assert (imported.report.photos, imported.report.empty_photos) == (3, 1)


def _cut(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: len(text) * 2 // 3], encoding="utf-8")


def _damage_numbers(path: Path) -> None:
    """Every number of a shape becomes a text."""
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
    tmp_path: Path, layout: str, damage: Any
) -> None:
    _, write, labels = LAYOUTS[layout]
    write(tmp_path / "set")
    damage(tmp_path / "set" / labels)
    with pytest.raises(DataError, match=Path(labels).name) as error:
        import_set(None, tmp_path / "set", Target(tmp_path / "into"))
    assert damage is _cut or "forty" in str(error.value)
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_missing_photo_is_named_with_its_row_and_nothing_is_written(
    tmp_path: Path, layout: str
) -> None:
    _, write, labels = LAYOUTS[layout]
    write(tmp_path / "set")
    (photo,) = (tmp_path / "set").rglob("b.jpg")
    photo.unlink()
    with pytest.raises(DataError, match="not there") as error:
        import_set(None, tmp_path / "set", Target(tmp_path / "into"))
    assert labels in str(error.value)
    assert not (tmp_path / "into").exists()


def test_the_label_file_alone_may_be_named(tmp_path: Path) -> None:
    kind, write, labels = LAYOUTS["Label Studio JSON"]
    write(tmp_path)
    assert boxes_of(read_set(None, tmp_path / labels).dataset) == EXPECTED
    assert boxes_of(read_set(kind, tmp_path / labels).dataset) == EXPECTED
