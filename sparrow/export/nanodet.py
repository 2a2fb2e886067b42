"""NanoDet as an engine: photos in, boxes of the user's classes out, all in one ONNX graph.

NanoDet (RangiLyu, Apache-2.0) has no anchors: each cell of three grids scores 80 classes and gives,
for each side of its box, probabilities of 0, 1, 2 … strides between the cell's centre and that
side; their mean is the distance ("Generalized Focal Loss", Li et al. 2020, section 3). The graph of
the network is read from TensorFlow.js; what is before and after it is put around it here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from safetensors.numpy import save_file

from sparrow.coco_classes import COCO_CLASSES
from sparrow.export.tfjs_graph import TfjsError, TfjsGraph
from sparrow.export.tfjs_onnx import GraphBuilder, add_graph
from sparrow.inference.safetensors_metadata import classes_metadata

OPSET, IR_VERSION = 18, 9  # what every supported ONNX Runtime reads
SIDES = np.array([-1, -1, 1, 1], dtype=np.float32)  # from the centre to left, top, right, bottom
# Of the photos that NanoDet was trained on, blue first (its own configs).
MEAN_BGR = np.array([103.53, 116.28, 123.675], dtype=np.float32)
STD_BGR = np.array([57.375, 57.12, 58.395], dtype=np.float32)


@dataclass(frozen=True)
class KeptBoxes:
    """Which of a network's boxes are put out.

    Attributes:
        min_score: 0..1; lower ones are left out.
        nms_iou: of two boxes of one class that overlap more than this the lower score is left out.
        most: at most so many in a photo, the best.
    """

    min_score: float
    nms_iou: float
    most: int


@dataclass(frozen=True)
class NanoDetLevel:
    """One grid of cells.

    Attributes:
        scores, sides: names of the graph's outputs, [1, cells, classes] and [1, cells, 4 × bins].
        stride_px: side of a cell, in pixels of the network's input.
        cells: along each side of the grid.
        bins: distances that each side has a probability for.
    """

    scores: str
    sides: str
    stride_px: int
    cells: int
    bins: int

    def centres(self) -> NDArray[np.float32]:
        """[cells², 4]: x, y, x, y of each cell's centre, row by row, in pixels of the input."""
        along = (np.arange(self.cells, dtype=np.float32) + 0.5) * self.stride_px
        x, y = np.meshgrid(along, along)
        return np.stack([x, y, x, y], axis=-1).reshape(-1, 4)


def input_side(graph: TfjsGraph) -> int:
    """Side, in pixels, of the square that a NanoDet takes.

    Raises:
        TfjsError: the graph does not take one photo [1, 3, side, side].
    """
    shapes = list(graph.inputs.values())
    if len(shapes) != 1 or shapes[0][:2] != (1, 3) or len(set(shapes[0][2:])) != 1:
        raise TfjsError(f"this is no NanoDet: expected an input [1, 3, side, side], found {shapes}")
    return shapes[0][-1]


def find_levels(graph: TfjsGraph) -> list[NanoDetLevel]:
    """The grids of a NanoDet, the finest first.

    Raises:
        TfjsError: the outputs are not pairs of 80 class scores and four sides for each cell.
    """
    side, n_classes, levels = input_side(graph), len(COCO_CLASSES), []
    by_shape = {shape: name for name, shape in graph.outputs.items()}
    for shape, scores in by_shape.items():
        if shape[-1] != n_classes or len(shape) != 3:
            continue
        cells = round(shape[1] ** 0.5)
        partners = [
            (other, name)
            for other, name in by_shape.items()
            if other[:2] == shape[:2] and other != shape and other[2] % 4 == 0
        ]
        if cells**2 == shape[1] and side % cells == 0 and len(partners) == 1:
            other, sides = partners[0]
            levels.append(NanoDetLevel(scores, sides, side // cells, cells, other[2] // 4))
    if not levels or 2 * len(levels) != len(graph.outputs):
        raise TfjsError(
            f"this is no NanoDet of {n_classes} classes: expected outputs in pairs [1, cells, "
            f"{n_classes}] and [1, cells, 4 × bins], found {list(graph.outputs.values())}"
        )
    return sorted(levels, key=lambda level: level.stride_px)


def write_engine(
    graph: TfjsGraph, classes: Sequence[Sequence[int]], kept: KeptBoxes, path: Path
) -> None:
    """Write a NanoDet as an engine of uint8 [height, width, 3], no side above ``input_side``.

    Args:
        classes: for each class that is put out, the columns (0-based) of the COCO classes that
            count as it; an object scores as the best of them, so that it is found once.

    Raises:
        TfjsError: the graph is no NanoDet, or has operations that are not translated.
    """
    builder, levels = GraphBuilder(), find_levels(graph)
    photo = _network_input(builder, input_side(graph))
    outputs = add_graph(builder, graph, {next(iter(graph.inputs)): photo})
    boxes = _boxes(builder, levels, outputs)
    joined = builder.add("Concat", [outputs[level.scores] for level in levels], axis=1)
    best = [_best_of(builder, joined, columns) for columns in classes]  # each [1, cells, 1]
    scores = builder.add("Transpose", [builder.add("Concat", best, axis=2)], perm=(0, 2, 1))
    _put_out(builder, boxes, scores, kept)
    _save(builder, path)


def write_weights(graph: TfjsGraph, class_names: Sequence[str], path: Path) -> None:
    """The network's numbers as safetensors, with the classes that they are served for."""
    numbers = {
        name: np.ascontiguousarray(value)
        for name, value in graph.constants.items()
        if value.dtype == np.float32
    }
    save_file(numbers, path, metadata=classes_metadata(class_names))


def _network_input(builder: GraphBuilder, side: int) -> str:
    """The photo at the upper left of a black square, as NanoDet was trained: BGR, standardized."""
    photo = builder.add("Cast", ["image"], to=TensorProto.FLOAT)
    bgr = builder.add("Gather", [photo, builder.whole_numbers(2, 1, 0)], axis=2)
    free = builder.add(
        "Sub", [builder.whole_numbers(side, side, 3), builder.add("Shape", ["image"])]
    )
    ends = builder.add("Concat", [builder.whole_numbers(0, 0, 0), free], axis=0)
    square = builder.add("Pad", [bgr, ends])
    centred = builder.add("Sub", [square, builder.constant(MEAN_BGR)])
    scaled = builder.add("Div", [centred, builder.constant(STD_BGR)])
    first = builder.add("Transpose", [scaled], perm=(2, 0, 1))
    return builder.add("Unsqueeze", [first, builder.whole_numbers(0)])


def _boxes(builder: GraphBuilder, levels: Sequence[NanoDetLevel], outputs: dict[str, str]) -> str:
    """[cells of all levels, 4] xyxy, pixels of the photo, none beyond it."""
    boxes = []
    for level in levels:
        bins = builder.add(
            "Reshape", [outputs[level.sides], builder.whole_numbers(-1, 4, level.bins)]
        )
        far = np.arange(level.bins, dtype=np.float32)[:, None] * level.stride_px
        probabilities = builder.add("Softmax", [bins], axis=2)
        mean = builder.add("MatMul", [probabilities, builder.constant(far)])  # [cells, 4, 1]
        away = builder.add("Reshape", [mean, builder.whole_numbers(-1, 4)])
        signed = builder.add("Mul", [away, builder.constant(SIDES)])
        boxes.append(builder.add("Add", [builder.constant(level.centres()), signed]))
    everything = builder.add("Concat", boxes, axis=0)
    turned = builder.whole_numbers(1, 0, 1, 0)  # height, width -> width, height, twice
    limits = builder.add("Gather", [builder.add("Shape", ["image"]), turned])
    limits = builder.add("Cast", [limits], to=TensorProto.FLOAT)
    inside = builder.add("Max", [everything, builder.constant(np.zeros(4, np.float32))])
    return builder.add("Min", [inside, limits])


def _best_of(builder: GraphBuilder, scores: str, columns: Sequence[int]) -> str:
    chosen = builder.add("Gather", [scores, builder.whole_numbers(*columns)], axis=2)
    return builder.add("ReduceMax", [chosen, builder.whole_numbers(2)], keepdims=1)


def _put_out(builder: GraphBuilder, boxes: str, scores: str, kept: KeptBoxes) -> None:
    """Non-maximum suppression by class, then the best of all: boxes, labels, scores."""
    batch = builder.add("Unsqueeze", [boxes, builder.whole_numbers(0)])
    limits = [
        builder.whole_numbers(kept.most),
        builder.constant(np.array([kept.nms_iou], np.float32)),
        builder.constant(np.array([kept.min_score], np.float32)),
    ]
    rows = builder.add("NonMaxSuppression", [batch, scores, *limits])  # [n, (0, class, cell)]
    row_scores = builder.add("GatherND", [scores, rows])
    n_rows = builder.add("Shape", [row_scores])
    most = builder.add("Min", [n_rows, builder.whole_numbers(kept.most)])
    values, order = builder.add_several("TopK", [row_scores, most], 2)
    best = builder.add("Gather", [rows, order], axis=0)
    columns = [builder.add("Gather", [best, builder.constant(np.array(i))], axis=1) for i in (1, 2)]
    builder.nodes += [
        helper.make_node("Add", [columns[0], builder.whole_numbers(1)], ["labels"]),
        helper.make_node("Gather", [boxes, columns[1]], ["boxes"]),
        helper.make_node("Identity", [values], ["scores"]),
    ]


def _save(builder: GraphBuilder, path: Path) -> None:
    photo = helper.make_tensor_value_info("image", TensorProto.UINT8, ["height", "width", 3])
    outputs = [
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["detections", 4]),
        helper.make_tensor_value_info("labels", TensorProto.INT64, ["detections"]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["detections"]),
    ]
    graph = helper.make_graph(builder.nodes, "nanodet", [photo], outputs, builder.constants)
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    onnx.save(model, path)
