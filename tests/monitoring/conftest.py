"""Invented records: photos of a garden, and what a detector found in them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sparrow.predictions.record import LoggedBox, PredictionRecord, new_id

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
Photos = Callable[..., list[PredictionRecord]]


@pytest.fixture(scope="session")
def photos() -> Photos:
    """Makes records; see ``make_photos``."""
    return make_photos


def make_photos(
    n: int,
    seed: int,
    *,
    first: int = 0,
    recall: float = 1.0,
    brightness: float = 0.5,
    name: str = "birds",
    version: str = "3",
) -> list[PredictionRecord]:
    """A photo a minute from noon: none to four birds, each found with a chance of ``recall``."""
    rng = np.random.default_rng(seed)
    return [
        PredictionRecord(
            id=new_id(),
            time=NOON + timedelta(minutes=first + i),
            source="api",
            model_name=name,
            model_version=version,
            file_name="a.jpg",
            width_px=640,
            height_px=480,
            brightness=float(rng.normal(brightness, 0.1)),
            contrast=float(rng.gamma(20, 0.01)),
            sharpness=float(rng.lognormal(-3, 0.4)),
            saturation=float(rng.beta(3, 5)),
            latency_ms=20.0,
            boxes=_boxes(rng, recall),
        )
        for i in range(n)
    ]


def _boxes(rng: np.random.Generator, recall: float) -> tuple[LoggedBox, ...]:
    made = []
    for _ in range(rng.binomial(rng.integers(5), recall)):
        side, x, y = 100 * rng.lognormal(0, 0.3), *rng.uniform(0, 300, 2)
        made.append(LoggedBox("bird", float(rng.beta(6, 2)), x, y, x + side, y + side))
    return tuple(made)
