"""Tables that are no files, too large, or hold signs that end a row; folders that are closed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sparrow.config import DataConfig
from sparrow.data.checks.run import check_dataset
from sparrow.data.errors import DataError
from sparrow.data.formats import annotations
from sparrow.data.formats import csv as formats
from sparrow.data.formats.csv import read_csv_tables
from sparrow.data.formats.exchange import export_dataset, read_csv
from sparrow.data.formats.imports import Target, import_set, read_set
from sparrow.data.ingest.ingest import ingest_new

TABLES = ["image_info.csv", "bboxes/bounding_boxes.csv"]


def become_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def become_a_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


OTHERS: list[tuple[Callable[[Path], None], str]] = [
    (become_a_pipe, "a pipe"),
    (become_a_device, "a device"),
    (become_a_folder, "a folder"),
]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(("change", "kind"), OTHERS)
def test_a_table_that_is_no_file(photos: Any, table: str, change: Any, kind: str) -> None:
    change(photos.write() / table)
    with pytest.raises(DataError, match=f"{Path(table).name}: .*this is {kind}, not a file"):
        read_csv_tables(photos.root)


@pytest.mark.parametrize(("change", "kind"), OTHERS)
@pytest.mark.parametrize(
    ("kind_of_set", "file"),
    [("coco", "instances.json"), ("yolo", "labels/*1.txt"), ("yolo", "classes.txt"),
     ("voc", "annotations/*.xml"), ("csv", "image_info.csv")],
)  # fmt: skip
def test_an_annotation_that_is_no_file(
    photos: Any, tmp_path: Path, kind_of_set: str, file: str, change: Any, kind: str
) -> None:
    export_dataset(kind_of_set, read_csv(photos.write()), tmp_path / "out")
    path = min((tmp_path / "out").glob(file))
    (tmp_path / "out" / "data.yaml").unlink(missing_ok=True)  # it names the classes as well
    change(path)
    # A folder is no file of a set, so what it would have said is missing.
    without = "|expected (COCO|VOC|classes)|a COCO instances|no such file|in no label file"
    says = rf"{path.name}: .*this is {kind}" + (without if kind == "a folder" else "")
    with pytest.raises(DataError, match=says):
        read_set(kind_of_set, tmp_path / "out")


@pytest.mark.parametrize(("change", "kind"), OTHERS)
@pytest.mark.parametrize("kind_of_set", ["coco", "yolo", "voc", "csv"])
def test_a_photo_that_is_no_file(
    photos: Any, tmp_path: Path, kind_of_set: str, change: Any, kind: str
) -> None:
    export_dataset(kind_of_set, read_csv(photos.write()), tmp_path / "out")
    change(tmp_path / "out" / "images" / "photo002.png")
    with pytest.raises(DataError, match=rf"photo002.*{kind}|not there: 'photo002"):
        import_set(kind_of_set, tmp_path / "out", Target(tmp_path / "into"))
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("Name,Author\n" + "a,b\n" * 1001, "more than 1,000 rows"),
        ("Name" + "," * 5000 + "\na\n", "a line is longer"),
        ("Name,Author\na" + "," * 5000 + "\n", "a line is longer"),
        ("x" * 5000, "a line is longer"),
        ("Name,Author\n" + "a,b\n" * 60_000, "MiB; a table has at most"),
    ],
)
def test_a_table_is_never_larger_than_it_may(
    photos: Any, monkeypatch: pytest.MonkeyPatch, content: str, says: str
) -> None:
    monkeypatch.setattr(formats, "MAX_ROWS", 1_000)
    monkeypatch.setattr(formats, "MAX_LINE_BYTES", 1_000)
    monkeypatch.setattr(formats, "MAX_TABLE_BYTES", 200_000)
    (photos.write() / "image_info.csv").write_text(content)
    with pytest.raises(DataError, match=rf"image_info\.csv: .*{says}"):
        read_csv_tables(photos.root)


def test_an_annotation_file_is_never_larger_than_it_may(
    photos: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_dataset("coco", read_csv(photos.write()), tmp_path / "out")
    monkeypatch.setattr(annotations, "MAX_TEXT_BYTES", 1_000)
    with pytest.raises(DataError, match=r"instances\.json: larger than"):
        read_set("coco", tmp_path / "out")


AUTHORS = ["a\rb", "a\nb", "a\r\nb", '"a, b"', "=1+1", "@ada", "\ttab", "-", "NA", " Ada ", "'=1"]


@pytest.mark.parametrize("author", AUTHORS)
def test_what_is_read_back_is_never_altered(
    config: DataConfig, photos: Any, new: Any, author: str
) -> None:
    photos.write()
    new.info.loc[1, "Author"] = author
    new.write()
    if "\r" in author:  # as a spreadsheet writes it; pandas leaves it bare
        new.info.to_csv(new.info_path, index=False, quoting=1)
    ingest_new(config)
    for _ in range(2):
        images = check_dataset(photos.root, config).dataset.images
        assert images.set_index("image").loc["photo101.png", "author"] == author
        export_dataset("csv", read_csv(photos.root), photos.root.parent / "out")
        assert author in set(read_csv(photos.root.parent / "out").images["author"])
        shutil.rmtree(photos.root.parent / "out")


CLOSED = ["image_info.csv", "bboxes", "images", "images/photo001.png", "."]


@pytest.mark.parametrize("closed", CLOSED)
def test_what_may_not_be_read_is_named(as_nobody: Any, closed: str) -> None:
    from photo_sets import PhotoSet

    home = as_nobody.folder
    root = PhotoSet(home / "raw", 6).write()
    config = DataConfig(
        root=str(root), prepared=str(home / "prepared"), extensions=(".png",),
        new=str(home / "new"), rejected=str(home / "rejected"),
    )  # fmt: skip
    place = root / closed
    mode = place.stat().st_mode
    place.chmod(0)
    try:
        with as_nobody, pytest.raises(DataError, match=r"Permission denied") as caught:
            _ = check_dataset(root, config).dataset
        assert (Path(closed).name or str(root)) in str(caught.value)
        with as_nobody, pytest.raises(DataError, match="Permission denied"):
            ingest_new(config)
    finally:
        place.chmod(mode)


def test_a_set_in_a_folder_that_may_not_be_written(as_nobody: Any) -> None:
    from photo_sets import PhotoSet

    home = as_nobody.folder
    PhotoSet(home / "raw", 6).write()
    PhotoSet(home / "new", 4, first=100, prefix="new_").write()
    config = DataConfig(
        root=str(home / "raw"), prepared=str(home / "prepared"), extensions=(".png",),
        new=str(home / "new"), rejected=str(home / "rejected"),
    )  # fmt: skip
    before = sorted(path.name for path in (home / "new").rglob("*"))
    home.chmod(0o555)
    with as_nobody, pytest.raises(DataError, match=r"raw: cannot be locked .*Permission denied"):
        ingest_new(config)
    assert sorted(path.name for path in (home / "new").rglob("*")) == before
