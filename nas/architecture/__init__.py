"""What a network is: a frozen value, its parts and layers, its key."""

from nas.architecture.fields import choice, integer, number
from nas.architecture.graph import Layer, Node, Part, Pen, Shape
from nas.architecture.lower import Placed, key, lower
from nas.architecture.presets import PRESETS, preset
from nas.architecture.registry import (
    Component,
    convolutions,
    families,
    fusions,
    gates,
    stems,
    use,
)
from nas.architecture.value import (
    Architecture,
    Block,
    Size,
    Stage,
    from_document,
    from_json,
    to_document,
    to_json,
)

__all__ = [
    "PRESETS",
    "Architecture",
    "Block",
    "Component",
    "Layer",
    "Node",
    "Part",
    "Pen",
    "Placed",
    "Shape",
    "Size",
    "Stage",
    "choice",
    "convolutions",
    "families",
    "from_document",
    "from_json",
    "fusions",
    "gates",
    "integer",
    "key",
    "lower",
    "number",
    "preset",
    "stems",
    "to_document",
    "to_json",
    "use",
]
