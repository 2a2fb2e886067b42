"""What a split is worth, computed from its ``split`` column alone: it audits anybody's split."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from sparrow.boxes import box_areas
from sparrow.data.duplicates import hash_codes, hash_distances, near_duplicate_clusters
from sparrow.data.tables import UNKNOWN, XYXY, Dataset, data_version

CLOSEST_PAIRS = 12
CHUNK_PAIRS = 4_000_000


def split_certificate(dataset: Dataset, near_duplicate_bits: int) -> dict[str, Any]:
    """Plain values, ready for JSON.

    Returns:
        data_version; near_duplicate_bits; crossing: authors and near-duplicate clusters found on
        more than one side (``author``: names, ``near_duplicate``: lists of photos; both must be
        empty); splits: per side photos, share, boxes, authors, photos without boxes, mean count
        and quartiles of box size (square root of the area, px); closest_pairs: the train and test
        photos that look most alike, with the bits (0..64) in which they differ.
    """
    images = dataset.images
    clusters = near_duplicate_clusters(images, near_duplicate_bits)
    known = images["author"].where(images["author"] != UNKNOWN)
    crossing_clusters = _crossing(clusters, images["split"])
    return {
        "data_version": data_version(dataset),
        "near_duplicate_bits": near_duplicate_bits,
        "crossing": {
            "author": _crossing(known, images["split"]),
            "near_duplicate": [
                sorted(images["image"][clusters == cluster]) for cluster in crossing_clusters
            ],
        },
        "splits": {
            split: _describe(dataset.subset(split), len(images))
            for split in sorted(map(str, images["split"].unique()), key=_order)
        },
        "closest_pairs": closest_pairs(images),
    }


def closest_pairs(images: pd.DataFrame, number: int = CLOSEST_PAIRS) -> list[dict[str, Any]]:
    """Train and test photos that look most alike: train, test (names), bits (0..64)."""
    sides = [images[(images["split"] == s) & (images["phash"] != "")] for s in ("train", "test")]
    train, test = sides
    train_codes, test_codes = hash_codes(train), hash_codes(test)
    if not len(train_codes) or not len(test_codes):
        return []
    rows = max(1, CHUNK_PAIRS // len(test_codes))
    found: list[tuple[int, str, str]] = []
    for start in range(0, len(train_codes), rows):
        bits = hash_distances(train_codes[start : start + rows], test_codes)
        nearest = np.argsort(bits, axis=None, kind="stable")[:number]
        for a, b in zip(*np.unravel_index(nearest, bits.shape), strict=True):
            pair = (str(train["image"].iloc[start + a]), str(test["image"].iloc[b]))
            found.append((int(bits[a, b]), *pair))
        found = sorted(found)[:number]
    return [{"train": a, "test": b, "bits": bits} for bits, a, b in found]


def _order(split: str) -> tuple[int, str]:
    known = ("train", "validation", "test")
    return (known.index(split) if split in known else len(known), split)


def _crossing(groups: pd.Series, split: pd.Series) -> list[Any]:
    sides = split.groupby(groups).nunique()
    return list(sides.index[sides > 1])


def _describe(part: Dataset, photos_in_all: int) -> dict[str, Any]:
    counts = part.images["n_boxes"]
    sides = np.sqrt(box_areas(part.boxes[XYXY]))
    quartiles = np.quantile(sides, [0.25, 0.5, 0.75]).round(1).tolist() if len(sides) else None
    return {
        "photos": len(counts),
        "share": round(len(counts) / photos_in_all, 4),
        "boxes": len(part.boxes),
        "authors": int(part.images["author"].nunique()),
        "photos_without_boxes": int((counts == 0).sum()),
        "mean_count": round(float(counts.mean()), 3),
        "box_side_quartiles_px": quartiles,
    }
