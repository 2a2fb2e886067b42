from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sparrow.data.errors import DataError
from sparrow.data.formats.csv import read_csv_tables, to_dataset, write_csv
from sparrow.data.formats.exchange import read_csv
from sparrow.data.schemas import line_numbers


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


INFO = "Name;Author;Number_HSparrows;Source;License\r\na.jpg;Jürgen;1;S;L\r\n"
BOXES = (
    "label_name;bbox_x;bbox_y;bbox_width;bbox_height;image_name;image_width;image_height\r\n"
    "bird;1;47,5;3;4;a.jpg;40;60\r\n"
)


def _write_tables(root: Path, info: str, boxes: str, encoding: str) -> Path:
    (root / "bboxes").mkdir(exist_ok=True)
    (root / "image_info.csv").write_bytes(info.encode(encoding))
    (root / "bboxes" / "bounding_boxes.csv").write_bytes(boxes.encode(encoding))
    return root


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [";", "\t"])
def test_what_spreadsheets_save_has_the_right_values(
    tmp_path: Path, encoding: str, separator: str
) -> None:
    info, boxes = (text.replace(";", separator) for text in (INFO, BOXES))
    info, boxes = read_csv_tables(_write_tables(tmp_path, info, boxes, encoding))
    assert info.to_numpy().tolist() == [["a.jpg", "Jürgen", 1, "S", "L"]]
    assert boxes.loc[0, "bbox_y"] == 47.5


def test_tables_in_an_encoding_that_cannot_be_told_are_refused(tmp_path: Path) -> None:
    _write_tables(tmp_path, INFO, BOXES, "cp1252")
    with pytest.raises(DataError, match=r"image_info\.csv: not UTF-8 text .* save it again"):
        read_csv_tables(tmp_path)


def test_commas_and_points_in_numbers_of_one_table_are_refused(tmp_path: Path) -> None:
    _write_tables(tmp_path, INFO, BOXES + "bird;1.5;4;3;4;a.jpg;40;60\r\n", "utf-8")
    with pytest.raises(DataError, match=r"bounding_boxes\.csv: some numbers have a decimal comma"):
        read_csv_tables(tmp_path)


def test_blank_rows_are_none_and_shift_no_line(tmp_path: Path) -> None:
    boxes = (
        BOXES.replace(";", ",").replace("47,5", "47") + ",,,,,,,\r\n\r\nbird,x,4,3,4,b.jpg,4,6\r\n"
    )
    info = INFO.replace(";", ",") + ",,,,\r\n,,,,\r\n"
    info_raw, boxes_raw = read_csv_tables(_write_tables(tmp_path, info, boxes, "utf-8"))
    assert len(info_raw) == 1
    assert line_numbers(boxes_raw).tolist() == [2, 5]


def test_texts_that_are_numbers_stay_texts(tmp_path: Path) -> None:
    info = INFO.replace("a.jpg", "0123").replace("Jürgen", "007")
    info_raw, _ = read_csv_tables(_write_tables(tmp_path, info, BOXES, "utf-8"))
    assert info_raw.loc[0, ["Name", "Author"]].tolist() == ["0123", "007"]
