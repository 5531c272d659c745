"""The kinds that come with the toolkit; importing this package registers them."""

from nas.architecture.blocks import (
    convolutions,
    fusions,
    gates,
    inception,
    mobilenet,
    osnet,
    resnext,
    se,
    stems,
)

__all__ = [
    "convolutions",
    "fusions",
    "gates",
    "inception",
    "mobilenet",
    "osnet",
    "resnext",
    "se",
    "stems",
]
