"""Padding as part of the convolution that follows it, which ONNX can say and torch cannot.

TensorFlow pads one side more than the other. As an operation of its own that copies the largest
maps of a network, and in an engine in integers turns them to floats and back: 2 of 12 ms.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, helper, numpy_helper

SIDES = 4  # a convolution's pads: top, left, bottom, right


def merge_padding(engine: Path) -> int:
    """Rewrite an engine without the padding that its convolutions can do; how many they were.

    Args:
        engine: with constants folded, as ONNX Runtime's optimizer writes it.
    """
    model = onnx.load(engine)
    constants = _constants(model)
    pads = {node.output[0]: node for node in model.graph.node if node.op_type == "Pad"}
    readers = Counter(name for node in model.graph.node for name in node.input)
    merged = []
    for node in model.graph.node:
        pad = pads.get(node.input[0]) if node.op_type == "Conv" else None
        if pad is None or readers[pad.output[0]] > 1:
            continue
        sides = _sides(pad, constants)
        if sides is not None:
            _add_pads(node, sides)
            node.input[0] = pad.input[0]
            merged.append(pad)
    for pad in merged:
        model.graph.node.remove(pad)
    if merged:
        _drop_unread(model)
        onnx.save(model, engine)
    return len(merged)


def _drop_unread(model: ModelProto) -> None:
    """ONNX Runtime warns of each constant that nothing reads, whenever it loads the engine."""
    read = _read_in(model.graph)
    for constant in [one for one in model.graph.initializer if one.name not in read]:
        model.graph.initializer.remove(constant)


def _constants(model: ModelProto) -> dict[str, np.ndarray]:
    written = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            written[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return written


def _sides(pad: NodeProto, constants: dict[str, np.ndarray]) -> list[int] | None:
    """Zeros added to height and width, top, left, bottom, right; None where it is another kind."""
    mode = next((a.s for a in pad.attribute if a.name == "mode"), b"constant")
    amounts = constants.get(pad.input[1]) if len(pad.input) > 1 else None
    value = constants.get(pad.input[2]) if len(pad.input) > 2 and pad.input[2] else np.zeros(())
    if mode != b"constant" or amounts is None or value is None or float(value) != 0:
        return None
    # [batch, channels, height, width] before, then after.
    if len(amounts) != 2 * SIDES or amounts[[0, 1, 4, 5]].any():
        return None
    return [int(amounts[i]) for i in (2, 3, 6, 7)]


def _add_pads(convolution: NodeProto, sides: list[int]) -> None:
    own = next((a for a in convolution.attribute if a.name == "pads"), None)
    if own is None:
        convolution.attribute.append(helper.make_attribute("pads", sides))
    else:
        own.ints[:] = [int(a) + b for a, b in zip(own.ints, sides, strict=True)]


def _read_in(graph: GraphProto) -> set[str]:
    """Names that a graph and those within its branches read, or put out."""
    names = {value.name for value in graph.output}
    for node in graph.node:
        names.update(node.input)
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                names |= _read_in(attribute.g)
    return names
