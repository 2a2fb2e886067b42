"""Exports in three parts: what other programs expect, and the way back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from pycocotools.coco import COCO

from sparrow.data.errors import DataError
from sparrow.data.formats import SPLIT_WRITERS, WRITERS
from sparrow.data.formats.exchange import export_dataset, export_split, read_csv
from sparrow.data.formats.imports import Target, import_set
from sparrow.data.formats.split_sets import PARTS
from sparrow.data.tables import BOX_COLUMNS, XYXY, Dataset


@pytest.fixture
def parted(drawn_dataset: Path) -> Dataset:
    """The drawn photos: every fourth validates, every third of the others tests."""
    dataset = read_csv(drawn_dataset)
    number = np.arange(len(dataset.images))
    split = np.where(number % 4 == 0, "validation", np.where(number % 3 == 0, "test", "train"))
    images = dataset.images.assign(split=split)
    # Two classes, one of which no photo to validate with shows.
    free = set(images["image"][split != "validation"])
    boxes = dataset.boxes.copy()
    second = boxes["image"].isin(free) & (np.arange(len(boxes)) % 2 == 0)
    boxes.loc[second, "label"] = "blue_tit"
    return Dataset(dataset.root, images, boxes)


def names_of(dataset: Dataset, split: str) -> list[str]:
    return sorted(dataset.subset(split).images["image"])


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_every_kind_that_is_written_is_written_in_parts() -> None:
    assert SPLIT_WRITERS.keys() == WRITERS.keys()
    with pytest.raises(ValueError, match="unknown format 'other'"):
        export_split("other", Dataset(Path(), pd.DataFrame(), pd.DataFrame()), Path("to"))


@pytest.mark.parametrize("kind", SPLIT_WRITERS)
def test_out_and_in_again_gives_the_same_boxes(parted: Dataset, tmp_path: Path, kind: str) -> None:
    export_split(kind, parted, tmp_path / "out")
    import_set(kind, tmp_path / "out", Target(tmp_path / "back"))
    back, columns = read_csv(tmp_path / "back"), list(BOX_COLUMNS)
    pd.testing.assert_frame_equal(
        back.boxes[columns].sort_values(columns).reset_index(drop=True),
        parted.boxes[columns].sort_values(columns).reset_index(drop=True),
    )
    assert sorted(back.images["image"]) == sorted(parted.images["image"])
    name = parted.images["image"].iloc[0]
    assert back.image_path(name).read_bytes() == parted.image_path(name).read_bytes()
    assert (tmp_path / "out" / "NOTICE").is_file()


def test_yolo_as_ultralytics_looks_for_it(parted: Dataset, tmp_path: Path) -> None:
    export_split("yolo", parted, tmp_path / "out")
    tree = yaml.safe_load((tmp_path / "out" / "data.yaml").read_text())
    # Without "path" its folders are beside the file; "." would be the working folder.
    assert tree == {
        "train": "images/train",
        "val": "images/val",
        "test": "images/test",
        "names": {0: "blue_tit", 1: "house_sparrow"},
    }
    for split, part in PARTS.items():
        photos = tmp_path / "out" / tree[part]
        assert files_in(photos) == names_of(parted, split)
        labels = Path(str(photos).replace("/images/", "/labels/"))  # as Ultralytics does
        assert files_in(labels) == [
            Path(name).with_suffix(".txt").name for name in names_of(parted, split)
        ]


def test_coco_in_three_files_of_the_same_categories(
    parted: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export_split("coco", parted, tmp_path / "out")
    for split, part in PARTS.items():
        coco = COCO(str(tmp_path / "out" / "annotations" / f"instances_{part}.json"))
        assert {key: cat["name"] for key, cat in coco.cats.items()} == {
            1: "blue_tit",
            2: "house_sparrow",
        }
        files = sorted(photo["file_name"] for photo in coco.imgs.values())
        assert files == names_of(parted, split) == files_in(tmp_path / "out" / "images" / part)
        assert len(coco.anns) == len(parted.subset(split).boxes)


def test_voc_with_the_lists_of_its_image_sets(parted: Dataset, tmp_path: Path) -> None:
    export_split("voc", parted, tmp_path / "out")
    lists = tmp_path / "out" / "ImageSets" / "Main"
    assert files_in(lists) == ["test.txt", "train.txt", "trainval.txt", "val.txt"]
    stems = {path.stem: path.read_text().splitlines() for path in lists.iterdir()}
    for split, part in PARTS.items():
        assert stems[part] == [Path(name).stem for name in names_of(parted, split)]
    assert stems["trainval"] == sorted(stems["train"] + stems["val"])
    for stem in (*stems["trainval"], *stems["test"]):
        assert (tmp_path / "out" / "JPEGImages" / f"{stem}.jpg").is_file()
        assert (tmp_path / "out" / "Annotations" / f"{stem}.xml").is_file()


def test_csv_has_the_three_tables_beside_its_own(parted: Dataset, tmp_path: Path) -> None:
    export_split("csv", parted, tmp_path / "out")
    for split in PARTS:
        table = pd.read_csv(tmp_path / "out" / f"{split}.csv")
        assert sorted(table["Name"]) == names_of(parted, split)


@pytest.mark.parametrize("kind", SPLIT_WRITERS)
def test_a_part_without_photos_has_its_place(parted: Dataset, tmp_path: Path, kind: str) -> None:
    trained = parted.subset("train")
    export_split(kind, trained, tmp_path / "out")
    place = {
        "yolo": "images/test",
        "coco": "annotations/instances_test.json",
        "voc": "ImageSets/Main/test.txt",
        "csv": "test.csv",
    }[kind]
    assert (tmp_path / "out" / place).exists()
    back = import_set(kind, tmp_path / "out", Target(tmp_path / "back")).dataset
    assert len(back.boxes) == len(trained.boxes)


def test_data_yaml_of_a_set_without_parts_is_found_from_any_folder(
    parted: Dataset, tmp_path: Path
) -> None:
    export_dataset("yolo", parted, tmp_path / "out")
    tree = yaml.safe_load((tmp_path / "out" / "data.yaml").read_text())
    assert {key: tree.get(key) for key in ("path", "train", "val", "test")} == {
        "path": None, "train": "images", "val": "images", "test": None,
    }  # fmt: skip


def test_photos_of_one_name_in_two_parts_of_a_coco_set_stay_two(tmp_path: Path) -> None:
    for number, part in enumerate(("train", "val")):
        place = tmp_path / "set" / "images" / part
        place.mkdir(parents=True)
        Image.new("RGB", (40, 30), (90, 120, 60 + 99 * number)).save(place / "a.jpg")
        (tmp_path / "set" / "annotations").mkdir(exist_ok=True)
        tree = {
            "images": [{"id": 1, "file_name": "a.jpg", "width": 40, "height": 30}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 7, "bbox": [number, 2, 3, 4]}],
            "categories": [{"id": 7, "name": "bird"}],
        }
        path = tmp_path / "set" / "annotations" / f"instances_{part}.json"
        path.write_text(json.dumps(tree))
    dataset = import_set("coco", tmp_path / "set", Target(tmp_path / "into")).dataset
    assert dataset.images["image"].tolist() == ["train_a.jpg", "val_a.jpg"]
    assert dataset.boxes[XYXY].to_numpy().tolist() == [[0, 2, 3, 6], [1, 2, 4, 6]]


def test_two_files_about_the_same_photos_are_refused(parted: Dataset, tmp_path: Path) -> None:
    export_dataset("coco", parted, tmp_path / "out")
    shutil.copy(tmp_path / "out" / "instances.json", tmp_path / "out" / "instances_all.json")
    with pytest.raises(DataError, match=r"twice: by instances\.json.* and by instances_all\.json"):
        import_set("coco", tmp_path / "out", Target(tmp_path / "back"))
    one = import_set("coco", tmp_path / "out" / "instances.json", Target(tmp_path / "back")).dataset
    assert len(one.boxes) == len(parted.boxes)
