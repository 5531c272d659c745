"""Recipes: how a network is trained, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from nas.arguments import settings
from nas.errors import UserError, brief, meant
from nas.files import file_digest, is_torch_file
from nas.plugins import digest_of
from nas.training.augmentation_kinds import AUGMENTATIONS
from nas.training.loss_kinds import LOSSES

Fraction = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
EpochNumber = Annotated[int, Field(ge=1)]
Overrides = Sequence[str] | Mapping[str, Any]
"""Fields of a recipe, as ["lr=0.001"] or {"lr": 0.001}."""


class Recipe(BaseModel):
    """How a network is trained.

    In a search the rate warms up and then is constant, and the score is that of a moving average of
    the weights, so that it means something at every epoch. What anneals to a length is for training
    at full length. Fields after `validation` came later: at their defaults they are not written, so
    that a recipe without them is recorded as it always was.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(min_length=1)
    about: str = ""
    epochs: int = Field(ge=1, le=10_000, description="full length")
    epoch_images: int = Field(
        default=0, ge=0, description="images in an epoch at most, drawn anew for each; 0 is all"
    )
    batch: int = Field(ge=2, le=65_536, description="images in a step")
    optimizer: Literal["adamw", "adam", "amsgrad", "sgd"] = "adamw"
    lr: Positive = Field(description="learning rate after the warm-up, the highest of the schedule")
    weight_decay: float = Field(default=0.0, ge=0)
    warmup_steps: int = Field(default=0, ge=0, description="steps over which the rate rises from 0")
    average: Fraction = Field(
        default=0.99, description="decay of the moving average of the weights; 0 is none"
    )
    label_smoothing: Fraction = 0.1
    flip: bool = Field(default=True, description="mirror half of the images")
    crop: int = Field(default=0, ge=0, le=64, description="pixels of padding before a random crop")
    erase: Share = Field(
        default=0.0, description="share of the images that get a random rectangle erased"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="auto is bfloat16 where the processor computes in it natively"
    )
    validation: Annotated[float, Field(gt=0, le=0.5)] = Field(
        default=0.25,
        description="share of the training split held out to score on: in a search, and where "
        "early_stop is set",
    )

    momentum: Fraction = Field(default=0.9, description="of sgd")
    nesterov: bool = Field(default=False, description="Nesterov's momentum, of sgd")
    decay_norms: bool = Field(default=False, description="weight decay on norms and biases as well")
    clip: float = Field(default=0.0, ge=0, description="largest norm of the gradient; 0 is any")
    accumulate: int = Field(
        default=1, ge=1, description="parts that a batch is computed in, to save memory"
    )
    residual_scale: Share = Field(
        default=1.0,
        description="what the last norm of each residual branch starts with: below 1 a block "
        "starts nearer to its shortcut; not where weights are loaded",
    )
    schedule: Literal["constant", "step", "cosine", "onecycle"] = "constant"
    milestones: tuple[EpochNumber, ...] = Field(
        default=(), description="epochs after which schedule step lowers the rate"
    )
    gamma: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.1, description="what schedule step multiplies the rate by"
    )
    rise: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.3, description="share of the steps in which schedule onecycle rises"
    )
    frozen_epochs: int = Field(
        default=0, ge=0, description="epochs at the start in which the base does not change"
    )
    unfrozen: Literal["classifier", "embedding"] = Field(
        default="classifier",
        description="what is trained meanwhile: the classifier, or the embedding layer as well",
    )
    loss: str = Field(
        default="cross_entropy", description="cross_entropy, triplet, both, or a plug-in's"
    )
    margin: Positive = Field(default=0.3, description="of the triplet loss")
    triplet_weight: Positive = Field(
        default=1.0, description="of the triplet loss in loss both, where cross-entropy has 1"
    )
    triplet_metric: Literal["cosine", "euclidean"] = Field(
        default="cosine",
        description="of the triplet loss: distances of embeddings that are scaled to length 1, so "
        "that to shrink them all is of no use; or of embeddings as they are",
    )
    sampler: Literal["random", "identity"] = Field(
        default="random", description="identity: batches of some images each of some identities"
    )
    images_per_identity: int = Field(default=4, ge=2, description="of sampler identity")
    resize_crop: Annotated[float, Field(ge=1, le=2)] = Field(
        default=1.0, description="half of the images are enlarged by this and cropped; 1 is none"
    )
    brightness: Share = Field(default=0.0, description="factor drawn from 1 - this to 1 + this")
    contrast: Share = Field(default=0.0, description="as brightness, about the image's mean grey")
    saturation: Share = Field(default=0.0, description="as brightness, about each pixel's grey")
    patch: Share = Field(
        default=0.0, description="share of the images that get a patch of another image"
    )
    rungs: tuple[EpochNumber, ...] = Field(
        default=(), description="epochs after which a search compares trials; not in training"
    )
    early_stop: int = Field(
        default=0,
        ge=0,
        description="end after so many epochs without a better score on what is held out; 0: never",
    )
    weights: str = Field(
        default="", description="file of a trained network, of whose weights each one inherits"
    )
    weights_digest: str = Field(default="", description="of that file; filled in when it is read")
    loss_digest: str = Field(default="", description="of a plug-in that has the loss; filled in")
    augment: tuple[str, ...] = Field(
        default=(), description="augmentations of plug-ins, which come after the others"
    )
    augment_digests: tuple[str, ...] = Field(
        default=(), description="of the plug-ins that have them; filled in"
    )

    @field_validator("loss")
    @classmethod
    def _loss_is_known(cls, name: str) -> str:
        if name not in LOSSES:
            known = ", ".join(LOSSES)
            raise ValueError(f"{name!r} is not one of {known}; one of your own needs its --plugin")
        return name

    @field_validator("augment", mode="before")
    @classmethod
    def _one_is_a_list_of_one(cls, given: Any) -> Any:
        names = [given] if isinstance(given, str) else given
        if not isinstance(names, (list, tuple)) or not all(isinstance(n, str) for n in names):
            raise ValueError("not a name, or a list of names")
        return names

    @field_validator("augment")
    @classmethod
    def _augmentations_are_known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in AUGMENTATIONS:
                known = ", ".join(AUGMENTATIONS) or "none"
                raise ValueError(
                    f"{name!r} is not registered ({known} is); one of your own needs its --plugin"
                )
        return names

    @model_validator(mode="after")
    def _fields_fit_each_other(self) -> Recipe:
        ordered = sorted(set(self.milestones)) == list(self.milestones)
        if not ordered or (self.schedule == "step" and not self.milestones):
            raise ValueError("schedule step needs milestones, in rising order, as [150, 225]")
        rising = sorted(set(self.rungs)) == list(self.rungs)
        if not rising or max(self.rungs, default=0) >= self.epochs:
            raise ValueError(
                f"rungs {', '.join(map(str, self.rungs))} must rise, and end before the full "
                f"{self.epochs} epochs; rungs=[] is without, as is --no-rungs of a search"
            )
        if self.schedule == "onecycle" and self.warmup_steps:
            raise ValueError("schedule onecycle rises by itself: warmup_steps must be 0")
        if self.nesterov and not (self.optimizer == "sgd" and self.momentum > 0):
            raise ValueError("nesterov is for optimizer sgd with a momentum above 0")
        unit = self.images_per_identity if self.sampler == "identity" else 1
        kind = LOSSES[self.loss]
        if kind.identities and self.sampler != "identity":
            raise ValueError(f"loss {self.loss} needs sampler identity")
        if not kind.classifier and self.frozen_epochs and self.unfrozen == "classifier":
            raise ValueError(
                f"loss {self.loss} trains no classifier: frozen_epochs needs embedding"
            )
        if self.batch % unit or self.batch // unit < (2 if unit > 1 else 1):
            raise ValueError(
                f"batch {self.batch} is not two or more identities of {unit} images_per_identity"
            )
        if (self.batch // unit) % self.accumulate or self.batch // self.accumulate < 2:
            of = "identities" if unit > 1 else "images"
            raise ValueError(
                f"batch of {self.batch // unit} {of} can not be split into {self.accumulate} parts"
            )
        if kind.identities and self.batch // unit < 2 * self.accumulate:
            raise ValueError(
                f"loss {self.loss} compares identities: {self.accumulate} parts of a batch of "
                f"{self.batch // unit} have fewer than two each"
            )
        return self

    @model_serializer(mode="wrap")
    def _without_later_defaults(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        later = list(fields)[list(fields).index("validation") + 1 :]
        document: dict[str, Any] = plain(self)
        for name in later:
            if getattr(self, name) == fields[name].default:
                document.pop(name, None)
        return document


def recorded_recipe(document: Mapping[str, Any]) -> Recipe:
    """The recipe that a run was recorded with; UserError where it is none that is known here."""
    try:
        return Recipe.model_validate(document)
    except ValidationError as error:
        path, message = _first(error)
        raise UserError(f"recipe {document.get('name')}: {'.'.join(path)}: {message}") from None


def _first(error: ValidationError) -> tuple[list[str], str]:
    """Of what is wrong with a recipe the first: the field, empty for several, and why."""
    first = error.errors()[0]
    path = [part for part in first["loc"] if isinstance(part, str)]
    return path, first["msg"].removeprefix("Value error, ")


def check_for_search(recipe: Recipe) -> None:
    """UserError where the recipe is for training at full length only."""
    if recipe.schedule != "constant":
        raise UserError(
            f"recipe {recipe.name}: schedule {recipe.schedule} is for training at full length; "
            "a search needs schedule constant, with an average of the weights"
        )
    if recipe.early_stop:
        raise UserError(f"recipe {recipe.name}: early_stop is for training at full length")


def recipe_for_search(data: str) -> str:
    """The shipped recipe of short runs for the data's task; UserError where that is unknown."""
    from nas.data import task_of

    return {"reid": "quick-reid", "classification": "quick"}[task_of(data)]


def shipped_recipes() -> dict[str, str]:
    """The text of each recipe that is shipped, by name."""
    found = [f for f in files("nas.training.recipes").iterdir() if f.name.endswith(".yaml")]
    return {Path(f.name).stem: f.read_text(encoding="utf-8") for f in found}


def load_recipe(recipe: str | Recipe, overrides: Overrides = ()) -> Recipe:
    """A recipe that is shipped, by name, or a YAML file, by path; UserError names what is wrong.

    A file may extend another recipe: `extends: NAME`. `overrides` are texts `key=value`, the value
    in YAML, or a mapping, and come last; they change a recipe that is given as it is, too. A file
    of `weights` is read, so that another one of the same name is noticed later.
    """
    changes = _parse_overrides(overrides)
    if not isinstance(recipe, (str, Path, Recipe)):
        kind = type(recipe).__name__
        raise UserError(f"a recipe is a name, a file or a Recipe, not a {kind}: {brief(recipe)}")
    document: Any
    if isinstance(recipe, Recipe):
        label, document, values = recipe.name, None, recipe.model_dump()
    else:
        label, (document, values) = recipe, _read(recipe, ())
    try:
        return _with_digests(Recipe.model_validate(values | changes))
    except ValidationError as error:
        path, message = _first(error)
        if path and path[0] in changes:
            raise UserError(f"--set {path[0]}={changes[path[0]]}: {message}") from None
        if not path and changes:
            raise UserError(f"recipe {label} with --set: {message}") from None
        where = f"{'.'.join(path)}: {message}" if path else message
        if document is None:
            raise UserError(f"recipe {label}: {where}") from None
        if error.errors()[0]["type"] == "extra_forbidden":
            known = ", ".join(Recipe.model_fields)
            near = meant(path[-1], Recipe.model_fields)
            raise document.error(f"{'.'.join(path)} is not one of {known}{near}", *path) from None
        raise document.error(where, *path) from None


def _with_digests(recipe: Recipe) -> Recipe:
    found = ""
    if recipe.weights:
        from nas.models import load_network

        file = Path(recipe.weights).expanduser()
        if is_torch_file(file) or "#" in file.name:
            raise UserError(
                f"weights: {recipe.weights} is no .safetensors file: `weights import` makes one of "
                "torchreid's, `export` of a trial"
            )
        load_network(file)  # what is no network says so here
        found = file_digest(file)
    digests: dict[str, Any] = {
        "weights_digest": found,
        "loss_digest": LOSSES[recipe.loss].digest,
        "augment_digests": tuple(digest_of(AUGMENTATIONS[name]) for name in recipe.augment),
    }
    return recipe.model_copy(update=digests)


def _read(name_or_path: str, seen: tuple[str, ...]) -> tuple[Any, dict[str, Any]]:
    """A recipe's document, and its entries over those that it extends."""
    from nas.space.document import parse_document, read_document

    shipped = shipped_recipes()
    if name_or_path in shipped:
        document = parse_document(shipped[name_or_path], f"{name_or_path}.yaml")
    elif Path(name_or_path).is_file():
        document = read_document(Path(name_or_path))
    else:
        known = ", ".join(sorted(shipped))
        near = meant(str(name_or_path), shipped)
        raise UserError(f"no recipe {name_or_path!r}: neither a file nor one of {known}{near}")
    if not isinstance(document.data, dict):
        raise document.error("a recipe is a mapping of " + ", ".join(Recipe.model_fields))
    values = dict(document.data)
    parent = values.pop("extends", None)
    if parent is None:
        return document, values
    beside = Path(name_or_path).parent / str(parent)
    wanted = str(beside) if beside.is_file() and name_or_path not in shipped else str(parent)
    if wanted in (*seen, name_or_path):
        raise document.error(f"extends: {parent} extends itself", "extends")
    try:
        inherited = _read(wanted, (*seen, name_or_path))[1]
    except UserError as error:
        raise document.error(f"extends: {error}", "extends") from None
    for own in ("name", "about"):
        inherited.pop(own, None)
    return document, inherited | values


def _parse_overrides(overrides: Overrides) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for text in settings(overrides):
        if not isinstance(text, str):
            raise UserError(f"--set {text!r}: not a text, as epochs=1")
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or name not in Recipe.model_fields:
            known = ", ".join(Recipe.model_fields)
            near = meant(name, Recipe.model_fields)
            raise UserError(f"--set {text}: not KEY=VALUE with a KEY of {known}{near}")
        if name in changes:
            raise UserError(f"--set {text}: {name} is set twice")
        try:
            changes[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UserError(f"--set {text}: {value!r} is not a YAML value") from None
    return changes
