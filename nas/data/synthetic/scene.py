"""The place that a camera looks at, as a panorama of which each photograph shows a part."""

import numpy as np
from numpy.typing import NDArray

from nas.data.random_bits import integers
from nas.data.synthetic.colours import CLOTHES, TROUSERS
from nas.data.synthetic.poses import CAMERAS

PANORAMA = 6
"""Width of a scene, in image widths."""


def _gradient(far: str, near: str, rows: int) -> NDArray[np.int64]:
    a, b = (np.array(list(bytes.fromhex(c)), dtype=np.int64) for c in (far, near))
    return a + (b - a) * np.arange(rows)[:, None] // max(rows - 1, 1)


def _textures(scene: NDArray[np.int64], clutter: str, horizon: int, width: int) -> None:
    """Regular structure: bricks, tiles, kerbs, lines."""
    height, total = scene.shape[:2]
    if clutter == "brick":
        course = max(2, height // 16)
        for index, top in enumerate(range(0, horizon, course)):
            scene[top : top + max(1, course // 4)] -= 26
            start = (index & 1) * width // 8
            scene[top : top + course, start :: max(3, width // 4)] -= 22
    if clutter in ("subway", "hall"):
        step = max(3, height // 10)
        for top in range(step, horizon, step):
            scene[top : top + 1] += 16
        for left in range(0, total, max(4, width // 3)):
            scene[:horizon, left : left + 1] += 16
    if clutter == "street":
        scene[horizon : horizon + max(1, height // 28)] += 44
        line = horizon + (height - horizon) * 5 // 8
        for left in range(0, total, width):
            scene[line : line + max(1, height // 36), left : left + width * 2 // 3] += 70
    if clutter == "plaza":
        for top in range(horizon, height, max(3, height // 12)):
            scene[top : top + 1] -= 28
        for left in range(0, total, max(4, width * 3 // 8)):
            scene[horizon:, left : left + 1] -= 20


_THINGS = {
    # clutter: (number of things, width, height, foot below the horizon), in hundredths of an image
    "street": (16, (25, 80), (12, 42), 4),
    "brick": (8, (20, 50), (20, 45), -16),
    "park": (18, (6, 22), (25, 45), 4),
    "subway": (9, (8, 26), (50, 76), 0),
    "plaza": (12, (8, 60), (10, 40), 6),
    "hall": (10, (30, 70), (18, 44), -8),
}


def make_scene(camera: int, size: tuple[int, int], seed: int) -> NDArray[np.int64]:
    """Return the scene of a camera, (height, PANORAMA * width, 3) with values of 0 to 255."""
    height, width = size
    place = CAMERAS[camera]
    total = PANORAMA * width
    horizon = height * place.horizon // 100
    scene = np.empty((height, total, 3), dtype=np.int64)
    scene[:horizon] = _gradient(*place.wall, horizon)[:, None]
    scene[horizon:] = _gradient(*place.ground, height - horizon)[:, None]
    _textures(scene, place.clutter, horizon, width)

    def number(low: int, high: int, name: str, thing: int) -> int:
        return int(integers(low, high, seed, "scene", camera, name, thing)[0])

    count, widths, heights, below = _THINGS[place.clutter]
    colours = np.concatenate([CLOTHES, TROUSERS])
    for thing in range(count):
        left = number(0, total, "left", thing)
        right = left + max(2, number(*widths, "width", thing) * width // 100)
        bottom = max(1, horizon + below * height // 100)
        top = max(0, bottom - number(*heights, "height", thing) * height // 100)
        colour = colours[number(0, len(colours), "colour", thing)]
        # Things are of muted colours: half their own, half that of the wall behind them.
        scene[top:bottom, left:right] = (scene[top:bottom, left:right] + colour) >> 1
        scene[top : top + 1, left:right] += 24
        scene[top:bottom, right - 1 : right] -= 24
    return np.clip(scene, 0, 255)
