"""Designs that were published: the OSNet paper's own table, and the families that it names."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy

from nas.ablation.design import Candidate, Design, collect
from nas.ablation.factors import put_field
from nas.architecture import Architecture, from_document, to_document
from nas.architecture.fields import Value
from nas.cost import with_family
from nas.errors import UserError

MODEL: dict[str, Value] = {
    "streams": 4, "stream_depth": 0, "gate": "unified", "fusion": "add", "convolution": "lite",
}  # fmt: skip
PAPER: dict[str, dict[str, Value]] = {
    "T=4, unified gate": {},
    "T=4, full 3x3 convolutions": {"convolution": "full"},
    "T=4, streams of one depth": {"stream_depth": 3},
    "T=4, concatenation": {"gate": "none", "fusion": "concat"},
    "T=4, addition": {"gate": "none"},
    "T=4, separate gates": {"gate": "separate"},
    "T=4, stream-wise gate": {"gate": "streamwise"},
    "T=4, fixed gate": {"gate": "fixed"},
    "T=1": {"streams": 1, "gate": "none"},
    "T=2, unified gate": {"streams": 2},
    "T=3, unified gate": {"streams": 3},
}
"""What each row changes of MODEL. The paper's table leaves two things open:

How deep the streams of one depth are: 3 layers, which cost 7% more than the model's 1 to 4 (2 cost
7% less), so that the row does not lose for being smaller. The gate at T=1: none, as there is
nothing to weigh.
"""

FAMILIES = {"OSNet": "osnet", "Inception": "inception", "ResNeXt": "resnext", "SE": "se"}


def paper_table(base: Architecture) -> Design:
    """The eleven rows of the OSNet paper's ablation (Zhou et al., ICCV 2019), first the model.

    At the base's width, depths and input. UserError where the base has other blocks than osnet.
    """
    _check_osnet("paper", base)

    def row(label: str, changes: dict[str, Value]) -> Candidate:
        def make() -> Architecture:
            document = deepcopy(to_document(base))
            for name, value in (MODEL | changes).items():
                for i in range(len(base.stages)):
                    put_field(document, f"stages[{i}].{name}", value)
            return from_document(document)

        return label, changes, make

    return collect(row(label, changes) for label, changes in PAPER.items())


def families_table(base: Architecture) -> Design:
    """The base, and its stages with Inception, ResNeXt and SE blocks of default fields.

    UserError where the base has other blocks than osnet.
    """
    _check_osnet("families", base)

    def row(label: str, family: str) -> Candidate:
        factors: Mapping[str, Value] = {"family": family}
        return label, factors, lambda: base if family == "osnet" else with_family(base, family)

    return collect(row(label, family) for label, family in FAMILIES.items())


def _check_osnet(table: str, base: Architecture) -> None:
    blocks = [stage.block_at(i) for stage in base.stages for i in range(stage.depth)]
    if others := sorted({block.family for block in blocks} - {"osnet"}):
        raise UserError(
            f"--table {table}: its first row has osnet blocks, and the base has {', '.join(others)}"
        )
