"""From trained weights to a whole model folder."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from sparrow.config import ModelConfig
from sparrow.export.onnx import check_parity, copy_weights, export_engine, load_network
from sparrow.export.quantization import quantize_engine
from sparrow.images import RgbImage
from sparrow.inference.model_folder import WEIGHTS, ModelInfo, write_info


def write_model_folder(
    config: ModelConfig, weights: Path, examples: Sequence[RgbImage], info: ModelInfo, folder: Path
) -> ModelInfo:
    """Weights, ``model.json`` and the engine, whose wide layers are in integers.

    Args:
        config: of the network that the weights belong to.
        weights: a safetensors file.
        examples: photos uint8 [H, W, 3] at the network's size, on which engine and network are
            compared; the first also traces the network.
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
    engine = export_engine(network, examples[0], folder)
    parity = check_parity(network, engine, examples) | quantize_engine(engine, examples)
    return write_info(folder, info.model_copy(update={"engine_parity": parity}))
