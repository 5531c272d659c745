"""A JSON Schema of space files, for editors."""

from __future__ import annotations

from typing import Any

from nas.architecture.registry import family_fields
from nas.architecture.value import NETWORK_FIELDS, STAGE_FIELDS

INDEX = r"\[(\d+|\*|-?\d*:-?\d*|each|each \*|each -?\d*:-?\d*)\]"


def json_schema() -> dict[str, Any]:
    """The schema; it knows the fields of the plug-ins that are loaded.

    An editor finds mistyped paths and misshaped domains with it; values are checked on loading.
    """
    names = "|".join(["family", *STAGE_FIELDS, *family_fields()])
    inner = "|".join(["family", *family_fields()])
    top = "|".join(name.replace(".", r"\.") for name in NETWORK_FIELDS)
    scalar: dict[str, Any] = {"type": ["string", "number", "boolean"]}
    values = {"anyOf": [scalar, {"type": "array", "items": scalar, "minItems": 1}]}
    domain = {
        "anyOf": [
            *values["anyOf"],
            {
                "type": "object",
                "properties": {
                    "values": values,
                    "weights": {
                        "type": "array",
                        "items": {"type": "number", "exclusiveMinimum": 0},
                    },
                    "when": {"type": "string", "description": "as `stages[*].gate != none`"},
                },
                "required": ["values"],
                "additionalProperties": False,
            },
        ]
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "osnet-nas search space",
        "type": "object",
        "properties": {
            "space": {"type": "string", "minLength": 1, "description": "name of the space"},
            "about": {"type": "string"},
            "extends": {"type": "string", "description": "name or file of another space"},
            "plugin": {
                "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
                "description": "plug-in files that the space needs",
            },
            "base": {
                "type": ["string", "object"],
                "description": "a preset, an architecture file (JSON), or its content",
            },
            "input": {"type": "string", "pattern": r"^\d+x\d+$", "description": "height x width"},
            "parameters": {
                "type": "object",
                "patternProperties": {
                    f"^({top})$": domain,
                    rf"^stages{INDEX}\.({names})$": domain,
                    rf"^stages{INDEX}\.blocks\[\d+\]\.({inner})$": domain,
                },
                "additionalProperties": False,
            },
            "constraints": {"type": "array", "items": {"type": "string"}},
            "baseline": {
                "type": "array",
                "items": {
                    "anyOf": [
                        {"type": "string"},
                        {
                            "type": "object",
                            "additionalProperties": {"type": "object"},
                            "minProperties": 1,
                            "maxProperties": 1,
                        },
                    ]
                },
                "description": "presets, architecture files, or a name with the content of one, "
                "that the front is seen beside",
            },
        },
        "required": ["space"],
        "anyOf": [{"required": ["base", "parameters"]}, {"required": ["extends"]}],
        "additionalProperties": False,
    }
