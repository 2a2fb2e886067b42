"""Whole model folders of a few kilobytes: an engine that finds the same boxes in every photo.

Loaded, checked, published, counted and scored like any other model. Made in milliseconds, and with
whatever fault a test asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save
from safetensors.numpy import save_file

from sparrow.config import Config
from sparrow.inference.model_folder import ENGINE, WEIGHTS, ModelInfo, write_info
from sparrow.inference.safetensors_metadata import classes_metadata

SIDE_PX = 64  # of a photo's short side as the engine gets it
FOUND = ((1, 0.9, 4, 4, 24, 24), (1, 0.8, 30, 30, 50, 50))
# What an engine does that loads and then fails on photos.
FAULTS = ("label", "score", "box", "lengths", "square-only")


def write_small_model(
    folder: Path,
    found: Sequence[tuple[float, ...]] = FOUND,
    class_names: tuple[str, ...] = ("house_sparrow",),
    fault: str | None = None,
    **values: Any,
) -> Path:
    """Write the folder and return it.

    Args:
        folder: made here.
        found: (label, score, x1, y1, x2, y2) in pixels of the resized photo, for every photo.
        class_names: labels are 1-based indexes into it.
        fault: one of ``FAULTS``; the folder is whole all the same.
        values: more for ``model.json``.
    """
    folder.mkdir(parents=True)
    rows = np.array(found, dtype=np.float32).reshape(-1, 6)
    boxes, scores, labels = rows[:, 2:].copy(), rows[:, 1].copy(), rows[:, 0].astype(np.int64)
    if fault == "label":
        labels += len(class_names)
    elif fault == "score":
        scores[:] = np.nan
    elif fault == "box":
        boxes = boxes[:, [2, 3, 0, 1]]
    elif fault == "lengths":
        scores = scores[:1]
    _write_engine(folder / ENGINE, boxes, labels, scores, square_only=fault == "square-only")
    metadata = classes_metadata(class_names)
    save_file({"weight": np.zeros(1, np.float32)}, folder / WEIGHTS, metadata=metadata)
    info = {
        "name": "test-detector",
        "architecture": "constant",
        "class_names": class_names,
        "min_side_px": SIDE_PX,
        "max_side_px": 2 * SIDE_PX,
        "min_score": 0.05,
        "threshold": 0.5,
        "data_version": "0" * 16,
        "git_commit": "unknown",
        "trained_at": "2026-01-01T00:00:00+00:00",
        "config": Config().of_the_training(),
        "metrics": {},
        "engine_parity": {},
    }
    write_info(folder, ModelInfo(**{**info, **values}))
    return folder


def _write_engine(
    path: Path, boxes: np.ndarray, labels: np.ndarray, scores: np.ndarray, *, square_only: bool
) -> None:
    constants = {"boxes": boxes, "labels": labels, "scores": scores}
    nodes = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))
        for name, value in constants.items()
        if not (square_only and name == "boxes")
    ]
    weights = []
    if square_only:  # boxes + 0 × the pixels, which have to fill a square for that
        weights = [
            numpy_helper.from_array(np.array([SIDE_PX * SIDE_PX * 3]), "square"),
            numpy_helper.from_array(boxes, "those"),
            numpy_helper.from_array(np.array(0, np.float32), "zero"),
            numpy_helper.from_array(np.array([0]), "first"),
        ]
        nodes += [
            helper.make_node("Reshape", ["image", "square"], ["flat"]),
            helper.make_node("Gather", ["flat", "first"], ["pixel"]),
            helper.make_node("Cast", ["pixel"], ["number"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["number", "zero"], ["nothing"]),
            helper.make_node("Add", ["those", "nothing"], ["boxes"]),
        ]
    types = {"boxes": TensorProto.FLOAT, "labels": TensorProto.INT64, "scores": TensorProto.FLOAT}
    graph = helper.make_graph(
        nodes,
        "constant",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["height", "width", 3])],
        [
            helper.make_tensor_value_info(name, types[name], list(value.shape))
            for name, value in constants.items()
        ],
        weights,
    )
    opset = [helper.make_opsetid("", 17)]
    save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)


def write_light_meter(path: Path, scores: Sequence[float]) -> None:
    """Write an engine whose boxes have these scores, times the photo's brightness (0..1).

    Boxes lie in a row, 10 pixels of the resized photo from one to the next.
    """
    node, n = helper.make_node, len(scores)
    boxes = np.array([[10 * i, 5, 10 * i + 8, 30] for i in range(n)], np.float32)
    constants = {"boxes": boxes, "labels": np.ones(n, np.int64), "white": np.float32(1 / 255)}
    constants["best"] = np.array(scores, np.float32)
    graph = helper.make_graph(
        [
            *(
                node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(value)))
                for name, value in constants.items()
            ),
            node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
            node("ReduceMean", ["pixels"], ["mean"], keepdims=0),
            node("Mul", ["mean", "white"], ["brightness"]),
            node("Mul", ["best", "brightness"], ["scores"]),
        ],
        "known",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["height", "width", 3])],
        [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [n, 4]),
            helper.make_tensor_value_info("labels", TensorProto.INT64, [n]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [n]),
        ],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
