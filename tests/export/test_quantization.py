"""Wide layers in integers: another file, nearly the same finds, never another model in silence."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from sparrow.export import quantization as integers
from sparrow.export.onnx import export_engine, load_network
from sparrow.export.parity import detector_of
from sparrow.export.quantization import quantize_engine, write_rounded

pytestmark = pytest.mark.slow  # all of the file together


@pytest.fixture(scope="module")
def exported(trained, config, task, tmp_path_factory):
    network = load_network(trained.weights_path, config.model, 1, 0.0)
    return export_engine(network, task.photos.photo(0), tmp_path_factory.mktemp("exported"))


@pytest.fixture
def engine(exported, tmp_path):
    """A copy that a test may change."""
    copy = tmp_path / "engine.onnx"
    copy.write_bytes(exported.read_bytes())
    return copy


@pytest.fixture
def photos(task):
    return [task.validation.photo(i) for i in range(3)]


def test_an_engine_without_wide_layers_stays_as_it_is(tmp_path):
    weight = numpy_helper.from_array(np.ones((4, 4), np.float32), "weight")
    line = [helper.make_tensor_value_info(x, TensorProto.FLOAT, [1, 4]) for x in ("in", "out")]
    node = helper.make_node("Gemm", ["in", "weight"], ["out"], name="narrow")
    graph = helper.make_graph([node], "small", line[:1], line[1:], [weight])
    path = tmp_path / "engine.onnx"
    onnx.save(helper.make_model(graph), path)
    before = path.read_bytes()
    assert quantize_engine(path, []) == {"integer_layers": 0.0}
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["engine.onnx"]


def test_the_two_layers_of_the_box_head_become_integers(engine, tmp_path):
    target = tmp_path / "rounded.onnx"
    assert write_rounded(engine, target) == 2  # fc6 and fc7
    weights = [one for one in onnx.load(target).graph.initializer if one.data_type == 3]  # int8
    wide = [numpy_helper.to_array(one) for one in weights if len(one.dims) == 2]
    assert sorted(one.shape for one in wide) == [(1024, 1024), (12544, 1024)]
    assert all(abs(one.astype(int)).max() <= 64 for one in wide)  # 7 bits
    assert target.stat().st_size < 0.6 * engine.stat().st_size


def test_what_the_rounded_engine_finds_is_nearly_the_same(engine, photos):
    exact = detector_of(engine)
    found = quantize_engine(engine, photos)
    assert found["integer_layers"] == 2
    assert found["integer_share"] >= 0.9
    rounded = detector_of(engine)
    for photo in photos:
        ours, theirs = exact(photo), rounded(photo)
        assert len(ours) > 0
        # The surest box of each: its score is a matter of digits, not of ties.
        assert theirs.scores[0] == pytest.approx(ours.scores[0], abs=0.02)
        assert not np.array_equal(theirs.scores, ours.scores)  # it did round


def test_an_engine_that_would_find_something_else_stays_exact(engine, photos, monkeypatch):
    monkeypatch.setattr(integers, "MIN_AGREEMENT", 1.01)  # more than any engine can reach
    before = engine.read_bytes()
    found = quantize_engine(engine, photos)
    assert found["integer_layers"] == 0
    assert found["integer_share"] <= 1
    assert engine.read_bytes() == before
    assert [one.name for one in engine.parent.iterdir()] == ["engine.onnx"]
