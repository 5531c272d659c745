"""The search-space language: what may vary, what it contains, and what that costs."""

from nas.space.device import on_device, parts_to_measure
from nas.space.lint import lint
from nas.space.load import from_yaml, load_space, make_space, shipped_spaces
from nas.space.optuna import optuna_params, suggest, to_distributions
from nas.space.schema import json_schema
from nas.space.space import Constraint, Count, Parameter, Point, Space
from nas.space.summary import summarise
from nas.space.write import to_yaml

__all__ = [
    "Constraint",
    "Count",
    "Parameter",
    "Point",
    "Space",
    "from_yaml",
    "json_schema",
    "lint",
    "load_space",
    "make_space",
    "on_device",
    "optuna_params",
    "parts_to_measure",
    "shipped_spaces",
    "suggest",
    "summarise",
    "to_distributions",
    "to_yaml",
]
