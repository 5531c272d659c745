"""Weights to start from."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from nas.architecture import Architecture, from_json, key
from nas.errors import UserError
from nas.files import file_digest
from nas.models import Network, build, inherit, load_network
from nas.models.weights import load_strictly, load_torchreid, metadata, read_checkpoint
from nas.training.recipe import Recipe

CLASSIFIER = ("classifier.weight", "classifier.bias")
VARIANT = "; a variant begins with what fits by --set weights=FILE, of a .safetensors file"


def begin(architecture: Architecture, classes: int, recipe: Recipe, *, seed: int) -> Network:
    """The network as a training of the recipe begins with it: initialised by the seed, and with
    what it inherits where the recipe has `weights`. A classifier is not inherited."""
    network = build(architecture, classes, seed=seed, residual_scale=recipe.residual_scale)
    if recipe.weights:
        inherit(network, _source(recipe.weights, recipe.weights_digest))
    return network


def inherited(architecture: Architecture, recipe: Recipe) -> str:
    """How much of the architecture begins with weights of the recipe's file, in words."""
    found = inherit(build(architecture), _source(recipe.weights, recipe.weights_digest))
    return f"{found.share:.0%} of its weights begin with those of {recipe.weights}"


@lru_cache(maxsize=1)
def _source(path: str, digest: str) -> Network:
    file = Path(path).expanduser()
    network = load_network(file)
    if digest and file_digest(file) != digest:
        raise UserError(f"{path} is another file than when the recipe was read")
    network.classifier = None
    return network


def load_initial(network: Network, path: Path) -> str:
    """Load a self-contained file, or a checkpoint of torchreid, of the network's architecture.

    A classifier for other classes is left as it was initialised: another number of them, or other
    names where both are known. Gives what was loaded, in words; UserError for weights of another
    architecture. The input size may differ.
    """
    state = {name.removeprefix("module."): v for name, v in read_checkpoint(path).items()}
    about = metadata(path) if path.suffix == ".safetensors" else {}
    names = _names(about)
    own = network.state_dict()
    kept = all(name in state and state[name].shape == own[name].shape for name in CLASSIFIER)
    kept &= not names or not network.classes or names == network.classes
    there_classes = len(state[CLASSIFIER[0]]) if CLASSIFIER[0] in state else 0
    if not kept:
        state |= {name: own[name] for name in CLASSIFIER}
    architecture = about.get("architecture")
    try:
        if architecture is None:
            load_torchreid(network, state)
        else:
            load_strictly(network, state)
    except UserError as error:
        raise UserError(f"--init: {path}: {error}{VARIANT}") from None
    if architecture is not None:
        there = key(from_json(architecture, str(path)).resized(network.input_size))
        if there != key(network.architecture):
            raise UserError(f"--init: {path}: the weights of another network, key {there}{VARIANT}")
    other = ", other ones" if there_classes == len(own[CLASSIFIER[0]]) else ""
    new = f"a new classifier for {len(own[CLASSIFIER[0]])} classes (there: {there_classes}{other})"
    return f"starting from {path}, with {'its classifier' if kept else new}"


def _names(about: dict[str, str]) -> tuple[str, ...]:
    """Names of the classes; none where they are damaged."""
    try:
        return tuple(map(str, json.loads(about.get("classes", "[]"))))
    except (ValueError, TypeError):
        return ()
