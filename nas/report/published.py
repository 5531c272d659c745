"""Scores that papers report, to be seen beside a run's own on the same data set.

They were trained otherwise (weights from ImageNet, longer), and are quoted, not measured here.
"""

from __future__ import annotations

from dataclasses import dataclass

from nas.architecture import Size, preset
from nas.cost import cost
from nas.data.spec import SOURCES, parts_of
from nas.errors import UserError

SOURCE = "reported by Zhou et al., ICCV 2019, with weights from ImageNet"
SIZES = ("256x128", "192x96", "128x64", "64x32")
MARKET = {
    "osnet_x1_0": (0.849, 0.837, 0.803, 0.673),
    "osnet_x0_75": (0.841, 0.824, 0.795, 0.655),
    "osnet_x0_5": (0.826, 0.808, 0.785, 0.660),
    "osnet_x0_25": (0.778, 0.761, 0.718, 0.560),
}
"""mAP on Market-1501 by width, at each of SIZES."""


@dataclass(frozen=True)
class Reported:
    """A published network: costs are exact, the score is quoted."""

    name: str
    costs: dict[str, int]
    score: float


def published(data: str) -> list[Reported]:
    """What is known of a data set, by its spec; empty for most, as for a plug-in's."""
    try:
        sources = [source for _, source, _ in parts_of(data)]
    except UserError:  # its plug-in is not loaded, which a run's own record does not take
        return []
    if sources != [SOURCES["market1501"]]:
        return []
    return [
        Reported(f"{name} at {size}", cost(preset(name).resized(Size.parse(size))).as_dict(), score)
        for name, scores in MARKET.items()
        for size, score in zip(SIZES, scores, strict=True)
    ]
