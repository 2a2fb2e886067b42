"""TensorFlow.js graph models: the graph and its numbers, read without TensorFlow.

Such a model is a JSON file with the graph (nodes, each an operation with named inputs) and a
manifest that says where in the binary files the numbers of each constant are.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # float32, int64 or int32, as the graph has it

FORMAT = "graph-model"
_STORED = {"float32": np.dtype("<f4"), "int32": np.dtype("<i4")}
_ROUNDED = {"float16": np.dtype("<f2")}


class TfjsError(ValueError):
    """A file that is no TensorFlow.js graph model, or has something that is not read here."""


@dataclass(frozen=True, eq=False)
class TfjsNode:
    """One operation.

    Attributes:
        name: of its first output; further ones are ``name:1``, ``name:2`` …
        kind: such as ``Conv2D``.
        inputs: names of outputs of other nodes.
        attributes: as the JSON has them; see the functions below.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Any]  # JSON

    def number(self, name: str, default: float) -> float:
        """A float attribute."""
        return float(self.attributes.get(name, {}).get("f", default))

    def flag(self, name: str) -> bool:
        """A boolean attribute, false where there is none."""
        return bool(self.attributes.get(name, {}).get("b", False))

    def word(self, name: str) -> str:
        """A text attribute, which the JSON has in base64; empty where there is none."""
        return base64.b64decode(self.attributes.get(name, {}).get("s", "")).decode()

    def whole_numbers(self, name: str) -> list[int]:
        """A list of integers, empty where there is none."""
        return [int(n) for n in self.attributes.get(name, {}).get("list", {}).get("i", [])]


@dataclass(frozen=True, eq=False)
class TfjsGraph:
    """A graph model.

    Attributes:
        nodes: all but constants, by name; an input comes before what takes it.
        constants: numbers by node name.
        inputs: of the signature: name -> shape, -1 where it is open.
        outputs: of the signature: name -> shape, in the order of their names.
    """

    nodes: dict[str, TfjsNode]
    constants: dict[str, Array]
    inputs: dict[str, tuple[int, ...]]
    outputs: dict[str, tuple[int, ...]]


def weight_files(model_json: bytes) -> list[str]:
    """Names of the binary files that a model's JSON names.

    Raises:
        TfjsError: this is no graph model.
    """
    return [str(path) for group in _parse(model_json)["weightsManifest"] for path in group["paths"]]


def read_graph(model_json: bytes, weights: Mapping[str, bytes]) -> TfjsGraph:
    """Read a model.

    Args:
        model_json: the JSON file's bytes.
        weights: the bytes of each file of ``weight_files``.

    Raises:
        TfjsError: this is no graph model, or a binary file is too short.
    """
    model = _parse(model_json)
    try:
        constants = _read_constants(model["weightsManifest"], weights)
        all_nodes = [_node(entry) for entry in model["modelTopology"]["node"]]
        signature = model["signature"]
        inputs, outputs = (_shapes(signature[side]) for side in ("inputs", "outputs"))
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise TfjsError(f"the graph model is not whole: {type(error).__name__} {error}") from error
    missing = [n.name for n in all_nodes if n.kind == "Const" and n.name not in constants]
    if missing:
        raise TfjsError(f"the manifest has no numbers of the constant {missing[0]}")
    return TfjsGraph(_in_order(all_nodes, constants), constants, inputs, outputs)


def node_of(name: str) -> tuple[str, int]:
    """Name of the node and number of the output that ``name`` or ``name:1`` means."""
    node, _, number = name.removeprefix("^").partition(":")
    return node, int(number or 0)


def _parse(model_json: bytes) -> dict[str, Any]:
    try:
        model = json.loads(model_json)
    except ValueError as error:
        raise TfjsError(f"expected the JSON of a TensorFlow.js model; {error}") from error
    kind = model.get("format") if isinstance(model, dict) else None
    if kind != FORMAT or not isinstance(model.get("weightsManifest"), list):
        raise TfjsError(
            f"expected the JSON of a TensorFlow.js model of the format {FORMAT!r}, found {kind!r}"
        )
    return dict(model)


def _node(entry: Mapping[str, Any]) -> TfjsNode:
    # A leading ^ is an order in time, no value.
    inputs = tuple(name for name in entry.get("input", ()) if not name.startswith("^"))
    return TfjsNode(entry["name"], entry["op"], inputs, entry.get("attr", {}))


def _shapes(side: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {
        name: tuple(int(dim.get("size", 0)) for dim in value["tensorShape"].get("dim", []))
        for name, value in sorted(side.items())
    }


def _read_constants(
    manifest: list[dict[str, Any]], weights: Mapping[str, bytes]
) -> dict[str, Array]:
    constants = {}
    for group in manifest:
        content, place = b"".join(weights[path] for path in group["paths"]), 0
        for entry in group["weights"]:
            stored = _stored_type(entry)
            shape = tuple(int(side) for side in entry["shape"])
            end = place + stored.itemsize * prod(shape)
            if end > len(content):
                raise TfjsError(
                    f"{', '.join(group['paths'])}: expected at least {end} bytes, for "
                    f"{entry['name']}, found {len(content)}"
                )
            values = np.frombuffer(content[place:end], stored).reshape(shape)
            constants[str(entry["name"])] = values.astype(_STORED[entry["dtype"]])
            place = end
    return constants


def _stored_type(entry: Mapping[str, Any]) -> np.dtype[Any]:
    rounded, kind = entry.get("quantization"), entry["dtype"]
    known = _STORED if rounded is None else _ROUNDED
    stored = kind if rounded is None else rounded["dtype"]
    if stored not in known or kind not in _STORED:
        raise TfjsError(
            f"{entry['name']}: its numbers are stored as {stored}; read are "
            f"{', '.join([*_STORED, *_ROUNDED])}"
        )
    return known[stored]


def _in_order(nodes: list[TfjsNode], constants: Mapping[str, Array]) -> dict[str, TfjsNode]:
    """The nodes that are no constants, each after those it takes its inputs from."""
    waiting = {node.name: node for node in nodes if node.name not in constants}
    ordered: dict[str, TfjsNode] = {}
    while waiting:
        ready = [
            node
            for node in waiting.values()
            if not any(node_of(name)[0] in waiting for name in node.inputs)
        ]
        if not ready:
            raise TfjsError(f"the graph goes in a circle at {next(iter(waiting))}")
        for node in ready:
            ordered[node.name] = waiting.pop(node.name)
    return ordered
