"""One short training, started alone or by torch's launcher: ``train_small.py DATA_ROOT FOLDER``.

Each process prints its history; the weights of the best epoch lie in FOLDER.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from sparrow.config import AugmentationConfig, EvaluationConfig, ModelConfig, TrainingConfig
from sparrow.data.formats.exchange import read_csv
from sparrow.detectors.build import build_detector
from sparrow.evaluation.validation import make_score
from sparrow.regular_file import sha256_of
from sparrow.training.dataset import load_detection_set
from sparrow.training.loop import train
from sparrow.training.task import TrainingTask

CLASSES = ("house_sparrow",)
MODEL = ModelConfig(
    architecture="fasterrcnn_mobilenet_v3_large_320_fpn",
    weights="none",
    freeze_batch_norm=True,  # trained statistics would be each process's own
    min_side_px=64,
    max_side_px=96,
    anchor_sizes_px=(16, 32),
    rpn_pre_nms_top_n=60,
    rpn_post_nms_top_n=30,
    rpn_batch_size_per_image=32,
    box_batch_size_per_image=16,
)
TRAINING = TrainingConfig(
    epochs=2, batch_size=2, gradient_accumulation_steps=2, optimizer="sgd",
    learning_rate=0.01, threads=1, device="cpu",
)  # fmt: skip


def train_small(root: Path, folder: Path) -> list[dict[str, Any]]:
    """Five photos: two steps, of which the last has one batch only."""
    drawn = read_csv(root)
    images = drawn.images.iloc[:5].reset_index(drop=True)
    images["sha256"] = [sha256_of(drawn.image_path(name)) for name in images["image"]]
    boxes = drawn.boxes[drawn.boxes["image"].isin(images["image"])].reset_index(drop=True)
    dataset = replace(drawn, images=images, boxes=boxes)
    photos = load_detection_set(dataset, CLASSES, MODEL, folder)
    score = make_score(dataset, CLASSES, EvaluationConfig())
    torch.manual_seed(0)
    task = TrainingTask(photos, photos, score, 0.05, 1, TRAINING, AugmentationConfig())
    result = train(build_detector(MODEL, 1), task, folder)
    return [record.row() for record in result.history]


if __name__ == "__main__":
    print(json.dumps(train_small(Path(sys.argv[1]), Path(sys.argv[2]))))
