import torch

from nas.models.about import MEAN, STD
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


def test_a_crop_moves_as_far_as_it_reaches_to_every_side() -> None:
    dot = torch.zeros(300, 5, 5, 3, dtype=torch.uint8)
    dot[:, 2, 2] = 9
    recipe = PLAIN.model_copy(update={"crop": 1})
    places = augment(dot, recipe, torch.Generator().manual_seed(0))[..., 0].nonzero()[:, 1:]
    assert set(map(tuple, places.tolist())) == {(r, c) for r in (1, 2, 3) for c in (1, 2, 3)}


# Each pixel says whose it is: (image, row, column).
WHOSE = torch.stack(
    torch.meshgrid(torch.arange(200), torch.arange(40), torch.arange(20), indexing="ij"), dim=-1
).to(torch.uint8)


def of_whose(**changes: object) -> torch.Tensor:
    recipe = PLAIN.model_copy(update=changes)
    return augment(WHOSE, recipe, torch.Generator().manual_seed(0))


def bounds(mask: torch.Tensor) -> tuple[int, int]:
    """Height and width of the rectangle that the mask (H, W) is."""
    rows, columns = mask.any(dim=1), mask.any(dim=0)
    assert torch.equal(mask, rows[:, None] & columns[None, :])
    for side in (rows, columns):
        at = side.nonzero()[:, 0]
        assert len(at) == at[-1] - at[0] + 1
    return int(rows.sum()), int(columns.sum())


def test_erase_colours_one_rectangle_of_a_share_of_the_images() -> None:
    sizes = []
    for image, source in zip(of_whose(erase=0.5), WHOSE, strict=True):
        changed = (image != source).any(dim=2)
        if changed.any():
            assert image[changed].unique(dim=0).tolist() == [[124, 116, 104]]
            sizes.append(bounds(changed))
    assert 75 < len(sizes) < 125
    for height, width in sizes:
        assert 0.01 < height * width / 800 < 0.42
        assert 0.2 < height / width < 4.5
    assert max(h * w for h, w in sizes) > 4 * min(h * w for h, w in sizes)


def test_a_rectangle_may_lie_at_each_edge_and_be_of_any_form_whatever_its_area() -> None:
    blank = torch.zeros(500, 32, 32, 3, dtype=torch.uint8)
    recipe = PLAIN.model_copy(update={"erase": 1.0})
    changed = augment(blank, recipe, torch.Generator().manual_seed(0)).any(dim=3)
    assert all(changed[:, at].any() and changed[:, :, at].any() for at in (0, -1))
    height, width = torch.tensor([bounds(own) for own in changed]).double().T
    assert 0.7 < (height > width).double().mean() < 0.85  # 0.77 of 0.3 to 1 / 0.3 is above 1
    both = torch.stack([height * width, height / width])
    assert torch.corrcoef(both)[0, 1].abs() < 0.2


def test_an_image_that_is_too_narrow_for_any_rectangle_is_left() -> None:
    narrow = torch.zeros(50, 8, 1, 3, dtype=torch.uint8)
    recipe = PLAIN.model_copy(update={"erase": 1.0})
    assert torch.equal(augment(narrow, recipe, torch.Generator().manual_seed(0)), narrow)


def test_patch_shows_a_rectangle_of_another_image() -> None:
    sizes, mirrored, donors = [], 0, []
    for own, image in enumerate(of_whose(patch=0.5)):
        foreign = image[..., 0] != own
        if not foreign.any():
            assert torch.equal(image, WHOSE[own])
            continue
        height, width = bounds(foreign)
        patch = image[foreign].view(height, width, 3).int()
        assert len(patch[..., 0].unique()) == 1
        donors.append(int(patch[0, 0, 0]))
        assert (patch[1:, :, 1] - patch[:-1, :, 1] == 1).all()
        step = (patch[:, 1:, 2] - patch[:, :-1, 2]).unique()
        assert len(step) <= 1 and set(step.tolist()) <= {1, -1}
        mirrored += step.tolist() == [-1]
        sizes.append(height * width / 800)
    assert 75 < len(sizes) < 125
    assert len(sizes) // 4 < mirrored < 3 * len(sizes) // 4
    assert min(sizes) > 0.005 and max(sizes) < 0.55
    assert len(set(donors)) > len(donors) // 2


def test_patch_changes_its_share_of_the_images_and_never_by_themselves() -> None:
    def changed(share: float) -> int:
        return int((of_whose(patch=share)[..., 0] != WHOSE[..., 0]).flatten(1).any(dim=1).sum())

    assert 20 < changed(0.2) < 60
    assert changed(1.0) > 195  # now and then no rectangle fits
    pair = PLAIN.model_copy(update={"patch": 1.0})
    for seed in range(10):
        found = augment(WHOSE[:2], pair, torch.Generator().manual_seed(seed))
        assert (found[..., 0] != WHOSE[:2, ..., 0]).flatten(1).any(dim=1).all()


def test_patch_leaves_a_single_image() -> None:
    recipe = PLAIN.model_copy(update={"patch": 1.0})
    assert torch.equal(augment(WHOSE[:1], recipe, torch.Generator()), WHOSE[:1])


def test_resize_crop_is_a_window_of_the_enlarged_image_for_half() -> None:
    coarse = torch.rand(60, 3, 4, 2, generator=torch.Generator().manual_seed(1)) * 255
    smooth = torch.nn.functional.interpolate(coarse, (16, 8), mode="bicubic")
    images = smooth.clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()
    recipe = PLAIN.model_copy(update={"resize_crop": 1.25})
    corners, same = set(), 0
    for image, source in zip(augment(images, recipe, torch.Generator()), images, strict=True):
        if torch.equal(image, source):
            same += 1
            continue
        planes = source.permute(2, 0, 1)[None].float()
        large = torch.nn.functional.interpolate(planes, (20, 10), mode="bilinear")[0]
        windows = {
            (r, c): (large[:, r : r + 16, c : c + 8].permute(1, 2, 0) - image.float()).abs().max()
            for r in range(5)
            for c in range(3)
        }
        corner = min(windows, key=lambda c: float(windows[c]))
        assert windows[corner] < 1.5
        corners.add(corner)
    assert 15 < same < 45
    assert len(corners) > 10


def by_hand(image: torch.Tensor, factors: list[float]) -> torch.Tensor:
    """Brightness, contrast and saturation of one image, as torchvision's functions say."""
    brightness, contrast, saturation = factors
    grey = torch.tensor([0.299, 0.587, 0.114])
    x = (image.float() * brightness).clamp(0, 255)
    x = (contrast * x + (1 - contrast) * (x * grey).sum(dim=2).mean()).clamp(0, 255)
    x = saturation * x + (1 - saturation) * (x * grey).sum(dim=2, keepdim=True)
    return x.round().clamp(0, 255)


def test_jitter_agrees_with_image_by_image() -> None:
    found = augmented(brightness=0.3, contrast=0.5, saturation=0.8)
    draw = torch.rand(3, 40, generator=torch.Generator().manual_seed(0))
    factors = 1 + torch.tensor([[0.3], [0.5], [0.8]]) * (2 * draw - 1)
    for i, (image, source) in enumerate(zip(found, IMAGES, strict=True)):
        assert (image.float() - by_hand(source, factors[:, i].tolist())).abs().max() <= 1.0
    assert not torch.equal(found, IMAGES)


def test_all_together_keep_shape_type_and_layout() -> None:
    found = of_whose(
        flip=True, crop=2, resize_crop=1.125, patch=0.5, brightness=0.2, contrast=0.2, erase=0.5
    )
    assert (found.shape, found.dtype) == (WHOSE.shape, torch.uint8)
    assert found.is_contiguous()
    assert normalise(found).is_contiguous(memory_format=torch.channels_last)


def test_normalise_gives_channels_last_of_about_unit_size() -> None:
    found = normalise(IMAGES)
    assert found.shape == (40, 3, 6, 4)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert abs(float(normalise(torch.full((1, 1, 1, 3), 116, dtype=torch.uint8)).mean())) < 0.2


def test_normalise_takes_each_channel_by_its_own_mean_and_deviation() -> None:
    found = normalise(IMAGES)
    for c, (mean, std) in enumerate(zip(MEAN, STD, strict=True)):
        expected = (IMAGES[..., c] / 255 - mean) / std
        torch.testing.assert_close(found[:, c], expected, atol=1e-5, rtol=0)
