"""The queue's table: names that visitors chose run as no formula, and come back whole."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from sparrow.data.errors import DataError
from sparrow.drawing.class_boxes import class_color
from sparrow.predictions.corrections import (
    CorrectedBox,
    CorrectionError,
    read_correction,
    write_correction,
)
from sparrow.predictions.record import LoggedBox, PredictionRecord
from sparrow.predictions.window import window_of
from sparrow.review.queue import QueueSource, Rights, random_sample, write_queue
from sparrow.review.selection import SelectedPhoto
from sparrow.review.sheet import classes_in_words, queue_tile
from sparrow.spreadsheet import from_cell

NAMES = [
    "=HYPERLINK(\"http://x.example\",\"prize\")", "+49 170.jpg", "-rf.jpg", "@SUM(1)", "\t=1",
    "a\r=cmd|' /C calc'!A0", "a\n=1+1", "\uff1d1", "'=1", "a,=1", 'b";=1', "\x1b[2J", "\udcff.jpg",
    "plain.jpg", "NA", "",
]  # fmt: skip


def test_no_name_runs_and_the_sample_is_read_back(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(np.full((40, 60, 3), 99, np.uint8)).save(photo)
    records = [
        PredictionRecord(
            id=f"{number:032x}", time=datetime(2026, 5, 1, tzinfo=UTC), source="api",
            model_name="m", model_version="=1", file_name=name, width_px=60, height_px=40, count=0,
        )
        for number, name in enumerate(NAMES)
    ]  # fmt: skip
    selected = [
        SelectedPhoto(record.id, ("@feedback: =1",), random_empty=number % 2 == 0)
        for number, record in enumerate(records)
    ]
    files = {record.id: photo for record in records}
    source = QueueSource(window_of(records), files, ("bird",), Rights())
    write_queue(tmp_path / "queue", selected, source)
    with (tmp_path / "queue" / "queue.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(NAMES)
    texts = [cell for row in rows for cell in row.values()]
    assert not [text for text in texts if text.lstrip()[:1] in set("=+-@\uff1d")]
    sent_as = [from_cell(row["sent_as"]) for row in rows]
    assert sent_as == [name.encode("utf-8", "replace").decode() for name in NAMES]  # as logged
    assert random_sample(tmp_path / "queue") == [f"{n:032x}.png" for n in range(0, len(NAMES), 2)]


def test_on_a_sheet_each_box_has_the_colour_and_name_of_its_class() -> None:
    grey = np.full((300, 300, 3), 99, np.uint8)
    boxes = [("wren", 20.0, 60.0, 120.0, 160.0), ("goose", 160.0, 60.0, 260.0, 160.0)]
    two = queue_tile(grey, boxes, ["wren", "goose"], "a").image
    assert all((two == ImageColor.getrgb(class_color(place))).all(-1).any() for place in (0, 1))
    assert classes_in_words(boxes, ["wren", "goose"]) == "1 wren, 1 goose"
    # A class that a person named, and one class alone, which needs no name.
    assert queue_tile(grey, boxes, ["wren", "tit"], "a").image.shape == two.shape
    assert not (queue_tile(grey, boxes, ["wren"], "a").image == two).all()
    assert classes_in_words(boxes, ["wren"]) == classes_in_words([], ["wren", "goose"]) == ""


def test_the_boxes_that_a_person_corrected_are_in_the_place_of_the_models(tmp_path: Path) -> None:
    """Of three photos one is as the model had it, one was emptied, one has a box drawn by hand."""
    photo = tmp_path / "photo.png"
    Image.fromarray(np.full((40, 60, 3), 99, np.uint8)).save(photo)
    model_box = LoggedBox("bird", 0.9, 1, 2, 11, 12)
    names = [f"{number:032x}" for number in range(3)]
    records = [
        PredictionRecord(
            id=name, time=datetime(2026, 5, 1, tzinfo=UTC), source="page", model_name="m",
            model_version="1", file_name="a.png", width_px=60, height_px=40, count=1,
            boxes=(model_box,),
        )
        for name in names
    ]  # fmt: skip
    write_correction(tmp_path, names[1], [])
    write_correction(tmp_path, names[2], [CorrectedBox("bird", 20, 10, 70, 30)])
    read = {name: read_correction(tmp_path, name) for name in names}
    assert read[names[0]] is None
    corrected = {name: boxes for name, boxes in read.items() if boxes is not None}
    files = dict.fromkeys(names, photo)
    source = QueueSource(window_of(records), files, ("bird",), Rights(), corrected)
    selected = [SelectedPhoto(name, ("feedback: called wrong",), False) for name in names]
    write_queue(tmp_path / "queue", selected, source)
    labels = json.loads((tmp_path / "queue" / "instances.json").read_text())
    images = {image["id"]: image["file_name"] for image in labels["images"]}
    boxes = {images[box["image_id"]][:32]: box["bbox"] for box in labels["annotations"]}
    assert boxes == {names[0]: [1, 2, 10, 10], names[2]: [20, 10, 40, 20]}  # within the photo


@pytest.mark.parametrize("content", [b"", b"[]", b'{"boxes": [1]}', b'{"boxes": [{"label": 1}]}'])
def test_what_is_no_correction_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.boxes.json").write_bytes(content)
    with pytest.raises(CorrectionError, match=r"a\.boxes\.json: expected corrected boxes"):
        read_correction(tmp_path, "a")


@pytest.mark.parametrize("content", [None, b"", b"a,b\n1,2\n", b"\xff\xfe", b'"'])
def test_what_is_no_queue(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "queue.csv").write_bytes(content)
    with pytest.raises(DataError, match="expected a folder written by `sparrow review`"):
        random_sample(tmp_path)
