"""From a trained network to the engine that runs without torch, with their agreement checked."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sparrow.config import ModelConfig
from sparrow.detections import Detections
from sparrow.detectors.build import build_detector
from sparrow.detectors.prediction import set_min_score, to_detections, to_float
from sparrow.detectors.roi_pool import with_fast_pooling
from sparrow.export.parity import agreement, detector_of
from sparrow.images import RgbImage
from sparrow.inference.model_folder import ENGINE
from sparrow.inference.safetensors_metadata import classes_metadata

# Float32 sums in another order differ in the last digits, and at a near-tie they decide which of
# two boxes non-maximum suppression keeps; more than that is another model.
SCORE_TOLERANCE = 1e-3
BOX_TOLERANCE_PX = 0.1
MIN_AGREEMENT = 0.95


class ExportError(RuntimeError):
    """The engine does not compute what the network computes."""


class _PixelsIn(nn.Module):
    """uint8 [H, W, 3] in, so that whoever runs the engine only has to decode a photo."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        output = self.model([to_float(image.permute(2, 0, 1))])[0]
        return output["boxes"], output["labels"], output["scores"]


def load_network(weights: Path, config: ModelConfig, n_classes: int, min_score: float) -> nn.Module:
    """The trained network in evaluation mode, reporting detections from ``min_score`` up."""
    model = build_detector(config, n_classes, load_file(weights))
    set_min_score(model, min_score)
    return model.eval()


def copy_weights(weights: Path, class_names: Sequence[str], target: Path) -> None:
    """Write the weights again with the names of their classes in the file's header."""
    save_file(load_file(weights), target, metadata=classes_metadata(class_names))


def export_engine(model: nn.Module, example: RgbImage, folder: Path) -> Path:
    """Write ``engine.onnx`` for photos of any size.

    torch.export and the newer ONNX exporter fail on torchvision's detectors (data-dependent
    branches in their NMS), so the tracing exporter is used; its warnings are about constants that
    the detectors' own tracing support takes care of, and ``check_parity`` is the proof.
    """
    path = folder / ENGINE
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _PixelsIn(with_fast_pooling(model)).eval(),
            (torch.from_numpy(example.copy()),),
            path,
            dynamo=False,
            opset_version=17,
            input_names=["image"],
            output_names=["boxes", "labels", "scores"],
            dynamic_axes={
                "image": {0: "height", 1: "width"},
                "boxes": {0: "detections"},
                "labels": {0: "detections"},
                "scores": {0: "detections"},
            },
        )
    return path


def check_parity(model: nn.Module, engine: Path, photos: Sequence[RgbImage]) -> dict[str, float]:
    """How well network and engine agree over some photos.

    Args:
        model: the network in evaluation mode.
        engine: the exported file.
        photos: uint8 [H, W, 3] at the network's size, of several shapes.

    Returns:
        ``detections`` compared (score 0.2 and above, of either side), the ``share`` of them that
        has a counterpart within the tolerances, and the ``median_score_difference`` (0..1).

    Raises:
        ExportError: fewer than ``MIN_AGREEMENT`` of the detections agree.
    """

    def network(image: RgbImage) -> Detections:
        with torch.no_grad():
            image_chw = to_float(torch.from_numpy(image.copy()).permute(2, 0, 1))
            return to_detections(model([image_chw])[0], np.ones(2))

    parity = agreement(network, detector_of(engine), photos, SCORE_TOLERANCE, BOX_TOLERANCE_PX)
    if parity["share"] < MIN_AGREEMENT:
        raise ExportError(
            f"the exported engine agrees with the network on only {parity['share']:.1%} of "
            f"{parity['detections']:.0f} detections (expected at least {MIN_AGREEMENT:.0%} within "
            f"{SCORE_TOLERANCE} in score and {BOX_TOLERANCE_PX} px in place)"
        )
    return parity
