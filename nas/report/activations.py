"""A picture of where a network looks: images, and how active it is in each place of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nas.arguments import a_path, whole
from nas.data import check_spec, load_dataset, resize
from nas.data.random_bits import permutation
from nas.data.store import Pixels
from nas.errors import UserError
from nas.models import Network
from nas.report.look import INK, PAPER
from nas.report.pictures import (
    FAINT,
    FRAME,
    GAP,
    HEIGHT,
    LINE,
    MARGIN,
    framed,
    who,
    write_png,
)  # fmt: skip
from nas.training.activations import activation_maps
from nas.training.evaluation import scoring

if TYPE_CHECKING:
    from PIL import Image

ACROSS, MOST = 6, 96  # pairs in a row; in all
APART = 22  # between pairs, in pixels
SHARE = 0.6  # of the colour in what is laid over the image
SCALE = np.array(
    [(10, 7, 34), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], dtype=np.float32
)
"""From dark to bright at even steps: told apart in grey too."""


def write_activations(
    checkpoint: Network | str | Path,
    data: str,
    path: str | Path,
    *,
    images: int = 12,
    seed: int = 0,
) -> None:
    """Write a PNG of so many random `images` of the test split (of queries), drawn by `seed`: each
    as it is, and with its `activation_maps` laid over it.

    checkpoint: a network, or its file, as `load_network` takes it. UserError for more than 96
    images, or a file that was exported.
    """
    path, seed, count = a_path("--out", path), whole("--seed", seed), whole("--images", images, 1)
    if path.suffix != ".png" or not path.parent.is_dir():
        raise UserError(f"--out: {path} is not a .png file in a folder that exists")
    if count > MOST:
        raise UserError(f"--images: {count} are too many for a picture, which has up to {MOST}")
    check_spec(data)
    with scoring(checkpoint) as network:
        dataset = load_dataset(data, network.input_size, train=False)
        split = dataset.test if dataset.query is None else dataset.query
        assert split is not None
        chosen = split.subset(np.array(permutation(seed, len(split), "activations")[:count]))
        pixels = resize(chosen, network.input_size).gather(np.arange(len(chosen)))
        maps = activation_maps(network, pixels)
    names = [who(chosen, row, dataset.classes) for row in range(len(chosen))]
    title = f"{dataset.name[:40]}: where the network is active, from dark (least) to bright (most)"
    write_png(draw(pixels, maps, names, title), path)


def draw(pixels: Pixels, maps: NDArray[np.float32], names: list[str], title: str) -> Image.Image:
    """Of n images (n, H, W, 3) and their maps (n, h, w): the picture, with a name below each."""
    from PIL import Image, ImageDraw, ImageFont

    width = max(1, round(HEIGHT * pixels.shape[2] / pixels.shape[1]))
    cell = max(2 * (width + 2 * FRAME) + GAP, 100)
    across, down = cell + APART, HEIGHT + 2 * FRAME + LINE + 18
    small, large = ImageFont.load_default(13), ImageFont.load_default(20)
    rows, columns = -(-len(names) // ACROSS), min(ACROSS, len(names))
    top = MARGIN + 36
    wide = max(columns * across - APART, round(large.getlength(title)))
    picture = Image.new("RGB", (2 * MARGIN + wide, top + rows * down + MARGIN - 10), PAPER)
    pen = ImageDraw.Draw(picture)
    pen.text((MARGIN, MARGIN - 4), title, INK, large)
    for place, name in enumerate(names):
        row, column = divmod(place, ACROSS)
        x, y = MARGIN + column * across, top + row * down
        framed(picture, pen, pixels[place], (x, y), width, FAINT, (name, ""), small)
        x += width + 2 * FRAME + GAP
        over = laid_over(pixels[place], maps[place])
        framed(picture, pen, over, (x, y), width, FAINT, ("", ""), small)
    return picture


def laid_over(image: Pixels, activity: NDArray[np.float32]) -> Pixels:
    """The image (H, W, 3) in grey below the colours of the map (h, w)."""
    from PIL import Image

    height, width = image.shape[:2]
    field = Image.fromarray(activity).resize((width, height), Image.Resampling.BILINEAR)
    at = np.asarray(field, dtype=np.float32).clip(0, 1) * (len(SCALE) - 1)
    below = np.minimum(at.astype(np.int64), len(SCALE) - 2)
    part = (at - below)[..., None]
    colors = SCALE[below] * (1 - part) + SCALE[below + 1] * part
    grey = image.mean(axis=2, keepdims=True)
    found: Pixels = (SHARE * colors + (1 - SHARE) * grey).round().astype(np.uint8)
    return found
