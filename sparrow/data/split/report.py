"""What a split is worth, computed from its ``split`` column: it audits anybody's split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sparrow.boxes import box_areas
from sparrow.data.duplicates import hash_codes, hash_distances
from sparrow.data.split.evidence import evidence_words, known_authors, known_cameras
from sparrow.data.split.groups import count_groups, group_numbers, with_groups
from sparrow.data.split.ties import NEAR_DUPLICATE_BITS, VISIT_SECONDS, Ints, photo_ties
from sparrow.data.tables import XYXY, Dataset, data_version

CLOSEST_PAIRS = 12
CROSSING_SHOWN = 20
CHUNK_PAIRS = 4_000_000


def split_certificate(
    dataset: Dataset,
    near_duplicate_bits: int = NEAR_DUPLICATE_BITS,
    visit_seconds: float = VISIT_SECONDS,
) -> dict[str, Any]:
    """Plain values, ready for JSON.

    Returns:
        data_version; near_duplicate_bits; visit_seconds; crossing: what was found on more than one
        side (``author``: names, ``near_duplicate`` and ``visit``: lists of photos; all must be
        empty), found from the photos anew, whatever the split says of itself; splits: per side
        photos, groups, share, boxes, authors, cameras (of photos without an author), photos without
        boxes, mean count and quartiles of box size (square root of the area, px); evidence: what
        the test side's numbers rest on, in a sentence; closest_pairs: the train and test photos
        that look most alike, with the bits (0..64) in which they differ.
    """
    images = dataset.images
    ties = photo_ties(images, near_duplicate_bits, visit_seconds)
    grouped = with_groups(dataset, near_duplicate_bits, visit_seconds)
    test = grouped.subset("test").images
    return {
        "data_version": data_version(dataset),
        "near_duplicate_bits": near_duplicate_bits,
        "visit_seconds": visit_seconds,
        "crossing": {
            "author": sorted(images["author"].iloc[_crossing(ties.author, images)]),
            "near_duplicate": _names(ties.likeness, images),
            "visit": _names(ties.visit, images),
        },
        "splits": {
            split: _describe(grouped.subset(split), len(images))
            for split in sorted(map(str, images["split"].unique()), key=_order)
        },
        "evidence": evidence_words(test, "test photos"),
        "closest_pairs": closest_pairs(images),
    }


def certificate_verdict(certificate: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether nothing lies on two sides that need not, and that in a sentence or two."""
    crossing = dict(certificate["crossing"])
    parted = crossing.pop("author") if certificate.get("authors_parted_by_day") else []
    found = [
        name if isinstance(name, str) else " + ".join(name)
        for names in crossing.values()
        for name in names
    ]
    if found:
        more = " …" if len(found) > CROSSING_SHOWN else ""
        shown = ", ".join(found[:CROSSING_SHOWN]) + more
        return False, f"{len(found)} group(s) lie on more than one side: {shown}"
    if parted:
        return True, (
            "No near-duplicate picture and no visit of a camera lies on more than one side, but "
            f"authors do ({', '.join(parted)}): they are too few to keep each on one side, so "
            "their days were parted. The scores speak for these authors only."
        )
    return True, (
        "No author, no near-duplicate picture and no visit of a camera lies on more than one side."
    )


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


def _crossing(codes: Ints, images: pd.DataFrame) -> list[int]:
    """Place of the first photo of each code that lies on more than one side."""
    tied = np.flatnonzero(codes >= 0)
    sides = images["split"].iloc[tied].groupby(codes[tied]).nunique()
    firsts = pd.Series(tied).groupby(codes[tied]).first()
    return firsts[(sides > 1).to_numpy()].tolist()


def _names(codes: Ints, images: pd.DataFrame) -> list[list[str]]:
    """The photos of each code that lies on more than one side."""
    return [sorted(images["image"][codes == codes[first]]) for first in _crossing(codes, images)]


def _describe(part: Dataset, photos_in_all: int) -> dict[str, Any]:
    counts = part.images["n_boxes"]
    sides = np.sqrt(box_areas(part.boxes[XYXY]))
    quartiles = np.quantile(sides, [0.25, 0.5, 0.75]).round(1).tolist() if len(sides) else None
    return {
        "photos": len(counts),
        "groups": count_groups(group_numbers(part.images)),
        "share": round(len(counts) / photos_in_all, 4),
        "boxes": len(part.boxes),
        "authors": len(known_authors(part.images)),
        "cameras": len(known_cameras(part.images)),
        "photos_without_boxes": int((counts == 0).sum()),
        "mean_count": round(float(counts.mean()), 3),
        "box_side_quartiles_px": quartiles,
    }
