"""A photo that somebody puts into a set while it is exchanged is not deleted with the old state."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from sparrow.config import DataConfig
from sparrow.data.checks.run import check_dataset
from sparrow.data.ingest import atomic_dir
from sparrow.data.ingest.atomic_dir import replace_directory
from sparrow.data.ingest.ingest import ingest_new


def names(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("can_exchange", [True, False])
def test_nothing_written_meanwhile_is_lost(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    can_exchange: bool,
) -> None:
    if not can_exchange:
        monkeypatch.setattr(atomic_dir, "exchange", lambda *_: False)
    folder = tmp_path / "set"
    with replace_directory(folder) as place:  # there was none
        (place / "table").write_text("old")
        (place / "both").write_text("shared")
    assert caplog.text == ""
    for number in (1, 2):
        with replace_directory(folder) as place:
            (place / "table").write_text(f"new {number}")
            os.link(folder / "both", place / "both")
            (folder / "both").write_text("edited in place, in both states")
            (folder / "table").write_text(f"edited by hand {number}")
            (folder / "more").mkdir(exist_ok=True)
            (folder / "more" / f"late{number}.jpg").write_text("late")
    assert names(tmp_path) == [
        "set.late/table", "set.late/table-2", "set/both", "set/more/late2.jpg", "set/table",
    ]  # fmt: skip
    assert (folder / "table").read_text() == "new 2"
    assert (folder / "both").read_text() == "edited in place, in both states"
    assert (tmp_path / "set.late" / "table").read_text() == "edited by hand 1"
    assert "2 files were written there by another program" in caplog.text


def test_a_photo_copied_into_the_raw_set_during_an_ingest_is_there_afterwards(
    config: DataConfig, photos: Any, new: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos.write()
    new.write()
    sync = atomic_dir.sync_tree

    def copy_meanwhile(folder: Path) -> None:
        (photos.root / "images" / "mine.png").write_bytes(b"the only copy")
        sync(folder)

    monkeypatch.setattr(atomic_dir, "sync_tree", copy_meanwhile)
    assert len(ingest_new(config).accepted) == 4
    assert (photos.root / "images" / "mine.png").read_bytes() == b"the only copy"
    report = check_dataset(photos.root, config).report
    assert [broken.rule for broken in report.errors] == ["photo-unlisted"]  # said, not taken
