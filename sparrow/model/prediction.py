"""Predictions of a torch detector on a ``DetectionSet`` (validation while training)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from sparrow.detections import Detections
from sparrow.model.dataset import DetectionSet

BATCH_SIZE = 8


def to_float(image: Tensor) -> Tensor:
    """uint8 [3, H, W] -> float32 0..1, the range the network normalises from."""
    return image.float() / 255.0


def set_min_score(model: nn.Module, min_score: float) -> None:
    """Let the network itself drop what scores below ``min_score``."""
    heads = getattr(model, "roi_heads", model)  # one-stage detectors keep it at the top
    heads.score_thresh = min_score


def to_detections(output: dict[str, Tensor], scale_xy: np.ndarray) -> Detections:
    """One photo's torchvision output -> ``Detections`` in the photo's own pixels."""
    boxes = output["boxes"].detach().cpu().numpy() / np.tile(scale_xy, 2)
    return Detections(
        boxes.astype(np.float32),
        output["scores"].detach().cpu().numpy(),
        output["labels"].detach().cpu().numpy(),
    )


def predict_set(
    model: nn.Module, photos: DetectionSet, min_score: float, device: torch.device
) -> dict[str, Detections]:
    """Detections of every photo, above ``min_score``, in pixels of the photo itself."""
    model.eval()
    set_min_score(model, min_score)
    found: dict[str, Detections] = {}
    with torch.inference_mode():
        for start in range(0, len(photos), BATCH_SIZE):
            indices = range(start, min(start + BATCH_SIZE, len(photos)))
            images = [to_float(photos.sample(i)[0]).to(device) for i in indices]
            for i, output in zip(indices, model(images), strict=True):
                detections = to_detections(output, photos.scales[i])
                found[photos.images[i]] = detections.above(min_score)
    return found
