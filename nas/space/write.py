"""A space as YAML text: `from_yaml(to_yaml(space))` is the space again."""

from __future__ import annotations

from typing import Any

import yaml

from nas.architecture import PRESETS, preset, to_document
from nas.space.space import Parameter, Space


def to_yaml(space: Space) -> str:
    """The space as a file: each parameter by the path that it was named by.

    What is of a device is left out: the table of its latency, and constraints on that.
    """
    data: dict[str, Any] = {"space": space.name}
    if space.about:
        data["about"] = space.about
    if space.plugins:
        data["plugin"] = list(space.plugins)
    presets = [n for n, a in PRESETS.items() if a.resized(space.base.input) == space.base]
    data["base"] = presets[0] if presets else to_document(space.base)
    data["input"] = str(space.base.input)
    data["parameters"] = {parameter.name: _entry(parameter) for parameter in space.parameters}
    if texts := [c.text for c in space.constraints if not c.needs_device()]:
        data["constraints"] = texts
    if space.baselines != ((presets[0] if presets else "base", space.base),):
        data["baseline"] = [
            name if name in PRESETS and preset(name).resized(space.base.input) == own
            else {name: to_document(own)}
            for name, own in space.baselines
        ]  # fmt: skip
    return yaml.safe_dump(data, sort_keys=False, width=100, default_flow_style=None)


def _entry(parameter: Parameter) -> Any:
    values = list(parameter.values)
    if not parameter.weights and parameter.when is None:
        return values
    entry: dict[str, Any] = {"values": values}
    if parameter.weights:
        entry["weights"] = list(parameter.weights)
    if parameter.when is not None:
        entry["when"] = parameter.when_text
    return entry
