from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sparrow.data.errors import DataError
from sparrow.data.formats.csv import read_csv_tables, to_dataset, write_csv
from sparrow.data.formats.exchange import read_csv


def test_whole_numbers_are_written_as_such(drawn_dataset: Path, tmp_path: Path) -> None:
    dataset = read_csv(drawn_dataset)
    write_csv(dataset, tmp_path)
    for part in ("image_info.csv", "bboxes/bounding_boxes.csv"):
        assert (tmp_path / part).read_bytes() == (drawn_dataset / part).read_bytes()
    assert ".0" not in (tmp_path / "bboxes/bounding_boxes.csv").read_text()


def test_raw_tables_are_as_in_the_files(drawn_dataset: Path) -> None:
    info, boxes = read_csv_tables(drawn_dataset)
    assert list(info) == ["Name", "Author", "Number_HSparrows", "Source", "License"]
    assert list(boxes)[:2] == ["label_name", "bbox_x"]
    assert len(boxes) == info["Number_HSparrows"].sum()


def test_an_author_may_be_called_none(drawn_dataset: Path, tmp_path: Path) -> None:
    dataset = read_csv(drawn_dataset)
    dataset.images.loc[0, "author"] = "None"
    write_csv(dataset, tmp_path)
    assert read_csv_tables(tmp_path)[0].loc[0, "Author"] == "None"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no such file"),
        (b"", "empty"),
        (b"Name,Author\n\xff\xfe\xe9,x\n", "UTF-8"),
        (b'Name,Author\n"a,b\n', "not a CSV table"),
        (b"a,b\n1,2,3,4\n1\n1,2,3,4,5\n", "not a CSV table"),
    ],
)
def test_an_unreadable_table_is_named(tmp_path: Path, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / "image_info.csv").write_bytes(content)
    with pytest.raises(DataError, match=says) as error:
        read_csv_tables(tmp_path)
    assert "image_info.csv" in str(error.value)


def test_a_photo_without_boxes_needs_a_size(tmp_path: Path) -> None:
    info = pd.DataFrame(
        [("a.jpg", "A", 0, "S", "L")],
        columns=["Name", "Author", "Number_HSparrows", "Source", "License"],
    )
    columns = "label_name bbox_x bbox_y bbox_width bbox_height image_name image_width image_height"
    boxes = pd.DataFrame([], columns=columns.split())
    dataset = to_dataset(tmp_path, info, boxes, {"a.jpg": (40, 30)})
    assert dataset.images[["width_px", "height_px"]].to_numpy().tolist() == [[40, 30]]
    assert len(dataset.boxes) == 0
    with pytest.raises(DataError, match=r"a\.jpg"):
        to_dataset(tmp_path, info, boxes, {})
