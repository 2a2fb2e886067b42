"""Every detector that config can name learns for an epoch, predicts, and runs as an engine."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch

from sparrow.config import AugmentationConfig, ModelConfig
from sparrow.config.training import ANCHOR_LEVELS
from sparrow.data.formats.exchange import read_csv
from sparrow.detectors.build import build_detector
from sparrow.detectors.prediction import to_float
from sparrow.evaluation.validation import make_score
from sparrow.export.onnx import check_parity, export_engine
from sparrow.regular_file import sha256_of
from sparrow.training.dataset import DetectionSet, load_detection_set
from sparrow.training.loop import train
from sparrow.training.prediction import predict_set
from sparrow.training.task import TrainingTask

pytestmark = pytest.mark.slow  # all of the file together

CLASSES = ("house_sparrow",)
ARCHITECTURES = get_args(ModelConfig.model_fields["architecture"].annotation)
RCNN = {
    "rpn_pre_nms_top_n": 60,
    "rpn_post_nms_top_n": 30,
    "rpn_batch_size_per_image": 32,
    "box_batch_size_per_image": 16,
}
# The smallest photos there are, and ResNets learn in nothing but their last stage: quick.
SMALL = {
    "weights": "none",
    "freeze_batch_norm": False,
    "min_side_px": 64,
    "max_side_px": 96,
    "trainable_backbone_layers": 1,
    "box_detections_per_image": 20,
}
LOSSES = {
    "fasterrcnn": {"loss_classifier", "loss_box_reg", "loss_objectness", "loss_rpn_box_reg"},
    "retinanet": {"classification", "bbox_regression"},
    "fcos": {"classification", "bbox_regression", "bbox_ctrness"},
    "ssdlite320": {"classification", "bbox_regression"},
}


def configured(architecture: str) -> ModelConfig:
    sizes = (8, 16, 24, 32, 48, 64)
    anchors = {"anchor_sizes_px": sizes[: ANCHOR_LEVELS.get(architecture, 5)]}
    return ModelConfig(
        architecture=architecture,
        **SMALL,
        **(RCNN if architecture.startswith("fasterrcnn") else {}),
        **({} if architecture.startswith("fcos") else anchors),
    )


@pytest.fixture(scope="module")
def sixteen(drawn_dataset, tmp_path_factory):
    """16 drawn photos at the network's size, their validation score included."""
    drawn = read_csv(drawn_dataset)
    images = drawn.images.iloc[:16].reset_index(drop=True)
    images["sha256"] = [sha256_of(drawn.image_path(name)) for name in images["image"]]
    kept = drawn.boxes["image"].isin(images["image"])
    dataset = replace(drawn, images=images, boxes=drawn.boxes[kept].reset_index(drop=True))
    cache = tmp_path_factory.mktemp("sixteen")
    return load_detection_set(dataset, CLASSES, configured(ARCHITECTURES[0]), cache), dataset


@pytest.fixture(scope="module", params=ARCHITECTURES)
def trained(request, sixteen, config):
    """Its name, the detector after one epoch over 16 photos, and what training said."""
    photos, dataset = sixteen
    torch.manual_seed(3)
    model = build_detector(configured(request.param), 1)
    score = make_score(dataset, CLASSES, config.evaluation)
    training = config.training.model_copy(
        update={"epochs": 1, "batch_size": 8, "learning_rate": 1e-4, "ema_decay": 0.0}
    )
    task = TrainingTask(photos, photos, score, 0.05, 0, training, AugmentationConfig())
    return request.param, model, train(model, task)


def test_there_is_one_of_every_kind():
    assert {name.split("_")[0] for name in ARCHITECTURES} == LOSSES.keys()


def test_it_learns_for_an_epoch_and_predicts(trained, sixteen):
    name, model, result = trained
    assert result.best.losses.keys() == LOSSES[name.split("_")[0]]
    assert math.isfinite(result.best.loss)
    photos, _ = sixteen
    found = predict_set(model, photos, 0.001, torch.device("cpu"))
    assert list(found) == list(photos.images)
    assert sum(len(one) for one in found.values()) > 0
    for one in found.values():
        assert len(one) <= 20  # box_detections_per_image
        assert (one.labels == 1).all()  # background, 0, is never a detection


def test_its_engine_finds_what_it_finds(trained, sixteen, tmp_path):
    _, model, _ = trained
    photos, _ = sixteen
    spread(model, photos)
    # Parity compares from 0.2 up; what the engine leaves out by rounding is well below.
    predict_set(model, photos.first(1), 0.1, torch.device("cpu"))
    engine = export_engine(model, photos.photo(0), tmp_path)
    # Another shape than the one it was exported with.
    shapes = [photos.photo(0), photos.photo(1), np.ascontiguousarray(photos.photo(2)[:, ::2])]
    parity = check_parity(model, engine, shapes)
    assert parity["share"] >= 0.95
    assert parity["detections"] > 0


def spread(model: torch.nn.Module, photos: DetectionSet) -> None:
    """Part the scores of a network that has learned next to nothing: where they are nearly equal,
    rounding decides which of two boxes suppression keeps.
    """
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0  # two batches are not enough to know the photos' statistics
    samples = [photos.sample(i) for i in range(4)]
    with torch.no_grad():
        targets = [{"boxes": boxes, "labels": labels} for _, boxes, labels in samples]
        model.train()([to_float(image) for image, _, _ in samples], targets)
        for name, layer in model.named_modules():
            last = "cls_score" in name or ("cls_logits" in name and "rpn" not in name)
            if last and getattr(layer, "bias", None) is not None and layer.weight.dim() in (2, 4):
                layer.bias.view(-1, 2)[:, 1] = 3.0  # sure enough of some birds
