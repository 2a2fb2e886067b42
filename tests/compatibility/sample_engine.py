"""An engine of a few hundred bytes, for ``make_sample.py``, whose answer depends on the photo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

BOXES = ((4, 4, 24, 24), (30, 30, 50, 50), (10, 34, 26, 52), (34, 6, 58, 22))


def write_engine(path: Path, added: tuple[float, ...]) -> None:
    """Write it: the same boxes in every photo, with scores that grow with its brightness.

    Args:
        path: of the file.
        added: to the brightness (0..1) to make the score of each box, the largest first.
    """
    constants = {
        "boxes": np.array(BOXES, np.float32),
        "labels": np.ones(len(BOXES), np.int64),
        "added": np.array(added, np.float32),
        "white": np.array(255, np.float32),
        "least": np.array(0.05, np.float32),
        "most": np.array(1, np.float32),
    }
    nodes = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))
        for name, value in constants.items()
    ]
    nodes += [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "white"], ["brightness"]),
        helper.make_node("Add", ["added", "brightness"], ["sum"]),
        helper.make_node("Clip", ["sum", "least", "most"], ["scores"]),
    ]
    outputs = [
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [len(BOXES), 4]),
        helper.make_tensor_value_info("labels", TensorProto.INT64, [len(BOXES)]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, [len(BOXES)]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["height", "width", 3])
    graph = helper.make_graph(nodes, "brightness", [image], outputs)
    opset = [helper.make_opsetid("", 17)]
    save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)
