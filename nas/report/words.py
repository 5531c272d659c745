"""Numbers and architectures in words."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas.architecture.fields import Value
from nas.errors import UserError
from nas.space.expression import UNITS
from nas.space.paths import short

if TYPE_CHECKING:
    from nas.search import Trial


def compact(number: float) -> str:
    """A count with its unit, three digits: 978.9M, 201.9k, 1.03G."""
    for unit, scale in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(number) >= scale:
            return f"{number / scale:.4g}{unit}"
    return f"{number:.4g}"


def parse_count(text: str, what: str) -> float:
    """The number of `50M`, `500k`, `1.5G` or `200000`; UserError, which names `what`."""
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,9})?)([kMG]?)", text.strip())
    if not match or not float(match[1]):
        raise UserError(f"{what}: {text!r} is not a number above 0; write 200000, 500k, 50M or 1G")
    return float(match[1]) * UNITS[match[2]]


def shortened(text: str, most: int = 60) -> str:
    """Its beginning and its end, where it is longer than that."""
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[:half]}…{text[-half:]}"


def growth_in_words(share: float) -> str:
    """What the last new trial of a search was expected to add; of `expected_growth`."""
    told = "less than 0.1%" if share < 0.001 else f"{share:.1%}" if share < 0.1 else f"{share:.0%}"
    return f"{told} more hypervolume was expected of the last new trial"


def recipe_in_words(recipe: Mapping[str, Any]) -> str:
    """`standard with epochs 40, lr 0.003`: its name, and what is not as the shipped recipe has it.

    recipe: as a run notes it.
    """
    from nas.training.recipe import load_recipe, shipped_recipes

    name: str = recipe["name"]
    if name not in shipped_recipes():
        return name
    shipped = load_recipe(name).model_dump(mode="json")
    own = {field: recipe.get(field, value) for field, value in shipped.items()}
    changed = [
        f"{field} {value}"
        for field, value in json.loads(json.dumps(own)).items()
        if value != shipped[field] and not field.endswith(("about", "digest", "digests"))
    ]
    return f"{name} with {', '.join(changed)}" if changed else name


def change(ratio: float) -> str:
    """How much more of a cost, in per cent with its sign: +6.9%, -31.2%; 0.0% where it is less."""
    return re.sub(r"^[+-](0\.0%)$", r"\1", f"{ratio:+.1%}")


def p_value(value: float, alpha: float = 0.05) -> str:
    """Three digits, and as many more as tell it from alpha; empty for NaN."""
    if math.isnan(value):
        return ""
    if value < 0.001:
        return "<0.001"
    digits = next(n for n in range(3, 18) if value == alpha or round(value, n) != alpha)
    return f"{value:.{digits}f}"


def point_in_words(point: Mapping[str, Value], varying: Sequence[str]) -> str:
    """The values that tell a point from the others of its space: `width 0.25, streams 3, ...`."""
    return ", ".join(f"{short(name)} {point[name]}" for name in varying if name in point)


def trial_in_words(trial: Trial, varying: Sequence[str]) -> str:
    """Its baseline's name, if it is of one, and what tells it from others; of a row of an ablation
    what the row is called."""
    if "row" in trial.note:
        return str(trial.note["row"])
    name = f"{trial.baseline} ({trial.outside})" if trial.outside else trial.baseline
    return ": ".join(filter(None, [name, point_in_words(trial.point, varying)]))


def shared_in_words(points: Sequence[Mapping[str, Value]], varying: Sequence[str]) -> str:
    """`all searched: width 0.25, streams 3`: what does not tell points apart; empty for none."""
    own = [name for name in (points[0] if points else ()) if name not in varying]
    return f"all searched: {point_in_words(points[0], own)}" if own else ""


def varying_names(points: Sequence[Mapping[str, Value]]) -> list[str]:
    """Names whose value differs between the points, in the order in which they appear."""
    names = list(dict.fromkeys(name for point in points for name in point))
    return [name for name in names if len({point.get(name) for point in points}) > 1]
