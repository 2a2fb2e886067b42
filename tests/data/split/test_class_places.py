"""A rare class has a place in each split, as far as its groups last; one class changes nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sparrow.config import SplitConfig
from sparrow.data.split.class_places import FREE, missing_places, place_classes
from sparrow.data.split.class_words import class_lines, rare_classes
from sparrow.data.split.split import split_dataset
from sparrow.data.tables import Dataset


def two_classes(rare: int, photos: int = 120) -> Dataset:
    """Photos of a jay, the first few of which show a hawk, each by nobody known."""
    names = [f"{n:03}.jpg" for n in range(photos)]
    images = pd.DataFrame(
        {
            "image": names,
            "author": "unknown",
            "n_boxes": 1,
            "source": "unknown",
            "license": "unknown",
            "width_px": 100,
            "height_px": 100,
            "sha256": [f"{n:064}" for n in range(photos)],
        }
    )
    label = ["hawk"] * rare + ["jay"] * (photos - rare)
    boxes = pd.DataFrame({"image": names, "label": label, "x_min_px": 1.0, "y_min_px": 1.0})
    boxes["x_max_px"], boxes["y_max_px"] = 20.0 + np.arange(photos) % 7, 30.0
    images["phash"] = images["dhash"] = ""
    return Dataset(Path("set"), images, boxes)


def split_of(dataset: Dataset, seed: int) -> dict[str, list[str]]:
    result = split_dataset(dataset, SplitConfig(tries=20), 0, seed)
    hawks = dataset.boxes["image"][dataset.boxes["label"] == "hawk"]
    images = result.dataset.images
    return {"hawks": sorted(images["split"][images["image"].isin(hawks)]), **result.report}  # type: ignore[dict-item]


def test_no_class_to_place_leaves_all_free() -> None:
    fixed = np.full(5, FREE)
    placed = place_classes(np.zeros((5, 0), dtype=bool), fixed, np.random.default_rng(0))
    assert placed.tolist() == [FREE] * 5
    assert missing_places(np.zeros((5, 0), bool), placed) == 0


@pytest.mark.parametrize("seed", range(5))
def test_four_photos_of_a_class_are_in_all_three_splits(seed: int) -> None:
    split = split_of(two_classes(4), seed)
    assert set(split["hawks"]) == {"train", "validation", "test"}
    line = class_lines(split["classes"])[0]  # type: ignore[arg-type]
    counts = {side: split["hawks"].count(side) for side in ("train", "validation", "test")}
    assert line == "hawk: 4 photos: " + ", ".join(f"{n} {side}" for side, n in counts.items())
    # At most two of the four are test photos: far fewer than ten groups.
    assert any("hawk is in" in words for words in split["class_warnings"])


def test_a_class_in_two_groups_is_learned_and_tested() -> None:
    split = split_of(two_classes(2), 0)
    assert split["hawks"] == ["test", "train"]
    assert split["class_warnings"][0] == (
        "hawk is in no validation photo: epoch and threshold are chosen without it."
    )


def test_what_is_settled_counts_and_stays() -> None:
    holds = np.array([[True], [True], [True]])
    placed = place_classes(holds, np.array([2, FREE, FREE]), np.random.default_rng(0))
    assert placed[0] == 2
    assert sorted(placed[1:]) == [0, 1]


def test_a_rare_class_is_named_beside_the_scores() -> None:
    groups = pd.Series([f"g{n}" for n in range(12)])
    assert rare_classes([], pd.Series([], dtype=object)) == ""
    assert rare_classes(["jay"] * 12, groups) == ""  # one class: the sentence itself says it
    assert rare_classes(["jay"] * 11 + ["hawk"], groups).endswith("little: hawk (1 group)")
