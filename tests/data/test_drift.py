"""Comparing sets: the same kind of photos is no drift, darker photos are, little data says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sparrow.config import SplitConfig
from sparrow.data.drift import compare_new_with_raw, compare_train_with_test, size_ratio
from sparrow.data.tables import UNKNOWN, Dataset

BITS, SPLIT = 12, SplitConfig()


def photos(n: int, seed: int, brightness: float = 0.5) -> Dataset:
    """Photos with two boxes each; everything but the brightness is alike for all seeds."""
    rng = np.random.default_rng(seed)
    images = pd.DataFrame(
        {
            "image": [f"{seed}-{i}.jpg" for i in range(n)],
            "author": [f"{seed}-{i // 3}" for i in range(n)],
            "n_boxes": rng.integers(1, 8, n),
            "source": "Flickr",
            "license": rng.choice(["BY", "CC0"], n),
            "width_px": rng.choice([640, 1024], n),
            "height_px": 480,
            "sha256": [f"{seed}{i:060x}" for i in range(n)],
            "phash": [rng.bytes(8).hex() for _ in range(n)],
            "dhash": [rng.bytes(8).hex() for _ in range(n)],
            "brightness": rng.normal(brightness, 0.1, n),
            "contrast": rng.normal(0.2, 0.02, n),
            "sharpness": rng.normal(0.1, 0.02, n),
            "saturation": rng.normal(0.4, 0.1, n),
        }
    )
    corner = rng.uniform(0, 300, (2 * n, 2))
    boxes = pd.DataFrame({"image": np.repeat(images["image"], 2), "label": "house_sparrow"})
    boxes[["x_min_px", "y_min_px"]] = corner
    boxes[["x_max_px", "y_max_px"]] = corner + rng.uniform(20, 150, (2 * n, 2))
    return Dataset(Path("photos"), images, boxes.reset_index(drop=True))


def split_of(train: Dataset, test: Dataset) -> Dataset:
    images = [train.images.assign(split="train"), test.images.assign(split="test")]
    boxes = pd.concat([train.boxes, test.boxes], ignore_index=True)
    return Dataset(train.root, pd.concat(images, ignore_index=True), boxes)


def test_a_few_photos_say_nothing() -> None:
    comparison = compare_new_with_raw(photos(200, 1), photos(6, 2), BITS)
    assert comparison.verdict == "too few photos"
    assert comparison.html == {}


def test_alike_is_ok_and_darker_is_drift() -> None:
    train = photos(300, 1)
    alike = compare_train_with_test(split_of(train, photos(120, 2)), BITS, SPLIT)
    assert (alike.verdict, alike.drifted, alike.problems) == ("ok", [], ())
    darker = compare_train_with_test(split_of(train, photos(120, 3, brightness=0.35)), BITS, SPLIT)
    assert (darker.verdict, darker.drifted) == ("drift", ["brightness"])
    assert "brightness" in darker.summary()
    assert darker.known_authors == 0
    assert "<html" in darker.html["photos"]


def test_what_train_and_test_must_not_share() -> None:
    train, test = photos(20, 1), photos(4, 2)
    for column in ("sha256", "phash", "dhash", "author"):
        test.images.loc[0, column] = train.images.loc[5, column]
    test.images.loc[1, "author"] = train.images.loc[0, "author"] = UNKNOWN  # not an author
    problems = compare_train_with_test(split_of(train, test), BITS, SPLIT).problems
    assert problems == (
        "size ratio: 4 test photos for 20 training photos are too few; "
        "the config's shares ask for 9",
        "shared photo: 1-5.jpg and 2-0.jpg are the same file",
        "shared author: 1-1",
    )
    # Where there are too few authors to keep each in one split, that is said by the split report.
    parted = compare_train_with_test(split_of(train, test), BITS, SPLIT, authors_parted=True)
    assert parted.problems == problems[:2]
    larger = compare_train_with_test(split_of(photos(4, 3), photos(20, 4)), BITS, SPLIT)
    assert larger.problems == (
        "size ratio: 20 test photos for 4 training photos are too many; "
        "the config's shares ask for 2",
    )


@pytest.mark.parametrize(
    ("shares", "test_photos", "says"),
    [
        ((0.12, 0.08), 15, None),  # the demo's own: 0.12 / 0.8 of 100 training photos
        ((0.25, 0.2), 45, None),
        ((0.05, 0.05), 6, None),
        ((0.45, 0.05), 90, None),
        ((0.12, 0.08), 7, "too few"),
        ((0.12, 0.08), 31, "too many"),
        ((0.25, 0.2), 22, "too few"),
        ((0.45, 0.05), 181, "too many"),
    ],
)
def test_sides_are_held_against_the_shares_that_were_asked_for(
    shares: tuple[float, float], test_photos: int, says: str | None
) -> None:
    split = SplitConfig(test_fraction=shares[0], validation_fraction=shares[1])
    problems = size_ratio(photos(100, 1), photos(test_photos, 2), split)
    assert len(problems) == (says is not None)
    assert says is None or says in problems[0]
