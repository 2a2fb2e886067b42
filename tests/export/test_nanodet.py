"""The converted NanoDet computes what a second, independent reading of its graph computes."""

from __future__ import annotations

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from small_nanodet import BINS, NAME, SIDE_PX, VERSION, nanodet_files, write_package
from tfjs_reading import detections, outputs

from sparrow.export.nanodet import KeptBoxes, find_levels, write_engine, write_weights
from sparrow.export.nanodet_files import read_nanodet
from sparrow.export.parity import detector_of
from sparrow.export.tfjs_graph import TfjsError, read_graph
from sparrow.export.tfjs_onnx import GraphBuilder, add_graph

COUNTED = [[14, 15, 16], [0]]  # birds, cats and dogs are one class, people another


def graph_of(seed=0, **signature):
    model, weights = nanodet_files(seed, **signature)
    return read_graph(model, {"nanodet.bin": weights})


def run_graph(graph, image):
    """The outputs of the translated graph alone, by name."""
    builder = GraphBuilder()
    made = add_graph(builder, graph, {"input_1:0": "x"})
    names = {name: f"out_{i}" for i, name in enumerate(made)}
    builder.nodes += [helper.make_node("Identity", [made[n]], [to]) for n, to in names.items()]
    values = [
        helper.make_tensor_value_info(to, TensorProto.FLOAT, list(graph.outputs[n]))
        for n, to in names.items()
    ]
    taken = [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(image.shape))]
    whole = helper.make_graph(builder.nodes, "graph", taken, values, builder.constants)
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return dict(zip(names, session.run(list(names.values()), {"x": image}), strict=True))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_operation_computes_what_the_other_reading_does(seed):
    graph = graph_of(seed)
    assert {node.kind for node in graph.nodes.values()} == {
        "Placeholder",
        "Pad",
        "PadV2",
        "Transpose",
        "Conv2D",
        "Add",
        "AddV2",
        "LeakyRelu",
        "MaxPool",
        "ResizeBilinear",
        "ConcatV2",
        "SplitV",
        "Sigmoid",
        "SparseToDense",
        "Reshape",
        "Identity",
    }  # fmt: skip  with Const, the 17 kinds of the real one
    image = np.random.default_rng(seed).normal(0, 1, (1, 3, SIDE_PX, SIDE_PX)).astype(np.float32)
    theirs, ours = outputs(*nanodet_files(seed), image), run_graph(graph, image)
    assert list(theirs) == list(ours)
    for name, expected in theirs.items():
        assert np.ptp(expected) > 0.1  # it is no constant
        np.testing.assert_allclose(ours[name], expected, atol=1e-3)


@pytest.mark.parametrize("shape", [(32, 32), (24, 32), (32, 17)])
def test_the_engine_finds_the_boxes_of_the_other_reading(tmp_path, shape):
    kept = KeptBoxes(min_score=0.3, nms_iou=0.5, most=7)
    write_engine(graph_of(), COUNTED, kept, tmp_path / "engine.onnx")
    photo = np.random.default_rng(5).integers(0, 256, (*shape, 3), dtype=np.uint8)
    expected = detections(*nanodet_files(), photo, COUNTED, (SIDE_PX, BINS, (0.3, 0.5, 7)))
    found = detector_of(tmp_path / "engine.onnx")(photo)
    assert len(expected) > 3
    assert len({label for label, _, _ in expected}) == 2
    assert found.labels.tolist() == [label for label, _, _ in expected]
    np.testing.assert_allclose(found.scores, [score for _, score, _ in expected], atol=1e-3)
    np.testing.assert_allclose(found.boxes_xyxy, [box for _, _, box in expected], atol=1e-2)


def test_a_photo_without_an_object_gives_nothing(tmp_path):
    write_engine(graph_of(), COUNTED, KeptBoxes(0.999, 0.5, 7), tmp_path / "engine.onnx")
    assert len(detector_of(tmp_path / "engine.onnx")(np.zeros((32, 20, 3), np.uint8))) == 0


def test_two_coco_classes_of_one_object_are_one_box(tmp_path):
    """A cell is sure of both; as two classes it is found twice, as one it is found once."""
    photo = np.full((32, 32, 3), 90, np.uint8)
    for counted, boxes in (([[14], [15]], 2), ([[14, 15]], 1)):
        # Every box overlaps every other enough: the one that is left is the best of its class.
        write_engine(graph_of(), counted, KeptBoxes(0.0, 0.0, 50), tmp_path / "engine.onnx")
        best = detector_of(tmp_path / "engine.onnx")(photo)
        at_best = np.abs(best.boxes_xyxy - best.boxes_xyxy[0]).max(axis=1) < 1e-3
        assert len(set(best.labels.tolist())) == boxes
        assert at_best.sum() == 1 or boxes == 2


def test_the_levels_of_the_grids_are_told_by_their_shapes():
    levels = find_levels(graph_of())
    assert [(level.stride_px, level.cells, level.bins) for level in levels] == [
        (8, 4, BINS), (16, 2, BINS),
    ]  # fmt: skip
    # Cell 6 of 4 × 4 is the second row's third: 2.5 and 1.5 strides from the corner.
    assert levels[0].centres()[6].tolist() == [20, 12, 20, 12]


def test_another_detector_is_refused():
    shape = {"dtype": "DT_FLOAT", "tensorShape": {"dim": [{"size": "1"}, {"size": "10"}]}}
    with pytest.raises(TfjsError, match=r"no NanoDet of 80 classes.*\(1, 10\)"):
        find_levels(graph_of(outputs={"Identity_0:0": shape}))
    with pytest.raises(TfjsError, match=r"expected an input \[1, 3, side, side\]"):
        find_levels(graph_of(inputs={"input_1:0": shape}))


def test_weights_go_with_their_classes(tmp_path):
    write_weights(graph_of(), ["bird", "person"], tmp_path / "weights.safetensors")
    head = (tmp_path / "weights.safetensors").read_bytes()[:2000]
    assert b'"class_names":"[\\"bird\\", \\"person\\"]"' in head


def changed(**changes):
    model, weights = nanodet_files()
    return json.dumps(json.loads(model) | changes).encode(), weights


def test_an_operation_that_is_not_known_is_named():
    model, weights = nanodet_files()
    model = model.replace(b'"op": "Sigmoid"', b'"op": "Softplus"')
    graph = read_graph(model, {"nanodet.bin": weights})
    with pytest.raises(TfjsError, match=r"of the kind Softplus, which is not translated"):
        run_graph(graph, np.zeros((1, 3, SIDE_PX, SIDE_PX), np.float32))


def test_a_graph_that_is_no_graph_is_refused():
    model, weights = nanodet_files()
    with pytest.raises(TfjsError, match="expected the JSON of a TensorFlow"):
        read_graph(b"{", {})
    with pytest.raises(TfjsError, match="'graph-model', found 'layers-model'"):
        read_graph(changed(format="layers-model")[0], {"nanodet.bin": weights})
    with pytest.raises(TfjsError, match=r"expected at least \d+ bytes, for const/\d+, found 99"):
        read_graph(model, {"nanodet.bin": weights[:99]})
    with pytest.raises(TfjsError, match="stored as uint8"):
        read_graph(model.replace(b'"float16"', b'"uint8"'), {"nanodet.bin": weights})
    with pytest.raises(TfjsError, match="not whole: KeyError 'modelTopology'"):
        read_graph(json.dumps({**json.loads(model), "modelTopology": {}}).encode().replace(
            b'"modelTopology": {}', b'"other": {}'), {"nanodet.bin": weights})  # fmt: skip


def test_a_package_is_read_as_packed_as_a_folder_and_as_its_model(tmp_path):
    packed = write_package(tmp_path)
    import tarfile

    with tarfile.open(packed) as archive:
        archive.extractall(tmp_path / "there", filter="data")
    ways = [packed, tmp_path / "there", tmp_path / "there/package/models/nanodet.json"]
    read = [read_nanodet(way) for way in ways]
    assert {files.package for files in read} == {f"{NAME} {VERSION}"}
    assert {files.licence_text for files in read} == {"MIT License\n"}
    sums = [files.checksums["nanodet.bin"] for files in read]
    assert len(set(sums)) == 1
    assert len(sums[0]) == 64
    assert packed.name in read[0].checksums


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"model": None}, "there is no nanodet.json in it"),
        ({"weights": None}, "names the file nanodet.bin, which is not beside it"),
        ({"weights": b"short"}, "found 5"),
        ({"model": b"<html>"}, "expected the JSON of a TensorFlow.js model"),
        ({"model": changed(weightsManifest=[{"paths": ["../../etc/passwd"], "weights": []}])[0]},
         "names the file ../../etc/passwd, which is not beside it"),
    ],
)  # fmt: skip
def test_a_package_that_is_not_whole_is_named_in_a_sentence(tmp_path, files, message):
    packed = write_package(tmp_path, **files)
    with pytest.raises(TfjsError) as raised:
        read_nanodet(packed)
    said = str(raised.value)
    assert said.startswith(str(packed))
    assert message in said
    assert "\n" not in said


def test_what_is_no_package_is_named(tmp_path):
    (tmp_path / "photo.tgz").write_bytes(b"\xff\xd8 a photo")
    (tmp_path / "empty").mkdir()
    for name in ("photo.tgz", "missing.tgz", "empty"):
        with pytest.raises(TfjsError, match="expected the file that `npm pack"):
            read_nanodet(tmp_path / name)
