from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from PIL import Image

from sparrow.data.errors import DataError
from sparrow.data.formats.exchange import export_dataset, read_csv
from sparrow.data.formats.imports import Credits, Target, import_set, read_set
from sparrow.data.tables import XYXY


def write_photo(path: Path, width_px: int = 40, height_px: int = 30) -> None:
    """A plain green photo."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width_px, height_px), (90, 120, 60)).save(path)


def test_coco_export_loads_in_pycocotools(
    drawn_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from pycocotools.coco import COCO

    dataset = read_csv(drawn_dataset)
    export_dataset("coco", dataset, tmp_path / "out")
    coco = COCO(str(tmp_path / "out" / "instances.json"))
    assert len(coco.getImgIds()) == len(dataset.images)
    assert len(coco.getAnnIds()) == len(dataset.boxes)
    assert [c["name"] for c in coco.loadCats(coco.getCatIds())] == ["house_sparrow"]
    assert "Done" in capsys.readouterr().out  # its own chatter


def test_coco_in_an_annotations_folder(tmp_path: Path) -> None:
    _coco(tmp_path, place="annotations/instances_train.json")
    dataset = import_set(
        "coco", tmp_path, Target(tmp_path / "into", Credits(license="CC0"))
    ).dataset
    assert dataset.boxes[XYXY].to_numpy().tolist() == [[1, 2, 11, 22]]
    assert dataset.images["license"].tolist() == ["CC0"]


def _coco(folder: Path, place: str = "instances.json", **changed: object) -> Path:
    tree = {
        "images": [{"id": 7, "file_name": "a.jpg", "width": 40, "height": 30}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "bbox": [1, 2, 10, 20]}],
        "categories": [{"id": 3, "name": "bird"}],
        **changed,
    }
    write_photo(folder / "images" / "a.jpg")
    (folder / place).parent.mkdir(exist_ok=True)
    (folder / place).write_text(json.dumps(tree))
    return folder / place


def _box(**changed: object) -> list[dict[str, object]]:
    return [{"id": 1, "image_id": 7, "category_id": 3, "bbox": [1, 2, 10, 20], **changed}]


def _image(**changed: object) -> list[dict[str, object]]:
    return [{"id": 7, "file_name": "a.jpg", "width": 40, "height": 30, **changed}]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"images": None}, "no 'images'"),
        ({"images": {}}, "list of objects"),
        ({"images": [], "annotations": []}, r"in no label file: images/a\.jpg"),
        ({"images": "a.jpg"}, "list of objects"),
        ({"images": _image(file_name="../b.jpg")}, r"not there: '../b\.jpg'"),
        ({"images": _image(file_name="/etc/passwd")}, "not there: '/etc/passwd'"),
        ({"images": _image(width="wide")}, "'wide'"),
        ({"images": [{"file_name": "a.jpg"}]}, "'id' is missing"),
        ({"images": _image() + _image()}, "occurs twice"),
        ({"images": _image() + _image(id=8)}, "described twice"),
        ({"annotations": _box(image_id=9)}, "no image 9"),
        ({"annotations": _box(category_id=9)}, "no category 9"),
        ({"annotations": _box(category_id=[3])}, "not a plain value"),
        ({"annotations": _box(bbox=[1, 2, 3])}, "expected bbox"),
        ({"annotations": _box(bbox=[1, 2, "x", 4])}, "'x'"),
        ({"annotations": _box(bbox=[1, 2, float("inf"), 4])}, "inf"),
        ({"annotations": _box(iscrowd="many")}, "'many'"),
    ],
)
def test_coco_refuses(tmp_path: Path, changed: dict, says: str) -> None:
    _coco(tmp_path, **changed)
    with pytest.raises(DataError, match=says):
        read_set("coco", tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "expected a COCO object"),
        ("{}", "no 'images'"),
    ],
)
def test_coco_refuses_what_is_not_coco(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DataError, match=says):
        read_set("coco", tmp_path / "x.json")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"annotations": _box(image_id="7", category_id=3.0)}, ""),
        ({"annotations": _box(bbox=None, segmentation=[[1, 2, 11, 2, 11, 22]])}, "from polygons"),
        ({"annotations": _box(bbox=[], segmentation=[1, 2, 11, 2, 11, 22])}, "from polygons"),
        ({"annotations": _box(iscrowd=1)}, "1 crowd boxes were used"),
        ({"annotations": _box() + _box(id=2, bbox=[])}, "1 annotations without a box"),
        ({"images": _image(width=None, height=None)}, ""),
        ({"categories": [{"id": 0, "name": "bird"}, {"id": 3, "name": "bird"}]}, ""),
    ],
)  # fmt: skip
def test_coco_of_other_programs(tmp_path: Path, changed: dict, says: str) -> None:
    _coco(tmp_path, **changed)
    with_photos = read_set("coco", tmp_path)
    assert with_photos.dataset.boxes[["label", *XYXY]].to_numpy().tolist() == [
        ["bird", 1, 2, 11, 22]
    ]
    assert says in "\n".join(with_photos.report.lines())


def test_coco_two_used_categories_of_one_name_are_refused(tmp_path: Path) -> None:
    categories = [{"id": 0, "name": "bird"}, {"id": 3, "name": "bird"}]
    _coco(tmp_path, categories=categories, annotations=_box() + _box(id=2, category_id=0))
    with pytest.raises(DataError, match="categories 0 and 3 are both called 'bird'"):
        read_set("coco", tmp_path)


def test_coco_that_the_model_wrote_is_no_label(tmp_path: Path) -> None:
    path = _coco(tmp_path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "instances.json.sha256").write_text(f"{digest}  instances.json\n")
    (tmp_path / "queue.csv").write_text("image\n")
    write_photo(tmp_path / "contact-sheet-1.jpg", 90)
    with pytest.raises(DataError, match=r"instances\.json: these are the model's own boxes"):
        read_set("coco", tmp_path)
    path.write_text(path.read_text() + "\n")  # corrected, in a way
    assert read_set("coco", tmp_path).dataset.images["image"].tolist() == ["images/a.jpg"]


def test_coco_of_other_tasks_about_the_same_photos_is_left_out(tmp_path: Path) -> None:
    path = _coco(tmp_path, place="annotations/instances_val2017.json")
    path.with_name("person_keypoints_val2017.json").write_bytes(path.read_bytes())
    assert "1 JSON files are no COCO boxes and were not read" in "\n".join(
        read_set("coco", tmp_path).report.lines()
    )
