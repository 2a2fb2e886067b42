"""Twelve drawn photos with hashes and a split, and one tiny training that several tests look at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sparrow.config import (
    AugmentationConfig,
    Config,
    DataConfig,
    EvaluationConfig,
    ModelConfig,
    StoresConfig,
    TrainingConfig,
    TuningConfig,
)
from sparrow.data.formats.exchange import read_csv
from sparrow.data.tables import Dataset
from sparrow.regular_file import sha256_of

CLASSES = ("house_sparrow",)
# Small in every number, so that an epoch of 8 photos takes a second or two.
TINY = ModelConfig(
    architecture="fasterrcnn_mobilenet_v3_large_320_fpn",
    weights="none",
    freeze_batch_norm=False,
    min_side_px=96,
    max_side_px=144,
    anchor_sizes_px=(16, 32, 64),
    rpn_pre_nms_top_n=60,
    rpn_post_nms_top_n=30,
    rpn_batch_size_per_image=32,
    box_batch_size_per_image=16,
    box_detections_per_image=20,
)


@pytest.fixture(scope="session")
def dataset(drawn_dataset: Path) -> Dataset:
    """12 drawn photos: 8 to train on, 4 to validate on. Read only."""
    drawn = read_csv(drawn_dataset)
    images = drawn.images.iloc[:12].reset_index(drop=True)
    images["sha256"] = [sha256_of(drawn.image_path(name)) for name in images["image"]]
    images["split"] = ["train"] * 8 + ["validation"] * 4
    kept = drawn.boxes["image"].isin(images["image"])
    return replace(drawn, images=images, boxes=drawn.boxes[kept].reset_index(drop=True))


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Two epochs of two batches, with every kind of random change switched on."""
    stores = tmp_path_factory.mktemp("stores")
    return Config(
        seed=3,
        model=TINY,
        training=TrainingConfig(
            epochs=2, batch_size=4, learning_rate=0.001, ema_decay=0.5, threads=1, device="cpu"
        ),
        augmentation=AugmentationConfig(crop=0.3, scale_jitter=0.3, rain=0.3, blur=0.3),
        tuning=TuningConfig(
            trials=2, epochs=1, photos=4, pruner="none", space={"training.epochs": (1,)}, threads=1
        ),
        evaluation=EvaluationConfig(bootstrap_samples=10),
        stores=StoresConfig(tuning=f"sqlite:///{stores}/optuna.db"),
    )


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the decoded photos are kept."""
    return tmp_path_factory.mktemp("prepared")


@pytest.fixture(scope="session")
def task(dataset: Dataset, config: Config, cache: Path):
    """The 8 and the 4 photos, decoded, with the real validation score."""
    from sparrow.training.task import load_task

    return load_task(
        config.model_copy(update={"data": DataConfig(classes=CLASSES, prepared=str(cache))}),
        dataset,
    )


@pytest.fixture(scope="session")
def fresh(config: Config):
    """A function that builds the detector every training starts from."""
    import torch

    from sparrow.detectors.build import build_detector

    def build():
        torch.manual_seed(config.seed)
        return build_detector(config.model, len(CLASSES))

    return build


@pytest.fixture(scope="session")
def trained(config: Config, task, fresh, tmp_path_factory: pytest.TempPathFactory):
    """The result of a whole training and the folder it wrote. Read only."""
    from sparrow.training.loop import train

    folder = tmp_path_factory.mktemp("trained")
    return train(fresh(), task, folder)
