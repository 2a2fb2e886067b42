"""Cameras by folders: what is taken for one, and that no format and no merge loses it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from written_sets import Photo, write_photo, write_voc

from sparrow.cli.main import main
from sparrow.config import DataConfig
from sparrow.data.checks.run import check_dataset
from sparrow.data.formats.annotations import PhotoRow
from sparrow.data.formats.csv import CAMERA_CSV, write_csv
from sparrow.data.formats.exchange import export_dataset, read_csv
from sparrow.data.formats.folder_cameras import with_cameras
from sparrow.data.formats.import_report import ImportOptions, ImportReport
from sparrow.data.formats.imports import Target, import_set
from sparrow.data.ingest.changes import changes
from sparrow.data.ingest.merge import merge_batch
from sparrow.data.split.capture import cameras, days
from sparrow.data.tables import Dataset, data_version

BIRD = ("bird", 1, 2, 20, 30)


def two_cameras(folder: Path, day: str = "") -> Path:
    """The same file name by two cameras, other pixels, labels beside them."""
    for name, size in (("cam1", (40, 30)), ("cam2", (44, 30))):
        write_voc(folder / name / day, [Photo("IMG_0001.jpg", size, (BIRD,))], "beside")
    return folder


def config(root: Path, **keys: object) -> DataConfig:
    return DataConfig.model_validate(
        {"root": str(root), "prepared": str(root.parent / "prepared"), "classes": ["bird"], **keys}
    )


def folders_taken(*paths: str, label: str = "bird", **options: str) -> list[str]:
    rows = [PhotoRow(path, 9, 9, [(label, 0.0, 0.0, 5.0, 5.0)]) for path in paths]
    chosen = ImportOptions(**options)  # type: ignore[arg-type]
    return [row.camera for row in with_cameras(rows, chosen, ImportReport("voc"))]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([], []),
        (["a.jpg"], [""]),
        (["cam1/a.jpg", "cam1/b.jpg"], ["", ""]),  # tells nothing apart
        (["cam1/a.jpg", "b.jpg"], ["", ""]),
        (["cam1/a.jpg", "cam2/a.jpg", "c.jpg"], ["cam1", "cam2", ""]),
        (["set/cam1/a.jpg", "set/cam2/a.jpg"], ["cam1", "cam2"]),
        (["train/cam1/a.jpg", "val/cam2/a.jpg", "val/cam1/b.jpg"], ["cam1", "cam2", "cam1"]),
        (["train/a.jpg", "test/b.jpg", "images/valid/c.jpg"], ["", "", ""]),
        (["Bird/a.jpg", "negatives/b.jpg"], ["", ""]),  # a class, and what shows none
        (["a/cam/1.jpg", "b/cam/1.jpg"], ["a/cam", "b/cam"]),
        (["2024-05-12/1.jpg", "2024-05-13/1.jpg"], ["", ""]),
    ],
)
def test_what_is_taken_for_a_camera(paths: list[str], expected: list[str]) -> None:
    assert folders_taken(*paths) == expected


def test_no_folder_where_a_person_says_so_or_the_set_names_cameras() -> None:
    assert folders_taken("cam1/a.jpg", "cam2/a.jpg", cameras="none") == ["", ""]
    rows = [PhotoRow("cam1/a.jpg", 9, 9, [], camera="garden"), PhotoRow("cam2/a.jpg", 9, 9, [])]
    assert with_cameras(rows, ImportOptions(), ImportReport("coco")) == rows


def test_an_import_says_which_folders_and_the_check_takes_the_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, raw = two_cameras(tmp_path / "set", "2024-05-12"), tmp_path / "raw"
    assert main(["import", str(source), "--into", str(raw)]) == 0
    printed = capsys.readouterr().out
    assert "2 folders were taken for cameras" in printed
    assert "(cam1, cam2)" in printed
    header, *rows = (raw / "image_info.csv").read_text(encoding="utf-8").splitlines()
    assert header == "Name,Author,Number_HSparrows,Source,License,Camera"
    assert [row.rpartition(",")[2] for row in rows] == ["cam1", "cam2"]
    dataset = check_dataset(raw, config(raw)).dataset
    assert cameras(dataset.images).tolist() == ["cam1", "cam2"]
    assert days(dataset.images).tolist() == ["2024-05-12"] * 2  # of the folder, in the name


def test_a_set_without_cameras_is_byte_for_byte_as_before(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    import_set(None, two_cameras(tmp_path / "set"), Target(raw), ImportOptions(cameras="none"))
    info = (raw / "image_info.csv").read_bytes()
    assert CAMERA_CSV.encode() not in info
    version = data_version(check_dataset(raw, config(raw)).dataset)
    lines = info.decode().splitlines()
    (raw / "image_info.csv").write_text(
        "\n".join([lines[0] + ",Camera", *(line + "," for line in lines[1:])]) + "\n",
        encoding="utf-8",
    )
    checked = check_dataset(raw, config(raw))
    assert checked.report.ok  # an empty cell of this column is no missing value
    assert data_version(checked.dataset) == version
    write_csv(checked.dataset, raw)
    assert (raw / "image_info.csv").read_bytes() == info


@pytest.mark.parametrize("kind", ["coco", "voc", "csv"])
def test_a_round_trip_keeps_the_camera(tmp_path: Path, kind: str) -> None:
    import_set(None, two_cameras(tmp_path / "set"), Target(tmp_path / "raw"))
    before = read_csv(tmp_path / "raw")
    export_dataset(kind, before, tmp_path / "out")
    import_set(None, tmp_path / "out", Target(tmp_path / "back"))
    after = read_csv(tmp_path / "back")
    assert sorted(cameras(after.images)) == sorted(cameras(before.images)) == ["cam1", "cam2"]


def test_coco_camera_traps_name_a_location(tmp_path: Path) -> None:
    write_photo(tmp_path / "set" / "a.jpg", Photo("a.jpg", (9, 9)))
    write_photo(tmp_path / "set" / "b.jpg", Photo("b.jpg", (9, 9)))
    (tmp_path / "set" / "instances.json").write_text(
        '{"images": [{"id": "1", "file_name": "a.jpg", "location": 26},'
        ' {"id": "2", "file_name": "b.jpg"}],'
        ' "annotations": [], "categories": [{"id": 1, "name": "bird"}]}',
        encoding="utf-8",
    )
    imported = import_set("coco", tmp_path / "set", Target(tmp_path / "raw"))
    assert cameras(imported.dataset.images).tolist() == ["26", ""]


def test_a_correction_without_a_camera_keeps_it_and_another_is_a_correction(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    import_set(None, two_cameras(tmp_path / "set"), Target(raw))
    current = check_dataset(raw, config(raw)).dataset
    came = current.images.drop(columns="named_camera").assign(author="Anna")
    merged = merge_batch(Dataset(raw, came, current.boxes), current)
    assert cameras(merged.dataset.images).tolist() == ["cam1", "cam2"]
    assert set(merged.dataset.images["author"]) == {"Anna"}
    other = current.images.assign(named_camera=["cam1", "cam3"])
    assert changes(current, Dataset(raw, other, current.boxes)).corrected == (
        current.images["image"].iloc[1],
    )
    # Named for the first time, and no more: the tables of both states differ by a column.
    unnamed = Dataset(raw, current.images.drop(columns="named_camera"), current.boxes)
    assert len(changes(unnamed, current).corrected) == 2
    assert len(changes(current, unnamed).corrected) == 2


def test_new_photos_of_a_camera_join_a_set_that_names_none(tmp_path: Path) -> None:
    raw, new = tmp_path / "raw", tmp_path / "new"
    import_set(None, two_cameras(tmp_path / "set"), Target(raw), ImportOptions(cameras="none"))
    other = tmp_path / "other"
    for camera, width in (("left", 50), ("right", 54)):
        photo = Photo(f"{camera}.jpg", (width, 30), (BIRD,))
        write_voc(other / camera, [photo], "beside")
    import_set(None, other, Target(new, prefix="new_"))
    current = check_dataset(raw, config(raw)).dataset
    batch = check_dataset(new, config(raw), "new_").dataset
    merged = merge_batch(batch, current).dataset
    write_csv(merged, raw)
    shutil.copytree(new / "images", raw / "images", dirs_exist_ok=True)
    after = check_dataset(raw, config(raw)).dataset
    assert cameras(after.images).tolist() == ["", "", "left", "right"]
