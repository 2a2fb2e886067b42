"""IngestOutcome: all or nothing, nothing twice, corrections come back, refusals keep everything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sparrow.config import DataConfig
from sparrow.data.checks.run import check_dataset
from sparrow.data.errors import DataError
from sparrow.data.ingest.ingest import ingest_new
from sparrow.data.ingest.versions import read_log, read_version, restore_version
from sparrow.data.tables import data_version
from sparrow.reports.checks import write_report


def snapshot(folder: Path) -> dict[str, bytes]:
    files = [p for p in sorted(folder.rglob("*")) if p.is_file()]
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def test_nothing_new_changes_nothing(config: DataConfig, photos: Any) -> None:
    before = snapshot(photos.write())
    result = ingest_new(config)
    assert (result.accepted, result.skipped_known, result.report) == ((), 0, None)
    after = snapshot(photos.root)
    assert {name: after[name] for name in before} == before
    # But a state that nobody recorded is, once.
    assert {name.split("/")[0] for name in after.keys() - before.keys()} == {"history"}
    (line,) = read_log(photos.root)
    assert (line["version"], len(line["added"])) == (result.data_version, 6)
    assert ingest_new(config) == result
    assert snapshot(photos.root) == after


def test_new_photos_are_merged_once(config: DataConfig, photos: Any, new: Any) -> None:
    photos.write()
    new.write()
    (new.root / "notes.txt").write_text("by the pond")
    result = ingest_new(config)
    assert (len(result.accepted), result.corrected, result.skipped_known) == (4, (), 0)
    merged = check_dataset(photos.root, config)
    assert merged.report.violations == ()
    assert len(merged.dataset.images) == 10
    assert result.data_version == data_version(merged.dataset)
    assert snapshot(new.root) == {"notes.txt": b"by the pond"}  # not ours to take

    before = snapshot(photos.root)
    new.write()
    again = ingest_new(config)
    assert (again.accepted, again.corrected, again.skipped_known) == ((), (), 4)
    assert again.data_version == result.data_version
    assert snapshot(photos.root) == before


def test_without_a_raw_set_the_new_one_becomes_it(config: DataConfig, new: Any) -> None:
    new.write()
    assert len(ingest_new(config).accepted) == 4
    assert len(check_dataset(Path(config.root), config).dataset.images) == 4


def test_the_same_picture_under_another_name_is_known(
    config: DataConfig, photos: Any, new: Any
) -> None:
    photos.write()
    new.pictures["photo103.png"] = photos.pictures["photo001.png"]
    new.write()
    result = ingest_new(config)
    assert (len(result.accepted), result.skipped_known) == (3, 1)
    assert not (photos.root / "images" / "photo103.png").exists()


def test_corrected_boxes_come_back(config: DataConfig, photos: Any, new: Any) -> None:
    photos.write()
    new.info, new.boxes, new.pictures = photos.info, photos.boxes.copy(), photos.pictures
    new.boxes.loc[0, "bbox_width"] = 33
    new.write()
    result = ingest_new(config)
    assert (result.accepted, result.skipped_known) == ((), 5)
    assert result.corrected == ("photo001.png",)
    boxes = check_dataset(photos.root, config).dataset.boxes
    corrected = boxes[boxes["image"] == "photo001.png"]
    assert (corrected["x_max_px"] - corrected["x_min_px"]).tolist() == [33]
    assert len(boxes) == 6


def test_a_failing_batch_is_kept_with_its_report(config: DataConfig, photos: Any, new: Any) -> None:
    raw = snapshot(photos.write())
    new.boxes.loc[0, "bbox_width"] = -1
    batch = snapshot(new.write())
    with pytest.raises(DataError, match=r"box-size-range") as caught:
        ingest_new(config, write_report=write_report)
    assert "bboxes/new_bounding_boxes.csv row 2: photo100.png" in str(caught.value)
    assert snapshot(photos.root) == raw
    (place,) = Path(config.rejected).iterdir()
    rejected = snapshot(place)
    report = json.loads(rejected.pop("report.json"))
    assert report["findings"][0]["rule"] == "box-size-range"
    page = rejected.pop("report.html").decode()
    assert "data:image/jpeg;base64" in page
    assert rejected == batch
    assert not Path(config.new).exists()


@pytest.mark.parametrize("lost", ["new_image_info.csv", "bboxes/new_bounding_boxes.csv"])
def test_a_batch_without_a_table_is_kept_too(
    config: DataConfig, photos: Any, new: Any, lost: str
) -> None:
    raw = snapshot(photos.write())
    (new.write() / lost).unlink()
    with pytest.raises(DataError, match=lost):
        ingest_new(config)
    assert snapshot(photos.root) == raw
    (place,) = Path(config.rejected).iterdir()
    assert lost in json.loads((place / "report.json").read_text())["error"]


def test_a_taken_name_is_refused(config: DataConfig, photos: Any, new: Any) -> None:
    raw = snapshot(photos.write())
    new.rename("photo101.png", "photo001.png")
    new.write()
    with pytest.raises(DataError, match=r"name-taken[^$]*csv row 3: photo001\.png"):
        ingest_new(config)
    assert snapshot(photos.root) == raw
    (place,) = Path(config.rejected).iterdir()
    report = json.loads((place / "report.json").read_text())
    assert not report["ok"]
    assert report["findings"][0]["rule"] == "name-taken"


def test_a_broken_raw_set_takes_nothing_in(config: DataConfig, photos: Any, new: Any) -> None:
    photos.info.loc[0, "Number_HSparrows"] = 9
    raw, batch = snapshot(photos.write()), snapshot(new.write())
    with pytest.raises(DataError, match="count-wrong"):
        ingest_new(config)
    assert (snapshot(photos.root), snapshot(new.root)) == (raw, batch)


def test_versions_are_logged_and_restored(config: DataConfig, photos: Any, new: Any) -> None:
    first = data_version(check_dataset(photos.write(), config).dataset)
    new.write()
    second = ingest_new(config).data_version
    log = read_log(photos.root)
    assert [line["version"] for line in log] == [first, second]
    assert [(line["photos"], len(line["added"])) for line in log] == [(6, 6), (10, 4)]
    assert log[1]["added"] == ["photo100.png", "photo101.png", "photo102.png", "photo103.png"]
    assert all(line["user"] and line["time"] for line in log)

    assert restore_version(config, first[:6]) == first
    restored = check_dataset(photos.root, config)
    assert data_version(restored.dataset) == first
    assert len(list((photos.root / "history" / "photos").iterdir())) == 4  # kept by content
    last = read_log(photos.root)[-1]
    assert (last["note"], last["added"], len(last["removed"])) == ("restored", [], 4)
    assert restore_version(config, second) == second
    assert data_version(check_dataset(photos.root, config).dataset) == second
    assert list((photos.root / "history" / "photos").iterdir()) == []
    assert len(read_version(photos.root, first).images) == 6
    with pytest.raises(DataError, match="no version begins with 'zz'"):
        read_version(photos.root, "zz")
