"""Predictions of a torch detector on a ``DetectionSet`` (validation while training)."""

from __future__ import annotations

import torch
from torch import nn

from sparrow.detections import Detections
from sparrow.detectors.prediction import set_min_score, to_detections, to_float
from sparrow.training.dataset import DetectionSet

BATCH_SIZE = 8


def predict_set(
    model: nn.Module, photos: DetectionSet, min_score: float, device: torch.device
) -> dict[str, Detections]:
    """Detections of every photo, above ``min_score``, in pixels of the photo itself."""
    model.eval()
    set_min_score(model, min_score)
    predictions: dict[str, Detections] = {}
    with torch.inference_mode():
        for start in range(0, len(photos), BATCH_SIZE):
            indices = range(start, min(start + BATCH_SIZE, len(photos)))
            images = [to_float(photos.sample(i)[0]).to(device) for i in indices]
            for i, output in zip(indices, model(images), strict=True):
                detections = to_detections(output, photos.scales[i])
                predictions[photos.images[i]] = detections.above(min_score)
    return predictions
