"""Architectures with a name."""

from __future__ import annotations

from nas.architecture.value import Architecture, Block, Stage
from nas.errors import UserError, brief

CHANNELS = (256, 384, 512)
WIDTHS = {"x1_0": 1.0, "x0_75": 0.75, "x0_5": 0.5, "x0_25": 0.25}
AIN_INSIDE = ((0, 1), (1,), (0,))  # blocks with an instance norm inside, stage by stage


def _osnet(width: float) -> Architecture:
    """OSNet (Zhou et al., ICCV 2019, table 1)."""
    return Architecture(tuple(Stage(channels) for channels in CHANNELS), width=width)


def _ibn(width: float) -> Architecture:
    """Instance norm in the stem, and after the sum in the blocks of the first stage."""
    outside = Block("osnet", (("instance_norm", "outside"),))
    first, *rest = CHANNELS
    stages = (Stage(first, block=outside), *(Stage(channels) for channels in rest))
    return Architecture(stages, width=width, stem_norm="instance")


def _ain(width: float) -> Architecture:
    """OSNet-AIN (Zhou et al., TPAMI 2021), with the instance norms where its search put them."""
    stages = tuple(
        Stage(channels, overrides=tuple((b, (("instance_norm", "inside"),)) for b in inside))
        for channels, inside in zip(CHANNELS, AIN_INSIDE, strict=True)
    )
    return Architecture(stages, width=width, stem_norm="instance")


PRESETS: dict[str, Architecture] = {
    **{f"osnet_{name}": _osnet(width) for name, width in WIDTHS.items()},
    "osnet_ibn_x1_0": _ibn(1.0),
    **{f"osnet_ain_{name}": _ain(width) for name, width in WIDTHS.items()},
}


def preset(name: str | Architecture) -> Architecture:
    """The architecture of that name; UserError lists the names otherwise.

    An architecture is itself, so that a function can take either.
    """
    if isinstance(name, Architecture):
        return name
    if not isinstance(name, str) or name not in PRESETS:
        hint = "; of a point, give space.architecture(point)" if isinstance(name, dict) else ""
        if isinstance(getattr(name, "architecture", None), Architecture):
            hint = "; of a network or a trial, give its architecture"
        if "#" in str(name):
            hint = "; of a trial, give open_run(RUN).trial(NUMBER).architecture"
        raise UserError(f"no preset is named {brief(name)}; presets are {', '.join(PRESETS)}{hint}")
    return PRESETS[name]
