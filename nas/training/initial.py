"""Weights to start from."""

from __future__ import annotations

from pathlib import Path

from nas.architecture import from_json, key
from nas.errors import UserError
from nas.models import Network
from nas.models.weights import load_strictly, load_torchreid, read_checkpoint

CLASSIFIER = ("classifier.weight", "classifier.bias")


def load_initial(network: Network, path: Path) -> str:
    """Load a self-contained file, or a checkpoint of torchreid, of the network's architecture.

    A classifier for another number of classes is left as it was initialised. Gives what was loaded,
    in words; UserError for weights of another architecture. The input size may differ.
    """
    state = {name.removeprefix("module."): v for name, v in read_checkpoint(path).items()}
    own = network.state_dict()
    kept = all(name in state and state[name].shape == own[name].shape for name in CLASSIFIER)
    there_classes = len(state[CLASSIFIER[0]]) if CLASSIFIER[0] in state else 0
    if not kept:
        state |= {name: own[name] for name in CLASSIFIER}
    architecture = _architecture_of(path)
    try:
        if architecture is None:
            load_torchreid(network, state)
        else:
            load_strictly(network, state)
    except UserError as error:
        raise UserError(f"--init: {path}: {error}") from None
    if architecture is not None:
        there = key(from_json(architecture, str(path)).resized(network.input_size))
        if there != key(network.architecture):
            raise UserError(f"--init: {path}: the weights of another network, key {there}")
    new = f"a new classifier for {len(own[CLASSIFIER[0]])} classes (there: {there_classes})"
    return f"starting from {path}, with {'its classifier' if kept else new}"


def _architecture_of(path: Path) -> str | None:
    """The architecture in the metadata of a self-contained file; None for other files."""
    if path.suffix != ".safetensors":
        return None
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as file:
        return (file.metadata() or {}).get("architecture")
