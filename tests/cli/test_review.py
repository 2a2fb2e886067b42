"""``sparrow review``: from the log to a queue, and the labels back through the checks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from PIL import Image

from sparrow.cli.main import main
from sparrow.config import load_config
from sparrow.data.ingest.ingest import ingest_new
from sparrow.inference.counter import PhotoCounter
from sparrow.predictions.log import PredictionLog


@pytest.fixture
def home(
    model_folder: Path, drawn_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A project in use: twelve photos in the log, eleven of them kept, two remarks."""
    (tmp_path / ".sparrow").mkdir()
    (tmp_path / ".sparrow" / "champion").symlink_to(model_folder.resolve())
    config = {"data": {"root": "raw", "new": "new", "rejected": "no", "prepared": "prepared"}}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(config))
    monkeypatch.chdir(tmp_path)
    kept = Path(".sparrow/photos")
    kept.mkdir()
    counter = PhotoCounter(model_folder)
    log = PredictionLog(load_config("own.yaml").stores.prediction_log)
    for path in sorted((drawn_dataset / "images").iterdir())[:12]:
        record = counter.count(path.read_bytes(), path.name, "api")[0].record
        log.append([record])
        shutil.copy(path, kept / f"{record.id}.photo")
    log.add_feedback(record.id, true_count=99)
    (kept / f"{record.id}.photo").rename(kept / "other.photo")
    log.close()
    return tmp_path


def review(*arguments: Any) -> int:
    return main(["review", "--config", "own.yaml", *map(str, arguments)])


def test_the_queue_goes_through_a_labelling_tool_and_the_checks(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    queue = home / "queue"
    assert (
        review("--into", queue, "--random-empty", 4, "--source", "Garden", "--author", "Ada") == 0
    )
    said = capsys.readouterr().out
    listed = pd.read_csv(queue / "queue.csv")
    assert f"{len(listed)} photos in {queue}" in said
    assert 0 < len(listed) <= 11
    assert listed["why"].str.len().min() > 0
    assert set(listed["image"]) == {path.name for path in (queue / "images").iterdir()}
    with Image.open(queue / "contact-sheet-1.jpg") as sheet:
        assert sheet.width > 300
    tree = json.loads((queue / "instances.json").read_text())
    assert [category["name"] for category in tree["categories"]] == ["house_sparrow"]
    logged = listed["count"].sum()
    assert len(tree["annotations"]) == logged  # pre-boxed with all that the log holds

    # Nobody has corrected anything yet: no bound, rather than one on the model's own word.
    assert main(["missed", str(queue)]) == 1
    assert "the model's own boxes" in capsys.readouterr().err
    # Nor are they taken for a person's, which would say: no bird where none was found.
    for labels in (queue, queue / "instances.json"):
        assert main(["import", "coco", str(labels), "--new", "--into", "new"]) == 1
        assert "the model's own boxes" in capsys.readouterr().err
        assert not Path("new").exists()

    back = as_a_labelling_tool(queue, home / "export")
    sample = list(listed["image"][listed["random_empty"] == "yes"])
    assert main(["missed", str(queue), str(back)]) == 0
    said = capsys.readouterr().out
    assert f"{len(sample)} of {len(sample)} randomly drawn" in said if sample else "nothing" in said

    words = ["import", "coco", str(back), "--new", "--into", "new", "--source", "Garden"]
    assert main([*words, "--author", "Ada"]) == 0
    taken = ingest_new(load_config("own.yaml").data)
    assert set(taken.accepted) == set(listed["image"])
    raw = pd.read_csv("raw/image_info.csv")
    assert set(raw["Author"]) == {"Ada"}
    assert set(raw["Source"]) == {"Garden"}
    assert (raw["Number_HSparrows"] == 1).all()


def as_a_labelling_tool(queue: Path, export: Path) -> Path:
    """What CVAT makes of a COCO file: its own ids, no author, one box a photo, drawn by hand."""
    tree = json.loads((queue / "instances.json").read_text())
    (export / "annotations").mkdir(parents=True)
    shutil.copytree(queue / "images", export / "images")
    images = [
        {**{key: photo[key] for key in ("file_name", "width", "height")}, "id": 100 + number,
         "license": 0, "flickr_url": "", "coco_url": "", "date_captured": 0}
        for number, photo in enumerate(tree["images"])
    ]  # fmt: skip
    drawn = [
        {"id": 7 + number, "image_id": photo["id"], "category_id": 1, "segmentation": [],
         "bbox": [10.0, 20.5, 60.0, 50.0], "area": 3000.0, "iscrowd": 0,
         "attributes": {"occluded": False}}
        for number, photo in enumerate(images)
    ]  # fmt: skip
    tree = {
        "licenses": [{"name": "", "id": 0, "url": ""}],
        "info": {"contributor": "", "year": ""},
        "categories": [{"id": 1, "name": "house_sparrow", "supercategory": ""}],
        "images": images,
        "annotations": drawn,
    }
    (export / "annotations" / "instances_default.json").write_text(json.dumps(tree))
    return export


def test_a_folder_of_photos_where_nothing_was_kept(
    home: Path, drawn_dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home / "found"
    folder.mkdir()
    for path in sorted((drawn_dataset / "images").iterdir())[12:16]:
        shutil.copy(path, folder)
    (folder / "note.jpg").write_text("text")
    (folder / "nothing.jpg").touch()
    assert review(folder, "--into", home / "queue") == 0
    captured = capsys.readouterr()
    assert "note.jpg" in captured.err
    assert "nothing.jpg: this file is empty" in captured.err
    assert len(pd.read_csv(home / "queue" / "queue.csv")) > 0


def test_faults_are_one_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "queue").mkdir()
    (home / "queue" / "notes.txt").write_text("mine")
    assert review("--into", home / "queue") == 1  # never over somebody's files
    assert review("nowhere") == 1
    assert main(["missed", str(home)]) == 1
    shutil.rmtree(home / ".sparrow" / "photos")
    assert review() == 1
    log = home / ".sparrow" / "predictions.db"
    for path in log.parent.glob("predictions.db*"):
        path.unlink()
    assert review() == 1
    said = capsys.readouterr().err
    for words in (
        "already holds files",
        "no such folder",
        "expected a folder written by `sparrow review`",
        "set service.keep_fraction",
        "holds no photo of the champion, test-detector version 1; it holds no photo",
    ):
        assert words in said
    assert "Traceback" not in said
