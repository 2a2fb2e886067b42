"""Large valid tables, and the plain way to check them: a loop over rows, for comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from sparrow.config import DataConfig

BOXES_PER_PHOTO = 10


def raw_tables(photos: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Valid tables in the reference's spelling, ten boxes a photo."""
    rng = np.random.default_rng(0)
    names = np.array([f"photo_{i:06d}.jpg" for i in range(photos)], dtype=object)
    info = pd.DataFrame(
        {
            "Name": names,
            "Author": [f"author {i % 997}" for i in range(photos)],
            "Number_HSparrows": BOXES_PER_PHOTO,
            "Source": "Flickr",
            "License": "CC0",
        }
    )
    n = photos * BOXES_PER_PHOTO
    boxes = pd.DataFrame(
        {
            "label_name": "house_sparrow",
            "bbox_x": rng.integers(0, 900, n),
            "bbox_y": rng.integers(0, 600, n),
            "bbox_width": rng.integers(10, 100, n),
            "bbox_height": rng.integers(10, 100, n),
            "image_name": np.repeat(names, BOXES_PER_PHOTO),
            "image_width": 1024,
            "image_height": 768,
        }
    )
    return info, boxes


def loop_over_rows(info: pd.DataFrame, boxes: pd.DataFrame, config: DataConfig) -> int:
    """The plain way: every row of both tables by ``iterrows``, the same rules; faults found."""
    faults, top = 0, config.max_side_px
    counts: dict[str, float] = {}
    for _, row in info.iterrows():
        faults += row["Name"] in counts or not row["Name"].endswith(config.extensions)
        faults += any(pd.isna(value) or value == "" for value in row)
        faults += not config.min_boxes_per_photo <= row["Number_HSparrows"] <= 300
        counts[row["Name"]] = row["Number_HSparrows"]
    drawn: dict[str, list[Any]] = {}
    for _, row in boxes.iterrows():
        x, y, w, h = (row[f"bbox_{side}"] for side in ("x", "y", "width", "height"))
        width, height = row["image_width"], row["image_height"]
        faults += any(pd.isna(value) or value == "" for value in row)
        faults += row["label_name"] not in config.classes or row["image_name"] not in counts
        faults += not row["image_name"].endswith(config.extensions)
        faults += not (0 <= x <= top and 0 <= y <= top and 0 < w <= top and 0 < h <= top)
        faults += not (0 < width <= top and 0 < height <= top)
        faults += x + w > width or y + h > height
        others = drawn.setdefault(row["image_name"], [])
        faults += sum(_iou((x, y, w, h), box[:4]) >= config.same_box_iou for box in others)
        faults += bool(others) and others[0][4:] != (width, height)
        others.append((x, y, w, h, width, height))
    faults += sum(len(drawn.get(name, [])) != count for name, count in counts.items())
    return faults


def _iou(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)
