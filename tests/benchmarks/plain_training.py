"""A plain loop as in torchvision's detection reference, to measure ours against.

Photos are decoded in every epoch and resized by the network, boxes flipped half of the time, RoIs
and proposals are torchvision's default, memory is contiguous, the optimizer unfused.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models import get_model
from torchvision.transforms.v2 import functional as F

from sparrow.config import ModelConfig
from sparrow.data.tables import XYXY, Dataset
from sparrow.detections import Detections
from sparrow.detectors.build import build_detector
from sparrow.images import read_image

TORCHVISION_ROIS = {
    "rpn_pre_nms_top_n": 2000,
    "rpn_post_nms_top_n": 2000,
    "rpn_batch_size_per_image": 256,
    "box_batch_size_per_image": 512,
    "box_positive_fraction": 0.25,
}


def plain_detector(config: ModelConfig, rois: dict[str, int]) -> nn.Module:
    """The same network from the same weights, with its own resizing back and other RoI numbers."""
    model = build_detector(config.model_copy(update=rois), 1)
    own = get_model(
        config.architecture, weights=None, weights_backbone=None, num_classes=2,
        min_size=config.min_side_px, max_size=config.max_side_px,
    )  # fmt: skip
    model.transform = own.transform
    return model


def plain_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    """AdamW over what learns, at one rate."""
    return torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], 5e-4)


def plain_batches(
    dataset: Dataset, batch_size: int, seed: int
) -> Iterator[tuple[list[Tensor], list[dict[str, Tensor]]]]:
    """One epoch: photos read and decoded now, at their own size."""
    rng = np.random.default_rng(seed)
    boxes = dataset.boxes_by_image()
    names = list(dataset.images["image"])
    order = rng.permutation(len(names))
    for start in range(0, len(order), batch_size):
        images, targets = [], []
        for i in order[start : start + batch_size]:
            image = torch.from_numpy(read_image(dataset.image_path(names[i])).copy()).permute(
                2, 0, 1
            )
            found = torch.tensor(boxes[names[i]][XYXY].to_numpy(dtype=np.float32))
            if rng.random() < 0.5:
                image = F.horizontal_flip(image)
                found[:, [0, 2]] = image.shape[2] - found[:, [2, 0]]
            images.append(image.float() / 255)
            targets.append({"boxes": found, "labels": torch.ones(len(found), dtype=torch.int64)})
        yield images, targets


def plain_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: list[Tensor],
    targets: list[dict[str, Tensor]],
) -> None:
    """Forward, backward, step."""
    loss = sum(model(images, targets).values())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def plain_predictions(model: nn.Module, dataset: Dataset) -> dict[str, Detections]:
    """Detections of every photo, one photo at a time."""
    model.eval()
    found = {}
    with torch.no_grad():
        for name in dataset.images["image"]:
            image = torch.from_numpy(read_image(dataset.image_path(name)).copy()).permute(2, 0, 1)
            output = {k: v.numpy() for k, v in model([image.float() / 255])[0].items()}
            found[name] = Detections(output["boxes"], output["scores"], output["labels"])
    model.train()
    return found
