"""Repeated boxes and photos are told once each, in memory that does not grow with their pairs."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sparrow.config import DataConfig
from sparrow.data.checks.report import RuleViolation
from sparrow.data.checks.run import check_tables
from sparrow.data.repeats import NONE, closest, first_equal, first_overlap

MB = 1024**2


def test_of_nothing() -> None:
    nothing = np.zeros((0, 4)), np.zeros(0, dtype=np.int64)
    assert first_overlap(*nothing, 0.9).tolist() == []
    assert first_equal(pd.DataFrame({"a": []})).tolist() == []
    codes = np.zeros((0, 2), dtype=np.uint64)
    assert closest(codes, codes, 12)[0].tolist() == []
    assert closest(np.ones((1, 2), dtype=np.uint64), codes, 12)[0].tolist() == [NONE]


def test_the_first_of_equals_and_the_first_below() -> None:
    assert first_equal(pd.DataFrame({"a": [1, 2, 1, 1, 2]})).tolist() == [0, 1, 0, 0, 1]
    # Width 100: a step of 2 to the side has IoU 98 / 102 = 0.96, one of 4 has 96 / 104 = 0.92.
    xywh = np.array([[0, 0, 100, 10], [2, 0, 100, 10], [4, 0, 100, 10], [0, 50, 100, 10]], float)
    group = np.zeros(4, dtype=np.int64)
    assert first_overlap(xywh, group, 0.95).tolist() == [NONE, 0, 1, NONE]
    assert first_overlap(xywh, group, 0.9).tolist() == [NONE, 0, 0, NONE]
    assert first_overlap(xywh, np.arange(4), 0.9).tolist() == [NONE] * 4


@pytest.mark.parametrize("seed", [3, 17, 2024])
def test_as_when_all_pairs_are_compared(seed: int) -> None:
    rng = np.random.default_rng(seed)
    xywh = np.column_stack([rng.uniform(0, 9, (80, 2)), rng.uniform(20, 24, (80, 2))])
    group = rng.integers(0, 3, 80)

    def iou(a: np.ndarray, b: np.ndarray) -> float:
        sides = np.minimum(a[:2] + a[2:], b[:2] + b[2:]) - np.maximum(a[:2], b[:2])
        shared = float(np.prod(sides.clip(min=0)))
        return shared / (float(np.prod(a[2:]) + np.prod(b[2:])) - shared)

    def pairs(n: int) -> list[int]:
        return [m for m in range(n) if group[m] == group[n] and iou(xywh[m], xywh[n]) >= 0.6]

    expected = [min(pairs(n), default=NONE) for n in range(80)]
    assert first_overlap(xywh, group, 0.6).tolist() == expected
    assert len(set(expected)) > 10
    codes = rng.integers(0, 4, (40, 2)).astype(np.uint64)
    found, bits = closest(codes, codes, 0, earlier=True)
    before = [[m for m in range(n) if (codes[m] == codes[n]).all()] for n in range(40)]
    assert found.tolist() == [min(one, default=NONE) for one in before]
    assert set(bits[found != NONE]) == {0}


def tables(boxes: int, photos: int, shift_px: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Boxes dealt out to photos in turn, each moved a little further to the right."""
    names = [f"{i}.png" for i in range(photos)]
    info = pd.DataFrame({"Name": names, "Author": "a", "Source": "Flickr", "License": "CC0"})
    info.insert(2, "Number_HSparrows", np.bincount(np.arange(boxes) % photos))
    numbers = np.arange(boxes)
    table = pd.DataFrame(
        {
            "label_name": "house_sparrow",
            "bbox_x": 5 + numbers * shift_px,
            "bbox_y": 5,
            "bbox_width": 20,
            "bbox_height": 20,
            "image_name": np.array(names, dtype=object)[numbers % photos],
            "image_width": 64,
            "image_height": 48,
        }
    )
    return info, table


def rules(violations: list[RuleViolation]) -> dict[str, int]:
    return {found.rule: len(found.rows) for found in violations}


# (boxes, photos, step, rules that are broken with the number of rows). Without the limit 8,000
# equal rows of one photo took 8 GB: 32 million pairs, each with its own text.
REPEATS = [
    (8_000, 1, 0.0, {"boxes-too-many": 1, "count-range": 1}),
    (301, 1, 0.0, {"boxes-too-many": 1, "count-range": 1}),
    (300, 1, 0.0, {"box-duplicate": 299}),
    (300, 1, 1e-6, {"box-drawn-twice": 299}),
    (3_000, 30, 0.0, {"box-duplicate": 2_970}),
    (3_000, 30, 1e-7, {"box-drawn-twice": 2_970}),
]


@pytest.mark.parametrize(("boxes", "photos", "shift_px", "broken"), REPEATS)
def test_memory_grows_with_boxes_and_not_with_pairs(
    config: DataConfig, boxes: int, photos: int, shift_px: float, broken: dict[str, int]
) -> None:
    info, table = tables(boxes, photos, shift_px)
    tracemalloc.start()
    try:
        violations = check_tables(info, table, config)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert rules(violations) == broken
    assert peak < 16 * MB + boxes * 1500


def test_the_limit_is_the_configs(config: DataConfig) -> None:
    for most, too_many in ((5, 1), (6, 0), (1_000, 0)):
        own = config.model_copy(update={"max_boxes_per_photo": most})
        found = rules(check_tables(*tables(6, 1, 0.0), own))
        assert found.get("boxes-too-many", 0) == too_many
        assert found.get("box-duplicate", 0) == 5 * (1 - too_many)


def test_black_pictures_are_told_once_each(config: DataConfig, photos: Any) -> None:
    from sparrow.data.checks.run import check_dataset

    black = np.zeros_like(photos.pictures["photo000.png"])
    for number, name in enumerate(photos.pictures):
        photos.pictures[name] = black if number < 4 else black + 1
    report = check_dataset(photos.write(), config).report
    said = {found.rule: found.rows["value"].tolist() for found in report.violations}
    assert said["photo-duplicate"] == ["the same file as photo000.png"] * 3 + [
        "the same file as photo004.png"
    ]
    assert said["photo-near-duplicate"] == ["looks like photo000.png (1 of 64 bits differ)"]
