"""What the training room claims, measured: one line a figure.

python tests/benchmarks/bench_train.py --raccoon DIR --weights FILE [--only PART ...]

Parts: throughput (against a plain loop as in torchvision's reference, with its RoIs and with ours),
target (time to F2 0.80 on real photos, against that loop), quality (F2 after four epochs of both,
on real and on drawn photos), study (12 trials by two workers with pruning, against 12 full trials
one after the other), kills (SIGKILL at five moments, resumed), memory (20 epochs at 320 px, batch
8). The first four need --raccoon, a set in Pascal VOC, and --weights, a backbone.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
from plain_training import (
    TORCHVISION_ROIS,
    plain_batches,
    plain_detector,
    plain_optimizer,
    plain_predictions,
    plain_step,
)

from sparrow.config import (
    AugmentationConfig,
    Config,
    DataConfig,
    EvaluationConfig,
    ModelConfig,
    NumberRange,
    SplitConfig,
    StoresConfig,
    TrainingConfig,
    TuningConfig,
    with_values,
)
from sparrow.data.checks.run import check_dataset
from sparrow.data.formats.imports import Target, import_set
from sparrow.data.split.groups import with_groups
from sparrow.data.split.split import split_dataset
from sparrow.data.synthetic.generate import generate_dataset
from sparrow.data.synthetic.settings import SyntheticSettings
from sparrow.data.tables import Dataset
from sparrow.detections import Detections
from sparrow.detectors.build import build_detector
from sparrow.detectors.roi_pool import quick_pooling
from sparrow.evaluation.compare import compare
from sparrow.evaluation.evaluate import evaluate
from sparrow.evaluation.matching import flatten
from sparrow.evaluation.validation import ThresholdScore, make_score
from sparrow.training.augmented_dataset import AugmentedPhotos
from sparrow.training.checkpoint import TrainingState
from sparrow.training.dataset import DetectionSet, batches, load_detection_set
from sparrow.training.distributed import World
from sparrow.training.loop import TrainingHooks, train
from sparrow.training.optimizer import make_optimizer
from sparrow.training.optimizer_step import Batch, make_optimizer_step
from sparrow.training.prediction import predict_set
from sparrow.training.task import TrainingTask

ROOT = Path(__file__).parents[2]
FLIPS = AugmentationConfig(probability=1.0, horizontal_flip=0.5, colour_jitter=0.0)
TRAINING = TrainingConfig(epochs=6, batch_size=8, learning_rate=5e-4, device="cpu")
EVALUATION = EvaluationConfig(iou=0.5)
TARGET_F2 = 0.80
QUALITY_EPOCHS = 4
NO_SCORE = ThresholdScore(0.0, 0.0, 0.0, 0.5)


def throughput(arguments: argparse.Namespace, folder: Path) -> None:
    """Seconds of a step of 8 photos, decoding included, in alternating blocks."""
    dataset, model = real_photos(arguments, folder)
    ours = our_steps(dataset, model, folder)
    plain = plain_steps(dataset, model, TORCHVISION_ROIS)
    equal = plain_steps(dataset, model, {})
    for one in (ours, plain, equal):
        one()  # the first step allocates
    seconds: dict[str, list[tuple[float, float]]] = {"ours": [], "plain": [], "equal": []}
    for _ in range(arguments.rounds):
        for name, one, times in (("ours", ours, 2), ("equal", equal, 2), ("plain", plain, 1)):
            for _ in range(times):
                started = time.perf_counter(), time.process_time()
                one()
                seconds[name].append(
                    (time.perf_counter() - started[0], time.process_time() - started[1])
                )
    wall, processor = (
        {name: median(one[clock] for one in values) for name, values in seconds.items()}
        for clock in (0, 1)
    )
    say("step of 8 photos, ours", f"{wall['ours']:.2f} s, {processor['ours']:.2f} processor-s "
        f"(medians of {len(seconds['ours'])})")  # fmt: skip
    for name, what in (("plain", "torchvision's default RoIs"), ("equal", "our RoI numbers")):
        say(
            f"plain loop, {what}",
            f"{wall[name]:.2f} s, {wall[name] / wall['ours']:.2f} × ours; {processor[name]:.2f} "
            f"processor-s, {processor[name] / processor['ours']:.2f} × ours",
        )


def target(arguments: argparse.Namespace, folder: Path) -> None:
    """Seconds until F2 0.80 on held-out photos; both loops in turn, validation included."""
    dataset, model = real_photos(arguments, folder)
    held_out = dataset.subset("test")
    score = make_score(held_out, ["raccoon"], EVALUATION)
    clock = {"plain": 0.0}
    plain = plain_epochs(dataset, held_out, score, model, clock)
    history: list[tuple[float, float]] = []

    def epoch_done(records: tuple[Any, ...]) -> None:
        spent = sum(one.train_seconds + one.validation_seconds for one in records)
        history.append((spent, records[-1].f_beta))
        say(f"ours, epoch {len(records)}", f"{spent:.0f} s, F2 {records[-1].f_beta:.3f}")
        while clock["plain"] < 2 * spent:  # in turn, so that both meet the same machine
            next(plain)
        if records[-1].f_beta >= TARGET_F2:
            raise ReachedError

    task = TrainingTask(
        load(dataset.subset("train"), model, folder), load(held_out, model, folder), score, 0.05, 0,
        TRAINING, FLIPS,
    )  # fmt: skip
    torch.manual_seed(0)
    with contextlib.suppress(ReachedError):
        train(build_detector(model, 1), task, hooks=TrainingHooks(epoch_done))
    ours = history[-1][0]
    say("ours, at the end", f"{ours:.0f} s, F2 {history[-1][1]:.3f}")
    found = 0.0
    while found < TARGET_F2 and clock["plain"] < 5 * ours:
        found = next(plain) or found
    reached = "reached" if found >= TARGET_F2 else "given up"
    say(f"plain loop, {reached} at", f"{clock['plain']:.0f} s, {clock['plain'] / ours:.1f} × ours")


def quality(arguments: argparse.Namespace, folder: Path) -> None:
    """F2 of both loops after the same epochs, each at its best threshold on held-out photos."""
    dataset, model = real_photos(arguments, folder)
    compare_loops("raccoons", dataset, "raccoon", model, folder)
    data = DataConfig(root=str(folder / "drawn"), prepared=str(folder / "prepared"))
    generate_dataset(folder / "drawn", SyntheticSettings(200, seed=3))
    drawn = split(check_dataset(folder / "drawn", data).dataset)
    compare_loops("drawn photos", drawn, data.classes[0], model, folder)


def compare_loops(
    what: str, dataset: Dataset, class_name: str, model: ModelConfig, folder: Path
) -> None:
    """Train by both loops; say their F2 and the difference, with its paired interval."""
    held_out, config = dataset.subset("test"), Config(evaluation=EVALUATION)
    score = make_score(held_out, [class_name], EVALUATION)
    photos, unseen = (
        load_detection_set(one, [class_name], model, folder / "prepared")
        for one in (dataset.subset("train"), held_out)
    )
    training = TRAINING.model_copy(update={"epochs": QUALITY_EPOCHS})
    torch.manual_seed(0)
    ours, started = build_detector(model, 1), time.perf_counter()
    validation = unseen.first(1)
    train(ours, TrainingTask(photos, validation, lambda _: NO_SCORE, 0.05, 0, training, FLIPS))
    seconds = [time.perf_counter() - started]
    torch.manual_seed(0)
    plain, started = plain_detector(model, TORCHVISION_ROIS).train(), time.perf_counter()
    optimizer = plain_optimizer(plain)
    for epoch in range(QUALITY_EPOCHS):
        for images, targets in plain_batches(dataset.subset("train"), 8, epoch):
            plain_step(plain, optimizer, images, targets)
    seconds.append(time.perf_counter() - started)
    results = []
    for found in (
        predict_set(ours, unseen, 0.05, torch.device("cpu")),
        plain_predictions(plain, held_out),
    ):
        threshold = score(found).threshold
        flat = flatten(with_groups(held_out), found, [class_name])
        results.append(evaluate(flat, threshold, EVALUATION))
    for name, one, spent in zip(("ours", "plain loop"), results, seconds, strict=True):
        value = one.f_beta
        say(f"{what}, {name}", f"F2 {value.value:.3f} ({value.low:.3f} to {value.high:.3f}) after "
            f"{QUALITY_EPOCHS} epochs, {spent:.0f} s")  # fmt: skip
    gain = compare(*results, config).gain
    say(f"{what}, ours - plain", f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})")


class ReachedError(Exception):
    """The score that was asked for."""


def study(arguments: argparse.Namespace, folder: Path) -> None:
    """12 trials of the same learning rates over the same real photos, from the same seed."""
    _, model = real_photos(arguments, folder)
    full = Config(
        seed=1,
        data=raccoons(folder),
        model=model,
        training=TRAINING,
        augmentation=FLIPS,
        evaluation=EVALUATION,
        tuning=TuningConfig(
            trials=12, photos=64, threads=2, pruner="none", startup_trials=12, warmup_epochs=0,
            space={"training.learning_rate": NumberRange(low=1e-5, high=3e-3, log=True)},
        ),
        stores=StoresConfig(tuning=f"sqlite:///{folder}/optuna.db"),
    )  # fmt: skip
    quick = with_values(full, {"tuning.pruner": "halving", "tuning.threads": 1})
    seconds, processor, best = {}, {}, {}
    for name, config, workers in (("pruned", quick, 2), ("full", full, 1)):
        started, spent = time.perf_counter(), children_seconds()
        path = folder / f"{name}.json"
        path.write_text(config.model_dump_json())
        running = [
            subprocess.Popen([sys.executable, __file__, "worker", str(path), name])
            for _ in range(workers)
        ]
        assert not any(one.wait() for one in running)
        seconds[name] = time.perf_counter() - started
        processor[name] = children_seconds() - spent
        rows = study_rows(config, name)
        best[name] = max(row["score"] for row in rows if row["state"] == "complete")
        states = [row["state"] for row in rows]
        counts = {state: states.count(state) for state in sorted(set(states))}
        epochs = sum(row["epochs"] for row in rows)
        say(f"study, {name}", f"{seconds[name]:.0f} s, {processor[name]:.0f} processor-s, best "
            f"{best[name]:.3f}, {counts}, {epochs} epochs")  # fmt: skip
    say(
        "full trials in sequence",
        f"{seconds['full'] / seconds['pruned']:.1f} × the study's time, "
        f"{processor['full'] / processor['pruned']:.1f} × its processor time",
    )


def children_seconds() -> float:
    """Processor time of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def study_rows(config: Config, name: str) -> list[dict[str, Any]]:
    """The trials of a study."""
    from sparrow.training.study_report import trial_table

    return trial_table(config, name)


def work(config: Config, name: str) -> None:
    """One worker's share of a study."""
    from sparrow.training.trial import make_objective
    from sparrow.training.tuning import run_trials

    torch.set_num_threads(config.tuning.threads)
    root = Path(config.data.root)
    dataset = split(check_dataset(root, config.data).dataset)
    classes, cache = config.data.classes, Path(config.data.prepared)
    photos = load_detection_set(dataset.subset("train"), classes, config.model, cache)
    held_out = dataset.subset("test")
    validation = load_detection_set(held_out, classes, config.model, cache)
    score = make_score(held_out, classes, config.evaluation)
    task = TrainingTask(
        photos, validation, score, config.evaluation.min_score, config.seed,
        config.training, config.augmentation,
    )  # fmt: skip
    run_trials(config, name, make_objective(config, task))


TINY = ModelConfig(
    architecture="fasterrcnn_mobilenet_v3_large_320_fpn", weights="none",
    freeze_batch_norm=False, min_side_px=64, max_side_px=96,
    anchor_sizes_px=(16, 28, 44, 64, 96),
)  # fmt: skip


def kills(_: argparse.Namespace, folder: Path) -> None:
    """A training killed at five random moments and resumed each time, against one left alone."""
    root = folder / "raw"
    generate_dataset(root, SyntheticSettings(16, seed=3))
    command = [sys.executable, __file__, "small", str(root)]
    whole = subprocess.run([*command, str(folder / "whole")], capture_output=True, check=True)
    records = torch.load(folder / "whole" / "checkpoint.pt", weights_only=True)["history"]
    epoch_seconds = median(one["train_seconds"] + one["validation_seconds"] for one in records)
    moments = random.Random(0)
    checkpoint = folder / "killed" / "checkpoint.pt"
    for kill in range(5):
        running = subprocess.Popen([*command, str(checkpoint.parent)], stdout=subprocess.PIPE)
        before = changed(checkpoint)
        while changed(checkpoint) == before and running.poll() is None:
            time.sleep(0.01)  # starting takes longer than an epoch
        time.sleep(moments.uniform(0, 1.5) * epoch_seconds)
        os.kill(running.pid, signal.SIGKILL)
        running.communicate()
        say(f"kill {kill + 1}", f"after epoch {finished_epochs(checkpoint)} of 8")
    resumed = subprocess.run([*command, str(folder / "killed")], capture_output=True, check=True)
    same = resumed.stdout == whole.stdout and len(whole.stdout) > 100
    say("metrics of every epoch and all weights equal to the last digit", str(same))


def changed(path: Path) -> float | None:
    """When a file was last replaced."""
    return path.stat().st_mtime if path.exists() else None


def finished_epochs(checkpoint: Path) -> int:
    """How far a killed training had come."""
    return len(torch.load(checkpoint, weights_only=True)["history"])


def small(root: Path, folder: Path) -> None:
    """Eight short epochs; prints every number that no clock decides, and a sum over the weights."""
    from sparrow.inference.model_folder import sha256_of

    folder.mkdir(exist_ok=True)
    data = DataConfig(root=str(root), prepared=str(root.parent / "prepared"))
    dataset = split(check_dataset(root, data).dataset)
    config = Config(data=data, model=TINY)
    held_out = dataset.subset("test")
    photos = load_detection_set(dataset.subset("train"), data.classes, TINY, Path(data.prepared))
    torch.manual_seed(0)
    training = TrainingConfig(
        epochs=8, batch_size=4, learning_rate=1e-3, ema_decay=0.9, threads=1, device="cpu"
    )
    task = TrainingTask(
        photos.first(8),
        load_detection_set(held_out, data.classes, TINY, Path(data.prepared)),
        make_score(held_out, data.classes, EVALUATION), 0.05, 0, training, config.augmentation,
    )  # fmt: skip
    result = train(build_detector(TINY, 1), task, folder)
    clocks = ("train_seconds", "validation_seconds", "photos_per_second")
    for record in result.history:
        print(json.dumps({k: v for k, v in record.row().items() if k not in clocks}))
    print(sha256_of(folder / "best.safetensors"))


def memory(_: argparse.Namespace, folder: Path) -> None:
    """Peak and course of a training's memory, in a process of its own."""
    subprocess.run([sys.executable, __file__, "measure-memory", str(folder)], check=True)


def measure_memory(folder: Path) -> None:
    """20 epochs over 8 drawn photos at 320 px, batch 8."""
    generate_dataset(folder / "raw", SyntheticSettings(24, seed=3))
    data = DataConfig(root=str(folder / "raw"), prepared=str(folder / "prepared"))
    dataset = split(check_dataset(folder / "raw", data).dataset)
    model = ModelConfig(
        architecture="fasterrcnn_mobilenet_v3_large_320_fpn", weights="none",
        freeze_batch_norm=False,
    )  # fmt: skip
    photos = load_detection_set(dataset, data.classes, model, folder / "prepared").first(8)
    course = []

    def note(_: tuple[Any, ...]) -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        course.append(pages * resource.getpagesize() / 1024**3)

    score = make_score(dataset, data.classes, EVALUATION)
    nothing = {name: Detections.empty() for name in dataset.images["image"]}
    training = TrainingConfig(epochs=20, batch_size=8, learning_rate=1e-4, device="cpu")
    task = TrainingTask(
        photos, photos.first(1), lambda found: score({**nothing, **found}), 0.05, 0,
        training, AugmentationConfig(),
    )  # fmt: skip
    train(build_detector(model, 1), task, hooks=TrainingHooks(note))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    say("peak memory, 320 px, batch 8", f"{peak:.2f} GB")
    say("after epochs 2, 10, 20", ", ".join(f"{course[i]:.2f} GB" for i in (1, 9, 19)))


def real_photos(arguments: argparse.Namespace, folder: Path) -> tuple[Dataset, ModelConfig]:
    """The real set, 80 % of it for training, and the detector of ``configs/own.yaml``."""
    if not arguments.raccoon or not arguments.weights:
        sys.exit("this part needs --raccoon DIR (Pascal VOC) and --weights FILE (a backbone)")
    data = raccoons(folder)
    import_set("voc", arguments.raccoon, Target(Path(data.root)))
    model = ModelConfig(
        architecture="fasterrcnn_mobilenet_v3_large_320_fpn", weights=str(arguments.weights),
        trainable_backbone_layers=2, min_side_px=320, max_side_px=640,
    )  # fmt: skip
    return split(check_dataset(Path(data.root), data).dataset), model


def raccoons(folder: Path) -> DataConfig:
    """Where the real photos are put, and what holds of them."""
    return DataConfig(
        root=str(folder / "raw"), classes=("raccoon",), extensions=(".jpg",), max_side_px=20_000,
        prepared=str(folder / "prepared"),
    )  # fmt: skip


def split(dataset: Dataset) -> Dataset:
    """A fifth held out as ``test``; the rest is ``train``."""
    shares = SplitConfig(test_fraction=0.2, validation_fraction=0.05)
    found = split_dataset(dataset, shares, DataConfig().near_duplicate_bits, 0).dataset
    sides = found.images["split"].replace("validation", "train")
    return replace(found, images=found.images.assign(split=sides))


def load(dataset: Dataset, model: ModelConfig, folder: Path) -> DetectionSet:
    """The photos, decoded."""
    return load_detection_set(dataset, ["raccoon"], model, folder / "prepared")


def our_steps(dataset: Dataset, model: ModelConfig, folder: Path) -> Callable[[], None]:
    """A function that takes the next step of our loop."""
    photos = load(dataset.subset("train"), model, folder)
    network = build_detector(model, 1).to(memory_format=torch.channels_last).train()
    torch.set_num_threads(TRAINING.threads)
    state = TrainingState(network, None, make_optimizer(network, TRAINING), [])

    def feed() -> Any:
        for epoch in range(100):
            order = list(batches(photos.sizes_px, 8, 0, epoch))
            order = [one for one in order if len(one) == 8]
            yield from AugmentedPhotos(photos, FLIPS, epoch).load(order, 0)

    feeding = feed()

    def step() -> None:
        samples = next(feeding)
        batch = Batch(samples, [""] * len(samples), 0, 1.0)
        with quick_pooling(network, torch.device("cpu")):
            make_optimizer_step(state, [batch], 5e-4, TRAINING.clip_norm, World())

    return step


def plain_steps(dataset: Dataset, model: ModelConfig, rois: dict[str, Any]) -> Callable[[], None]:
    """A function that takes the next step of the plain loop."""
    network = plain_detector(model, rois).train()
    optimizer = plain_optimizer(network)
    feeding = (
        one for seed in range(100) for one in plain_batches(dataset.subset("train"), 8, seed)
        if len(one[0]) == 8
    )  # fmt: skip
    return lambda: plain_step(network, optimizer, *next(feeding))


def plain_epochs(
    dataset: Dataset, held_out: Dataset, score: Any, model: ModelConfig, clock: dict[str, float]
) -> Any:
    """The plain loop step by step: yields F2 at the end of an epoch, else None; keeps its time."""
    torch.manual_seed(0)
    network = plain_detector(model, TORCHVISION_ROIS).train()
    optimizer = plain_optimizer(network)
    for epoch in range(100):
        started = time.perf_counter()
        for images, targets in plain_batches(dataset.subset("train"), 8, epoch):
            plain_step(network, optimizer, images, targets)
            clock["plain"] += time.perf_counter() - started
            yield None
            started = time.perf_counter()
        found = score(plain_predictions(network, held_out)).f_beta
        clock["plain"] += time.perf_counter() - started
        say(f"plain loop, epoch {epoch + 1}", f"{clock['plain']:.0f} s, F2 {found:.3f}")
        yield found


def say(what: str, figure: str) -> None:
    """One line a figure."""
    print(f"{what}: {figure}", flush=True)


PARTS: dict[str, Callable[[argparse.Namespace, Path], None]] = {
    part.__name__: part for part in (throughput, target, quality, study, kills, memory)
}


def main() -> None:
    """Run the parts asked for, each in a folder of its own that is removed afterwards."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--raccoon", type=Path, help="a set of real photos in Pascal VOC")
    parser.add_argument("--weights", type=Path, help="a MobileNetV3-Large body's state dict")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    for name in arguments.only:
        with tempfile.TemporaryDirectory() as folder:
            PARTS[name](arguments, Path(folder))


if __name__ == "__main__":
    # Parts that need a process of their own call this file again.
    match sys.argv[1:2]:
        case ["worker"]:
            work(Config.model_validate_json(Path(sys.argv[2]).read_text()), sys.argv[3])
        case ["small"]:
            small(Path(sys.argv[2]), Path(sys.argv[3]))
        case ["measure-memory"]:
            measure_memory(Path(sys.argv[2]))
        case _:
            main()
