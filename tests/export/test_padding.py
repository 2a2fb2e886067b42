"""Padding goes into the convolution that follows it, and no number changes."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from sparrow.export.padding import merge_padding

AFTER = [0, 0, 0, 0, 0, 0, 1, 1]  # a row below and a column to the right


def write(path, amounts, *, mode="constant", value=None, read_twice=False):
    """Pad, then a convolution of 3 x 3 with stride 2 over [1, 1, 4, 6]."""
    constants = [
        numpy_helper.from_array(np.array(amounts, np.int64), "amounts"),
        numpy_helper.from_array(np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3), "weight"),
    ]
    inputs = ["in", "amounts"]
    if value is not None:
        constants.append(numpy_helper.from_array(np.array(value, np.float32), "value"))
        inputs.append("value")
    nodes = [
        helper.make_node("Pad", inputs, ["padded"], mode=mode),
        helper.make_node("Conv", ["padded", "weight"], ["out"], strides=[2, 2]),
    ]
    outputs = [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)]
    if read_twice:
        nodes.append(helper.make_node("Identity", ["padded"], ["again"]))
        outputs.append(helper.make_tensor_value_info("again", TensorProto.FLOAT, None))
    photo = helper.make_tensor_value_info("in", TensorProto.FLOAT, [1, 1, 4, 6])
    graph = helper.make_graph(nodes, "padded", [photo], outputs, constants)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)


def answer(path):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["out"], {"in": np.arange(24, dtype=np.float32).reshape(1, 1, 4, 6)})[0]


@pytest.mark.parametrize("value", [None, 0.0])
def test_it_becomes_part_of_the_convolution(tmp_path, value):
    path = tmp_path / "engine.onnx"
    write(path, AFTER, value=value)
    before = answer(path)
    assert merge_padding(path) == 1
    graph = onnx.load(path).graph
    assert [node.op_type for node in graph.node] == ["Conv"]
    assert [constant.name for constant in graph.initializer] == ["weight"]
    np.testing.assert_array_equal(answer(path), before)
    assert before.shape == (1, 1, 2, 3)


def test_a_constant_that_only_a_branch_reads_stays(tmp_path):
    path = tmp_path / "engine.onnx"
    write(path, AFTER)
    model = onnx.load(path)
    bias = numpy_helper.from_array(np.array(5, np.float32), "bias")
    truth = numpy_helper.from_array(np.array(True), "truth")
    model.graph.initializer.extend([bias, truth])
    added = helper.make_node("Add", ["out", "bias"], ["sum"])
    kept = helper.make_node("Identity", ["out"], ["same"])
    branches = [
        helper.make_graph([node], "branch", [], [helper.make_tensor_value_info(name, 1, None)])
        for node, name in ((added, "sum"), (kept, "same"))
    ]
    then, otherwise = branches
    model.graph.node.append(
        helper.make_node("If", ["truth"], ["final"], then_branch=then, else_branch=otherwise)
    )
    model.graph.output[0].name = "final"
    onnx.save(model, path)
    session = onnxruntime.InferenceSession(path.read_bytes())
    photo = {"in": np.arange(24, dtype=np.float32).reshape(1, 1, 4, 6)}
    before = session.run(None, photo)[0]
    assert merge_padding(path) == 1
    after = onnxruntime.InferenceSession(path.read_bytes()).run(None, photo)[0]
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize(
    ("amounts", "values"),
    [
        (AFTER, {"value": 1.0}),  # a convolution pads with zeros
        (AFTER, {"mode": "edge"}),
        (AFTER, {"read_twice": True}),
        ([0, 0, 0, 0, 1, 0, 0, 0], {}),  # another photo
    ],
)
def test_any_other_padding_stays(tmp_path, amounts, values):
    path = tmp_path / "engine.onnx"
    write(path, amounts, **values)
    before = path.read_bytes()
    assert merge_padding(path) == 0
    assert path.read_bytes() == before
