"""Convolutions in integers: kept only where that costs no accuracy."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch

from sparrow.config import ModelConfig
from sparrow.detectors.build import build_detector
from sparrow.export.onnx import export_engine
from sparrow.export.parity import detector_of
from sparrow.export.static_quantization import quantize_convolutions
from sparrow.inference.model_folder import QUANTIZED_ENGINE

pytestmark = pytest.mark.slow  # all of the file together

SMALL = ModelConfig(
    architecture="fasterrcnn_efficientnet_lite0_fpn",
    weights="imagenet",
    anchor_sizes_px=(16, 32, 64, 128),
    rpn_pre_nms_top_n=20,
    rpn_post_nms_top_n=10,
)


@pytest.fixture(scope="module")
def photos():
    return list(np.random.default_rng(1).integers(0, 256, (3, 64, 96, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def exported(photos, tmp_path_factory):
    torch.manual_seed(1)
    network = build_detector(SMALL, 1).eval()
    network.roi_heads.score_thresh = 0.0
    return export_engine(network, photos[0], tmp_path_factory.mktemp("exported"))


@pytest.fixture
def engine(exported, tmp_path):
    """A copy that a test may change."""
    copy = tmp_path / "engine.onnx"
    copy.write_bytes(exported.read_bytes())
    return copy


def surest(detect, photos):
    return float(np.mean([detect(photo).scores.max() for photo in photos]))


def test_convolutions_become_integers(engine, photos):
    before, content = surest(detector_of(engine), photos), engine.read_bytes()
    found = quantize_convolutions(engine, photos, lambda detect: {"ap50_95": 0.5})
    integers = engine.with_name(QUANTIZED_ENGINE)
    graph = onnx.load(integers).graph
    # 1 of the stem, 2 in the first block and 3 in each of the other 15; 3 and 3 of the pyramid; the
    # 3 of the proposal head on each of 4 levels.
    assert found["integer_convolutions"] == 1 + 2 + 15 * 3 + 6 + 12
    scales = sum(node.op_type == "QuantizeLinear" for node in graph.node)
    assert scales > 60
    assert integers.stat().st_size < len(content)
    assert engine.read_bytes() == content
    after = surest(detector_of(integers), photos)
    assert after == pytest.approx(before, abs=0.1)  # nearly the same finds
    assert after != before  # it did round
    assert found["integer_change_of_ap50_95"] == 0
    assert {one.name for one in engine.parent.iterdir()} == {"engine.onnx", QUANTIZED_ENGINE}


def test_integers_that_cost_accuracy_are_refused(engine, photos):
    answers = iter([0.90, 0.88])  # floats, then integers
    found = quantize_convolutions(engine, photos[:1], lambda detect: {"ap50_95": next(answers)})
    assert found == {
        "integer_convolutions": 0.0,
        "integer_change_of_ap50_95": pytest.approx(-0.02),
    }
    assert [one.name for one in engine.parent.iterdir()] == ["engine.onnx"]
