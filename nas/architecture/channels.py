"""Which channels of a network are the same channels, from its layers alone.

A tensor's channels are an axis: runs of channels, one after the other, of which concatenation makes
more than one. Runs are tied where a choice of channels in one must be the choice in the other:
where tensors are added or gated, in front of and behind a norm, a depthwise convolution or a pool,
and where one layer's weights are used twice. Ties go across the parts of a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nas.architecture.graph import Layer
from nas.architecture.lower import IMAGE_CHANNELS, Placed

Key = tuple[str, str]  # a part's name and a layer's name in it
MAKES_CHANNELS = ("conv", "linear")
NORMS = ("batch_norm", "batch_norm1d", "instance_norm")


@dataclass(frozen=True, eq=False)
class Run:
    """Channels that stand together in a tensor; `made_by` are the layers and parts they come from.

    A sum comes from all of its summands.
    """

    size: int
    made_by: frozenset[str]


Axis = tuple[Run, ...]


class Ties:
    """Runs in disjoint sets: one choice of channels is made for a set."""

    def __init__(self) -> None:
        self._parent: dict[Run, Run] = {}
        self._stuck: set[Run] = set()

    def root(self, run: Run) -> Run:
        """The run that stands for all that are tied to this one."""
        found = run
        while (above := self._parent.get(found, found)) is not found:
            found = above
        if found is not run:
            self._parent[run] = found
        return found

    def tie(self, one: Axis, other: Axis) -> None:
        """Axes of one width, run by run; divided differently, no channels can be left out."""
        if [run.size for run in one] != [run.size for run in other]:
            self._stuck.update(one, other)
            return
        for a, b in zip(one, other, strict=True):
            self.join(a, b)

    def join(self, one: Run, other: Run) -> None:
        """Tie two runs, of whatever sizes: those of two networks have one order of preference."""
        if self.root(one) is not self.root(other):
            self._parent[self.root(one)] = self.root(other)

    def stuck(self) -> set[Run]:
        """Roots of the sets of which no channels can be left out."""
        return {self.root(run) for run in self._stuck}


@dataclass(frozen=True)
class Wired:
    """A layer with weights at its place: the axes that it reads and makes.

    `norm` is the name of the norm that reads what it makes. `weighs_maps`: it makes one weight for
    all channels of a map, as a streamwise gate does.
    """

    layer: Layer
    weights: str
    input: Axis
    output: Axis
    norm: str = ""
    weighs_maps: bool = False

    @property
    def depthwise(self) -> bool:
        """Whether each channel is convolved by itself."""
        return self.layer.op == "conv" and _is_depthwise(self.layer)


def wiring(placed: Sequence[Placed], ties: Ties) -> dict[Key, Wired]:
    """Every layer with weights, by part and name, in the order of computation; fills `ties`."""
    found: dict[Key, Wired] = {}
    whole_maps: set[Run] = set()
    axis: Axis = (Run(IMAGE_CHANNELS, frozenset({"image"})),)
    for place in placed:
        axes: list[Axis] = []
        for layer in place.part.layers:
            inputs = [axis if i < 0 else axes[i] for i in layer.inputs]
            made = _made(layer, place.name, inputs, ties)
            key = (place.name, layer.name)
            if layer.op == "scale" and _width(inputs[1]) != _width(inputs[0]):
                whole_maps.update(inputs[1])
            if layer.name and (earlier := found.get(key)):
                made = _merged([earlier.output, made], ties)
                read = _merged([earlier.input, inputs[0]], ties)
                found[key] = replace(earlier, input=read, output=made)
            elif layer.name:
                weights = f"{place.prefix}.{layer.name}".strip(".")
                found[key] = Wired(layer, weights, inputs[0], made)
            if layer.op in NORMS and layer.inputs[0] >= 0:
                maker = (place.name, place.part.layers[layer.inputs[0]].name)
                if maker in found:
                    found[maker] = replace(found[maker], norm=layer.name)
            axes.append(made)
        stage = place.name.partition(".")[0]  # so that the last block is found at any depth
        ends = [
            {f"{end}, run {i} of {len(axes[-1])}" for end in (place.name, stage)}
            for i in range(len(axes[-1]))
        ]
        axis = tuple(Run(r.size, r.made_by | e) for r, e in zip(axes[-1], ends, strict=True))
        ties.tie(axes[-1], axis)
    whole_maps = {ties.root(run) for run in whole_maps}
    return {
        key: replace(wired, weighs_maps=any(ties.root(r) in whole_maps for r in wired.output))
        for key, wired in found.items()
    }


def _made(layer: Layer, part: str, inputs: list[Axis], ties: Ties) -> Axis:
    """The axis of what a layer makes; an operator of a plug-in keeps channels if it can have."""
    name = frozenset({f"{part}.{layer.name}"} if layer.name else ())
    if layer.op == "concat":
        return tuple(run for axis in inputs for run in axis)
    makes = layer.op in MAKES_CHANNELS and not (layer.op == "conv" and _is_depthwise(layer))
    kept = [axis for axis in inputs if _width(axis) == layer.shape[0]]
    if makes or not kept:
        return (Run(layer.shape[0], name),)
    if layer.op == "scale":
        for axis in kept[1:]:
            ties.tie(kept[0], axis)
        return kept[0]
    if not name and len(kept) == 1:
        return kept[0]
    return _merged(kept, ties, name)


def _merged(axes: list[Axis], ties: Ties, name: frozenset[str] = frozenset()) -> Axis:
    """One axis for tensors that share their channels; it comes from all that they come from."""
    first = axes[0]
    alike = [axis for axis in axes if len(axis) == len(first)]
    made = tuple(
        Run(run.size, name.union(*(axis[i].made_by for axis in alike)))
        for i, run in enumerate(first)
    )
    for axis in axes:
        ties.tie(made, axis)
    return made


def _is_depthwise(layer: Layer) -> bool:
    return 1 < layer.get("groups") == layer.get("inputs") == layer.get("outputs")


def _width(axis: Axis) -> int:
    return sum(run.size for run in axis)
