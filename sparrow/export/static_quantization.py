"""The convolutions of an engine in 8-bit integers: half the processor time of what they cost.

Scales of weights are one for each channel, those of activations come from training photos
("Integer quantization for deep learning inference", Wu et al. 2020). EfficientNet-Lite was made for
it: ReLU6 bounds what comes out of a layer. MobileNetV3's swish and squeeze-and-excitation are
neither fast nor exact in integers, and stay as they are (docs/benchmarks.md, "Integers").
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from sparrow.export.padding import merge_padding
from sparrow.export.parity import Detect, detector_of
from sparrow.images import RgbImage
from sparrow.inference.model_folder import QUANTIZED_ENGINE

# Where torchvision's Faster R-CNN has its convolutions, and what is between them.
TRUNK = ("/model/backbone/", "/model/rpn/head/")
OPERATIONS = {"Add", "Clip", "Conv", "MaxPool", "Pad", "Relu", "Resize"}
MAX_CHANGE = 0.01  # of any score

Scores = Callable[[Detect], Mapping[str, float]]


def quantize_convolutions(
    engine: Path, photos: Sequence[RgbImage], scores: Scores
) -> dict[str, float]:
    """Write an engine with its convolutions in integers beside an engine, if accuracy allows.

    Args:
        engine: the exported file; there is no other where a score falls by more than 0.01.
        photos: uint8 [H, W, 3] at the network's size, from which the scales are read off.
        scores: of an engine, over photos with known objects: 0..1 by name, more is better.

    Returns:
        ``integer_convolutions`` (0: nothing was written), and how much each score changed, as
        ``integer_change_of_NAME``.
    """
    rounded = engine.with_suffix(".partial")
    try:
        convolutions = write_quantized(engine, photos, rounded)
        before, after = scores(detector_of(engine)), scores(detector_of(rounded))
        changes = {name: after[name] - value for name, value in before.items()}
        kept = all(change >= -MAX_CHANGE for change in changes.values())
        if kept:
            rounded.replace(engine.with_name(QUANTIZED_ENGINE))
    finally:
        rounded.unlink(missing_ok=True)
    return {
        "integer_convolutions": float(convolutions if kept else 0),
        **{f"integer_change_of_{name}": float(change) for name, change in changes.items()},
    }


def write_quantized(engine: Path, photos: Sequence[RgbImage], target: Path) -> int:
    """Write an engine with body, pyramid and proposal head in integers; how many convolutions.

    Weights have all 8 bits: with 7, which sums of 16 bits would hold, AP50:95 fell by 0.02
    (docs/benchmarks.md). Where it runs, ``int8_is_exact`` has to be true.
    """
    prepared = target.with_suffix(".prepared")
    try:
        with _no_advice():
            # Its own inference of shapes fails where they follow from the data; ONNX's does.
            quant_pre_process(engine, prepared, skip_symbolic_shape=True)
            merge_padding(prepared)
            nodes = [
                node
                for node in onnx.load(prepared).graph.node
                if node.name.startswith(TRUNK) and node.op_type in OPERATIONS
            ]
            quantize_static(
                prepared,
                target,
                _Photos(photos),
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_quantize=[node.name for node in nodes],
            )
    finally:
        prepared.unlink(missing_ok=True)
    return sum(node.op_type == "Conv" for node in nodes)


class _Photos(CalibrationDataReader):
    """Photos one by one, as the engine takes them."""

    def __init__(self, photos: Sequence[RgbImage]) -> None:
        self._left: Iterator[RgbImage] = iter(photos)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        photo = next(self._left, None)
        return None if photo is None else {"image": photo}


@contextmanager
def _no_advice() -> Iterator[None]:
    """Without what the quantizer advises on the root logger about a model that is prepared."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
