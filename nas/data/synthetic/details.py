"""Draws what is small: logos, belts and bags."""

import numpy as np

from nas.data.synthetic import people as kinds
from nas.data.synthetic.materials import Material
from nas.data.synthetic.people import People
from nas.data.synthetic.poses import Poses
from nas.data.synthetic.raster import SHADE, Canvas, ellipse, lerp


def draw_belt(canvas: Canvas, people: People) -> None:
    """A belt where trousers begin, or around the waist of a long coat."""
    coat = (people.top_hem > 600)[:, None]
    top = np.where(coat, 395, people.top_hem[:, None] - 18)
    half = lerp(
        canvas.v,
        [(390, people.waist[:, None] + 3), (500, people.hip[:, None] + 6)],
    )
    canvas.fill(Material.BELT, -half, half, top, top + 36, (people.belt == 1)[:, None], shade=3)


def draw_logo(canvas: Canvas, people: People, poses: Poses) -> None:
    """A mark of 3 to 5 pixels (at 64x32) on the chest and, for some, a larger one on the back."""
    back = (poses.back == 1)[:, None]
    size = np.where(back, 46, 36)
    middle = np.where(back, 285, people.logo_y[:, None])
    x = np.where(back, 0, people.logo_x[:, None])
    offset = canvas.v - middle
    near = np.abs(offset)
    widths = {
        kinds.SQUARE: size - 4 + 0 * near,
        kinds.DISC: ellipse(canvas.v, middle, size, size),
        kinds.BAR: np.where(near < size // 2, size * 3 // 2, -1),
        kinds.CROSS: np.where(near < size // 3, size, size // 3),
        kinds.TRIANGLE: (offset + size) // 2,
        kinds.DIAMOND: size - near,
        kinds.TWO_BARS: np.where(near > size // 3, size * 5 // 4, -1),
        kinds.UPRIGHT: size // 2 + 0 * near,
    }
    half = np.select([people.logo[:, None] == shape for shape in widths], list(widths.values()))
    seen = ~back | (people.back_print == 1)[:, None]
    canvas.fill(Material.LOGO, x - half, x + half, middle - size, middle + size, seen)


def draw_backpack(canvas: Canvas, people: People, poses: Poses) -> None:
    """Two straps from the front; from behind the pack itself, over whatever the back shows."""
    v = canvas.v
    shoulder = people.shoulder[:, None]
    worn = (people.bag == kinds.BACKPACK)[:, None]
    back = (poses.back == 1)[:, None]
    for side in (-1, 1):
        strap = side * (shoulder * 5 // 8) + 0 * v
        canvas.fill(Material.BAG, strap - 16, strap + 16, 158, 385, worn & ~back)
    pack = lerp(v, [(180, shoulder // 2), (215, shoulder * 3 // 4), (430, shoulder * 3 // 4)])
    canvas.fill(Material.BAG, -pack, pack, 180, 450, worn & back, shade=3)
    canvas.fill(Material.BAG + SHADE, -pack * 3 // 4, pack * 3 // 4, 350, 365, worn & back)


def draw_shoulder_bag(canvas: Canvas, people: People, poses: Poses) -> None:
    """A strap across the body, and a bag at the hip; its side is the person's, not the image's."""
    v = canvas.v
    side = np.where(poses.back == 1, -1, 1)[:, None]
    worn = (people.bag == kinds.SHOULDER_BAG)[:, None]
    hip = people.hip[:, None]
    strap = lerp(v, [(155, side * people.shoulder[:, None] * 5 // 8), (500, -side * hip)])
    canvas.fill(Material.BAG, strap - 15, strap + 15, 155, 500, worn)
    bag = -side * (hip + 6) + 0 * v
    canvas.fill(Material.BAG, bag - 52, bag + 52, 470, 575, worn, shade=4)


def draw_handbag(canvas: Canvas, people: People, poses: Poses) -> None:
    """A bag that hangs from one hand."""
    v = canvas.v
    right = (poses.back == 0)[:, None]
    swing = np.where(right, poses.swing_right[:, None], -poses.swing_left[:, None])
    hand = np.where(right, 1, -1) * people.shoulder[:, None] + swing + 0 * v
    held = (people.bag == kinds.HANDBAG)[:, None]
    handle = lerp(v, [(500, 12), (540, 34)])
    canvas.fill(Material.BAG + SHADE, hand - handle, hand + handle, 505, 540, held)
    half = lerp(v, [(540, 40), (640, 54)])
    canvas.fill(Material.BAG, hand - half, hand + half, 535, 640, held, shade=4)
