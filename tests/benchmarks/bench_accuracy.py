"""What a detector finds and what a photo costs it, for detectors and input sizes in turn.

    python tests/benchmarks/bench_accuracy.py --photos data/demo/raw --config configs/demo.yaml

Each row is a training of its own on the same split, without tuning, and the scores of its engine on
the test photos. ``--rows`` names them: an architecture, a slash and the short side in pixels.
``--splits 5`` splits the set anew so many times, and gives means. Processor milliseconds are those
of one thread, from decoded pixels to detections: the median over the test photos, all engines of a
split in turns, photo by photo.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import mean, median

import numpy as np
import yaml

import sparrow
from sparrow.config import load_config
from sparrow.evaluation.average_precision import average_precision
from sparrow.evaluation.coco import coco_scores
from sparrow.evaluation.matching import FlatDetections
from sparrow.inference.engine import Engine

ROWS = ("lite0/160", "lite0/192", "lite0/256", "lite0/320", "mobilenet/256")
# What a row sets besides the config; a longer side is 1.5 times the shorter one.
ARCHITECTURES = {
    "lite0": ["model.architecture=fasterrcnn_efficientnet_lite0_fpn"],
    "mobilenet": [
        "model.architecture=fasterrcnn_mobilenet_v3_large_320_fpn",
        "model.weights=none",
        "model.freeze_batch_norm=false",
        "model.trainable_backbone_layers=6",
        "model.anchor_sizes_px=[32,56,88,128,192]",
        "model.rpn_pre_nms_top_n=400",
        "model.rpn_post_nms_top_n=200",
        "training.epochs=5",
        "training.learning_rate=0.001",
    ],
}
COLUMNS = ("f_beta", "ap50", "ap75", "ap50_95", "ap_small", "ap_medium", "ap_large")


def train(row: str, data: sparrow.Dataset, config: Path, folder: Path) -> dict[str, float]:
    """Train a row's detector; seconds by the clock and of the processor."""
    name, _, side = row.partition("/")
    sides = [f"model.min_side_px={side}", f"model.max_side_px={round(1.5 * int(side))}"]
    began, worked = time.perf_counter(), time.process_time()
    sparrow.train(data, folder, config=config, overrides=[*ARCHITECTURES[name], *sides])
    return {
        "train_s": time.perf_counter() - began,
        "train_cpu_s": time.process_time() - worked,
    }


def scores(folder: Path, test: sparrow.Dataset) -> dict[str, float]:
    """F-beta at the model's own threshold, and average precision by overlap and box size."""
    scored = sparrow.score(sparrow.load(folder), test)
    averages = {**coco_scores(scored.flat), "ap75": ap75(scored.flat)}
    return {"f_beta": scored.evaluation.f_beta.value, **averages}


def ap75(flat: FlatDetections) -> float:
    """Average precision at IoU 0.75, over all photos at once."""
    whole = np.zeros(len(flat.photos), dtype=np.int64)
    return float(average_precision(flat, flat.matched([0.75]), whole, np.ones((1, 1)))[0, 0])


def costs(folders: dict[str, Path], test: sparrow.Dataset) -> dict[str, float]:
    """Processor milliseconds of a detection by row, all rows in turns."""
    engines = {row: Engine(folder) for row, folder in folders.items()}
    spent: dict[str, list[float]] = {row: [] for row in engines}
    for name in test.images["image"]:
        for row, engine in engines.items():
            photo = engine.read(test.image_path(name))
            began = time.process_time()
            engine.detect_photo(photo)
            spent[row].append(1000 * (time.process_time() - began))
    return {row: median(times[2:]) for row, times in spent.items()}


def one_split(arguments: argparse.Namespace, seed: int) -> dict[str, dict[str, float]]:
    """Every row's numbers on one split."""
    data = sparrow.Dataset.read(arguments.photos)
    config = load_config(arguments.config).model_dump(mode="json") | {"seed": seed}
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        settings = Path(scratch) / "config.yaml"
        settings.write_text(yaml.safe_dump(config))
        whole = sparrow.split(data, config=settings)
        test, folders = whole.subset("test"), {}
        for row in arguments.rows:
            folders[row] = Path(scratch) / row.replace("/", "-")
            found[row] = train(row, whole, settings, folders[row])
            found[row] |= scores(folders[row], test)
            print(seed, row, {k: round(v, 3) for k, v in found[row].items()}, flush=True)
        for row, cost in costs(folders, test).items():
            found[row]["ms"] = cost
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, default=Path("data/demo/raw"))
    parser.add_argument("--config", type=Path, default=Path("configs/demo.yaml"))
    parser.add_argument("--rows", nargs="+", default=list(ROWS))
    parser.add_argument("--splits", type=int, default=1)
    arguments = parser.parse_args()
    splits = [one_split(arguments, seed) for seed in range(arguments.splits)]
    columns = (*COLUMNS, "ms", "train_s", "train_cpu_s")
    print("| row | " + " | ".join(columns) + " |\n|---|" + "--:|" * len(columns))
    for row in arguments.rows:
        means = [mean(split[row][column] for split in splits) for column in columns]
        print(f"| {row} | " + " | ".join(f"{value:.3f}" for value in means) + " |")
        if len(splits) > 1:
            each = [round(split[row]["f_beta"], 3) for split in splits]
            print(f"|   | F-beta of each split: {each}")


if __name__ == "__main__":
    main()
