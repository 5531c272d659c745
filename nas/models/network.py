"""The network itself: the lowered layers of an architecture as one torch module."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from nas.architecture import Architecture, Part, Placed, Shape, Size, lower, preset
from nas.architecture.lower import IMAGE_CHANNELS
from nas.arguments import real, whole
from nas.errors import UserError
from nas.models.fused_norm import FusedNorm
from nas.models.layers import FRESH, NORMS, LearnedScale, add, initialise, make, scale
from nas.models.pooling import Tiles
from nas.seeds import derived_seed

Step = tuple[Callable[..., Tensor], tuple[int, ...], tuple[int, ...]]


class Network(nn.Module):
    """Images (N, 3, H, W) to embeddings (N, E) in eval mode; to (logits, embeddings) in training.

    Layers run in the order of lowering, and a tensor is let go after its last use. Weights have the
    names that torchreid gives them (conv2.0.conv2b.0.conv1.weight, ...). A layer that is put in the
    place of another one computes from then on. task: what it was trained for (reid,
    classification); empty where that is not known. classes: the names of what the classifier tells
    apart, in the order of its logits; empty where they have none.
    """

    task: str = ""
    classes: tuple[str, ...] = ()

    def __init__(self, architecture: Architecture, num_classes: int = 0) -> None:
        super().__init__()
        self.architecture = architecture
        self.input_shape: Shape = (IMAGE_CHANNELS, *architecture.input)
        placed = lower(architecture)
        self._add_parts(placed)
        features = placed[-1].part.output[0]
        self.classifier = nn.Linear(features, num_classes) if num_classes else None

    def _add_parts(self, placed: Sequence[Placed]) -> None:
        """Make the modules and the steps of parts that follow each other."""
        wiring: list[tuple[int, ...]] = []
        functions: list[Callable[..., Tensor]] = []
        named: dict[str, nn.Module] = {}
        start = 0  # tensor 0 is the image, tensor i + 1 is what step i makes
        for place in placed:
            base = len(functions)
            for index, layer in enumerate(place.part.layers):
                function: Callable[..., Tensor]
                if layer.name:
                    name = f"{place.prefix}.{layer.name}"
                    if name not in named:
                        module = make(layer)
                        assert isinstance(module, nn.Module)
                        _attach(self, name, module)
                        named[name] = module
                    function = named[name]
                else:
                    function = make(layer)
                    if isinstance(function, nn.Module):
                        _attach(self, f"{place.prefix}.op{index}", function)
                functions.append(function)
                wiring.append(tuple(start if i < 0 else base + i + 1 for i in layer.inputs))
            start = len(functions)
        self.wire(list(zip(functions, wiring, strict=True)))

    @property
    def input_size(self) -> Size:
        """Height and width of the images, in pixels."""
        return Size(*self.input_shape[1:])

    @property
    def device(self) -> torch.device:
        """Where it computes; the CPU where it has no weights."""
        return next(self.parameters(), torch.empty(0)).device

    @property
    def dtype(self) -> torch.dtype:
        """What its first weights are of; float32 where it has none."""
        return next(self.parameters(), torch.empty(0)).dtype

    @property
    def num_classes(self) -> int:
        """How many classes or identities it tells apart; 0 where it gives no logits."""
        return 0 if self.classifier is None else self.classifier.out_features

    @property
    def steps(self) -> list[Step]:
        """What is computed, (function, its input tensors, those that nothing reads after it).

        Of the layers that are in the network now: torch puts others there (SyncBatchNorm, a replica
        on another GPU), and so may a user.
        """
        for above, name, module in self._places:  # all that is above a layer, too: cheap to look at
            if (self if above is None else above)._modules.get(name) is not module:
                break
        else:
            return self._steps
        now = dict(self.named_modules(remove_duplicate=False))
        for name in self._layers.keys() - now.keys():
            raise RuntimeError(f"{name} is computed, but no longer a layer of the network")
        names = {layer: name for name, layer in self._layers.items()}
        self.wire([(now[names[f]] if f in names else f, read) for f, read, _ in self._steps])
        return self._steps

    def wire(self, steps: Sequence[tuple[Callable[..., Tensor], tuple[int, ...]]]) -> None:
        """Compute these steps: (function, its input tensors); step i makes tensor i + 1.

        A ReLU writes over its input where it alone reads that, and it is memory of its own.
        """
        readers = Counter(tensor for _, inputs in steps for tensor in inputs)
        last_use = {tensor: step for step, (_, inputs) in enumerate(steps) for tensor in inputs}
        self._steps: list[Step] = []
        for step, (function, inputs) in enumerate(steps):
            if isinstance(function, nn.ReLU):
                maker = steps[inputs[0] - 1][0] if inputs[0] else None
                own = maker is add or isinstance(maker, FRESH)
                function.inplace = own and readers[inputs[0]] == 1
            done = tuple(sorted({i for i in inputs if last_use[i] == step}))
            self._steps.append((function, inputs, done))
        functions = {function for function, _ in steps}
        own = self.named_modules()
        self._layers = {name: layer for name, layer in own if layer in functions}
        self._places = [
            (None if module is self else module, name, child)
            for module in self.modules()
            for name, child in module._modules.items()
            if child is not None
        ]

    def speed_up_training(self) -> None:
        """Compute a batch norm and the ReLU that alone reads it in one step, and pool faster.

        The same function and gradients, up to rounding.
        """
        readers = Counter(tensor for _, inputs, _ in self.steps for tensor in inputs)
        relus = {
            inputs[0]: step
            for step, (function, inputs, _) in enumerate(self.steps)
            if isinstance(function, nn.ReLU) and readers[inputs[0]] == 1
        }
        steps = self.steps
        for step, (function, inputs, done) in enumerate(steps):
            if isinstance(function, nn.AvgPool2d):
                steps[step] = (Tiles(function), inputs, done)
            elif isinstance(function, nn.BatchNorm2d):
                relu = relus.get(step + 1)
                steps[step] = (FusedNorm(function, relu is not None), inputs, done)
                if relu is not None:
                    steps[relu] = (_same, *steps[relu][1:])

    def embed(self, x: Tensor) -> Tensor:
        """Images (N, 3, H, W) to embeddings (N, E), in either mode."""
        tensors: list[Tensor | None] = [x]
        for function, inputs, done in self.steps:
            made = function(*[tensors[i] for i in inputs])
            for i in done:
                tensors[i] = None
            tensors.append(made)
        return made

    def classify(self, x: Tensor) -> Tensor:
        """Images (N, 3, H, W) to logits (N, classes), without autocast of the classifier, in either
        mode."""
        if self.classifier is None:
            raise RuntimeError("no classifier: build(architecture, num_classes)")
        embedding = self.embed(x)
        with torch.autocast(x.device.type, enabled=False):
            logits: Tensor = self.classifier(embedding.to(self.classifier.weight.dtype))
        return logits

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        embedding = self.embed(x)
        if not self.training:
            return embedding
        if self.classifier is None:
            raise RuntimeError("training needs a classifier: build(architecture, num_classes)")
        return self.classifier(embedding), embedding

    def without_classifier(self) -> Network:
        """Drop the classifier, which only training uses."""
        self.classifier = None
        return self


class PartNetwork(Network):
    """One part of a network by itself: (N, C, H, W) of the part's input to its output."""

    def __init__(self, part: Part) -> None:
        nn.Module.__init__(self)
        self.input_shape = part.input
        self._add_parts([Placed("part", "part", part)])
        self.classifier = None
        self.eval()


def build(
    architecture: Architecture | str,
    num_classes: int = 0,
    *,
    seed: int = 0,
    residual_scale: float = 1.0,
) -> Network:
    """The network of `architecture`, initialised by (seed, name of the parameter's layer).

    Layers of equal name and shape therefore start equal in different architectures. Parameters that
    a plug-in's module initialises in its own way follow from the seed as well. architecture:
    itself, or the name of a preset. num_classes: of the classifier, whose logits come before the
    embedding in training mode; 0 is none. residual_scale: what the last norm of each residual
    branch starts with (`residual_scales`).
    """
    num_classes, seed = whole("num_classes", num_classes), whole("seed", seed)
    residual_scale = real("residual_scale", residual_scale)
    generator = torch.default_generator  # what modules of torch draw from
    before = generator.get_state()
    try:
        generator.manual_seed(seed % 2**63)
        network = Network(preset(architecture), num_classes)
    finally:
        generator.set_state(before)
    for name, module in network.named_modules():
        if any(True for _ in module.parameters(recurse=False)):
            initialise(module, torch.Generator().manual_seed(derived_seed(seed, name)))
    if residual_scale != 1:
        for weight in residual_scales(network):
            nn.init.constant_(weight, residual_scale)
    return network


def residual_scales(network: Network) -> list[Tensor]:
    """Weights (C,) of the norm that ends each residual branch.

    Of a sum it is what is computed from the other, the identity; else the first. A gate on the
    branch may stand between norm and sum.
    """
    made: list[tuple[Callable[..., Tensor] | None, tuple[int, ...]]] = [(None, ())]
    made += [(function, inputs) for function, inputs, _ in network.steps]
    found: list[Tensor] = []
    for function, inputs in made:
        if function is not add:
            continue
        branch = inputs[1] if _reads(made, inputs[1], inputs[0]) else inputs[0]
        maker, read = made[branch]
        while maker is scale or isinstance(maker, LearnedScale):
            maker, read = made[read[0]]
        if isinstance(maker, NORMS) and isinstance(maker.weight, Tensor):
            found.append(maker.weight)
    return found


def _reads(made: Sequence[tuple[object, tuple[int, ...]]], node: int, other: int) -> bool:
    """Whether a node is computed from the other; a node comes after those that it reads."""
    seen, before = set[int](), [node]
    while before:
        for own in made[before.pop()][1]:
            if own == other:
                return True
            if own > other and own not in seen:
                seen.add(own)
                before.append(own)
    return False


def _same(x: Tensor) -> Tensor:
    return x


def _attach(root: nn.Module, dotted: str, module: nn.Module) -> None:
    """Register `module` at a dotted name, with empty modules for the names between."""
    *path, last = dotted.split(".")
    for name in path:
        if name not in root._modules:
            _check_free(root, name, dotted)
            root.add_module(name, nn.Module())
        root = root.get_submodule(name)
    _check_free(root, last, dotted)
    root.add_module(last, module)


def _check_free(root: nn.Module, name: str, dotted: str) -> None:
    if hasattr(nn.Module, name):
        raise UserError(f"layer {dotted!r}: torch modules have a {name!r}; choose another name")
    if hasattr(root, name):
        raise UserError(f"layer {dotted!r}: another layer is in that place; choose another name")
