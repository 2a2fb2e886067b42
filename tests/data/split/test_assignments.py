"""A photo keeps its side of the split while the set around it grows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from sparrow.config import SplitConfig
from sparrow.data.errors import DataError
from sparrow.data.ingest.versions import HISTORY
from sparrow.data.split.assignments import FILE, load_assignments, save_assignments
from sparrow.data.split.split import split_dataset
from sparrow.data.tables import Dataset

BITS = 0


def dataset(root: Path, authors: str) -> Dataset:
    """One photo a letter, by the author of that name; no boxes, no two photos alike."""
    numbers = range(len(authors))
    images = pd.DataFrame(
        {
            "image": [f"{i:03d}.jpg" for i in numbers],
            "author": list(authors),
            "n_boxes": 0,
            "source": "Flickr",
            "license": "CC0",
            "width_px": 640,
            "height_px": 480,
            "sha256": [f"{i:064x}" for i in numbers],
            "phash": [f"{i * 2654435761 % 2**64:016x}" for i in numbers],
            "dhash": [f"{i * 40503 % 2**64:016x}" for i in numbers],
        }
    )
    columns = ("x_min_px", "y_min_px", "x_max_px", "y_max_px")
    boxes = pd.DataFrame({"image": [], "label": [], **{name: [] for name in columns}})
    return Dataset(root, images, boxes.astype(dict.fromkeys(columns, float)))


def split(data: Dataset, seed: int = 0) -> Dataset:
    return split_dataset(data, SplitConfig(), BITS, seed, load_assignments(data.root)).dataset


def test_before_the_first_split_no_photo_has_a_side(tmp_path: Path) -> None:
    assert load_assignments(tmp_path) == {}


def test_old_photos_stay_and_new_ones_fill_what_is_lacking(tmp_path: Path) -> None:
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN"
    before = split(dataset(tmp_path, letters[:20]))
    save_assignments(before)
    after = split(dataset(tmp_path, letters), seed=9)  # alone, this seed splits otherwise
    assert after.images["split"].tolist()[:20] == before.images["split"].tolist()
    shares = after.images["split"].value_counts(normalize=True)
    wanted = {"train": 0.55, "validation": 0.2, "test": 0.25}
    assert shares.to_dict() == pytest.approx(wanted, abs=0.03)


def test_a_new_photo_goes_where_its_author_is(tmp_path: Path) -> None:
    before = split(dataset(tmp_path, "abcdefgh"))
    save_assignments(before)
    after = split(dataset(tmp_path, "abcdefgh" + "abcdefgh")).images["split"].tolist()
    assert after[8:] == after[:8] == before.images["split"].tolist()


def test_a_tie_between_two_sides_moves_photos_out_of_the_test(tmp_path: Path) -> None:
    save_assignments(
        _with_sides(dataset(tmp_path, "abcd"), ["train", "test", "test", "validation"])
    )
    # The new photo is by b and looks like a's: a, b and the new one are one group now.
    tied = dataset(tmp_path, "abcdb")
    for column in ("phash", "dhash"):
        tied.images.loc[4, column] = tied.images.loc[0, column]
    after = split(tied).images["split"].tolist()
    assert after == ["train", "train", "test", "validation", "train"]


def test_a_photo_that_went_and_came_back_has_its_side_still(tmp_path: Path) -> None:
    save_assignments(
        _with_sides(dataset(tmp_path, "abcd"), ["test", "train", "validation", "train"])
    )
    without = dataset(tmp_path, "abcd")
    without = replace(without, images=without.images[1:])
    save_assignments(_with_sides(without, ["train", "validation", "train"]))
    assert load_assignments(tmp_path)[f"{0:064x}"] == "test"


@pytest.mark.parametrize(
    ("text", "fault"), [("sha256\nab\n", "not a list"), ("sha256,split\nab,tset\n", "tset")]
)
def test_a_damaged_list_is_refused(text: str, fault: str, tmp_path: Path) -> None:
    path = tmp_path / HISTORY / FILE
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(DataError, match=f"{FILE}.*{fault}.*split afresh"):
        load_assignments(tmp_path)


def _with_sides(data: Dataset, sides: list[str]) -> Dataset:
    return Dataset(data.root, data.images.assign(split=sides), data.boxes)
