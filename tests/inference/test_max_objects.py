"""A count that reaches the most that a model finds is a minimum, wherever it is written."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from small_model import write_small_model

import sparrow
from sparrow.api import score
from sparrow.cli.evaluate import report_lines
from sparrow.cli.main import main
from sparrow.config import Config
from sparrow.data.formats.exchange import read_csv
from sparrow.data.tables import Dataset
from sparrow.evaluation.counting import CountModel
from sparrow.inference.counter import PhotoCounter
from sparrow.inference.model_folder import read_info, write_info
from sparrow.predictions.log import PredictionLog
from sparrow.predictions.window import minimums, read_window

# The small model finds two objects in every photo; its interval is one wide on either side.
ABOUT = CountModel(0.5, 0.9, "constant", (0.0,), (1.0,), 0.0, 1.0, (1.0, 0.0, 0.0), 1.0, 10)


def stored_config(most: int) -> dict[str, Any]:
    config = Config().of_the_training()
    return {**config, "model": {**config["model"], "box_detections_per_image": most}}


def small(folder: Path, most: int, *, interval: bool = True) -> Path:
    values = {"count_model": ABOUT.to_dict()} if interval else {}
    return write_small_model(folder, config=stored_config(most), **values)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photos" / "a.png"
    path.parent.mkdir()
    Image.fromarray(np.full((64, 64, 3), 128, np.uint8)).save(path)
    return path


@pytest.mark.parametrize(
    ("most", "interval", "expected"),
    [
        (3, True, (2, 1, 3, False)),
        (2, True, (2, 1, None, True)),
        (3, False, (2, None, None, False)),
        (2, False, (2, 2, None, True)),  # without a calibrated count: the count and up
    ],
)
def test_the_interval_is_open_above(
    tmp_path: Path, photo: Path, most: int, interval: bool, expected: tuple[Any, ...]
) -> None:
    counter = PhotoCounter(small(tmp_path / "model", most, interval=interval))
    record = counter.count(photo.read_bytes(), photo.name, "cli")[0].record
    assert (
        record.count, record.count_low, record.count_high, record.count_is_minimum
    ) == expected  # fmt: skip
    counted = sparrow.load(counter.folder).count(photo)
    assert (counted.count, counted.low, counted.high, counted.is_minimum) == expected


def test_a_model_that_does_not_say_how_many_it_finds(tmp_path: Path, photo: Path) -> None:
    folder = write_small_model(tmp_path / "model", config={"model": "?"})
    assert read_info(folder).max_objects is None
    for damaged in ({}, {"model": {"box_detections_per_image": "2"}}, {"model": {}}):
        info = write_info(folder, read_info(folder).model_copy(update={"config": damaged}))
        assert info.max_objects is None
    assert not sparrow.load(folder).count(photo).is_minimum


@pytest.mark.parametrize(
    ("architecture", "most"), [("fasterrcnn_efficientnet_lite0_fpn", 48), ("fcos_resnet50_fpn", 120)]
)
def test_a_box_comes_from_a_proposal(tmp_path: Path, architecture: str, most: int) -> None:
    """Of a detector without proposals the config holds their number all the same."""
    section = {"box_detections_per_image": 120, "rpn_post_nms_top_n": 48}
    values = {"architecture": architecture, "config": {"model": section}}
    assert read_info(write_small_model(tmp_path / "model", **values)).max_objects == most


def test_the_command_line(tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = small(tmp_path / "model", 2)
    (photo.parent / "bad.png").write_text("no photo")
    command = ["count", str(photo.parent), "--model", str(model), "--workers", "1"]
    assert main(command) == 3
    said = capsys.readouterr()
    assert "a.png: 2 or more (likely 1 or more)" in said.out
    assert "at least 2 house sparrows in 1 photos" in said.err
    assert main([*command, "--to", str(tmp_path / "counts.csv")]) == 3
    rows = list(csv.DictReader(io.StringIO((tmp_path / "counts.csv").read_text())))
    assert [(row["count"], row["count_high"], row["count_is_minimum"]) for row in rows] == [
        ("2", "", "True"), ("", "", ""),
    ]  # fmt: skip
    assert main([*command, "--to", str(tmp_path / "counts.json")]) == 3
    photos = json.loads((tmp_path / "counts.json").read_text())["photos"]
    assert [one["count_is_minimum"] for one in photos] == [True, None]


def test_the_prediction_log(tmp_path: Path, photo: Path) -> None:
    log = PredictionLog(f"sqlite:///{tmp_path}/log.db")
    for number, most in enumerate((2, 3)):
        counter = PhotoCounter(small(tmp_path / str(number), most))
        log.append([counter.count(photo.read_bytes(), photo.name, "cli")[0].record])
    assert log.summary()["minimums"] == 1
    assert minimums(read_window(log).photos).tolist() == [True, False]
    log.close()


def test_an_evaluation_says_in_how_many_photos(tmp_path: Path, drawn_dataset: Path) -> None:
    drawn = read_csv(drawn_dataset)
    images = drawn.images.head(3).assign(sha256=list("abc"))
    boxes = drawn.boxes[drawn.boxes["image"].isin(images["image"])]
    dataset = Dataset(drawn_dataset, images, boxes)
    for most, said in ((2, True), (3, False)):
        model = sparrow.load(small(tmp_path / str(most), most))
        scored = score(model, dataset)
        assert scored.evaluation.minimum_counts == (3 if said else 0)
        lines = "\n".join(report_lines(model, scored, None))
        assert ("In 3 photos it finds 2, the most it can" in lines) == said
        assert scored.count_check is not None
        assert scored.count_check.minimums == scored.evaluation.minimum_counts
