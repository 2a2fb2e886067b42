"""The engine's widest layers in 8-bit integers: half the processor time of a detection.

A Faster R-CNN multiplies each proposal's 12,544 pooled values with 1,024 columns: half of all its
work, and bound by memory. In integers that layer takes a quarter of the time. The rounding moves
scores in the fourth digit; what the rounded engine finds is compared with the exact one before it
replaces it, and everything measured afterwards is measured with the engine that serves.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

from sparrow.export.parity import agreement, detector_of
from sparrow.images import RgbImage

MIN_WEIGHTS = 100_000  # of a layer: below, rounding the activations costs what the product saves
SCORE_TOLERANCE = 0.02
BOX_TOLERANCE_PX = 2.0
MIN_AGREEMENT = 0.9  # of detections; the rest is near-ties that non-maximum suppression decides


def quantize_engine(engine: Path, photos: Sequence[RgbImage]) -> dict[str, float]:
    """Replace an engine by one with its wide layers in integers, if the two agree over ``photos``.

    Args:
        engine: the exported file; stays as it is where it has no wide layer or they disagree.
        photos: uint8 [H, W, 3] at the network's size.

    Returns:
        ``integer_layers``, how many layers now are in integers (0: it stayed as it is), and of the
        comparison, where there was one, ``integer_share`` (0..1, detections that agree within 0.02
        in score and 2 px) and ``integer_median_score_difference`` (0..1).
    """
    rounded = engine.with_suffix(".partial")
    try:
        return _replace_if_they_agree(engine, rounded, photos)
    finally:
        rounded.unlink(missing_ok=True)


def _replace_if_they_agree(
    engine: Path, rounded: Path, photos: Sequence[RgbImage]
) -> dict[str, float]:
    layers = write_rounded(engine, rounded)
    if layers == 0:
        return {"integer_layers": 0.0}
    exact, integer = detector_of(engine), detector_of(rounded)
    compared = agreement(exact, integer, photos, SCORE_TOLERANCE, BOX_TOLERANCE_PX)
    agree = compared["share"] >= MIN_AGREEMENT
    if agree:
        rounded.replace(engine)
    return {
        "integer_layers": float(layers if agree else 0),
        "integer_share": compared["share"],
        "integer_median_score_difference": compared["median_score_difference"],
    }


def write_rounded(engine: Path, target: Path) -> int:
    """Write an engine with its wide layers in integers; how many there are (0: nothing written).

    Weights have 7 bits, a scale for each column: products of 8 and 7 bits never overflow the
    16-bit sums of processors without VNNI, so that every machine finds the same numbers.
    """
    model = onnx.load(engine)
    sizes = {tensor.name: prod(tensor.dims) for tensor in model.graph.initializer}
    wide = [
        node.name
        for node in model.graph.node
        if node.op_type == "Gemm" and sizes.get(node.input[1], 0) >= MIN_WEIGHTS
    ]
    if not wide:
        return 0
    add_pre_process_metadata(model)  # the exporter has folded and inferred what there is to
    quantize_dynamic(
        model,
        target,
        nodes_to_quantize=[f"{name}_MatMul" for name in wide],  # as quantize_dynamic renames them
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
    )
    nodes = onnx.load(target).graph.node
    return sum(node.op_type == "MatMulInteger" for node in nodes)
