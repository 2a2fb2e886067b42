"""torchvision's COCO detectors as engines that put out a person's classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from safetensors.torch import save_file

from sparrow.config import ModelConfig
from sparrow.detectors.coco_detector import (
    CountedClasses,
    build_coco_detector,
    coco_labels,
    read_coco_weights,
)
from sparrow.detectors.prediction import set_min_score
from sparrow.export.onnx import check_parity, export_engine
from sparrow.export.quantization import quantize_engine
from sparrow.images import RgbImage
from sparrow.inference.model_folder import WEIGHTS
from sparrow.inference.safetensors_metadata import classes_metadata


def write_coco_engine(
    config: ModelConfig,
    counted_as: Mapping[str, Sequence[str]],
    min_score: float,
    examples: Sequence[RgbImage],
    folder: Path,
) -> dict[str, float]:
    """Write ``weights.safetensors`` and ``engine.onnx``.

    Args:
        config: see ``coco_config``.
        counted_as: the COCO classes that count as each class.
        min_score: 0..1; the engine puts out nothing below it.
        examples: uint8 [H, W, 3] at the network's size, on which engine and network are compared.

    Returns:
        How well the two agree, for ``model.json``.

    Raises:
        WeightsError, ExportError: see ``read_coco_weights`` and ``check_parity``.
    """
    detector = build_coco_detector(config, read_coco_weights(config))
    set_min_score(detector, min_score)
    numbers = coco_labels(config.architecture)
    labels = [[numbers[name] for name in names] for names in counted_as.values()]
    network = CountedClasses(detector, labels, config.box_nms_iou).eval()
    # Under ``detector.``: the last layer scores COCO's classes, and not those that are put out.
    save_file(network.state_dict(), folder / WEIGHTS, metadata=classes_metadata(list(counted_as)))
    engine = export_engine(network, examples[0], folder)
    return check_parity(network, engine, examples) | quantize_engine(engine, examples)
