"""What ``sparrow count`` writes for other programs, of two classes and two cameras."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from counted_folder import count
from pycocotools.coco import COCO
from two_cameras import CLASSES, COUNTED, FOUND, write_model, write_photos

from sparrow.cli.main import main
from sparrow.interchange.sorted_folders import folder_names

NAMES = ["garden/a.jpg", "garden/b.jpg", "pond & reed/a.jpg", "pond & reed/undated.jpg"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model") / "champion")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_photos(tmp_path / "photos")


def state(folder: Path) -> dict[Path, tuple[bytes, int]]:
    """Content and time of each photo."""
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*.jpg")}


def files(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def test_megadetector_has_the_boxes_below_the_threshold_and_counts_do_not(
    model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "md.json"
    options = ("-r", "--to", to, "--megadetector", "--boxes-from", "0.2")
    assert count(model, photos, *options) == 0
    written = json.loads(to.read_text())
    assert written["info"]["detector_metadata"] == {"typical_detection_threshold": 0.5}
    for image in written["images"]:
        scores = [found["conf"] for found in image["detections"]]
        assert scores == pytest.approx([box[1] for box in FOUND])
    categories = [found["category"] for found in written["images"][0]["detections"]]
    assert categories == ["1", "2", "1", "2"]
    assert f"{COUNTED * 4} objects in 4 photos" in capsys.readouterr().err
    assert count(model, photos, "-r", "--to", to, "--megadetector", "--boxes-from", "0.4") == 0
    kept = [len(image["detections"]) for image in json.loads(to.read_text())["images"]]
    assert kept == [COUNTED] * 4  # the faint one has 0.3


def test_faint_boxes_that_are_asked_for_later_are_found_by_counting_again(
    model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A run that ends before its output is written leaves a journal without them."""
    to = tmp_path / "md.json"
    with monkeypatch.context() as patch:
        patch.setattr("sparrow.cli.count.write", lambda *_: (_ for _ in ()).throw(OSError("full")))
        assert count(model, photos, "-r", "--to", to, "--megadetector") == 1
    assert to.with_name("md.json.journal").exists()
    assert count(model, photos, "-r", "--to", to, "--megadetector", "--boxes-from", "0.2") == 0
    assert "4 photos are counted again" in capsys.readouterr().err
    kept = [len(image["detections"]) for image in json.loads(to.read_text())["images"]]
    assert kept == [len(FOUND)] * 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--boxes-from", "0.2"), "--boxes-from needs --megadetector or --coco-results"),
        (("--boxes-from", "0.01", "--coco-results", "r.json"), "expected at least 0.05"),
        (("--boxes-from", "0.5", "--coco-results", "r.json"), "less than 0.5"),
        (("--coco", "c.txt"), "--coco c.txt: expected a name ending in .json"),
        (("--timezone", "+02:00"), "--timezone, --location and --species need --camtrap-dp"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(
    model: Path, photos: Path, capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...], message: str,
) -> None:  # fmt: skip
    assert count(model, photos, "-r", *options) == 1
    said = capsys.readouterr()
    assert message in said.err
    assert said.out == ""


def test_coco_and_its_results_hold_all_boxes_of_all_classes(
    model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coco, results = tmp_path / "coco.json", tmp_path / "results.json"
    options = ("-r", "--coco", coco, "--coco-results", results, "--boxes-from", "0.2")
    assert count(model, photos, *options) == 0
    truth = COCO(str(coco))  # which prints
    assert [image["file_name"] for image in truth.loadImgs(truth.getImgIds())] == NAMES
    assert [category["name"] for category in truth.loadCats(truth.getCatIds())] == list(CLASSES)
    assert len(truth.getAnnIds()) == COUNTED * len(NAMES)
    assert len(truth.loadRes(str(results)).getAnnIds()) == len(FOUND) * len(NAMES)
    capsys.readouterr()
    assert count(model, photos, "-r", "--coco", coco) == 1
    assert f"--coco {coco}: the file is there already" in capsys.readouterr().err


def labels_of(raw: Path) -> tuple[Counter[str], int]:
    boxes = pd.read_csv(raw / "bboxes" / "bounding_boxes.csv")
    column = next(name for name in boxes.columns if set(boxes[name]) <= set(CLASSES))
    return Counter(boxes[column]), len(pd.read_csv(raw / "image_info.csv"))


WHOLE = Counter({"house_sparrow": 2 * len(NAMES), "blue tit": len(NAMES)})


def test_import_reads_the_coco_set_back(model: Path, photos: Path, tmp_path: Path) -> None:
    assert count(model, photos, "-r", "--coco", photos / "coco.json") == 0
    assert main(["import", "coco", str(photos), "--into", str(tmp_path / "raw")]) == 0
    assert labels_of(tmp_path / "raw") == (WHOLE, len(NAMES))


def test_import_reads_label_studio_back_once_a_person_has_submitted_the_tasks(
    model: Path, photos: Path, tmp_path: Path
) -> None:
    to = tmp_path / "tasks.json"
    assert count(model, photos, "-r", "--label-studio", to) == 0
    tasks = json.loads(to.read_text())
    assert [len(task["predictions"][0]["result"]) for task in tasks] == [COUNTED] * len(NAMES)
    for number, task in enumerate(tasks, 1):  # as its export has a prediction that was submitted
        result = task.pop("predictions")[0]["result"]
        task |= {"id": number, "annotations": [{"id": number, "result": result}]}
    (photos / "export.json").write_text(json.dumps(tasks))
    assert main(["import", "labelstudio", str(photos), "--into", str(tmp_path / "raw")]) == 0
    assert labels_of(tmp_path / "raw") == (WHOLE, len(NAMES))


def test_drawings_are_in_folders_like_the_photos(
    model: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = photos / "drawn"
    shutil.copy(photos / "garden" / "a.jpg", photos / "garden" / "a.jpeg")  # of one stem
    assert count(model, photos, "-r", "--annotated", drawn) == 0
    found = [name[: -len("-12345678.jpg")] for name in files(drawn)]
    assert set(found) == {"garden/a", "garden/b", "pond & reed/a", "pond & reed/undated"}
    monkeypatch.chdir(tmp_path)
    assert count(model, photos, "-r", "--to", "c.csv") == 0
    assert len(pd.read_csv("c.csv")) == len(NAMES) + 1  # no drawing is counted


@pytest.mark.parametrize("link", ["copy", "hard", "symbolic"])
@pytest.mark.parametrize("by", ["count", "class"])
def test_sorting_leaves_the_photos_and_goes_on(
    model: Path, photos: Path, tmp_path: Path, link: str, by: str
) -> None:
    (photos / "bad.jpg").write_text("no photo")
    before, out = state(photos), tmp_path / "out"
    options = ("-r", "--sort-into", out, "--by", by, "--link", link)
    assert count(model, photos, *options) == 3  # for the bad one
    folders = ["3"] if by == "count" else ["blue tit", "house_sparrow"]
    wanted = [f"{folder}/{name}" for folder in folders for name in NAMES]
    assert files(out) == sorted([*wanted, "_not_counted/bad.jpg"])
    for name in wanted:
        path, photo = out / name, photos / name.partition("/")[2]
        assert path.is_symlink() == (link == "symbolic")
        assert path.samefile(photo) == (link != "copy")
        assert path.read_bytes() == photo.read_bytes()
    (out / wanted[0]).unlink()  # as if the run had been killed
    first = state(out)
    assert count(model, photos, *options) == 3
    assert files(out) == sorted([*wanted, "_not_counted/bad.jpg"])
    assert {path: state(out)[path] for path in first} == first
    assert state(photos) == before


def test_sorting_overwrites_nothing_and_names_what_is_in_the_way(
    model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    for name in ("3/garden/a.jpg", "7/garden/b.jpg"):
        (out / name).parent.mkdir(parents=True)
        (out / name).write_text("of a person")
    assert count(model, photos, "-r", "--sort-into", out) == 3
    said = capsys.readouterr().err
    assert f"{out / '3/garden/a.jpg'} is there and is another file; it stays as it is" in said
    assert f"{out / '7/garden/b.jpg'} is of an earlier count; the photo is now in 3, too" in said
    assert (out / "3/garden/a.jpg").read_text() == "of a person"
    assert count(model, photos, "-r", "--sort-into", photos / "out") == 1
    assert "choose a folder outside it" in capsys.readouterr().err


def test_folders_of_classes_are_names_that_every_system_takes() -> None:
    assert folder_names(["a/b", "a:b", "A b", "..", ""]) == [
        "a_b",
        "a_b_2",
        "A b",
        "class",
        "class_2",
    ]


def said_again(model: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What counting the same folder once more says at its end."""
    capsys.readouterr()
    assert count(model, photos, "-r") == 0
    return capsys.readouterr().err.splitlines()[-1]


def test_sidecars_beside_the_photos_and_elsewhere(
    model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = state(photos)
    assert count(model, photos, "-r", "--xmp", photos) == 0
    sidecars = [f"{name}.xmp" for name in NAMES]
    assert sorted(set(files(photos)) - set(NAMES)) == sidecars
    assert "4 written by sparrow count" in said_again(model, photos, capsys)
    (photos / sidecars[0]).write_text("<of a person/>")
    assert count(model, photos, "-r", "--xmp", photos) == 3
    said = capsys.readouterr().err
    assert f"{photos / sidecars[0]}: not written for {NAMES[0]}: there is a sidecar" in said
    assert (photos / sidecars[0]).read_text() == "<of a person/>"
    assert count(model, photos, "-r", "--xmp", tmp_path / "x", "--xmp-names", "photo.xmp") == 0
    assert files(tmp_path / "x") == [name.replace(".jpg", ".xmp") for name in NAMES]
    assert state(photos) == before


def test_two_photos_never_share_a_sidecar(
    model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(photos / "garden" / "a.jpg", photos / "garden" / "a.jpeg")
    out = tmp_path / "x"
    assert count(model, photos / "garden", "--xmp", out, "--xmp-names", "photo.xmp") == 3
    said = capsys.readouterr().err
    assert f"{out / 'a.xmp'}: not written for a.jpg: it is the sidecar of a.jpeg" in said
    assert sorted(os.listdir(out)) == ["a.xmp", "b.xmp"]
