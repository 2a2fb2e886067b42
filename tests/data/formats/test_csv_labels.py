"""Single tables of boxes, and the contract's as a set to import."""

from __future__ import annotations

from pathlib import Path

import pytest
from written_sets import Photo, write_csv, write_photo, write_text

from sparrow.data.errors import DataError
from sparrow.data.formats.import_report import ImportOptions
from sparrow.data.formats.imports import read_set
from sparrow.data.tables import XYXY

LISTED = "a.jpg,Ada,1,mine,CC0\r\n"
PHOTO = Photo("a.jpg", (40, 30), (("bird", 1, 2, 11, 22),))


def read(
    root: Path, table: str, name: str = "labels.csv", encoding: str = "utf-8"
) -> tuple[list, str]:
    write_photo(root / "a.jpg", PHOTO)
    write_text(root / name, table, encoding)
    with_photos = read_set(None, root)
    rows = with_photos.dataset.boxes[["label", *XYXY]].to_numpy().tolist()
    return rows, "\n".join(with_photos.report.lines())


@pytest.mark.parametrize(
    "table",
    [
        "filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,40,30,bird,1,2,11,22\n",
        "Image;Label;Left;Top;Right;Bottom\r\na.jpg;bird;1;2;11;22\r\n",
        "image_id\tx\ty\tw\th\tcategory\na\t1\t2\t10\t20\tbird\n",
        "image_id,width,height,bbox,source,class\na,40,30,\"[1.0, 2.0, 10.0, 20.0]\",x,bird\n",
        "filename,x,y,width,height,class\n a.jpg ,1,2,10,20, bird \n",
        ",path,x1,y1,x2,y2,class_name\n0,C:\\birds\\a.jpg,1,2,11,22,bird\n",
        "images/a.jpg,1,2,11,22,bird\n",
        "filename;xmin;ymin;xmax;ymax;class\na.jpg;1,0;2,0;11,0;22,0;bird\n",
        "ImageID,LabelName,XMin,XMax,YMin,YMax,Confidence\na,bird,0.025,0.275,0.066667,0.733333,1\n"
        .replace("ImageID,LabelName", "image_id,label_name"),
    ],
)  # fmt: skip
def test_common_headers(tmp_path: Path, table: str) -> None:
    rows, told = read(tmp_path, table)
    assert rows[0][0] == "bird"
    assert rows[0][1:] == pytest.approx([1, 2, 11, 22], abs=1e-3)
    assert told.startswith("read as csv: 1 label files (labels.csv)")


def test_windows_encoding_is_read_and_said(tmp_path: Path) -> None:
    table = "filename,class,xmin,ymin,xmax,ymax\na.jpg,Grünfink,1,2,11,22\n"
    rows, told = read(tmp_path, table, encoding="cp1252")
    assert rows[0][0] == "Grünfink"
    assert "1 tables are not UTF-8 and were read as Windows-1252 (labels.csv)" in told


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("a.jpg,bird,1,2,11,x", r"labels\.csv, row 2: expected a number, found 'x'"),
        ("a.jpg,bird,1,2,11,", "row 2: expected a number, found ''"),
        ("a.jpg,bird,1,2,11", "row 2: has 5 cells, but the first row has 6"),
        ("a.jpg,,1,2,11,22", "row 2: has a box and no class"),
        (",bird,1,2,11,22", "row 2: expected a photo's name"),
        ("b.jpg,bird,1,2,11,22", r"not there: 'b\.jpg' \(the first in labels\.csv, row 2\)"),
        ('"a.jpg,bird,1,2,11,22', "not a CSV table"),
        ("a.jpg,bird,1,2,11,1e999", "no number|expected a number|beyond"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(tmp_path: Path, row: str, says: str) -> None:
    write_photo(tmp_path / "a.jpg", PHOTO)
    write_text(tmp_path / "labels.csv", f"filename,class,xmin,ymin,xmax,ymax\n{row}\n")
    with pytest.raises(DataError, match=says):
        read_set("csv", tmp_path)


def test_a_row_without_a_box_is_an_empty_photo(tmp_path: Path) -> None:
    rows, told = read(tmp_path, "filename,class,xmin,ymin,xmax,ymax\na.jpg,,,,,\n")
    assert rows == []
    assert "1 photos have none" in told
    rows, told = read(tmp_path, "filename,class,xmin,ymin,xmax,ymax\na.jpg,nothing,,,,\n")
    assert rows == []
    assert "1 rows with a class and no box were left out" in told


def test_tables_about_something_else_are_named(tmp_path: Path) -> None:
    write_text(tmp_path / "notes.csv", "day,weather\n1,rain\n")
    _, told = read(tmp_path, "filename,class,xmin,ymin,xmax,ymax\na.jpg,bird,1,2,11,22\n")
    assert "1 tables hold no boxes and were not read (notes.csv)" in told


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("bboxes/bounding_boxes.csv", "a.jpg", "c.jpg", r"boxes\.csv, row 2: .*'c\.jpg', which"),
        ("image_info.csv", ",1,", ",2,", r"image_info\.csv, row 2: says 2 objects, but 1 boxes"),
        ("image_info.csv", "Author", "Maker", "there is no column 'Author'"),
        ("image_info.csv", f"{LISTED}", f"{LISTED}{LISTED}", "described twice"),
        ("bboxes/bounding_boxes.csv", ",40,30", ",40,31", "has 40 × 31 pixels"),
        ("bboxes/bounding_boxes.csv", "bird,1,", "bird,,", "row 2, bbox_x: expected a number"),
    ],
)  # fmt: skip
def test_the_contracts_tables_must_agree(
    tmp_path: Path, file: str, old: str, new: str, says: str
) -> None:
    write_csv(tmp_path, [PHOTO], "contract")
    text = (tmp_path / file).read_bytes().decode()
    assert old in text
    write_text(tmp_path / file, text.replace(old, new))
    with pytest.raises(DataError, match=says):
        read_set("csv", tmp_path)


def test_the_contracts_tables_with_blanks_and_an_index_column(tmp_path: Path) -> None:
    write_csv(tmp_path, [PHOTO], "contract")
    info = ",Name,Author,Number_HSparrows,Source,License\n0,a.jpg ,Ada, 1,mine,CC0\n"
    write_text(tmp_path / "image_info.csv", info)
    dataset = read_set("csv", tmp_path).dataset
    assert dataset.images[["image", "author"]].to_numpy().tolist() == [["images/a.jpg", "Ada"]]
    assert dataset.boxes[XYXY].to_numpy().tolist() == [[1, 2, 11, 22]]


@pytest.mark.parametrize("header", ["path,x1,y1,x2,y2", "image_id,bbox"])
def test_a_table_without_classes_takes_the_one_that_a_person_names(
    tmp_path: Path, header: str
) -> None:
    write_photo(tmp_path / "a.jpg", PHOTO)
    cells = "1,2,11,22" if header.startswith("path") else '"[1, 2, 10, 20]"'
    write_text(tmp_path / "labels.csv", f"{header}\na.jpg,{cells}\n")
    with pytest.raises(DataError, match=r"labels\.csv: has 1 boxes and no column .* --class NAME"):
        read_set("csv", tmp_path)
    taken = read_set("csv", tmp_path, ImportOptions(label="swift"))
    assert taken.dataset.boxes["label"].tolist() == ["swift"]
    assert (
        "1 boxes tell no class and were taken as swift (--class) (labels.csv)"
        in taken.report.lines()
    )


def test_a_class_is_not_named_for_boxes_that_tell_theirs(tmp_path: Path) -> None:
    write_photo(tmp_path / "a.jpg", PHOTO)
    write_text(
        tmp_path / "labels.csv", "filename,class,xmin,ymin,xmax,ymax\na.jpg,bird,1,2,11,22\n"
    )
    with pytest.raises(DataError, match="--class swift: each box tells its class already"):
        read_set("csv", tmp_path, ImportOptions(label="swift"))
    with pytest.raises(DataError, match=r"only VIA's regions have attributes, and .* read as csv"):
        read_set("csv", tmp_path, ImportOptions(class_attribute="age"))
