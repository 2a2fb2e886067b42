"""What the first step says of a split that cannot be, or that is worth little."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from sparrow.config import Config, with_overrides
from sparrow.pipeline.start_split import check_split

FEW = "cannot split 12 photos into train, validation, test: they are {} independent group(s)"


def photos(names: list[str], author: str = "me", license: str = "CC0") -> pd.DataFrame:
    return pd.DataFrame({"Name": names, "Author": author, "License": license})


def config(root: Path, *overrides: str) -> Config:
    return with_overrides(Config(), [f"data.root={root}", *overrides])


NUMBERS = [f"{n}.jpg" for n in range(12)]
DAYS = [f"IMG_202405{n // 4 + 1:02}_08150{n}.jpg" for n in range(8)] + NUMBERS[8:]


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (NUMBERS, 1),  # one author, no day
        (DAYS, None),  # two days, and what has none
        ([f"IMG_20240501_0815{n:02}.jpg" for n in range(12)], 1),  # one visit
        ([f"IMG_20240501_{n + 8:02}1500.jpg" for n in range(12)], 1),  # one day
    ],
)
def test_one_author_needs_days(tmp_path: Path, names: list[str], groups: int | None) -> None:
    faults, warnings = check_split(config(tmp_path), photos(names))
    assert warnings == []
    assert [fault.startswith(FEW.format(groups)) for fault in faults] == [True] * bool(groups)


def test_cameras_help_one_author(tmp_path: Path) -> None:
    table = photos(NUMBERS).assign(Camera=["left", "middle", "right"] * 4)
    assert check_split(config(tmp_path), table) == ([], [])
    table = photos(NUMBERS).assign(Camera=["left", "right"] * 6)
    (fault,) = check_split(config(tmp_path), table)[0]
    assert fault.startswith(FEW.format(2))
    assert "known are 1 author(s), 0 other camera(s), the day of 0 photos" in fault
    assert "the column Camera" in fault


def test_the_headers_of_photos_count(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for n, name in enumerate(NUMBERS):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9003] = f"2024:05:{n % 3 + 1:02} 08:15:02"
        Image.new("RGB", (8, 8)).save(tmp_path / "images" / name, exif=exif)
    assert check_split(config(tmp_path), photos(NUMBERS)) == ([], [])


def test_licences_that_leave_nothing_or_too_little(tmp_path: Path) -> None:
    table = photos(NUMBERS, "unknown", "CC BY 4.0")
    cc0 = config(tmp_path, "split.licenses=[CC0]")
    assert check_split(cc0, table)[0] == [
        "no photo is under CC0 (split.licenses); there are: CC BY 4.0"
    ]
    table.loc[:1, "License"] = "CC0"
    assert check_split(cc0, table)[0][0].startswith("2 photos: train, validation, test need one")


def test_most_photos_of_nobody_known_are_a_warning(tmp_path: Path) -> None:
    table = photos(NUMBERS, "unknown")
    (warning,) = check_split(config(tmp_path), table)[1]
    assert warning.startswith("warning: of 12 of 12 photos neither author, camera nor day is known")
    table.loc[:6, "Author"] = "ann"
    assert check_split(config(tmp_path), table) == ([], [])


def test_a_table_that_lacks_a_column_is_the_checks_business(tmp_path: Path) -> None:
    assert check_split(config(tmp_path), pd.DataFrame({"Name": NUMBERS})) == ([], [])
