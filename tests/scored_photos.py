"""Small hand-made data sets: photos named a.jpg, b.jpg …, boxes given as lists."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sparrow.data.tables import XYXY, Dataset
from sparrow.detections import Detections

MakeDataset = Callable[..., Dataset]


@pytest.fixture(scope="session")
def make_dataset() -> MakeDataset:
    """``make_dataset({"a.jpg": [(label, x1, y1, x2, y2), …]}, author=[…])``."""

    def make(boxes: dict[str, list[tuple]], **columns: list) -> Dataset:
        images = pd.DataFrame({"image": list(boxes)})
        images["author"] = "unknown"
        images["width_px"], images["height_px"] = 640, 480
        for name, values in columns.items():
            images[name] = values
        if "group" not in images:  # whole authors; a photo of nobody known is a group of its own
            images["group"] = images["author"].where(images["author"] != "unknown", images["image"])
        rows = [(image, *row) for image, found in boxes.items() for row in found]
        table = pd.DataFrame(rows, columns=["image", "label", *XYXY])
        return Dataset(Path("nowhere"), images, table)

    return make


def _found(*rows: tuple) -> Detections:
    boxes = np.array([row[2:] for row in rows], dtype=np.float32).reshape(-1, 4)
    scores = np.array([row[1] for row in rows], dtype=np.float32)
    return Detections(boxes, scores, np.array([row[0] for row in rows], dtype=np.int64))


@pytest.fixture(scope="session")
def found() -> Callable[..., Detections]:
    """``found((label, score, x1, y1, x2, y2), …)``: detections of one photo."""
    return _found


@pytest.fixture(scope="session")
def random_case(make_dataset: MakeDataset) -> Callable[[int], tuple[Dataset, dict]]:
    """A random little world of 1 to 8 photos and 1 to 3 classes, by seed."""

    def make(seed: int) -> tuple[Dataset, dict[str, Detections]]:
        rng = np.random.default_rng(seed)
        n_classes = int(rng.integers(1, 4))
        boxes: dict[str, list[tuple]] = {}
        predictions: dict[str, Detections] = {}
        for photo in range(int(rng.integers(1, 9))):
            side = rng.choice([12, 60, 200])
            birds = _boxes(rng, int(rng.integers(0, 9)), side)
            labels = rng.integers(1, n_classes + 1, len(birds))
            name = f"{photo}.jpg"
            boxes[name] = [(f"c{c}", *map(float, b)) for c, b in zip(labels, birds, strict=True)]
            copies = np.repeat(np.arange(len(birds)), rng.integers(0, 3, len(birds)))
            near = birds[copies] + rng.normal(0, side / 12, (len(copies), 4))
            near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
            wrong = _boxes(rng, int(rng.integers(0, 6)), side)
            all_boxes = np.concatenate([near, wrong])
            guess = np.concatenate([labels[copies], rng.integers(1, n_classes + 1, len(wrong))])
            guess[rng.random(len(guess)) < 0.15] = 1
            # Few distinct scores, so that ties within and between photos are common.
            scores = rng.integers(1, 20, len(guess)) / 20
            order = rng.permutation(len(guess))
            predictions[name] = Detections(all_boxes[order], scores[order], guess[order])
        names = [f"p{rng.integers(3)}" for _ in boxes]
        return make_dataset(boxes, author=names), predictions

    return make


def _boxes(rng: np.random.Generator, count: int, side: float) -> np.ndarray:
    corner = rng.uniform(0, 300, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(0.5, 1.5, (count, 2)) * side], axis=1)


@pytest.fixture(scope="session")
def simulated_photos(make_dataset: MakeDataset) -> Callable[..., tuple[Dataset, dict]]:
    """Photos with the mistakes of a middling detector: misses, doubles, false birds, hard photos.

    ``skill`` is in units of the noise; at 1.5 about 80 % of the birds are found.
    """

    def make(photos: int, seed: int, skill: float = 1.5) -> tuple[Dataset, dict[str, Detections]]:
        rng = np.random.default_rng(seed)
        boxes: dict[str, list[tuple]] = {}
        predictions: dict[str, Detections] = {}
        for photo in range(photos):
            hard = rng.normal(0, 0.7)
            n = 0 if rng.random() < 0.1 else 1 + int(rng.negative_binomial(1, 0.35))
            cells = rng.permutation(100)[: n + 8]
            corner = np.stack([cells % 10, cells // 10], axis=1) * 60.0
            square = np.concatenate([corner, corner + rng.uniform(20, 50, (len(cells), 2))], axis=1)
            birds, clutter = square[:n], square[n:][: rng.poisson(1.2)]
            strength = skill - hard + rng.normal(0, 1.5, n)
            double = rng.random(n) < 0.06
            found = np.concatenate([birds + rng.normal(0, 2.5, birds.shape), clutter])
            extra = birds[double] + rng.normal(0, 5, (int(double.sum()), 4))
            false = rng.normal(-2, 1.2, len(clutter)) + 0.3 * hard
            logits = np.concatenate([strength, false, strength[double] - 2])
            scores = 1 / (1 + np.exp(-1.5 * logits))  # too sure of itself by half
            name = f"{photo}.jpg"
            boxes[name] = [("bird", *map(float, box)) for box in birds]
            all_boxes = np.concatenate([found, extra])
            ones = np.ones(len(scores), np.int64)
            predictions[name] = Detections(all_boxes, scores, ones).above(0.05)
        return make_dataset(boxes), predictions

    return make
