"""Near-duplicates: both hashes must agree, clusters are transitive, unreadable photos are alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageEnhance

from sparrow.data.checks.measure import measure_photos
from sparrow.data.duplicates import (
    connected,
    hash_distances,
    near_duplicate_clusters,
    near_duplicate_pairs,
)


def images(*hashes: tuple[int, int]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "image": [f"{i}.jpg" for i in range(len(hashes))],
            "sha256": [f"{i}" for i in range(len(hashes))],
            "phash": [f"{phash:016x}" for phash, _ in hashes],
            "dhash": [f"{dhash:016x}" for _, dhash in hashes],
        }
    )


def test_no_photos_have_no_twins() -> None:
    assert len(near_duplicate_pairs(images(), 12)) == 0
    assert len(near_duplicate_clusters(images(), 12)) == 0


def test_the_larger_of_both_distances_counts() -> None:
    codes = np.array([[0, 0], [0b111, 0b1], [0, 2**64 - 1]], dtype=np.uint64)
    # 3 bits by one hash and 1 by the other are 3; equal by one and all 64 by the other are 64.
    assert hash_distances(codes, codes).tolist() == [[0, 3, 64], [3, 0, 63], [64, 63, 0]]


def test_clusters_are_chains_of_pairs() -> None:
    table = images((0, 0), (0b11, 0), (0b1111, 0), (2**63 - 1, 0))
    pairs = near_duplicate_pairs(table, 2)
    assert pairs[["image_a", "image_b"]].to_numpy().tolist() == [
        ["0.jpg", "1.jpg"],
        ["1.jpg", "2.jpg"],
    ]
    assert near_duplicate_clusters(table, 2).tolist() == [0, 0, 0, 1]


def test_unreadable_photos_are_like_no_other() -> None:
    table = images((0, 0), (0, 0), (0, 0))
    table.loc[1:, ["phash", "dhash"]] = ""
    assert near_duplicate_clusters(table, 64).tolist() == [0, 1, 2]


def test_components_are_numbered_in_order_of_appearance() -> None:
    assert connected(5, np.array([[4, 3], [0, 1]])).tolist() == [0, 1, 2, 1, 0]


@pytest.mark.parametrize("change", ["smaller", "darker", "recompressed", "cropped"])
def test_an_edited_photo_is_still_the_same_picture(tmp_path: Path, change: str) -> None:
    rng = np.random.default_rng(0)
    patches = rng.integers(0, 256, (7, 9, 3), dtype=np.uint8)
    photo = Image.fromarray(patches).resize((360, 280), Image.Resampling.BICUBIC)
    other = Image.fromarray(patches[::-1, ::-1]).resize((360, 280), Image.Resampling.BICUBIC)
    edited = {
        "smaller": photo.resize((180, 140)),
        "darker": ImageEnhance.Brightness(photo).enhance(0.7),
        "recompressed": photo,
        "cropped": photo.crop((4, 4, 356, 276)),
    }[change]
    photo.save(tmp_path / "a.png")
    edited.save(tmp_path / "b.jpg", quality=30)
    other.save(tmp_path / "c.png")
    measured = measure_photos(tmp_path, ["a.png", "b.jpg", "c.png"], tmp_path / "cache")
    assert near_duplicate_clusters(measured, 12).tolist() == [0, 0, 1]
