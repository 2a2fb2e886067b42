from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from written_tool_sets import SCENE, studio_task, write_json

from sparrow.data.errors import DataError
from sparrow.data.formats.described import DescribedSet
from sparrow.data.formats.import_report import ImportOptions
from sparrow.data.formats.imports import read_set
from sparrow.data.formats.labelstudio_labels import find_labels, parse_labels
from sparrow.data.formats.source_files import list_source
from sparrow.data.tables import XYXY

SIZE = {"original_width": 1000, "original_height": 500}


def task(*annotations: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A task of a.jpg."""
    return {"id": 1, "data": {"image": "a.jpg"}, "annotations": list(annotations)} | more


def annotation(*results: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What one person said."""
    return {"id": 7, "completed_by": {"id": 3, "email": "ada@x"}, "result": list(results)} | more


def rectangle(label: str = "gull", x: float = 10, **more: Any) -> dict[str, Any]:
    """A rectangle of 20 % by 40 %."""
    value = {"x": x, "y": 20, "width": 20, "height": 40, "rectanglelabels": [label]}
    return {"id": "r1", "type": "rectanglelabels", "value": value | more} | SIZE


def read(folder: Path, tree: Any) -> DescribedSet:
    """What the parser makes of a file."""
    write_json(folder / "export.json", tree)
    return parse_labels(list_source(folder))


def boxes(described: DescribedSet) -> list[tuple[Any, ...]]:
    """Label and corners in thousandths of the sides."""
    return [
        (box.label, *(round(1000 * value, 6) for value in box.xyxy))
        for photo in described.photos
        for box in photo.boxes
    ]


def remarks(described: DescribedSet) -> str:
    """All remarks as one text."""
    return "\n".join(remark.what for remark in described.remarks)


def test_an_annotation_without_regions_is_a_photo_without_objects(tmp_path: Path) -> None:
    (photo,) = read(tmp_path, [task(annotation())]).photos
    assert not photo.boxes
    assert not photo.unboxed


@pytest.mark.parametrize(
    "annotations", [[], [annotation(rectangle(), was_cancelled=True)], [annotation(skipped=True)]]
)
def test_a_task_that_nobody_answered_describes_no_photo(
    tmp_path: Path, annotations: list[Any]
) -> None:
    described = read(tmp_path, [task(*annotations, predictions=[annotation(rectangle())])])
    assert not described.photos
    assert "count as in no label file" in remarks(described)
    assert "predictions of a model" in remarks(described)


def test_photos_of_tasks_that_nobody_answered_follow_the_option(tmp_path: Path) -> None:
    for name, colour in (("a.jpg", "green"), ("b.jpg", "blue")):
        Image.new("RGB", (1000, 500), colour).save(tmp_path / name)
    tree = [task(annotation(rectangle())), task(id=2, data={"image": "b.jpg"})]
    write_json(tmp_path / "export.json", tree)
    with pytest.raises(DataError, match=r"1 of 2 photos are in no label file: b\.jpg"):
        read_set(None, tmp_path)
    dataset = read_set(None, tmp_path, ImportOptions(unlabelled="empty")).dataset
    assert dataset.images["image"].tolist() == ["a.jpg", "b.jpg"]
    # 10 % and 20 % of 1000, 20 % and 40 % of 500.
    assert dataset.boxes[XYXY].to_numpy().tolist() == [[100, 100, 300, 300]]


def test_a_turned_rectangle_gives_the_box_around_it(tmp_path: Path) -> None:
    # Of 1000 x 500: 300 x 100 at (200, 100), a quarter turn about that corner.
    turned = rectangle(x=20, width=30, height=20, rotation=90)
    described = read(tmp_path, [task(annotation(turned))])
    assert boxes(described) == [("gull", 100, 200, 200, 800)]  # 100..200 of 1000, 100..400 of 500
    assert "turned shapes" in remarks(described)
    without_size = {key: value for key, value in turned.items() if key not in SIZE}
    with pytest.raises(DataError, match="original_width"):
        read(tmp_path, [task(annotation(without_size))])


def test_polygons_and_ellipses_give_their_boxes(tmp_path: Path) -> None:
    polygon = {"points": [[10, 10], [30, 20], [20, 60]], "polygonlabels": ["gull"]}
    ellipse = {"x": 50, "y": 50, "radiusX": 10, "radiusY": 20, "ellipselabels": ["gull"]}
    described = read(tmp_path, [task(annotation({"value": polygon}, {"value": ellipse}))])
    assert boxes(described) == [("gull", 100, 100, 300, 600), ("gull", 400, 300, 600, 700)]
    assert "boxes were made from shapes: ellipse" in remarks(described)


def test_points_alone_make_no_photo_without_objects(tmp_path: Path) -> None:
    point = {"value": {"x": 5, "y": 5, "width": 1, "keypointlabels": ["gull"]}}
    described = read(tmp_path, [task(annotation(point))])
    assert [photo.unboxed for photo in described.photos] == [True]
    assert boxes(read(tmp_path, [task(annotation(point, rectangle()))])) == [
        ("gull", 100, 200, 300, 600)
    ]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"value": {"format": "rle", "rle": [1], "brushlabels": ["gull"]}}, "brush's mask"),
        (
            rectangle(rectanglelabels=["gull", "tern"]),
            "one class for each region, found gull, tern",
        ),
        (rectangle(rectanglelabels=[]), "one class for each region, found none"),
        (rectangle(rectanglelabels="gull"), "expected a list of classes"),
        (rectangle(x=None), "expected a number as 'x', found nothing"),
        (rectangle() | {"image_rotation": 90}, "turned by 90°"),
        ({"value": {"choices": ["gull"]}}, "all answers are about whole photos"),
        ({"value": [1]}, "expected an object"),
    ],
)
def test_what_would_need_a_guess_is_refused_with_its_place(
    tmp_path: Path, result: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message) as error:
        read(tmp_path, [task(annotation(result))])
    assert str(error.value).startswith("export.json, task 1, annotation 7, result 1")


def test_answers_about_the_photo_beside_shapes_are_left_alone(tmp_path: Path) -> None:
    choice = {"value": {"choices": ["sharp"]}}
    relation = {"type": "relation", "from_id": "r1", "to_id": "r2"}
    described = read(tmp_path, [task(annotation(choice, rectangle(), relation))])
    assert boxes(described) == [("gull", 100, 200, 300, 600)]


def test_a_shape_whose_class_is_a_tag_of_its_own_is_one_box(tmp_path: Path) -> None:
    bare = rectangle()
    del bare["value"]["rectanglelabels"]
    of_class = bare | {"value": bare["value"] | {"labels": ["tern"]}}
    answer = bare | {"value": bare["value"] | {"choices": ["young"]}}
    assert boxes(read(tmp_path, [task(annotation(bare, of_class, answer))])) == [
        ("tern", 100, 200, 300, 600)
    ]


def test_of_several_annotators_the_ground_truth_is_taken_else_they_must_agree(
    tmp_path: Path,
) -> None:
    ada, bob = annotation(rectangle()), annotation(rectangle("tern"), id=8, completed_by=4)
    with pytest.raises(DataError, match=r"annotation 7 of ada@x: 1 shapes; annotation 8 of 4"):
        read(tmp_path, [task(ada, bob)])
    described = read(tmp_path, [task(ada, bob | {"ground_truth": True})])
    assert boxes(described) == [("tern", 100, 200, 300, 600)]
    described = read(tmp_path, [task(ada, annotation(rectangle(), id=8))])
    assert boxes(described) == [("gull", 100, 200, 300, 600)]
    assert "several annotations, which are the same" in remarks(described)
    described = read(tmp_path, [task(ada, bob | {"was_cancelled": True})])
    assert boxes(described) == [("gull", 100, 200, 300, 600)]


def test_several_records_of_a_task_in_json_min_are_several_annotators(tmp_path: Path) -> None:
    value = rectangle()["value"] | SIZE
    record = {"image": "a.jpg", "id": 1, "annotator": 1, "annotation_id": 7, "label": [value]}
    other = record | {"annotator": 2, "annotation_id": 8, "label": [value | {"x": 30}]}
    with pytest.raises(DataError, match="annotation 7 of 1: 1 shapes; annotation 8 of 2"):
        read(tmp_path, [record, other])
    assert boxes(read(tmp_path, [record, record | {"annotation_id": 8}])) == [
        ("gull", 100, 200, 300, 600)
    ]
    described = read(tmp_path, [record, record | {"id": 2, "annotation_id": None, "label": []}])
    assert len(described.photos) == 1


def test_completions_and_the_files_of_a_storage_are_read(tmp_path: Path) -> None:
    old = {"id": 1, "data": {"image": "a.jpg"}, "completions": [annotation(rectangle())]}
    assert boxes(read(tmp_path, [old])) == [("gull", 100, 200, 300, 600)]
    stored = annotation(rectangle()) | {"task": {"id": 1, "data": {"image": "a.jpg"}}}
    assert boxes(read(tmp_path, stored)) == [("gull", 100, 200, 300, 600)]


@pytest.mark.parametrize(
    ("data", "upload", "name"),
    [
        ({"image": "/data/upload/1/90fbb0c7-a.jpg"}, "", "/data/upload/1/90fbb0c7-a.jpg"),
        ({"text": "a note", "img": "s3://b/a.jpg"}, "", "s3://b/a.jpg"),
        ({"image": "http://x/photo?id=3", "site": "y"}, "90fbb0c7-a.jpg", "90fbb0c7-a.jpg"),
        ({"image": "photos/a"}, "", "photos/a"),
    ],
)
def test_the_photo_is_found_in_the_data(
    tmp_path: Path, data: dict[str, Any], upload: str, name: str
) -> None:
    (photo,) = read(tmp_path, [task(annotation(), data=data, file_upload=upload)]).photos
    assert photo.name.text == name


def test_a_photo_is_found_under_the_name_that_an_upload_gave_it(tmp_path: Path) -> None:
    Image.new("RGB", (1000, 500)).save(tmp_path / "Möwe (1) x.jpg")
    uploaded = {
        "image": "/data/upload/1/90fbb0c7-M%C3%B6we_1_x.jpg"
    }  # spaces and brackets are gone
    write_json(tmp_path / "export.json", [task(annotation(), data=uploaded)])
    assert read_set(None, tmp_path).dataset.images["image"].tolist() == ["Möwe (1) x.jpg"]
    Image.new("RGB", (1000, 500), "blue").save(tmp_path / "Möwe 1 x.jpg")
    with pytest.raises(DataError, match="fits 2 photos"):
        read_set(None, tmp_path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"left": "a.jpg", "right": "b.jpg"}, r"several photos \(left, right\)"),
        ({"image": "data:image/png;base64,iVBOR"}, "the photo itself is in the text of 'image'"),
        ({"images": ["a.jpg"]}, "expected a photo's name in its data, found images"),
    ],
)
def test_a_task_of_no_photo_or_several_is_refused(
    tmp_path: Path, data: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, [task(annotation(), data=data)])


def test_other_json_is_not_taken_for_tasks(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", [])
    write_json(tmp_path / "b.json", [{"data": 1, "annotations": []}])
    write_json(tmp_path / "c.json", [studio_task(SCENE[2], 1, "leer.jpg")])
    assert find_labels(list_source(tmp_path)) == ["c.json"]
    with pytest.raises(DataError, match=r"export\.json, entry 2: expected a task"):
        read(tmp_path / "d", [studio_task(SCENE[2], 1, "leer.jpg"), {"image": "a.jpg"}])
