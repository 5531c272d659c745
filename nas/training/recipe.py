"""Recipes: how a network is trained, as data."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nas.errors import UserError

Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]


class Recipe(BaseModel):
    """How a network is trained. The rate warms up, then is constant; the score is that of a moving
    average of the weights, so that it means something at every epoch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    about: str = ""
    epochs: int = Field(ge=1, le=10_000, description="full length")
    epoch_images: int = Field(
        default=0, ge=0, description="images in an epoch at most, drawn anew for each; 0 is all"
    )
    batch: int = Field(ge=2, le=65_536, description="images in a step")
    optimizer: Literal["adamw", "sgd"] = "adamw"
    lr: Positive = Field(description="learning rate after the warm-up")
    weight_decay: float = Field(default=0.0, ge=0)
    warmup_steps: int = Field(default=0, ge=0, description="steps over which the rate rises from 0")
    average: Fraction = Field(
        default=0.99, description="decay of the moving average of the weights"
    )
    label_smoothing: Fraction = 0.1
    flip: bool = Field(default=True, description="mirror half of the images")
    crop: int = Field(default=0, ge=0, le=64, description="pixels of padding before a random crop")
    erase: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.0, description="share of the images that get a random rectangle erased"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="auto is bfloat16 where the processor computes in it natively"
    )
    validation: Annotated[float, Field(gt=0, le=0.5)] = Field(
        default=0.25, description="share of the training split held out to score on"
    )


def load_recipe(name_or_path: str) -> Recipe:
    """A recipe that we ship, by name, or a YAML file, by path; UserError names what is wrong."""
    from nas.space.document import parse_document, read_document

    shipped = {Path(f.name).stem: f for f in files("nas.training.recipes").iterdir()}
    shipped = {name: f for name, f in shipped.items() if f.name.endswith(".yaml")}
    if name_or_path in shipped:
        file = shipped[name_or_path]
        document = parse_document(file.read_text(encoding="utf-8"), file.name)
    elif Path(name_or_path).is_file():
        document = read_document(Path(name_or_path))
    else:
        known = ", ".join(sorted(shipped))
        raise UserError(f"no recipe {name_or_path!r}: neither a file nor one of {known}")
    if not isinstance(document.data, dict):
        raise document.error("a recipe is a mapping of " + ", ".join(Recipe.model_fields))
    try:
        return Recipe.model_validate(document.data)
    except ValidationError as error:
        first = error.errors()[0]
        path = [part for part in first["loc"] if isinstance(part, str)]
        message = f"{'.'.join(path)}: {first['msg']}"
        if first["type"] == "extra_forbidden":
            message = f"{'.'.join(path)} is not one of {', '.join(Recipe.model_fields)}"
        raise document.error(message, *path) from None
