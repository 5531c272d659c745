"""What was asked of a training: the record in its directory, and the directory's default name."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from nas.architecture import PRESETS, Architecture, key, preset, to_document
from nas.data.spec import written
from nas.directory import Kind
from nas.errors import UserError
from nas.files import file_digest
from nas.training.recipe import Recipe

FILE = "train.json"
EXPORT_FIRST = "write the weights of a trial to a file with `export` first"


def asked_of(
    architecture: Architecture, data: str, recipe: Recipe, seed: int, init: Path | None
) -> dict[str, Any]:
    """What decides the trained weights: where any of it differs, it is another training."""
    return {
        "key": key(architecture),
        "architecture": to_document(architecture),
        "data": data,
        "recipe": recipe.model_dump(),
        "seed": seed,
        "init": None if init is None else f"{init} ({_digest(init)})",
    }


def default_path(
    asked: dict[str, Any], name: str | None, recipe: str | Recipe, overrides: Sequence[str]
) -> Path:
    """`results/train-<architecture>-<data>-<recipe>-s<seed>`, and a hash of what is not in it."""
    label, data = name or asked["key"], written(asked["data"])
    rest: list[Any] = [*overrides]
    if label not in PRESETS or key(preset(label)) != asked["key"]:
        rest.append(asked["key"])
    if ":" in data:
        rest.append(data)
    if asked["recipe"]["name"] != recipe:
        rest.append(recipe if isinstance(recipe, str) else asked["recipe"])
    if asked["init"] is not None:
        rest.append(asked["init"])
    parts = [_plain(text) for text in (label, data, asked["recipe"]["name"])]
    if rest:
        parts.append(blake2b(json.dumps(rest).encode(), digest_size=3).hexdigest())
    return Path("results") / "-".join(["train", *parts, f"s{asked['seed']}"])


def _plain(text: str) -> str:
    return re.sub(r"[^\w.]+", "-", text).strip("-.")[:40] or "x"


def _digest(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError as error:
        hint = f"; {EXPORT_FIRST}" if "#" in path.name else ""
        raise UserError(f"--init: {path}: {error.strerror}{hint}") from None


def _read_asked(path: Path) -> dict[str, Any]:
    file = path / FILE
    try:
        asked = json.loads(file.read_text(encoding="utf-8"))["asked"]
        if not isinstance(asked, dict):
            raise ValueError("asked is not a mapping")
        return asked
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file} is damaged ({type(error).__name__}: {error})") from None


KIND = Kind("a training", FILE, (), ("torch", "numpy", "safetensors"), _read_asked)
