"""Weights of a trained network as the start of a variant of it.

Layers are matched by the place and name that they have in both. Where the numbers of channels
differ, channels are chosen, alike for all tensors that share them (`choice.py`), so that what is
carried still fits together. What has no counterpart keeps the values it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import torch
from torch import Tensor

from nas.architecture import Pen, Placed, lower
from nas.architecture.channels import MAKES_CHANNELS, NORMS, Axis, Key, Ties, Wired, wiring
from nas.arguments import check_one_of
from nas.errors import UserError, brief
from nas.models.choice import NOTHING, Channels, Choice, Pairs, output_pairs, pairs
from nas.models.inherited import Inheritance, Row, Unused
from nas.models.network import Network

CLASSIFIER = "classifier"


def inherit(model: Network, source: Network, *, channels: Channels = "order") -> Inheritance:
    """Carry what fits of the weights of `source` into `model`, in place; the rest stays as it is.

    Where the model has fewer channels than the source, they are the first ones (`order`), or those
    of the largest `magnitude`: the L1 norm of the filter that makes a channel, times |gamma| of the
    norm behind it, summed over the layers that share the choice (Li et al., "Pruning Filters for
    Efficient ConvNets", ICLR 2017). Where it has more, the source's go to the first ones. Returns
    what was carried of each tensor, and what of the source was not used.
    """
    check_one_of("channels", channels, get_args(Channels))
    for name, network in (("model", model), ("source", source)):
        if not isinstance(network, Network):
            raise UserError(f"{name}: {brief(network)} is not a network, as load_network gives")
    ties = Ties()
    mine, theirs = wiring(_placed(model), ties), wiring(_placed(source), ties)
    reasons = {key: _mismatch(key, wired, theirs.get(key)) for key, wired in mine.items()}
    matched = {key: (mine[key], theirs[key]) for key, why in reasons.items() if not why}
    given, taken = source.state_dict(), model.state_dict()
    own, others = _tensors(mine, taken), _tensors(theirs, given)
    choice = Choice(list(matched.values()), theirs, given, ties, channels)
    used = {name: torch.zeros(value.shape, dtype=torch.bool) for name, value in given.items()}
    rows = []
    for key, wired in mine.items():
        maps = _maps(*matched[key], choice) if key in matched else ([], [])
        for name, value in own[key]:
            other = theirs[key].weights + name if key in theirs else ""
            why, carried = reasons[key], 0
            if not why and other not in given:
                why = "not in the source"
            elif not why:
                carried = _carry(value, given[other], used[other], *matched[key], maps)
                why = _shortage(carried, value, given[other])
            shape = tuple(given[other].shape) if other in given else None
            row = Row(wired.weights + name, key[0], tuple(value.shape), shape, carried, why)
            rows.append(row)
    unnamed = taken.keys() - {row.name for row in rows}
    rows += [
        Row(name, "", tuple(value.shape), None, 0, "its layer has no name")
        for name, value in taken.items()
        if name in unnamed
    ]
    unused = [
        Unused(name, key[0], tuple(value.shape), int((~used[name]).sum()))
        for key, wired in theirs.items()
        for name, value in ((wired.weights + n, v) for n, v in others[key])
        if not used[name].all()
    ]
    return Inheritance(tuple(rows), tuple(unused))


def _placed(model: Network) -> tuple[Placed, ...]:
    """The network's parts, the classifier among them."""
    placed = lower(model.architecture)
    if model.classifier is None:
        return placed
    pen = Pen(placed[-1].part.output)
    logits = pen.linear(pen.input, model.classifier.out_features, name=CLASSIFIER)
    return (*placed, Placed(CLASSIFIER, "", pen.part(logits)))


def _mismatch(key: Key, mine: Wired, theirs: Wired | None) -> str:
    """Why nothing of the source's layer can be carried; empty where something can."""
    if theirs is None:
        return "not in the source"
    ours, other = mine.layer, theirs.layer
    if ours.op != other.op and not (ours.op in NORMS and other.op in NORMS):
        return f"{ours.op}, source {other.op}"
    if ours.op == "conv":
        if (k := ours.get("kernel")) != (n := other.get("kernel")):
            return f"kernel {k}x{k}, source {n}x{n}"
        groups, others = ours.get("groups"), other.get("groups")
        single = ours.get("inputs") == 1 and theirs.depthwise
        if (groups == 1) != (others == 1) and not (single or other.get("inputs") == 1):
            return f"{groups} groups, source {others}"
    if mine.weighs_maps != theirs.weighs_maps:
        return "weighs " + (
            "maps, source channels" if mine.weighs_maps else "channels, source maps"
        )
    if key[0] == CLASSIFIER and ours.get("outputs") != other.get("outputs"):
        return f"{ours.get('outputs')} classes, source {other.get('outputs')}"
    if all(pair is None for pair in pairs(mine.input, theirs.input)):
        return "reads other channels"
    return ""


def _tensors(
    wired: Mapping[Key, Wired], state: Mapping[str, Tensor]
) -> dict[Key, list[tuple[str, Tensor]]]:
    """Each layer's own tensors, by the end of their names.

    A layer of a plug-in may have modules within it; a tensor is of the nearest layer above.
    """
    layers = {layer.weights: key for key, layer in wired.items()}
    found: dict[Key, list[tuple[str, Tensor]]] = {key: [] for key in wired}
    for name, value in state.items():
        above = name
        while above and above not in layers:
            above = above.rpartition(".")[0]
        if above:
            found[layers[above]].append((name[len(above) :], value))
    return found


def _maps(mine: Wired, theirs: Wired, choice: Choice) -> tuple[list[int], list[int]]:
    """For each channel that the layer makes, and that it reads, the source's, or NOTHING."""
    inputs = pairs(mine.input, theirs.input)
    outputs = output_pairs(mine, theirs, inputs)
    return (
        _axis_map(mine.output, theirs.output, outputs, choice),
        _axis_map(mine.input, theirs.input, inputs, choice),
    )


def _axis_map(mine: Axis, theirs: Axis, found: Pairs, choice: Choice) -> list[int]:
    made: list[int] = []
    for run, index in zip(mine, found, strict=True):
        if index is None:
            made += [NOTHING] * run.size
            continue
        start = sum(other.size for other in theirs[:index])
        chosen = choice.channels(run, theirs[index])
        made += [NOTHING if c == NOTHING else start + c for c in chosen]
    return made


def _carry(
    value: Tensor,
    given: Tensor,
    used: Tensor,
    mine: Wired,
    theirs: Wired,
    maps: tuple[list[int], list[int]],
) -> int:
    """Copy what fits into `value`, mark it in `used`; the number of elements copied."""
    out = torch.tensor(maps[0])
    known = mine.layer.op in MAKES_CHANNELS or mine.layer.op in (*NORMS, "learned_scale")
    if value.dim() == 0 or not known:
        if value.shape != given.shape:
            return 0
        value.copy_(given)
        used.fill_(True)
        return value.numel()
    if value.dim() == 1:
        rows = out != NOTHING
        value[rows.to(value.device)] = given[out[rows].to(given.device)].to(value)
        used[out[rows]] = True
        return int(rows.sum())
    read = torch.tensor(maps[1])
    (made, each), (made_there, each_there) = value.shape[:2], given.shape[:2]
    group = torch.arange(made) // (made * each // len(read))  # of each channel that is made
    reads = read[group[:, None] * each + torch.arange(each)]  # (made, each): the source's channel
    group_there = out // (made_there * each_there // theirs.layer.get("inputs"))
    fits = (out[:, None] != NOTHING) & (reads != NOTHING)
    fits &= reads // each_there == group_there[:, None]
    there = out[:, None].expand_as(fits)[fits], (reads % each_there)[fits]
    value[fits.to(value.device)] = given[there].to(value)
    used[there] = True
    return int(fits.sum()) * value[0, 0].numel()


def _shortage(carried: int, value: Tensor, given: Tensor) -> str:
    """Why a tensor is not carried whole; empty where it is."""
    if carried == value.numel():
        return ""
    if carried:
        return "more channels"
    return f"{_shape(value)}, source {_shape(given)}"


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape))
