"""Turns drawings into photographs: background, light, blur and noise of a camera."""

import numpy as np
from numpy.typing import NDArray

from nas.data.random_bits import bits
from nas.data.synthetic.figure import draw, paint
from nas.data.synthetic.people import People
from nas.data.synthetic.poses import CAMERAS, Poses
from nas.data.synthetic.scene import PANORAMA, make_scene

Pixels = NDArray[np.int32]

_CHUNK_POINTS = 1 << 21
"""Points of the doubled grid drawn at a time: what stays in cache is fast."""


def _flatten(materials: NDArray[np.uint8], colours: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Sum colours over 2x2 points: four 16-bit fields (red, green, blue, points covered)."""
    n = len(materials)
    fields = colours.astype(np.uint64)
    covered = np.ones(fields.shape[:2], dtype=np.uint64) << np.uint64(48)
    packed = fields[:, :, 0] | fields[:, :, 1] << np.uint64(16) | fields[:, :, 2] << np.uint64(32)
    packed |= covered
    packed[:, 0] = 0
    index = materials.astype(np.int32)
    index += (np.arange(n, dtype=np.int32) * packed.shape[1])[:, None, None]
    points = packed.reshape(-1)[index]
    halves = points[:, ::2] + points[:, 1::2]
    return np.asarray(halves[:, :, ::2] + halves[:, :, 1::2])


def _blur(pixels: Pixels) -> Pixels:
    """One pass of the 1-2-1 filter in both directions; edges are repeated."""
    for axis in (1, 2):
        pad = [(0, 0)] * 4
        pad[axis] = (1, 1)
        wide = np.pad(pixels, pad, mode="edge")
        size = pixels.shape[axis]
        before, middle, after = (
            wide[(slice(None),) * axis + (slice(start, start + size),)] for start in range(3)
        )
        pixels = (before + 2 * middle + after + 2) >> 2
    return pixels


def _noise(poses: Poses, size: tuple[int, int], seed: int) -> Pixels:
    """Noise of each channel, (n, H, W, 3), triangular over -255 to 255."""
    height, width = size
    places = np.arange(height * width).reshape(1, height, width)
    words = bits(seed, "noise", poses.photo[:, None, None], places)
    # Bytes from the lowest up, on every machine.
    wide = words.astype("<u8")[..., None].view(np.uint8).astype(np.int32)
    return np.asarray(wide[..., 0:3] + wide[..., 3:6] - 255)


class Studio:
    """Makes photographs of one size with the cameras of one seed.

    size: (height, width) in pixels.
    """

    def __init__(self, size: tuple[int, int], seed: int) -> None:
        self._size = size
        self._seed = seed
        self._scenes = np.stack([make_scene(c, size, seed) for c in range(len(CAMERAS))])
        self._gain = np.array([c.gain for c in CAMERAS])
        self._cast = np.array([c.cast for c in CAMERAS])
        self._black = np.array([c.black for c in CAMERAS])
        self._blur = np.array([c.blur for c in CAMERAS])
        self._amplitude = np.array([c.noise for c in CAMERAS])

    def photograph(self, people: People, poses: Poses) -> NDArray[np.uint8]:
        """Return a photograph of each person in its pose, uint8 (n, height, width, 3)."""
        height, width = self._size
        chunk = max(1, _CHUNK_POINTS // (4 * height * width))
        pixels = np.empty((len(poses), height, width, 3), dtype=np.uint8)
        for start in range(0, len(poses), chunk):
            part = np.arange(start, min(start + chunk, len(poses)))
            pixels[part] = self._expose(people.take(part), poses.take(part))
        return pixels

    def _background(self, poses: Poses) -> Pixels:
        height, width = self._size
        left = poses.scene_x * (PANORAMA - 1) * width // 100
        columns = left[:, None] + np.arange(width)
        # The camera was not hung quite level with the crop: rows move by a few, edges repeat.
        shift = (poses.photo * 7 % 5 - 2) * height // 64
        rows = np.clip(np.arange(height) + shift[:, None], 0, height - 1)
        scene = self._scenes[poses.camera[:, None, None], rows[:, :, None], columns[:, None, :]]
        return np.asarray(scene, dtype=np.int32)

    def _expose(self, people: People, poses: Poses) -> NDArray[np.uint8]:
        camera = poses.camera
        sums = _flatten(draw(people, poses, self._size), paint(people, poses))
        fields = [
            ((sums >> np.uint64(s)) & np.uint64(0xFFFF)).astype(np.int32) for s in (0, 16, 32)
        ]
        clear = 4 - (sums >> np.uint64(48)).astype(np.int32)
        light = np.stack(fields, axis=3) + clear[..., None] * self._background(poses)
        gain = (self._gain[camera] * poses.gain >> 8)[:, None] * self._cast[camera] >> 8
        gain = gain * poses.cast >> 8
        # Sums of four points, gain in 256ths: 2 + 8 bits to shift away.
        light = (light * gain[:, None, None, :].astype(np.int32) + (1 << 9)) >> 10
        light += self._black[camera][:, None, None, None].astype(np.int32)
        for strength in range(1, int(self._blur.max()) + 1):
            soft = np.flatnonzero(self._blur[camera] >= strength)
            light[soft] = _blur(light[soft])
        amplitude = self._amplitude[camera][:, None, None, None].astype(np.int32)
        light += (_noise(poses, self._size, self._seed) * amplitude + 64) >> 7
        return np.asarray(np.clip(light, 0, 255), dtype=np.uint8)
