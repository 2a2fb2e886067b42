"""Seconds to evaluate 2,000 photos with 200,000 detections, bootstrap included.

python tests/benchmarks/bench_evaluation.py
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd

from sparrow.config import EvaluationConfig
from sparrow.data.split.groups import with_groups
from sparrow.data.tables import XYXY, Dataset
from sparrow.detections import Detections
from sparrow.evaluation.evaluate import evaluate
from sparrow.evaluation.matching import flatten


def photos_and_predictions(
    photos: int, detections: int, seed: int = 0
) -> tuple[Dataset, dict[str, Detections]]:
    """Photos of six birds on average, all found, among many false detections of low score."""
    rng = np.random.default_rng(seed)
    rows, predictions = [], {}
    for photo in range(photos):
        birds, false = _boxes(rng, rng.poisson(6)), _boxes(rng, detections)
        found = birds + rng.normal(0, 4, birds.shape)
        boxes = np.concatenate([found, false])[:detections]
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
        scores = np.concatenate([rng.beta(6, 2, len(found)), rng.beta(0.6, 6, detections)])
        name = f"{photo}.jpg"
        rows += [(name, "bird", *box) for box in birds]
        predictions[name] = Detections(boxes, scores[:detections], np.ones(len(boxes), np.int64))
    images = pd.DataFrame({"image": list(predictions)})
    images["author"] = [f"author {number % (photos // 3)}" for number in range(photos)]
    images["brightness"], images["sharpness"] = rng.random(photos), rng.random(photos)
    return Dataset(
        Path(), images, pd.DataFrame(rows, columns=["image", "label", *XYXY])
    ), predictions


def _boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    corner = rng.uniform(0, 500, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(15, 120, (count, 2))], axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--detections", type=int, default=100, help="per photo")
    arguments = parser.parse_args()
    dataset, predictions = photos_and_predictions(arguments.photos, arguments.detections)
    clock, processor = time.perf_counter(), time.process_time()
    evaluation = evaluate(
        flatten(with_groups(dataset), predictions, ["bird"]), 0.5, EvaluationConfig()
    )
    result = {
        "photos": evaluation.n_photos,
        "detections": sum(map(len, predictions.values())),
        "groups": evaluation.n_groups,
        "resamples": EvaluationConfig().bootstrap_samples,
        "seconds": round(time.perf_counter() - clock, 2),
        "processor_seconds": round(time.process_time() - processor, 2),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
