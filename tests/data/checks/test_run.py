"""Every rule of the checks: a valid set passes, and each fault is named with file, row and rule."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sparrow.config import DataConfig
from sparrow.data.checks.report import RULES, CheckReport
from sparrow.data.checks.run import check_dataset, check_tables, photo_files
from sparrow.data.errors import DataError
from sparrow.reports.checks import report_html

INFO, BOXES = "image_info.csv", "bboxes/bounding_boxes.csv"


def check(photos: Any, config: DataConfig) -> CheckReport:
    return check_dataset(photos.write(), config).report


def hits(report: CheckReport, rule: str) -> list[tuple[str, int, str]]:
    rows = [found.rows for found in report.violations if found.rule == rule]
    return [(r.table, r.row, r.image) for frame in rows for r in frame.itertuples()]


def test_a_valid_set_passes_and_carries_its_measurements(photos: Any, config: DataConfig) -> None:
    checked = check_dataset(photos.write(), config)
    assert checked.report.violations == ()
    assert checked.dataset.images["n_boxes"].tolist() == [0, 1, 2, 0, 1, 2]
    assert checked.dataset.images["width_px"].tolist() == [64] * 6
    assert checked.dataset.images["sha256"].str.len().eq(64).all()
    # Photo 1 has one box, written as x 5, y 10, width 20, height 15.
    assert checked.dataset.boxes.iloc[0, 2:].tolist() == [5, 10, 25, 25]


def test_what_a_system_keeps_among_photos_is_no_unlisted_photo(tmp_path: Path) -> None:
    for name in ("b.jpg", "Thumbs.db", "desktop.ini", "._b.jpg", "@eaDir", "notes.txt"):
        (tmp_path / "images" / name).mkdir(parents=True)
    assert photo_files(tmp_path) == ["b.jpg", "notes.txt"]


def test_a_set_of_negatives_only_passes(photos: Any, config: DataConfig) -> None:
    photos.info["Number_HSparrows"] = 0
    photos.boxes = photos.boxes.iloc[:0]
    checked = check_dataset(photos.write(), config)
    assert checked.report.ok
    assert len(checked.dataset.boxes) == 0
    assert checked.dataset.images["height_px"].tolist() == [48] * 6  # from the files


def cell(table: str, row: int, column: str, value: Any) -> Callable[[Any], None]:
    def break_it(photos: Any) -> None:
        frame = getattr(photos, table)
        setattr(photos, table, frame.astype({column: object}))
        getattr(photos, table).loc[row, column] = value

    return break_it


def repeat_box(photos: Any) -> None:
    photos.boxes = pd.concat([photos.boxes, photos.boxes.iloc[[0]]], ignore_index=True)
    photos.info.loc[1, "Number_HSparrows"] = 2


def draw_box_again(photos: Any) -> None:
    repeat_box(photos)
    photos.boxes["bbox_width"] = photos.boxes["bbox_width"].astype(float)
    photos.boxes.loc[len(photos.boxes) - 1, "bbox_width"] = 20.5  # IoU 20 / 20.5 = 0.976


def drop_picture(photos: Any) -> None:
    del photos.pictures["photo002.png"]


def extra_picture(photos: Any) -> None:
    photos.pictures["stray.png"] = photos.pictures["photo000.png"].T.reshape(48, 64, 3)


def twin_picture(photos: Any) -> None:
    photos.pictures["photo004.png"] = photos.pictures["photo001.png"]


def dimmed_picture(photos: Any) -> None:
    photos.pictures["photo004.png"] = (photos.pictures["photo001.png"] * 0.9).astype(np.uint8)


def rename(old: str, new: str) -> Any:
    return lambda photos: photos.rename(old, new)


def repeat_name(photos: Any) -> None:
    photos.info = pd.concat([photos.info, photos.info.iloc[[0]]], ignore_index=True)


# (what is done, the rule it breaks, where it must be found). Line 1 of a file is its header.
FAULTS = [
    (cell("info", 1, "Author", ""), "value-missing", (INFO, 3, "photo001.png")),
    (cell("info", 1, "Number_HSparrows", "one"), "value-not-a-number", (INFO, 3, "photo001.png")),
    (cell("info", 1, "Number_HSparrows", 301), "count-range", (INFO, 3, "photo001.png")),
    (cell("info", 1, "Number_HSparrows", 0.5), "count-range", (INFO, 3, "photo001.png")),
    (cell("info", 1, "Number_HSparrows", 2), "count-wrong", (INFO, 3, "photo001.png")),
    (cell("info", 0, "Source", "Attic"), "source-unknown", (INFO, 2, "photo000.png")),
    (cell("info", 0, "License", "none"), "license-unknown", (INFO, 2, "photo000.png")),
    (cell("info", 0, "Name", "photo000.gif"), "name-extension", (INFO, 2, "photo000.gif")),
    (cell("info", 0, "Name", "../x.png"), "name-not-a-file-name", (INFO, 2, "../x.png")),
    (repeat_name, "name-duplicate", (INFO, 8, "photo000.png")),
    (rename("photo004.png", "Photo001.PNG"), "name-not-portable", (INFO, 3, "photo001.png")),
    (rename("photo004.png", "Photo001.PNG"), "name-not-portable", (INFO, 6, "Photo001.PNG")),
    (rename("photo004.png", "11:30.png"), "name-not-portable", (INFO, 6, "11:30.png")),
    (rename("photo004.png", "Aux.png"), "name-not-portable", (INFO, 6, "Aux.png")),
    (drop_picture, "photo-missing", (INFO, 4, "photo002.png")),
    (extra_picture, "photo-unlisted", ("images", 0, "stray.png")),
    (twin_picture, "photo-duplicate", (INFO, 6, "photo004.png")),
    (dimmed_picture, "photo-near-duplicate", (INFO, 6, "photo004.png")),
    (cell("boxes", 0, "label_name", "magpie"), "class-unknown", (BOXES, 2, "photo001.png")),
    (cell("boxes", 0, "bbox_x", ""), "value-missing", (BOXES, 2, "photo001.png")),
    (cell("boxes", 0, "bbox_x", "inf"), "value-not-a-number", (BOXES, 2, "photo001.png")),
    (cell("boxes", 0, "bbox_x", 30_001), "position-range", (BOXES, 2, "photo001.png")),
    (cell("boxes", 0, "bbox_width", -20), "box-size-range", (BOXES, 2, "photo001.png")),
    (cell("boxes", 0, "bbox_height", 0), "box-size-range", (BOXES, 2, "photo001.png")),
    (cell("boxes", 0, "bbox_width", 60), "box-outside-photo", (BOXES, 2, "photo001.png")),
    (cell("boxes", 0, "bbox_y", -1), "box-outside-photo", (BOXES, 2, "photo001.png")),
    (cell("boxes", 0, "image_width", -64), "photo-size-range", (BOXES, 2, "photo001.png")),
    (cell("boxes", 0, "image_width", 65), "size-wrong", (BOXES, 2, "photo001.png")),
    (cell("boxes", 2, "image_width", 65), "size-disagrees", (BOXES, 4, "photo002.png")),
    (cell("boxes", 0, "image_name", "q.png"), "box-without-photo", (BOXES, 2, "q.png")),
    (repeat_box, "box-duplicate", (BOXES, 8, "photo001.png")),
    (draw_box_again, "box-drawn-twice", (BOXES, 8, "photo001.png")),
    (cell("boxes", 0, "bbox_width", 3), "box-tiny", (BOXES, 2, "photo001.png")),
]


def test_a_name_that_is_no_text_is_shown_with_its_bytes_and_a_remedy(
    photos: Any, config: DataConfig
) -> None:
    photos.write()
    latin = os.path.join(os.fsencode(photos.root / "images"), b"sch\xf6n.png")
    os.rename(photos.root / "images" / "photo001.png", latin)
    report = check_dataset(photos.root, config).report
    assert "images: sch\\xf6n.png (bytes that are no UTF-8; rename the file)" in report.summary()
    page = report_html(report, photos.root)
    assert "sch\\xf6n.png" in page
    assert json.dumps(report.to_json()).isascii()


def test_blank_rows_of_a_spreadsheet_are_no_rows_and_move_no_row_number(
    photos: Any, config: DataConfig
) -> None:
    root = photos.write()
    for path, row in ((photos.info_path, ",,,,"), (photos.boxes_path, ",,,,,,,")):
        lines = path.read_text().splitlines()
        path.write_text("\n".join([*lines[:2], row, *lines[2:], row]) + "\n")
    assert check_dataset(root, config).report.ok
    # The last photo is in line 7 without the blank line 3, and in line 8 with it.
    photos.info_path.write_text(photos.info_path.read_text().replace("photo005.png", "gone.png", 1))
    assert (INFO, 8, "gone.png") in hits(check_dataset(root, config).report, "photo-missing")


@pytest.mark.parametrize(("break_it", "rule", "place"), FAULTS, ids=[fault[1] for fault in FAULTS])
def test_a_fault_is_named(
    photos: Any, config: DataConfig, break_it: Any, rule: str, place: tuple[str, int, str]
) -> None:
    break_it(photos)
    report = check(photos, config)
    assert place in hits(report, rule)
    assert report.ok == (RULES[rule][0] == "warning")
    table, row, image = place
    assert rule in report.summary()
    assert f"{table} row {row}: {image}" in report.summary() or not row


def test_a_huge_box_is_a_warning(photos: Any, config: DataConfig) -> None:
    values = {"bbox_x": 0, "bbox_y": 0, "bbox_width": 64, "bbox_height": 48}
    photos.boxes.loc[0, list(values)] = list(values.values())
    report = check(photos, config)
    assert hits(report, "box-huge") == [(BOXES, 2, "photo001.png")]
    assert report.ok


@pytest.mark.parametrize(
    ("table", "column"), [("info", "Author"), ("info", "Name"), ("boxes", "bbox_width")]
)
def test_a_missing_column_is_said_once(
    photos: Any, config: DataConfig, table: str, column: str
) -> None:
    setattr(photos, table, getattr(photos, table).drop(columns=column))
    report = check(photos, config)
    assert [found.rule for found in report.violations] == ["column-missing"]
    assert report.violations[0].rows["value"].tolist() == [column]


def test_an_unknown_column_and_empty_tables(photos: Any, config: DataConfig) -> None:
    photos.info["Autor"] = "x"
    photos.boxes = photos.boxes.iloc[:0]
    report = check(photos, config)
    assert {found.rule for found in report.errors} >= {"column-unknown", "table-empty"}
    photos.info = photos.info.drop(columns="Autor").iloc[:0]
    assert "table-empty" in {found.rule for found in check(photos, config).errors}


@pytest.mark.parametrize("content", [b"", b"no photo", None])
def test_an_unreadable_photo_is_named(photos: Any, config: DataConfig, content: Any) -> None:
    path = photos.write() / "images" / "photo003.png"
    path.write_bytes(path.read_bytes()[:200] if content is None else content)
    report = check_dataset(photos.root, config).report
    assert hits(report, "photo-unreadable") == [(INFO, 5, "photo003.png")]


def test_a_turned_photo_must_be_recorded_upright(photos: Any, config: DataConfig) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = photos.write() / "images" / "photo001.png"
    Image.fromarray(photos.pictures["photo001.png"]).save(path, exif=exif)
    report = check_dataset(photos.root, config).report
    (found,) = [found for found in report.errors if found.rule == "size-wrong"]
    assert "EXIF" in found.rows["value"][0]


def test_a_broken_set_is_not_handed_out(photos: Any, config: DataConfig) -> None:
    photos.info.loc[1, "Number_HSparrows"] = 5
    checked = check_dataset(photos.write(), config)
    with pytest.raises(DataError, match=r"count-wrong[^$]*image_info.csv row 3: photo001.png"):
        _ = checked.dataset


def test_a_missing_folder_is_refused(photos: Any, config: DataConfig) -> None:
    with pytest.raises(DataError, match=r"image_info\.csv: there is no"):
        check_dataset(Path(config.root), config)


def test_the_report_tells_how_many_rows_it_leaves_out(config: DataConfig) -> None:
    info = pd.DataFrame(
        {
            "Name": [f"{i}.png" for i in range(2000)],
            "Author": "",
            "Number_HSparrows": 0,
            "Source": "Flickr",
            "License": "CC0",
        }
    )
    columns = ["label_name", "bbox_x", "bbox_y", "bbox_width", "bbox_height"]
    boxes = pd.DataFrame(columns=[*columns, "image_name", "image_width", "image_height"])
    violations = check_tables(info, boxes, config)
    report = CheckReport("here", tuple(violations), 2000, 0)
    (found,) = report.to_json()["findings"]
    assert (found["rule"], found["rows_in_all"], len(found["rows"])) == (
        "value-missing",
        2000,
        1000,
    )
    assert "and 1,997 more" in report.summary()
