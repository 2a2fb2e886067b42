"""Training and counting on a GPU, beside the same machine's processor.

    python tests/benchmarks/bench_gpu.py --photos 160 --side 800

Synthetic photos of 1,280 px; the detector of configs/sparrow.yaml at its size, from no pre-trained
weights (none is needed to measure speed). Medians over the epochs after the first. Counting is the
engine's, on the processor, as it is served: with one thread a photo, and 1, 2, 4 ... at a time.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch

from sparrow.config import Config, load_config, with_values
from sparrow.data.formats.exchange import read_csv
from sparrow.data.synthetic.generate import generate_dataset
from sparrow.data.tables import Dataset
from sparrow.detectors.build import build_seeded_detector
from sparrow.export.folder import write_model_folder
from sparrow.inference.model import Model
from sparrow.inference.model_folder import ModelInfo
from sparrow.regular_file import sha256_of
from sparrow.training.loop import train
from sparrow.training.task import load_task


def split_set(root: Path, photos: int) -> Dataset:
    """Synthetic photos, a tenth of them for validation."""
    generate_dataset(root, photos=photos, seed=11)
    drawn = read_csv(root)
    images = drawn.images.copy()
    images["sha256"] = [sha256_of(drawn.image_path(name)) for name in images["image"]]
    held_out = max(1, photos // 10)
    images["split"] = ["train"] * (photos - held_out) + ["validation"] * held_out
    return replace(drawn, images=images)


def measure_training(config: Config, dataset: Dataset, folder: Path, **values: object) -> Path:
    """Photos a second and the highest memory of one way to train; the weights it ends with."""
    tuned = with_values(config, {f"training.{key}": value for key, value in values.items()})
    task = load_task(tuned, dataset)
    model = build_seeded_detector(tuned.model, len(tuned.data.classes), tuned.seed)
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    folder.mkdir()
    result = train(model, task, tuned.training, tuned.augmentation, folder=folder)
    speeds = [record.photos_per_second for record in result.history[1:]]
    memory = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else 0.0
    print(
        f"{values}: {median(speeds):.1f} photos/s (median of {len(speeds)} epochs), "
        f"{memory:.1f} GiB of GPU memory, F-beta {result.best.f_beta:.3f}, "
        f"{time.perf_counter() - began:.0f} s in all",
        flush=True,
    )
    assert result.weights_path is not None
    return result.weights_path


def measure_counting(config: Config, weights: Path, dataset: Dataset, folder: Path) -> None:
    """Photos a second of the exported engine, so many at a time."""
    info = ModelInfo(
        name="bench-gpu", architecture=config.model.architecture, class_names=config.data.classes,
        min_side_px=config.model.min_side_px, max_side_px=config.model.max_side_px,
        min_score=config.evaluation.min_score, threshold=0.5, data_version="0" * 16,
        git_commit="unknown", trained_at="2026-01-01T00:00:00+00:00",
        config=config.of_the_training(), metrics={}, engine_parity={},
    )  # fmt: skip
    task = load_task(config, dataset)
    examples = [task.validation.photo(i) for i in range(min(4, len(task.validation)))]
    info = write_model_folder(config.model, weights, examples, info, folder)
    print(f"engine and network: {info.engine_parity}", flush=True)
    model, photos = Model(folder), dataset.root / "images"
    at_once = 1
    while at_once <= len(os.sched_getaffinity(0)):
        began = time.perf_counter()
        counted = sum(1 for _ in model.count_folder(photos, workers=at_once))
        speed = counted / (time.perf_counter() - began)
        print(f"counting, {at_once} at a time: {speed:.1f} photos/s", flush=True)
        at_once *= 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=160)
    parser.add_argument("--side", type=int, default=800, help="short side for the network, pixels")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--cpu-photos", type=int, default=32, help="trained on the processor")
    parser.add_argument("--architecture", default="fasterrcnn_mobilenet_v3_large_fpn")
    arguments = parser.parse_args()
    print(f"torch {torch.__version__}, {len(os.sched_getaffinity(0))} processor cores")
    if torch.cuda.is_available():
        print(torch.cuda.get_device_name())
    with tempfile.TemporaryDirectory() as home:
        place = Path(home)
        base = with_values(
            load_config("configs/sparrow.yaml"),
            {
                "model.weights": "none",
                "model.freeze_batch_norm": False,
                "model.trainable_backbone_layers": 6,
                "model.architecture": arguments.architecture,
                "model.min_side_px": arguments.side,
                "model.max_side_px": round(arguments.side * 1.67),
                "data.prepared": str(place / "prepared"),
                "training.epochs": arguments.epochs,
            },
        )
        dataset = split_set(place / "set", arguments.photos)
        weights = None
        if torch.cuda.is_available():
            for workers in (0, 4, 12):
                weights = measure_training(
                    base, dataset, place / f"gpu-{workers}", device="cuda", workers=workers
                )
        few = split_set(place / "few", arguments.cpu_photos)
        for threads in {2, len(os.sched_getaffinity(0))}:
            own = measure_training(
                base, few, place / f"cpu-{threads}", device="cpu", threads=threads, epochs=2,
                batch_size=8,
            )  # fmt: skip
        measure_counting(base, weights or own, dataset, place / "model")


if __name__ == "__main__":
    main()
