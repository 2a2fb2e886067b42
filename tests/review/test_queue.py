"""The queue's table: names that visitors chose run as no formula, and come back whole."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparrow.data.errors import DataError
from sparrow.predictions.record import PredictionRecord
from sparrow.predictions.window import window_of
from sparrow.review.queue import QueueSource, Rights, random_sample, write_queue
from sparrow.review.selection import SelectedPhoto
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


@pytest.mark.parametrize("content", [None, b"", b"a,b\n1,2\n", b"\xff\xfe", b'"'])
def test_what_is_no_queue(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "queue.csv").write_bytes(content)
    with pytest.raises(DataError, match="expected a folder written by `sparrow review`"):
        random_sample(tmp_path)
