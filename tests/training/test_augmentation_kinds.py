"""Augmentations of plug-ins."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from nas.errors import UserError
from nas.models.about import MEAN
from nas.plugins import load_plugin
from nas.search.capacity import in_script
from nas.training.augment import augment
from nas.training.augmentation_kinds import AUGMENTATIONS, register_augmentation
from nas.training.recipe import Recipe, load_recipe, recorded_recipe

PATCH = Path(__file__).parents[2] / "examples" / "grey_patch.py"
PIXELS = torch.randint(0, 256, (64, 20, 10, 3), generator=torch.Generator().manual_seed(0)).byte()


@pytest.fixture(autouse=True)
def own_augmentations(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test registers is gone after it."""
    monkeypatch.setattr("nas.plugins._loaded", {})
    yield
    AUGMENTATIONS.clear()


def augmented(recipe: Recipe, seed: int = 0) -> torch.Tensor:
    return augment(PIXELS, recipe, torch.Generator().manual_seed(seed))


def test_a_recipe_names_those_of_plug_ins() -> None:
    with pytest.raises(UserError, match=r"^--set augment=grey_patch: .* is not registered \(none"):
        load_recipe("quick", ["augment=grey_patch"])
    load_plugin(PATCH)
    recipe = load_recipe("quick", ["augment=grey_patch"])
    assert recipe == load_recipe("quick", ["augment=[grey_patch]"])
    assert [len(digest) for digest in recipe.augment_digests] == [16]
    assert recorded_recipe(recipe.model_dump()) == recipe
    assert not {"augment", "augment_digests"} & set(load_recipe("quick").model_dump())
    with pytest.raises(UserError, match="augmentation 'grey_patch' is registered already"):
        register_augmentation("grey_patch")(AUGMENTATIONS["grey_patch"])


@pytest.mark.parametrize("given", ["3", "[grey_patch, 3]", "", "{a: b}"])
def test_what_is_no_list_of_names_is_told(given: str) -> None:
    with pytest.raises(UserError, match=r"^--set augment=.*: not a name, or a list of names$"):
        load_recipe("quick", [f"augment={given}"])


def test_a_grey_patch_is_a_rectangle_of_some_images() -> None:
    load_plugin(PATCH)
    recipe = load_recipe("quick", ["augment=grey_patch", "flip=false", "crop=0", "erase=0"])
    before = PIXELS.clone()
    found = augmented(recipe)
    assert torch.equal(PIXELS, before)  # it is a copy that is changed
    assert torch.equal(found, augmented(recipe)) and not torch.equal(found, augmented(recipe, 1))
    changed = [int(i) for i in (found != PIXELS).flatten(1).any(dim=1).nonzero()]
    assert 13 < len(changed) < 39  # 64 of a chance of 0.4
    for i in changed:
        rows, columns = (found[i] != PIXELS[i]).any(dim=2).nonzero().T
        height, width = (int(own.max() - own.min()) + 1 for own in (rows, columns))
        assert 4 <= height <= 16 and 2 <= width <= 8
        inside = found[i, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert (inside[..., 0] == inside[..., 1]).all() and (inside[..., 0] == inside[..., 2]).all()


def test_they_come_in_order_and_after_the_recipes_own() -> None:
    @register_augmentation("inverted")
    def inverted(pixels: torch.Tensor, recipe: Recipe, draw: torch.Generator) -> torch.Tensor:
        return 255 - pixels

    @register_augmentation("darker")
    def darker(pixels: torch.Tensor, recipe: Recipe, draw: torch.Generator) -> torch.Tensor:
        return pixels // 2

    plain = Recipe(name="plain", epochs=1, batch=2, lr=0.1, flip=False)
    both = plain.model_copy(update={"augment": ("inverted", "darker")})
    assert torch.equal(augmented(both), (255 - PIXELS) // 2)
    turned = plain.model_copy(update={"augment": ("darker", "inverted")})
    assert torch.equal(augmented(turned), 255 - PIXELS // 2)
    erased = augmented(plain.model_copy(update={"augment": ("inverted",), "erase": 1.0}))
    colour = 255 - (torch.tensor(MEAN) * 255).round()
    assert ((erased == colour.byte()).all(dim=3).flatten(1).any(dim=1)).sum() > 40


def test_what_does_not_give_a_batch_back_is_told() -> None:
    @register_augmentation("scaled")
    def scaled(pixels: torch.Tensor, recipe: Recipe, draw: torch.Generator) -> torch.Tensor:
        return pixels / 255

    @register_augmentation("forgotten")
    def forgotten(pixels: torch.Tensor, recipe: Recipe, draw: torch.Generator) -> None:
        pixels.clone()

    with pytest.raises(
        UserError, match=r"^augmentation forgotten gives NoneType, no tensor, where"
    ):
        augmented(Recipe(name="own", epochs=1, batch=2, lr=0.1, augment=("forgotten",)))
    recipe = Recipe(name="own", epochs=1, batch=2, lr=0.1, augment=("scaled",))
    wanted = r"^augmentation scaled gives float32 of \(64, 20, 10, 3\), where .* uint8 of \(64, "
    with pytest.raises(UserError, match=wanted):
        augmented(recipe)


def test_that_of_a_script_is_known_as_such() -> None:
    def own(pixels: torch.Tensor, recipe: Recipe, draw: torch.Generator) -> torch.Tensor:
        return pixels

    register_augmentation("file")(own)
    assert in_script() == []
    own.__module__ = "__main__"
    assert in_script() == ["augmentation file"]
