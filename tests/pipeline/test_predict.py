"""Evaluated as it is served: the same threads, so the same time and the same digits."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from sparrow.config import Config, with_values
from sparrow.data.formats.exchange import read_csv
from sparrow.inference.counter import PhotoCounter
from sparrow.pipeline import predict as stages


@pytest.mark.parametrize("at_once", [1, 2, 3, 5])
def test_photos_are_timed_as_the_service_counts_them(
    model_folder: Path, drawn_dataset: Path, at_once: int
) -> None:
    drawn = read_csv(drawn_dataset)
    few = replace(drawn, images=drawn.images.head(6))
    threads: list[int] = []
    before = psutil.Process().num_threads()
    predicted = stages.predict_photos(
        model_folder,
        few,
        at_once,
        lambda done, total: threads.append(psutil.Process().num_threads()),
    )
    # One thread a photo: an engine with two would bring one of its own.
    assert max(threads) <= before + at_once
    assert predicted.at_once == at_once
    assert predicted.latency_ms > 0
    counter = PhotoCounter(model_folder)
    for name, found in predicted.detections.items():
        path = few.image_path(name)
        served, _ = counter.count(path.read_bytes(), name, "cli")
        scores = found.above(counter.info.threshold).scores
        assert [box.score for box in served.record.boxes] == scores.tolist()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, 2),
        ({"service.threads": 1}, 1),
        ({"service.threads": 4}, 4),
        ({"service.threads": 4, "service.workers": 3}, 3),  # workers count in place of the threads
        ({"training.threads": 1}, 2),  # how it was trained has no part in it
    ],
)
def test_as_many_at_once_as_the_service_counts(values: dict[str, int], expected: int) -> None:
    processors = len(os.sched_getaffinity(0))
    assert stages.served_at_once(with_values(Config(), values)) == min(expected, processors)
