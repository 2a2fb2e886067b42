"""The split: groups never cross it, it is balanced, repeatable, and refuses the impossible."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sparrow.config import SplitConfig
from sparrow.data.certificate import split_certificate
from sparrow.data.errors import DataError
from sparrow.data.sides import SPLITS
from sparrow.data.split import split_dataset
from sparrow.data.tables import UNKNOWN, Dataset

BITS = 12


def dataset(photos: int, authors: int, seed: int = 0) -> Dataset:
    """Photos with random hashes (some 32 bits apart), 0 to 9 boxes each."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 10, photos)
    images = pd.DataFrame(
        {
            "image": [f"{i:05d}.jpg" for i in range(photos)],
            "author": [f"author {a}" for a in rng.integers(0, authors, photos)],
            "n_boxes": counts,
            "source": "Flickr",
            "license": "CC0",
            "width_px": 640,
            "height_px": 480,
            "sha256": [f"{i:064x}" for i in range(photos)],
            "phash": [rng.bytes(8).hex() for _ in range(photos)],
            "dhash": [rng.bytes(8).hex() for _ in range(photos)],
        }
    )
    n = int(counts.sum())
    corner, side = rng.uniform(0, 300, (n, 2)), rng.uniform(10, 150, (n, 2))
    boxes = pd.DataFrame({"image": np.repeat(images["image"], counts), "label": "house_sparrow"})
    boxes[["x_min_px", "y_min_px"]] = corner
    boxes[["x_max_px", "y_max_px"]] = corner + side
    return Dataset(Path("photos"), images, boxes.reset_index(drop=True))


def test_no_photos_cannot_be_split() -> None:
    with pytest.raises(DataError, match="0 photos of 0 independent"):
        split_dataset(dataset(0, 1), SplitConfig(), BITS, 0)


def test_two_authors_cannot_be_split() -> None:
    with pytest.raises(DataError, match="2 independent group"):
        split_dataset(dataset(50, 2), SplitConfig(), BITS, 0)


def test_shares_and_birds_are_balanced() -> None:
    result = split_dataset(dataset(500, 120), SplitConfig(), BITS, 0)
    parts = result.certificate["splits"]
    shares = [parts[split]["share"] for split in SPLITS]
    assert shares == pytest.approx([0.55, 0.2, 0.25], abs=0.02)
    means = [parts[split]["mean_count"] for split in SPLITS]
    assert max(means) - min(means) < 0.5  # of 4.5 on average
    assert not any(result.certificate["crossing"].values())


def test_lookalikes_of_different_authors_stay_together() -> None:
    data = dataset(60, 60)
    for column in ("phash", "dhash"):  # photos 0..9 are one picture, taken from ten albums
        data.images.loc[:9, column] = data.images.loc[0, column]
    for seed in range(5):
        split = split_dataset(data, SplitConfig(tries=5), BITS, seed).dataset
        assert split.images["split"][:10].nunique() == 1


def test_unknown_authors_form_no_group() -> None:
    data = dataset(40, 1)
    data.images["author"] = UNKNOWN
    split = split_dataset(data, SplitConfig(), BITS, 0).dataset
    assert set(split.images["split"]) == set(SPLITS)


def test_three_groups_fill_three_sides_even_when_one_is_huge() -> None:
    data = dataset(100, 1)
    data.images.loc[98, "author"] = "b"
    data.images.loc[99, "author"] = "c"
    sides = split_dataset(data, SplitConfig(), BITS, 0).dataset.images["split"]
    assert set(sides) == set(SPLITS)
    assert sides[0] == "train"  # the better balanced of the ways there are


def test_the_order_of_rows_does_not_matter() -> None:
    data = dataset(80, 30)
    shuffled = data.images.sample(frac=1, random_state=1).reset_index(drop=True)
    one = split_dataset(data, SplitConfig(), BITS, 3).dataset.images
    other = split_dataset(Dataset(data.root, shuffled, data.boxes), SplitConfig(), BITS, 3)
    both = other.dataset.images.sort_values("image")["split"].tolist()
    assert one["split"].tolist() == both
    assert split_dataset(data, SplitConfig(), BITS, 4).dataset.images["split"].tolist() != both


def test_the_certificate_finds_what_leaks() -> None:
    data = dataset(6, 6)
    images = data.images.assign(
        author=["a", "b", "c", "d", "a", "e"],
        split=["train", "train", "validation", "validation", "test", "test"],
    )
    for column in ("phash", "dhash"):
        images.loc[5, column] = images.loc[1, column]
    certificate = split_certificate(Dataset(data.root, images, data.boxes), BITS)
    assert certificate["crossing"]["author"] == ["a"]
    assert certificate["crossing"]["near_duplicate"] == [["00001.jpg", "00005.jpg"]]
    closest = certificate["closest_pairs"][0]
    assert closest == {"train": "00001.jpg", "test": "00005.jpg", "bits": 0}
