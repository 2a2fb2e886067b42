"""A second reading of a TensorFlow.js graph, to hold the converter against: NumPy and nothing else.

It shares no line with ``sparrow.export``: it walks back from the outputs, works with the channels
last as TensorFlow does, and looks at windows where the engine convolves.
"""

from __future__ import annotations

import base64
import json
import math
import struct
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Array = Any  # of floats or integers, as the graph has it


def outputs(model_json: bytes, content: bytes, image: Array) -> dict[str, Array]:
    """The graph's outputs for its input, float32 [1, 3, side, side], by name."""
    model = json.loads(model_json)
    reading = _Reading(model, content, image)
    return {name: reading.value(name) for name in model["signature"]["outputs"]}


def detections(
    model_json: bytes, content: bytes, photo: Array, counted: list[list[int]], settings: Any
) -> list[tuple[int, float, tuple[float, ...]]]:
    """(label, score, xyxy) of a photo uint8 [H, W, 3], best first.

    Args:
        counted: 0-based COCO classes of each label.
        settings: side, bins, (min score, NMS IoU, most).
    """
    side, bins, (low, limit, most) = settings
    square = np.zeros((side, side, 3))
    square[: photo.shape[0], : photo.shape[1]] = photo[..., ::-1]
    mean, deviation = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
    image = ((square - mean) / deviation).transpose(2, 0, 1)[None].astype(np.float32)
    made = outputs(model_json, content, image)
    by_rows: dict[int, dict[int, Array]] = {}
    for value in made.values():
        by_rows.setdefault(value.shape[1], {})[value.shape[2]] = value[0]
    found = []
    for rows, parts in by_rows.items():
        cells = math.isqrt(rows)
        for row in range(rows):
            chances = np.exp(parts[4 * bins][row].reshape(4, bins))
            far = (chances / chances.sum(1, keepdims=True)) @ np.arange(bins) * side / cells
            y, x = ((number + 0.5) * side / cells for number in divmod(row, cells))
            box = (x - far[0], y - far[1], x + far[2], y + far[3])
            width, height = photo.shape[1], photo.shape[0]
            box = tuple(
                float(min(max(edge, 0), end))
                for edge, end in zip(box, (width, height) * 2, strict=True)
            )
            for label, columns in enumerate(counted, 1):
                score = float(max(parts[80][row][columns]))
                if score > low:
                    found.append((label, score, box))
    kept: list[tuple[int, float, tuple[float, ...]]] = []
    for label, score, box in sorted(found, key=lambda one: -one[1]):
        if all(other != label or _iou(box, best) <= limit for other, _, best in kept):
            kept.append((label, score, box))
    return kept[:most]


def _iou(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    common = max(width, 0) * max(height, 0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return common / (areas - common) if areas > common else 0.0


class _Reading:
    def __init__(self, model: Any, content: bytes, image: Array) -> None:
        self.nodes = {node["name"]: node for node in model["modelTopology"]["node"]}
        self.done: dict[str, list[Array]] = {}
        place = 0
        for entry in model["weightsManifest"][0]["weights"]:
            letter = (
                "e" if "quantization" in entry else {"int32": "i", "float32": "f"}[entry["dtype"]]
            )
            count = math.prod(entry["shape"])
            numbers = struct.unpack_from(f"<{count}{letter}", content, place)
            place += struct.calcsize(f"<{count}{letter}")
            kind = np.int64 if letter == "i" else np.float32
            self.done[entry["name"]] = [np.array(numbers, kind).reshape(entry["shape"])]
        (name,) = model["signature"]["inputs"]
        self.done[name.split(":")[0]] = [image]

    def value(self, name: str) -> Array:
        node, _, number = name.partition(":")
        if node not in self.done:
            entry = self.nodes[node]
            taken = [self.value(one) for one in entry["input"]]
            self.done[node] = self.compute(entry["op"], taken, entry.get("attr", {}))
        return self.done[node][int(number or 0)]

    def compute(self, kind: str, taken: list[Array], attr: Any) -> list[Array]:
        first = taken[0]
        if kind in ("Add", "AddV2"):
            return [first + taken[1]]
        if kind == "Conv2D":
            return [_convolve(first, taken[1], attr)]
        if kind == "MaxPool":
            sides, steps = _list(attr["ksize"]), _list(attr["strides"])
            windows = sliding_window_view(first, (sides[1], sides[2]), axis=(1, 2))
            return [windows[:, :: steps[1], :: steps[2]].max((-2, -1))]
        if kind == "Pad":
            return [np.pad(first, taken[1])]
        if kind == "PadV2":
            return [np.pad(first, taken[1], constant_values=float(taken[2]))]
        if kind == "ResizeBilinear":
            down, across = (
                _stretch(old, new) for old, new in zip(first.shape[1:3], taken[1], strict=True)
            )
            return [np.einsum("ih,jw,bhwc->bijc", down, across, first)]
        if kind == "SparseToDense":
            dense = np.full(taken[1], taken[3])
            for place, number in zip(taken[0], np.atleast_1d(taken[2]), strict=False):
                dense[tuple(np.atleast_1d(place))] = number
            return [dense]
        if kind == "SplitV":
            ends = np.cumsum(taken[1])[:-1]
            return list(np.split(first, ends, axis=int(taken[2])))
        rules = {
            "ConcatV2": lambda: np.concatenate(taken[:-1], axis=int(taken[-1].reshape(-1)[0])),
            "Identity": lambda: first,
            "LeakyRelu": lambda: np.where(first < 0, attr["alpha"]["f"] * first, first),
            "Reshape": lambda: first.reshape(taken[1]),
            "Sigmoid": lambda: 1 / (1 + np.exp(-first)),
            "Transpose": lambda: np.moveaxis(first, taken[1], range(first.ndim)),
        }
        return [rules[kind]()]


def _list(attribute: Any) -> list[int]:
    return [int(number) for number in attribute["list"]["i"]]


def _convolve(value: Array, kernel: Array, attr: Any) -> Array:
    steps, sides = _list(attr["strides"])[1:3], kernel.shape[:2]
    if base64.b64decode(attr["padding"]["s"]) == b"SAME":
        for axis in (0, 1):
            size = value.shape[axis + 1]
            lacking = max((math.ceil(size / steps[axis]) - 1) * steps[axis] + sides[axis] - size, 0)
            widths = [(0, 0)] * 4
            widths[axis + 1] = (lacking // 2, lacking - lacking // 2)  # the odd one at the end
            value = np.pad(value, widths)
    windows = sliding_window_view(value, sides, axis=(1, 2))[:, :: steps[0], :: steps[1]]
    return np.einsum("byxchw,hwcd->byxd", windows, kernel, optimize=True)


def _stretch(old: int, new: int) -> Array:
    """[new, old]: how much each old pixel weighs in each new one, both seen at their centres."""
    weights = np.zeros((new, old))
    for row in range(new):
        place = min(max((row + 0.5) * old / new - 0.5, 0), old - 1)
        low = math.floor(place)
        high = min(low + 1, old - 1)
        weights[row, low] += 1 - (place - low)
        weights[row, high] += place - low
    return weights
