"""Layers and how they are wired: the lowered form of a network, and the pen that draws it.

A part of a network (a stem, a block, a transition, the head) is a list of layers in the order of
computation. The same list is hashed into the key, summed into the cost, drawn, and built as torch
modules, so that these can not disagree. Nothing here imports torch.

Shapes are (channels, height, width) of one image; after `flatten` (features, 1, 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from nas.errors import UserError

Shape = tuple[int, int, int]
FEATURES = ("flatten", "linear", "batch_norm1d")  # (N, C) in torch, where maps are (N, C, 1, 1)
MAPS = (
    *("conv", "batch_norm", "instance_norm", "learned_scale", "scale"),
    *("max_pool", "avg_pool", "global_pool"),
)
Attributes = tuple[tuple[str, int | str | bool], ...]


class Layer(NamedTuple):
    """One operator: its attributes in full, its inputs (-1 is the part's input), its output shape.

    `name` places its weights in the state dict, below the part's name; layers of equal name share
    their weights; it is empty where there are none.
    """

    op: str
    attributes: Attributes
    inputs: tuple[int, ...]
    shape: Shape
    name: str = ""

    def get(self, attribute: str) -> int:
        """The value of a numeric attribute; KeyError where the operator has none of that name."""
        return self.numbers()[attribute]

    def numbers(self) -> dict[str, int]:
        """The attributes of an operator that has numbers only, as most have."""
        return dict(self.attributes)  # type: ignore[arg-type]

    def dilation(self) -> int:
        """Of a convolution or a pool: 1, unless it says otherwise."""
        return self.numbers().get("dilation", 1)

    def window(self) -> int:
        """Of a convolution or a pool: the side of the square that a value is computed from."""
        return self.dilation() * (self.get("kernel") - 1) + 1


@dataclass(frozen=True, eq=False)
class Part:
    """A stretch of the network from one input to one output, its last layer."""

    layers: tuple[Layer, ...]
    input: Shape

    @property
    def output(self) -> Shape:
        return self.layers[-1].shape

    def input_shapes(self, layer: Layer) -> list[Shape]:
        """The shapes that `layer` reads."""
        return [self.input if i < 0 else self.layers[i].shape for i in layer.inputs]


class Node(NamedTuple):
    """A tensor while a part is drawn: the position of the layer that makes it, and its shape."""

    position: int
    shape: Shape

    @property
    def channels(self) -> int:
        return self.shape[0]


class Pen:
    """Draws one part, layer by layer. Families, gates, fusions and stems are written against it."""

    def __init__(self, shape: Shape) -> None:
        self.input = Node(-1, shape)
        self._layers: list[Layer] = []
        self._named: dict[str, Layer] = {}

    def part(self, output: Node) -> Part:
        """What was drawn, without the layers that `output` does not need."""
        needed: set[int] = set()
        pending = [output.position]
        while pending:
            index = pending.pop()
            if index >= 0 and index not in needed:
                needed.add(index)
                pending.extend(self._layers[index].inputs)
        if not needed:
            raise UserError("a part of a network needs at least one layer")
        if len(needed) == len(self._layers) == output.position + 1:
            return Part(tuple(self._layers), self.input.shape)
        order = [*sorted(needed - {output.position}), output.position]
        place = {old: new for new, old in enumerate(order)} | {-1: -1}
        layers = [
            Layer(x.op, x.attributes, tuple(place[i] for i in x.inputs), x.shape, x.name)
            for x in (self._layers[i] for i in order)
        ]
        return Part(tuple(layers), self.input.shape)

    def layer(
        self,
        op: str,
        *inputs: Node,
        shape: Shape,
        name: str = "",
        shared: bool = False,
        **attributes: int | str | bool,
    ) -> Node:
        """Add any layer; `shared` uses the weights of the earlier layer of that name."""
        if min(shape) < 1:
            size = f"{shape[0]} channels of {shape[1]}x{shape[2]}"
            raise UserError(
                f"{_called(op, name)} would make {size}: every dimension must be at least 1"
            )
        given = tuple(sorted(attributes.items()))
        try:
            hash(given)
        except TypeError:
            raise UserError(f"{_called(op, name)}: {attributes} are not numbers or words") from None
        layer = Layer(op, given, tuple(n.position for n in inputs), shape, name)
        if name:
            earlier = self._named.setdefault(name, layer)
            if earlier is not layer:
                if not shared:
                    raise UserError(
                        f"two layers are named {name!r}; pass shared=True to share weights"
                    )
                if (earlier.op, earlier.attributes) != (layer.op, layer.attributes):
                    raise UserError(f"layers named {name!r} differ, so they can not share weights")
        self._layers.append(layer)
        return Node(len(self._layers) - 1, shape)

    def conv(
        self,
        x: Node,
        channels: int,
        kernel: int,
        *,
        name: str,
        stride: int = 1,
        groups: int = 1,
        dilation: int = 1,
        bias: bool = False,
        shared: bool = False,
    ) -> Node:
        """2-D convolution, padded to keep the size at stride 1 (odd kernels)."""
        if not isinstance(dilation, int) or dilation < 1:
            raise UserError(f"{name}: dilation {dilation!r} is not a whole number from 1")
        if channels < 1:
            raise UserError(f"{name} would have {channels} channels: at least 1 is needed")
        if not isinstance(channels, int):
            raise UserError(f"{name} would have {channels!r} channels, which is no whole number")
        if groups < 1 or x.channels % groups or channels % groups:
            raise UserError(
                f"{name}: {x.channels} input and {channels} output channels "
                f"are not both divisible by {groups} groups"
            )
        window = dilation * (kernel - 1) + 1
        spread = {"dilation": dilation} if window > kernel else {}  # of one pixel it is nothing
        return self.layer(
            "conv",
            x,
            shape=(channels, *_pooled(x.shape, window, stride, window // 2)),
            name=name,
            shared=shared,
            inputs=x.channels,
            outputs=channels,
            kernel=kernel,
            stride=stride,
            groups=groups,
            bias=bias,
            **spread,
        )

    def norm(self, x: Node, *, name: str, kind: str = "batch", shared: bool = False) -> Node:
        """Batch normalisation, or affine instance normalisation (`kind="instance"`).

        UserError for an instance norm of a map of one pixel, which has no deviation.
        """
        if kind == "instance" and x.shape[1] * x.shape[2] == 1:
            raise UserError(f"{name}: an instance norm needs a map of two pixels at least, not 1x1")
        return self.layer(
            f"{kind}_norm", x, shape=x.shape, name=name, shared=shared, channels=x.channels
        )

    def relu(self, x: Node) -> Node:
        return self.layer("relu", x, shape=x.shape)

    def sigmoid(self, x: Node) -> Node:
        return self.layer("sigmoid", x, shape=x.shape)

    def conv_norm_relu(
        self,
        x: Node,
        channels: int,
        kernel: int,
        *,
        name: str,
        stride: int = 1,
        groups: int = 1,
        dilation: int = 1,
        kind: str = "batch",
    ) -> Node:
        """Convolution, normalisation (see `norm`), ReLU: `<name>.conv`, `<name>.bn`."""
        dot = "." if name else ""
        x = self.conv(
            x, channels, kernel,
            name=f"{name}{dot}conv", stride=stride, groups=groups, dilation=dilation,
        )  # fmt: skip
        return self.relu(self.norm(x, name=f"{name}{dot}bn", kind=kind))

    def max_pool(self, x: Node, kernel: int, stride: int) -> Node:
        size = _pooled(x.shape, kernel, stride, kernel // 2)
        shape = (x.channels, *size)
        return self.layer(
            "max_pool", x, shape=shape, kernel=kernel, stride=stride, padding=kernel // 2
        )

    def avg_pool(self, x: Node, kernel: int, stride: int, padding: int = 0) -> Node:
        size = _pooled(x.shape, kernel, stride, padding)
        shape = (x.channels, *size)
        return self.layer("avg_pool", x, shape=shape, kernel=kernel, stride=stride, padding=padding)

    def global_pool(self, x: Node) -> Node:
        """Mean over the map: (C, H, W) to (C, 1, 1)."""
        return self.layer("global_pool", x, shape=(x.channels, 1, 1))

    def flatten(self, x: Node) -> Node:
        """(C, 1, 1) as C features."""
        features = x.shape[0] * x.shape[1] * x.shape[2]
        return self.layer("flatten", x, shape=(features, 1, 1))

    def linear(
        self, x: Node, features: int, *, name: str, bias: bool = True, shared: bool = False
    ) -> Node:
        """Linear layer on features (after `flatten`)."""
        if x.shape[1:] != (1, 1) or self._source(x) in MAPS:
            raise UserError(f"{name}: a linear layer reads features: `flatten` the map before it")
        return self.layer(
            "linear",
            x,
            shape=(features, 1, 1),
            name=name,
            shared=shared,
            inputs=x.channels,
            outputs=features,
            bias=bias,
        )

    def norm1d(self, x: Node, *, name: str, shared: bool = False) -> Node:
        """Batch normalisation of features (after `flatten`)."""
        return self.layer(
            "batch_norm1d", x, shape=x.shape, name=name, shared=shared, channels=x.channels
        )

    def add(self, *inputs: Node) -> Node:
        """Sum of tensors of one shape; of a single tensor, that tensor."""
        if len(inputs) == 1:
            return inputs[0]
        if len({x.shape for x in inputs}) > 1:
            raise UserError(f"add: shapes differ: {', '.join(str(x.shape) for x in inputs)}")
        return self.layer("add", *inputs, shape=inputs[0].shape)

    def concat(self, *inputs: Node) -> Node:
        """Tensors joined along the channels; of a single tensor, that tensor."""
        if len(inputs) == 1:
            return inputs[0]
        if len({x.shape[1:] for x in inputs}) > 1:
            raise UserError(f"concat: maps differ: {', '.join(str(x.shape) for x in inputs)}")
        channels = sum(x.channels for x in inputs)
        return self.layer("concat", *inputs, shape=(channels, *inputs[0].shape[1:]))

    def scale(self, x: Node, weights: Node) -> Node:
        """`x` times `weights` of shape (C, 1, 1) or (1, 1, 1), or (1, H, W)."""
        if any(n not in (1, m) for n, m in zip(weights.shape, x.shape, strict=True)):
            raise UserError(f"scale: weights of {weights.shape} do not fit a map of {x.shape}")
        if self._source(weights) in FEATURES:
            raise UserError("scale: weights are a map: make them by 1x1 convolutions, not `linear`")
        return self.layer("scale", x, weights, shape=x.shape)

    def learned_scale(self, x: Node, *, name: str, shared: bool = False) -> Node:
        """`x` times the sigmoid of one learned logit a channel, whatever the input is."""
        return self.layer(
            "learned_scale", x, shape=x.shape, name=name, shared=shared, channels=x.channels
        )

    def _source(self, x: Node) -> str:
        """The operator that makes x, but for activations; empty for the part's input."""
        position = x.position
        while position >= 0 and self._layers[position].op in ("relu", "sigmoid"):
            position = self._layers[position].inputs[0]
        return self._layers[position].op if position >= 0 else ""


def _called(op: str, name: str) -> str:
    return f"{op} {name}" if name else op


def _pooled(shape: Shape, kernel: int, stride: int, padding: int) -> tuple[int, int]:
    if kernel < 1 or stride < 1 or not 0 <= padding <= kernel // 2:
        raise UserError(
            f"a window of {kernel} at a stride of {stride}, padded by {padding}: kernel and stride "
            "are at least 1, and the padding is at most half of the kernel"
        )
    reach = 2 * padding - kernel
    return (shape[1] + reach) // stride + 1, (shape[2] + reach) // stride + 1
