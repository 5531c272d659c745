"""What a command may be pointed at: a preset, an architecture file, SPACE@seed, or RUN#trial."""

from __future__ import annotations

from pathlib import Path

from nas.architecture import PRESETS, Architecture, Size, from_json, preset
from nas.errors import UserError


def resolve(target: str, size: str | None = None) -> Architecture:
    """The architecture that `target` names, at another input size where one is given."""
    architecture = _find(target)
    return architecture.resized(Size.parse(size, "--input")) if size else architecture


def _find(target: str) -> Architecture:
    if target in PRESETS:
        return preset(target)
    if "#" in target:
        return _trial(*target.rsplit("#", 1))
    if "@" in target:
        return _sampled(*target.rsplit("@", 1))
    if _is_file(target):
        return from_json(_text(Path(target)), target)
    raise UserError(
        f"{target!r} is not a preset ({', '.join(PRESETS)}), an architecture file (JSON), "
        "SPACE@seed or RUN#trial"
    )


def _trial(run: str, number: str) -> Architecture:
    from nas.search import open_run

    trials = {str(trial.number): trial for trial in open_run(run).all_trials()}
    if number not in trials:
        raise UserError(f"{run} has no trial {number!r}; its trials are 0 to {len(trials) - 1}")
    return trials[number].architecture


def _sampled(space: str, seed: str) -> Architecture:
    from nas.seeds import drawer
    from nas.space import load_space

    if not seed.isdecimal() or len(seed) > 18:
        raise UserError(f"{space}@{seed}: {seed!r} is not a seed, a whole number from 0")
    loaded = load_space(space)
    return loaded.architecture(loaded.sample(drawer(int(seed), "sample")))


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
