"""Architectures with a name."""

from __future__ import annotations

from nas.architecture.value import Architecture, Stage
from nas.errors import UserError


def _osnet(width: float) -> Architecture:
    """OSNet (Zhou et al., ICCV 2019, table 1)."""
    return Architecture(stages=(Stage(256), Stage(384), Stage(512)), width=width)


PRESETS: dict[str, Architecture] = {
    "osnet_x1_0": _osnet(1.0),
    "osnet_x0_75": _osnet(0.75),
    "osnet_x0_5": _osnet(0.5),
    "osnet_x0_25": _osnet(0.25),
}


def preset(name: str) -> Architecture:
    """The architecture of that name; UserError lists the names otherwise."""
    if name not in PRESETS:
        raise UserError(f"no preset is named {name!r}; presets are {', '.join(PRESETS)}")
    return PRESETS[name]
