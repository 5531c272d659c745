import torch

from nas.training.augment import augment, normalise
from nas.training.recipe import Recipe

PLAIN = Recipe(name="plain", epochs=1, batch=2, lr=0.1, flip=False)
IMAGES = torch.arange(40 * 6 * 4 * 3, dtype=torch.int64).remainder(251).to(torch.uint8)
IMAGES = IMAGES.view(40, 6, 4, 3)


def augmented(**changes: object) -> torch.Tensor:
    recipe = PLAIN.model_copy(update=changes)
    return augment(IMAGES, recipe, torch.Generator().manual_seed(0))


def test_nothing_asked_changes_nothing() -> None:
    assert torch.equal(augmented(), IMAGES)


def test_flip_mirrors_some_images_and_leaves_the_others() -> None:
    found = augmented(flip=True)
    mirrored = [torch.equal(a, b.flip(1)) for a, b in zip(found, IMAGES, strict=True)]
    same = [torch.equal(a, b) for a, b in zip(found, IMAGES, strict=True)]
    assert all(m or s for m, s in zip(mirrored, same, strict=True))
    assert 10 < sum(mirrored) < 30


def test_crop_is_a_window_of_the_padded_image() -> None:
    for image, source in zip(augmented(crop=2), IMAGES, strict=True):
        padded = torch.zeros(10, 8, 3, dtype=torch.uint8)
        padded[2:8, 2:6] = source
        windows = [padded[r : r + 6, c : c + 4] for r in range(5) for c in range(5)]
        assert any(torch.equal(image, window) for window in windows)


def test_erase_greys_one_rectangle() -> None:
    changed = (augmented(erase=1.0) != IMAGES).any(dim=3)
    for mask in changed:
        if mask.any():
            rows, columns = mask.any(dim=1), mask.any(dim=0)
            assert torch.equal(mask, rows[:, None] & columns[None, :])
    assert changed.any()
    assert torch.equal(augmented(erase=0.0), IMAGES)


def test_normalise_gives_channels_last_of_about_unit_size() -> None:
    found = normalise(IMAGES)
    assert found.shape == (40, 3, 6, 4)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert abs(float(normalise(torch.full((1, 1, 1, 3), 116, dtype=torch.uint8)).mean())) < 0.2
