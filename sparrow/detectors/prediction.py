"""What goes into a torchvision detector and comes out of it, in the project's values."""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn

from sparrow.detections import Detections


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
