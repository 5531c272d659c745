"""Cameras, and how a person stands before one: everything that is not identity."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from nas.data.random_bits import Counter, integers

Ints = NDArray[np.int64]

NOTHING, BLOCK, POST = range(3)


@dataclass(frozen=True)
class Camera:
    """A camera and its place.

    front: percentage of people seen from the front. gain: brightness, 256 is neutral, and cast
    the same for red, green and blue. black: added to all pixels, 0-255. blur: passes of a 1-2-1
    filter. noise: amplitude, 0-255. scale: size of a person in thousandths.
    wall, ground: colours at the far and the near edge of each. horizon: row of the ground's far
    edge, in hundredths of the height. clutter: what stands about.
    """

    front: int
    gain: int
    cast: tuple[int, int, int]
    black: int
    blur: int
    noise: int
    scale: int
    wall: tuple[str, str]
    ground: tuple[str, str]
    horizon: int
    clutter: str


CAMERAS = (
    Camera(
        front=85, gain=259, cast=(256, 256, 256), black=4, blur=0, noise=7, scale=1000,
        wall=("b8c8d8", "a0a8a8"), ground=("8c8c88", "6c6c6a"), horizon=48, clutter="street",
    ),
    Camera(
        front=20, gain=246, cast=(271, 257, 237), black=10, blur=1, noise=9, scale=960,
        wall=("a06450", "8c5444"), ground=("a09888", "807868"), horizon=70, clutter="brick",
    ),
    Camera(
        front=55, gain=268, cast=(251, 257, 260), black=14, blur=0, noise=9, scale=930,
        wall=("b8c4b0", "809868"), ground=("789858", "54743c"), horizon=40, clutter="park",
    ),
    Camera(
        front=70, gain=220, cast=(241, 253, 276), black=8, blur=1, noise=12, scale=1030,
        wall=("686c74", "585c64"), ground=("50545a", "3c4046"), horizon=76, clutter="subway",
    ),
    Camera(
        front=35, gain=262, cast=(262, 256, 248), black=22, blur=2, noise=8, scale=980,
        wall=("b8b4a8", "a09c90"), ground=("a89c88", "887c68"), horizon=60, clutter="plaza",
    ),
    Camera(
        front=50, gain=209, cast=(260, 257, 240), black=12, blur=1, noise=13, scale=1050,
        wall=("847860", "6c604c"), ground=("625c50", "484236"), horizon=66, clutter="hall",
    ),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Poses:
    """n photographs: every field is int64, (n,) or, for cast, (n, 3).

    camera: index into CAMERAS. back: 1 when seen from behind. facing: 1 to the right, -1 to the
    left. stature, squeeze: thousandths of a person's height, and 256ths of the width.
    dx, dy: thousandths of the image height. lean, stride, swing_left, swing_right: units.
    cover: what hides part of the person, at cover_x, of width cover_width, below cover_y
    (hundredths of the image width and height). gain, cast: brightness, and that of red, green and
    blue; 256 is neutral. scene_x: hundredths of the scene's width. photo: a number of its own.
    """

    camera: Ints
    back: Ints
    facing: Ints
    stature: Ints
    squeeze: Ints
    dx: Ints
    dy: Ints
    lean: Ints
    stride: Ints
    swing_left: Ints
    swing_right: Ints
    cover: Ints
    cover_x: Ints
    cover_y: Ints
    cover_width: Ints
    cover_kind: Ints
    gain: Ints
    cast: Ints
    scene_x: Ints
    photo: Ints

    def __len__(self) -> int:
        return len(self.camera)

    def take(self, indices: Ints) -> "Poses":
        """Return the photographs at `indices`, in that order."""
        return Poses(**{f.name: getattr(self, f.name)[indices] for f in fields(self)})


def make_poses(person: Ints, camera: Ints, instance: Ints, seed: int) -> Poses:
    """Draw the pose of each photograph; (person, camera, instance) names it, each int64 (n,)."""

    def number(low: int, high: int, name: str, *more: Counter) -> Ints:
        return integers(low, high, seed, name, person, camera, *more)

    def each(low: int, high: int, name: str) -> Ints:
        return number(low, high, name, instance)

    front = np.array([camera.front for camera in CAMERAS])[camera]
    scale = np.array([camera.scale for camera in CAMERAS])[camera]
    # A person crosses the view in one direction and, now and then, turns around.
    turned = each(0, 100, "turned") < 12
    back = (number(0, 100, "view") >= front) ^ turned
    facing = 1 - 2 * (number(0, 2, "facing") ^ turned)
    stride = each(-45, 46, "stride")
    swing = each(-6, 30, "swing")
    chance = each(0, 100, "cover")
    post = (chance >= 8) & (chance < 15)
    return Poses(
        camera=camera,
        back=back.astype(np.int64),
        facing=facing,
        stature=scale * each(880, 1061, "scale") // 1000,
        squeeze=each(180, 266, "squeeze"),
        dx=each(-50, 51, "dx"),
        dy=each(-40, 41, "dy"),
        lean=each(-50, 51, "lean"),
        stride=stride,
        swing_left=swing + stride // 3,
        swing_right=swing - stride // 3,
        cover=np.where(chance < 8, BLOCK, np.where(post, POST, NOTHING)),
        cover_x=each(-20, 100, "cover x"),
        cover_y=np.where(post, 0, each(56, 82, "cover y")),
        cover_width=np.where(post, each(9, 20, "post width"), each(45, 110, "block width")),
        cover_kind=each(0, 6, "cover kind"),
        gain=each(224, 290, "gain"),
        cast=np.stack([each(248, 265, f"cast {c}") for c in "rgb"], axis=1),
        scene_x=each(0, 100, "scene x"),
        photo=(person * len(CAMERAS) + camera) * 64 + instance,
    )
