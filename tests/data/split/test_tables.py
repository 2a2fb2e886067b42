"""The split's tables in the reference's columns."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sparrow.data.split.prepared_tables import NOTE, TablesOwner, read_owner, write_prepared_tables
from sparrow.data.split.tables import SIZE_COLUMNS, split_tables
from sparrow.data.tables import BOX_COLUMNS, IMAGE_COLUMNS, Dataset

COLUMNS = ("Name", "Author", "Number_HSparrows", "Source", "License", *SIZE_COLUMNS)
OURS = TablesOwner("sparrows", "data/raw", "0" * 16)
TABLES = {"train.csv": "Name\na.jpg\n", "validation.csv": "Name\n", "test.csv": "Name\n"}


def photos(*rows: tuple[str, str, int]) -> Dataset:
    """Photos of 40 x 30 px: name, split, number of boxes; box n is (n + 2) x 2 (n + 2) px."""
    images = pd.DataFrame(
        [(name, "NA", count, "S", "L, a", 40, 30) for name, _, count in rows],
        columns=list(IMAGE_COLUMNS),
    ).assign(split=[split for _, split, _ in rows])
    boxes = pd.DataFrame(
        [
            (name, "bird", 1.0, 1.0, 3.0 + number, 5.0 + 2 * number)
            for name, _, count in rows
            for number in range(count)
        ],
        columns=list(BOX_COLUMNS),
    )
    return Dataset(Path("raw"), images, boxes)


def test_without_photos_there_are_three_tables_with_their_columns() -> None:
    tables = split_tables(photos())
    assert list(tables) == ["train.csv", "validation.csv", "test.csv"]
    assert set(tables.values()) == {",".join(COLUMNS) + "\n"}


def test_the_columns_of_the_reference_with_means_of_the_boxes() -> None:
    tables = split_tables(
        photos(("b.jpg", "train", 2), ("a.jpg", "train", 0), ("c.jpg", "test", 1))
    )
    # Boxes of 2 x 4 and 3 x 6 px: 2.5 x 5 on average. A photo without boxes has no mean. The author
    # is called NA, and the licence holds a comma.
    assert tables["train.csv"].splitlines() == [
        ",".join(COLUMNS),
        'a.jpg,NA,0,S,"L, a",,,40,30',
        'b.jpg,NA,2,S,"L, a",2.5,5.0,40,30',
    ]
    assert tables["validation.csv"].splitlines() == [",".join(COLUMNS)]
    assert tables["test.csv"].splitlines()[1] == 'c.jpg,NA,1,S,"L, a",2.0,4.0,40,30'


def test_written_with_a_note_whose_they_are(tmp_path: Path) -> None:
    assert read_owner(tmp_path / "prepared") is None
    lines = write_prepared_tables(tmp_path / "prepared", TABLES, OURS)
    assert len(lines) == 1
    assert "train.csv, validation.csv, test.csv" in lines[0]
    files = sorted(path.name for path in (tmp_path / "prepared").iterdir())
    assert files == [NOTE, "test.csv", "train.csv", "validation.csv"]  # nothing half-written
    assert (tmp_path / "prepared" / "train.csv").read_text() == TABLES["train.csv"]
    assert read_owner(tmp_path / "prepared") == OURS


def test_a_newer_state_of_the_same_set_replaces_its_tables_without_a_word(tmp_path: Path) -> None:
    write_prepared_tables(tmp_path, TABLES, OURS)
    newer = TablesOwner("sparrows", "data/raw", "1" * 16)
    assert len(write_prepared_tables(tmp_path, TABLES, newer)) == 1
    assert read_owner(tmp_path) == newer


@pytest.mark.parametrize(
    "other",
    [TablesOwner("owls", "data/raw", "0" * 16), TablesOwner("sparrows", "data/own", "0" * 16)],
)
def test_the_tables_of_another_config_are_not_replaced_silently(
    tmp_path: Path, other: TablesOwner
) -> None:
    write_prepared_tables(tmp_path, TABLES, OURS)
    told = write_prepared_tables(tmp_path, TABLES, other)[1]
    assert "sparrows (data/raw, data version 0000000000000000)" in told
    assert "data.prepared of its own" in told
    assert read_owner(tmp_path) == other


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "sparrows"}', "\x00"])
def test_a_note_that_cannot_be_read_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / NOTE).write_text(text)
    assert read_owner(tmp_path) is None
    assert len(write_prepared_tables(tmp_path, TABLES, OURS)) == 1


def test_a_folder_that_cannot_be_written_is_said_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "prepared").write_text("a file")
    (told,) = write_prepared_tables(tmp_path / "prepared", TABLES, OURS)
    assert "were not written" in told
