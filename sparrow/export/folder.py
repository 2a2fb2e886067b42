"""From trained weights to a whole model folder."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sparrow.config import ModelConfig
from sparrow.export.onnx import check_parity, copy_weights, export_engine, load_network
from sparrow.export.quantization import quantize_engine
from sparrow.export.static_quantization import Scores, quantize_convolutions
from sparrow.images import RgbImage
from sparrow.inference.model_folder import WEIGHTS, ModelInfo, write_info
from sparrow.lite0 import LITE0


@dataclass(frozen=True, eq=False)
class ExportPhotos:
    """What an engine is compared and calibrated on: photos uint8 [H, W, 3] at the network's size.

    Attributes:
        examples: engine and network are compared on them; the first also traces the network.
        calibration: of the training; from these the scales of integers are read off.
        scores: of an engine over photos with known objects, 0..1 by name.
    """

    examples: Sequence[RgbImage]
    calibration: Sequence[RgbImage]
    scores: Scores


def write_model_folder(
    config: ModelConfig, weights: Path, photos: ExportPhotos, info: ModelInfo, folder: Path
) -> ModelInfo:
    """Weights, ``model.json`` and the engine, in integers as far as that costs no accuracy.

    Args:
        config: of the network that the weights belong to.
        weights: a safetensors file.
        photos: what the engine is compared on.
        info: what ``model.json`` says besides the parity.
        folder: replaced where it exists.

    Returns:
        ``info`` with the parity of engine and network.

    Raises:
        ExportError: the engine does not compute what the network computes.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    copy_weights(weights, info.class_names, folder / WEIGHTS)
    network = load_network(weights, config, len(info.class_names), info.min_score)
    engine = export_engine(network, photos.examples[0], folder)
    parity = check_parity(network, engine, photos.examples)
    parity |= quantize_engine(engine, photos.examples)
    if config.architecture == LITE0:
        parity |= quantize_convolutions(engine, photos.calibration, photos.scores)
    return write_info(folder, info.model_copy(update={"engine_parity": parity}))
