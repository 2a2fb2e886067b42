"""What the data folders hold, as hashes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from sparrow.config import DataConfig
from sparrow.pipeline.data_state import ASSIGNMENTS, NEW, NOTHING, RAW, data_state


@pytest.fixture
def config(tmp_path: Path, drawn_dataset: Path) -> DataConfig:
    shutil.copytree(drawn_dataset, tmp_path / "raw")
    return DataConfig(
        root=str(tmp_path / "raw"), new=str(tmp_path / "new"), prepared=str(tmp_path / "prepared")
    )


def test_nothing_there_is_nothing(tmp_path: Path) -> None:
    config = DataConfig(root=str(tmp_path / "raw"), new=str(tmp_path / "new"),
                        prepared=str(tmp_path / "prepared"))  # fmt: skip
    assert data_state(config) == {RAW: NOTHING, NEW: NOTHING, ASSIGNMENTS: NOTHING}


def test_the_same_content_is_the_same_state_whatever_its_times(config: DataConfig) -> None:
    before = data_state(config)
    for path in Path(config.root).rglob("*"):
        os.utime(path)
    assert data_state(config) == before


def _photo(config: DataConfig) -> Path:
    return sorted((Path(config.root) / "images").iterdir())[0]


def test_each_kind_of_change_is_seen_where_it_is(config: DataConfig) -> None:
    before = data_state(config)
    root = Path(config.root)
    table = root / "image_info.csv"
    text = table.read_text()
    table.write_text(text + "\n")
    assert data_state(config)[RAW] != before[RAW]
    table.write_text(text)
    assert data_state(config) == before
    _photo(config).rename(_photo(config).with_name("renamed.jpg"))
    assert data_state(config)[RAW] != before[RAW]
    (root / "history").mkdir(exist_ok=True)
    (root / "history" / "sides.csv").write_text("sha256,split\n")
    state = data_state(config)
    assert state[ASSIGNMENTS] != NOTHING
    (root / "history" / "other").write_text("kept versions are no data of this run")
    assert data_state(config) == state
    Path(config.new, "images").mkdir(parents=True)
    assert data_state(config)[NEW] == NOTHING  # an empty folder holds no photo
    shutil.copy(sorted((root / "images").iterdir())[0], Path(config.new, "images", "a.jpg"))
    assert data_state(config)[NEW] != NOTHING


def test_one_byte_of_one_photo_is_seen(config: DataConfig) -> None:
    before = data_state(config)
    photo = _photo(config)
    content = bytearray(photo.read_bytes())
    content[-3] ^= 1
    photo.write_bytes(content)
    assert data_state(config)[RAW] != before[RAW]
