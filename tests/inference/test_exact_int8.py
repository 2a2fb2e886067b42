"""Engines in integers are taken only where the processor adds their products up exactly."""

from __future__ import annotations

import shutil

import numpy as np
import onnx
from onnx import TensorProto, helper

from sparrow.inference import engine as engines
from sparrow.inference.engine import Engine
from sparrow.inference.exact_int8 import COLUMNS, GRAPH, LENGTH, int8_is_exact
from sparrow.inference.model_folder import ENGINE, QUANTIZED_ENGINE, read_info, write_info


def test_the_graph_is_one_product():
    kinds = {"a": (TensorProto.UINT8, [1, LENGTH]), "b": (TensorProto.INT8, [LENGTH, COLUMNS])}
    inputs = [helper.make_tensor_value_info(name, *kind) for name, kind in kinds.items()]
    output = helper.make_tensor_value_info("c", TensorProto.INT32, [1, COLUMNS])
    node = helper.make_node("MatMulInteger", ["a", "b"], ["c"])
    graph = helper.make_graph([node], "g", inputs, [output])
    opset = [helper.make_opsetid("", 13)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8, producer_name="")
    assert model.SerializeToString() == GRAPH
    onnx.checker.check_model(onnx.load_from_string(GRAPH))


def test_it_is_true_or_false_of_a_machine():
    """64 products of 255 and 127: sums of two, 64,770, are more than 16 signed bits hold."""
    assert 2 * 255 * 127 > 2**15 - 1
    assert int8_is_exact() in (True, False)


def test_the_engine_in_integers_is_taken_where_they_are_exact(
    write_small_model, tmp_path, monkeypatch
):
    folder = write_small_model(tmp_path / "model")
    other = write_small_model(tmp_path / "other", found=((1, 0.9, 2, 2, 10, 10),))
    photo = np.zeros((40, 60, 3), np.uint8)
    n_float, n_integer = (len(Engine(path).detect(photo)) for path in (folder, other))
    assert n_float != n_integer
    shutil.copy(other / ENGINE, folder / QUANTIZED_ENGINE)
    write_info(folder, read_info(other))
    for exact, expected in ((True, n_integer), (False, n_float)):
        monkeypatch.setattr(engines, "int8_is_exact", lambda exact=exact: exact)
        assert len(Engine(folder).detect(photo)) == expected
