"""What a command may be pointed at: a preset, a file, SPACE@seed, or RUN#trial."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from nas.architecture import PRESETS, Architecture, Size, from_json, preset
from nas.errors import UserError, meant
from nas.files import is_torch_file

if TYPE_CHECKING:
    from nas.models import Network
    from nas.search import Run


def resolve(target: str, size: str | None = None) -> Architecture:
    """The architecture that `target` names, at another input size where one is given."""
    architecture = _find(target)
    return architecture.resized(Size.parse(size, "--input")) if size else architecture


def data_of(target: str) -> str | None:
    """The data that the run of RUN#trial had; None for other targets."""
    return str(_split(target)[0].asked["data"]) if _is_trial(target) else None


def data_to_score(target: str, data: str | None) -> str:
    """What was given, or the data of the run; UserError where there is neither."""
    found = data_of(target) if data is None else data
    if found is None:
        load_trained(target)  # which says first where it is no network
        raise UserError(f"--data: give a data set for {target}, such as synthetic")
    return found


def load(target: str, size: str | None, seed: int) -> tuple[Network, str]:
    """The network that `target` names, in eval mode, and in words where its weights are from.

    A checkpoint or a trial of a run has weights; anything else is initialised by `seed`.
    """
    from nas.models import build
    from nas.models.network import Network
    from nas.models.weights import load_network
    from nas.search.checkpoints import kept_checkpoints

    if Path(target).suffix == ".safetensors":
        found, weights = load_network(Path(target)), target
    elif _is_trial(target):
        run, number = _split(target)
        found, weights = run.network(number), str(kept_checkpoints(run.path)[number])
    else:
        found, weights = build(_find(target), seed=seed), f"initialised by seed {seed}, not trained"
    if size:
        resized = Network(
            found.architecture.resized(Size.parse(size, "--input")),
            found.num_classes,
        )
        resized.task, resized.classes = found.task, found.classes
        resized.load_state_dict(found.state_dict())
        found = resized
    return found.eval(), weights


def load_trained(target: str) -> Network:
    """The network of a checkpoint or a trial of a run, in eval mode, or what an exported file
    computes; UserError for others."""
    from nas.models import load_trained
    from nas.models.deployed import OPENERS

    if Path(target).suffix in OPENERS:
        return load_trained(target)
    if is_torch_file(target):
        _of_file(Path(target))
    if Path(target).suffix == ".safetensors" or _is_trial(target):
        return load(target, None, 0)[0]
    weights = sorted(map(str, Path(target).glob("*.safetensors"))) if target else []
    hint = f"; there is {', '.join(weights)}" if weights else ""
    raise UserError(
        f"{target!r} is not a trained network: a .safetensors file, RUN#trial, or an .onnx or .pt "
        f"that `export` wrote{hint}"
    )


def is_space(target: str) -> bool:
    """Whether `target` is a shipped space or a YAML file."""
    from nas.space import shipped_spaces

    return target in shipped_spaces() or (target.endswith((".yaml", ".yml")) and _is_file(target))


def _find(target: str) -> Architecture:
    if target in PRESETS:
        return preset(target)
    if _is_file(target):
        return _of_file(Path(target))
    if os.path.isdir(target):
        weights = ", ".join(map(str, sorted(Path(target).glob("*.safetensors"))))
        hint = f"there is {weights}" if weights else f"a trial of a run is {target}#NUMBER"
        raise UserError(f"{target} is a folder; {hint}")
    if "#" in target:
        run, number = _split(target)
        return run.trial(number).architecture
    if "@" in target:
        return _sampled(*target.rsplit("@", 1))
    if "/" in target or Path(target).suffix:
        raise UserError(f"there is no file {target}")
    raise UserError(
        f"{target!r} is not a preset ({', '.join(PRESETS)}), an architecture file (JSON), "
        f"a checkpoint, SPACE@seed or RUN#trial{meant(target, PRESETS)}"
    )


def _of_file(path: Path) -> Architecture:
    """Of an architecture file, or a checkpoint that says what it is of."""
    if path.suffix == ".onnx":
        raise UserError(
            f"{path}: an ONNX file can be scored, but is no architecture; give what it was made of"
        )
    if is_torch_file(path):
        raise UserError(
            f"{path}: such a checkpoint does not say its architecture; `weights import` it first"
        )
    if path.suffix == ".safetensors":
        from nas.models.weights import load_network

        return load_network(path).architecture
    return from_json(_text(path), str(path))


def _split(target: str) -> tuple[Run, int]:
    """The run and the number of a trial."""
    from nas.search import open_run
    from nas.search.run import split_trial

    run, number = split_trial(target)
    assert number is not None
    return open_run(run), number


def _sampled(space: str, seed: str) -> Architecture:
    from nas.space import load_space

    if not seed.isdecimal() or len(seed) > 18:
        raise UserError(f"{space}@{seed}: {seed!r} is not a seed, a whole number from 0")
    loaded = load_space(space)
    return loaded.architecture(loaded.sample(int(seed)))


def _is_trial(target: str) -> bool:
    return "#" in target and not _is_file(target) and not os.path.isdir(target)


def _is_file(target: str) -> bool:
    try:
        return Path(target).is_file()
    except OSError:  # a name that is too long
        return False


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
