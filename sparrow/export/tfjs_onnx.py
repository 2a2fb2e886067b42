"""TensorFlow.js graphs as ONNX nodes: the operations of convolutional detectors.

TensorFlow has its channels last, ONNX before height and width, so that a convolution stands between
two transposes; ONNX Runtime cancels those that meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from sparrow.export.tfjs_graph import Array, TfjsError, TfjsGraph, TfjsNode, node_of

CHANNELS_FIRST, CHANNELS_LAST = (0, 3, 1, 2), (0, 2, 3, 1)
KERNEL_FIRST = (3, 2, 0, 1)  # height, width, in, out -> out, in, height, width


class GraphBuilder:
    """ONNX nodes and constants under construction.

    Attributes:
        nodes: in the order in which they are computed.
        constants: what they take that is known already.
    """

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self._made = 0

    def constant(self, value: Array) -> str:
        """A constant; its name."""
        name = self._name("constant")
        self.constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def whole_numbers(self, *values: int) -> str:
        """A constant vector of int64; its name."""
        return self.constant(np.array(values, dtype=np.int64))

    def add(self, kind: str, inputs: Iterable[str], **attributes: object) -> str:
        """A node of one output; its name."""
        return self.add_several(kind, inputs, 1, **attributes)[0]

    def add_several(
        self, kind: str, inputs: Iterable[str], outputs: int, **attributes: object
    ) -> list[str]:
        """A node of several outputs; their names."""
        names = [self._name(kind) for _ in range(outputs)]
        self.nodes.append(
            helper.make_node(kind, list(inputs), names, None, None, None, None, **attributes)
        )
        return names

    def _name(self, kind: str) -> str:
        self._made += 1
        return f"{kind.lower()}_{self._made}"


def add_graph(builder: GraphBuilder, graph: TfjsGraph, given: dict[str, str]) -> dict[str, str]:
    """Add a graph's nodes.

    Args:
        given: names of the builder's values by the graph's inputs.

    Returns:
        Names of the builder's values by the graph's outputs.

    Raises:
        TfjsError: an operation that is not known, or is used in a way that is not.
    """
    translation = _Translation(builder, graph.constants)
    for name, value in given.items():
        translation.values[node_of(name)] = value
    for node in graph.nodes.values():
        if (node.name, 0) not in translation.values:
            translation.translate(node)
    return {name: translation.value(name) for name in graph.outputs}


class _Translation:
    """The nodes that are translated so far."""

    def __init__(self, builder: GraphBuilder, constants: dict[str, Array]) -> None:
        self.values: dict[tuple[str, int], str] = {}
        self._builder = builder
        self._known = dict(constants)

    def translate(self, node: TfjsNode) -> None:
        """Add one node, or compute it where all that it takes is known."""
        if node.kind in _COMPUTED and all(node_of(name)[0] in self._known for name in node.inputs):
            known = [self._known[node_of(name)[0]] for name in node.inputs]
            self._known[node.name] = _COMPUTED[node.kind](*known)
            return
        rule = _RULES.get(node.kind)
        if rule is None:
            raise TfjsError(
                f"the graph's node {node.name} is of the kind {node.kind}, which is not "
                f"translated; known are {', '.join(sorted({*_RULES, *_COMPUTED}))}"
            )
        for number, value in enumerate(rule(self, node)):
            self.values[node.name, number] = value

    def value(self, name: str) -> str:
        """The builder's name of a node's output, a constant's included."""
        node, number = node_of(name)
        if (node, number) not in self.values:
            if node not in self._known:
                raise TfjsError(f"the graph takes {name}, which none of its nodes puts out")
            self.values[node, number] = self._builder.constant(self._known[node])
        return self.values[node, number]

    def known(self, node: TfjsNode, position: int) -> Array:
        """The input of a node that has to be a constant."""
        name = node_of(node.inputs[position])[0]
        if name not in self._known:
            raise TfjsError(f"the graph's {node.kind} {node.name} needs {name} as a constant")
        return self._known[name]

    def add(self, kind: str, inputs: Iterable[str], **attributes: object) -> str:
        return self._builder.add(kind, inputs, **attributes)

    def split(self, node: TfjsNode) -> list[str]:
        sizes, axis = self.known(node, 1), self.known(node, 2).item()
        lengths = self._builder.whole_numbers(*map(int, sizes))
        value = self.value(node.inputs[0])
        return self._builder.add_several("Split", [value, lengths], len(sizes), axis=axis)

    def convolution(self, node: TfjsNode) -> list[str]:
        self._refuse_channels_first(node)
        kernel = self._builder.constant(self.known(node, 1).transpose(KERNEL_FIRST))
        placed = _placed(node) | {"dilations": node.whole_numbers("dilations")[1:3] or [1, 1]}
        return self._channels_last(node, "Conv", [kernel], placed)

    def pooling(self, node: TfjsNode) -> list[str]:
        self._refuse_channels_first(node)
        placed = _placed(node) | {"kernel_shape": node.whole_numbers("ksize")[1:3]}
        return self._channels_last(node, "MaxPool", [], placed)

    def resize(self, node: TfjsNode) -> list[str]:
        if node.flag("align_corners"):
            rule = "align_corners"
        else:
            rule = "half_pixel" if node.flag("half_pixel_centers") else "asymmetric"
        height, width = map(int, self.known(node, 1))
        photo = self.add("Transpose", [self.value(node.inputs[0])], perm=CHANNELS_FIRST)
        head = self.add(
            "Slice", [self.add("Shape", [photo]), *map(self._builder.whole_numbers, (0, 2))]
        )
        size = self.add("Concat", [head, self._builder.whole_numbers(height, width)], axis=0)
        resized = self.add(
            "Resize", [photo, "", "", size], mode="linear", coordinate_transformation_mode=rule
        )
        return [self.add("Transpose", [resized], perm=CHANNELS_LAST)]

    def pad(self, node: TfjsNode) -> list[str]:
        widths = self.known(node, 1).astype(np.int64)  # [axes, 2]
        with_value = [self.value(node.inputs[2])] if len(node.inputs) > 2 else []
        inputs = [self.value(node.inputs[0]), self._builder.whole_numbers(*widths.T.reshape(-1))]
        return [self.add("Pad", [*inputs, *with_value])]

    def reshape(self, node: TfjsNode) -> list[str]:
        shape = self._builder.whole_numbers(*map(int, self.known(node, 1)))
        return [self.add("Reshape", [self.value(node.inputs[0]), shape])]

    def transpose(self, node: TfjsNode) -> list[str]:
        order = [int(axis) for axis in self.known(node, 1)]
        return [self.add("Transpose", [self.value(node.inputs[0])], perm=order)]

    def concat(self, node: TfjsNode) -> list[str]:
        values, axis = [self.value(name) for name in node.inputs[:-1]], len(node.inputs) - 1
        return [self.add("Concat", values, axis=self.known(node, axis).item())]

    def leaky_relu(self, node: TfjsNode) -> list[str]:
        slope = node.number("alpha", 0.2)  # TensorFlow's default
        return [self.add("LeakyRelu", [self.value(node.inputs[0])], alpha=slope)]

    def same(self, kind: str, node: TfjsNode) -> list[str]:
        """An operation that ONNX has with the same inputs and no attributes."""
        return [self.add(kind, [self.value(name) for name in node.inputs])]

    def _channels_last(
        self, node: TfjsNode, kind: str, more: list[str], attributes: dict[str, object]
    ) -> list[str]:
        first = self.add("Transpose", [self.value(node.inputs[0])], perm=CHANNELS_FIRST)
        made = self.add(kind, [first, *more], **attributes)
        return [self.add("Transpose", [made], perm=CHANNELS_LAST)]

    @staticmethod
    def _refuse_channels_first(node: TfjsNode) -> None:
        if node.word("data_format") not in ("", "NHWC"):
            raise TfjsError(f"the graph's {node.kind} {node.name} does not have its channels last")


def _placed(node: TfjsNode) -> dict[str, object]:
    """Strides and padding of a convolution or pooling."""
    padding = {"VALID": "VALID", "SAME": "SAME_UPPER"}.get(node.word("padding"))
    if padding is None:
        raise TfjsError(
            f"the graph's {node.kind} {node.name} is padded as {node.word('padding')!r}; known are "
            "VALID and SAME"
        )
    return {"strides": node.whole_numbers("strides")[1:3], "auto_pad": padding}


def _sparse_to_dense(places: Array, shape: Array, values: Array, rest: Array) -> Array:
    dense = np.full([int(side) for side in shape.reshape(-1)], rest)
    places = places.reshape(-1, dense.ndim)
    dense[tuple(places.T)] = np.broadcast_to(values, len(places))
    return dense


_Rule = Callable[[_Translation, TfjsNode], list[str]]

_COMPUTED: dict[str, Callable[..., Array]] = {  # of constants: shapes that TensorFlow puts together
    "Add": np.add,
    "AddV2": np.add,
    "SparseToDense": _sparse_to_dense,
}
_RULES: dict[str, _Rule] = {
    "Add": lambda graph, node: graph.same("Add", node),
    "AddV2": lambda graph, node: graph.same("Add", node),
    "ConcatV2": _Translation.concat,
    "Conv2D": _Translation.convolution,
    "Identity": lambda graph, node: [graph.value(node.inputs[0])],
    "LeakyRelu": _Translation.leaky_relu,
    "MaxPool": _Translation.pooling,
    "Pad": _Translation.pad,
    "PadV2": _Translation.pad,
    "Reshape": _Translation.reshape,
    "ResizeBilinear": _Translation.resize,
    "Sigmoid": lambda graph, node: graph.same("Sigmoid", node),
    "SplitV": _Translation.split,
    "Transpose": _Translation.transpose,
}
