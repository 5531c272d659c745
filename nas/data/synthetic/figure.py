"""Draws people: from the far side to the near one, each part a few filled spans.

A photograph takes about forty fills. The small details are drawn in details.py.
"""

import numpy as np
from numpy.typing import NDArray

from nas.data.synthetic import people as kinds
from nas.data.synthetic.colours import OCCLUDERS
from nas.data.synthetic.details import (
    draw_backpack,
    draw_belt,
    draw_handbag,
    draw_logo,
    draw_shoulder_bag,
)
from nas.data.synthetic.materials import Material
from nas.data.synthetic.people import People
from nas.data.synthetic.poses import BLOCK, NOTHING, Poses
from nas.data.synthetic.raster import SHADE, Canvas, Ints, ellipse, lerp

_STATURE = 830
"""Mean height of a person, in thousandths of the image height."""


def make_canvas(people: People, poses: Poses, size: tuple[int, int]) -> Canvas:
    """Return an empty canvas that places each person in its image of `size` = (height, width)."""
    height, width = size
    frame = min(height, 2 * width)
    tall = ((2 * frame) << 16) // 1000  # 65536ths of a doubled pixel, for a thousandth
    unit = tall * _STATURE // 1000 * people.stature // 1000 * poses.stature // 1000
    top = (height << 16) - 500 * unit + poses.dy * tall + 12 * unit
    middle = (width << 16) + poses.dx * tall
    return Canvas(size, unit, unit * poses.squeeze // 256, top, middle, poses.lean)


def draw(people: People, poses: Poses, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the material of each point, uint8 (n, 2H, 2W), 0 for the background."""
    canvas = make_canvas(people, poses, size)
    _long_hair_behind(canvas, people, poses)
    _legs(canvas, people, poses)
    _torso(canvas, people, poses)
    draw_belt(canvas, people)
    draw_logo(canvas, people, poses)
    draw_shoulder_bag(canvas, people, poses)
    _arms(canvas, people, poses)
    draw_backpack(canvas, people, poses)
    draw_handbag(canvas, people, poses)
    _head(canvas, people, poses)
    _cover(canvas, poses, size)
    return canvas.materials


def _legs(canvas: Canvas, people: People, poses: Poses) -> None:
    v = canvas.v
    hip, leg = people.hip[:, None], people.leg[:, None]
    kind = people.bottom_kind[:, None]
    trousers_hem = np.where(kind == kinds.SHORTS, 690, 955)
    trousers = kind <= kinds.SHORTS
    for side in (-1, 1):
        foot = side * (hip // 2 + poses.stride[:, None])
        centre = lerp(v, [(480, side * hip // 2), (960, foot)])
        thin = lerp(v, [(480, leg), (960, leg - 10)])
        wide = lerp(v, [(480, hip // 2 + 4), (620, leg + 10), (955, leg + 2)])
        # The leg that is behind lies in the shade, or two legs would look like one.
        behind = (side * poses.stride[:, None] * poses.facing[:, None]) < 0
        for mask, dark in ((~behind, 0), (behind, SHADE)):
            canvas.fill(Material.SKIN + dark, centre - thin, centre + thin, 480, 960, mask)
            canvas.fill(
                Material.BOTTOM + dark,
                centre - wide,
                centre + wide,
                470,
                trousers_hem,
                mask & trousers,
            )
        outer = centre + side * wide
        stripe = trousers & (people.side_stripe[:, None] == 1)
        inner = outer - side * 22
        canvas.fill(
            Material.SECOND,
            np.minimum(outer, inner),
            np.maximum(outer, inner),
            500,
            trousers_hem,
            stripe,
        )
        toe = poses.facing[:, None] * lerp(v, [(945, 0), (1000, 22)])
        half = lerp(v, [(860, leg), (945, leg + 2), (1000, leg + 10)])
        canvas.fill(
            Material.SHOES,
            centre - half + np.minimum(toe, 0),
            centre + half + np.maximum(toe, 0),
            people.shoe_top[:, None],
            1000,
            shade=3,
        )
    hem = np.where(kind == kinds.SKIRT, 680, 860)
    flare = lerp(v, [(470, hip), (hem, hip + 42)])
    canvas.fill(Material.BOTTOM, -flare, flare, 470, hem, ~trousers, shade=5)


def _torso(canvas: Canvas, people: People, poses: Poses) -> None:
    v = canvas.v
    shoulder, waist, hip = people.shoulder[:, None], people.waist[:, None], people.hip[:, None]
    hem = people.top_hem[:, None]
    neck = np.full_like(v, 24)
    canvas.fill(Material.SKIN + SHADE, -neck, neck, 120, 170)
    half = lerp(
        v,
        [(148, 34), (192, shoulder), (390, waist), (500, hip + 4), (640, hip + 16)],
    )
    canvas.fill(Material.TOP, -half, half, 148, hem, shade=4)
    _pattern(canvas, people)
    front = (poses.back == 0)[:, None]
    opening = lerp(v, [(150, 20), (hem, 40)])
    canvas.fill(
        Material.INNER, -opening, opening, 150, hem, front & (people.open_jacket[:, None] == 1)
    )


def _pattern(canvas: Canvas, people: People) -> None:
    """Repaint part of the top in the second colour."""
    images = np.flatnonzero(people.pattern != kinds.PLAIN)
    rows = np.flatnonzero(((canvas.v >= 140) & (canvas.v < 650)).any(0))
    if not len(images) or not len(rows):
        return
    band = slice(int(rows[0]), int(rows[-1]) + 1)
    v = canvas.v[images, band][:, :, None]
    x = canvas.x(images, band) + 10_000
    kind = people.pattern[images][:, None, None]
    period = people.period[images][:, None, None]
    across, along = (v // (period // 2)) & 1, (x // (period // 2)) & 1
    choices = [
        across,
        along,
        across ^ along,
        ((x + v) // (period * 2 // 3)) & 1,
        (v >= 300) & (v < 300 + period),
        v < 200 + period,
    ]
    where = np.zeros(x.shape, dtype=np.bool_)
    for number, choice in zip(range(kinds.HOOPS, kinds.YOKE + 1), choices, strict=True):
        where |= (kind == number) & (choice != 0)
    canvas.replace(Material.TOP, Material.SECOND, images, band, where)


def hand_x(people: People, poses: Poses, side: int) -> Ints:
    """Return x of a hand in units, (n, 1); side -1 is the left of the image."""
    swing = poses.swing_left if side < 0 else poses.swing_right
    return np.asarray(side * (people.shoulder + swing)[:, None])


def _arms(canvas: Canvas, people: People, poses: Poses) -> None:
    v = canvas.v
    arm = people.arm[:, None]
    for side in (-1, 1):
        joint = side * (people.shoulder[:, None] - arm + 6)
        centre = lerp(v, [(185, joint), (500, hand_x(people, poses, side))])
        half = lerp(v, [(165, arm - 10), (190, arm), (500, arm - 6)])
        canvas.fill(Material.SKIN, centre - half, centre + half, 200, 520, shade=4)
        sleeve = people.sleeve_hem[:, None]
        canvas.fill(Material.SLEEVE, centre - half - 2, centre + half + 2, 168, sleeve)
        seam = centre - side * half
        canvas.fill(
            Material.SLEEVE + SHADE,
            np.minimum(seam, seam + side * 12),
            np.maximum(seam, seam + side * 12),
            210,
            sleeve,
        )


def _long_hair_behind(canvas: Canvas, people: People, poses: Poses) -> None:
    half = people.head[:, None] + lerp(canvas.v, [(20, 4), (200, 16)])
    where = (people.hair_style == kinds.LONG_HAIR) & (poses.back == 0)
    canvas.fill(Material.HAIR, -half, half, 40, 225, where[:, None])


def _head(canvas: Canvas, people: People, poses: Poses) -> None:
    v = canvas.v
    head, turn = people.head[:, None], 7 * poses.facing[:, None]
    style = people.hair_style[:, None]
    back = (poses.back == 1)[:, None]

    puff = ellipse(v, 58, head + 26, 84)
    canvas.fill(Material.HAIR, -puff, puff, where=style == kinds.AFRO, shade=4)
    face = ellipse(v, 72, head, 74)
    canvas.fill(Material.SKIN, -face, face, shade=4)
    crown = ellipse(v, 64, head + 6, 72)
    canvas.fill(Material.HAIR, -crown, crown, bottom=np.where(back, 122, 46), shade=4)
    for side in (-1, 1):
        eye = side * 20 + turn + 0 * v
        canvas.fill(Material.DARK, eye - 8, eye + 8, 66, 82, ~back)
    temple = head + 5 + 0 * v
    for side in (-1, 1):
        edge = side * temple
        inner = edge - side * 14
        left, right = np.minimum(edge, inner), np.maximum(edge, inner)
        canvas.fill(Material.HAIR, left, right, 40, 150, ~back & (style == kinds.LONG_HAIR))
    fall = head + lerp(v, [(20, 4), (240, 18)])
    canvas.fill(Material.HAIR, -fall, fall, 50, 250, back & (style == kinds.LONG_HAIR), shade=4)
    bun = ellipse(v, -14, 34, 32)
    canvas.fill(Material.HAIR, -bun, bun, where=style == kinds.BUN)
    cap = ellipse(v, 62, head + 10, 78)
    canvas.fill(Material.CAP, -cap, cap, bottom=50, where=style == kinds.CAP, shade=4)
    brim = head + 14 + 0 * v
    canvas.fill(Material.CAP, turn - brim, turn + brim, 40, 56, ~back & (style == kinds.CAP))


def _cover(canvas: Canvas, poses: Poses, size: tuple[int, int]) -> None:
    height, width = size
    left = (poses.cover_x * 2 * width // 100)[:, None]
    right = left + (poses.cover_width * 2 * width // 100)[:, None]
    top = (poses.cover_y * 2 * height // 100)[:, None]
    cover = poses.cover[:, None]
    canvas.columns(Material.COVER, left, right, top, cover != NOTHING)
    edge = top + max(1, height // 24)
    canvas.columns(Material.COVER + SHADE, left, right, edge, cover == BLOCK)


def paint(people: People, poses: Poses) -> NDArray[np.int64]:
    """Return the colour of each material in each photograph, (n, 64, 3), shaded ones from 32."""
    colours = np.zeros((len(poses), 2 * SHADE, 3), dtype=np.int64)
    named = {
        Material.SKIN: people.skin,
        Material.HAIR: people.hair,
        Material.CAP: people.cap,
        Material.TOP: people.top,
        Material.SECOND: people.second,
        Material.SLEEVE: people.sleeve,
        Material.INNER: people.inner,
        Material.BOTTOM: people.bottom,
        Material.SHOES: people.shoes,
        Material.BELT: people.belt_colour,
        Material.LOGO: people.logo_colour,
        Material.BAG: people.bag_colour,
        Material.DARK: people.skin // 4,
        Material.COVER: OCCLUDERS[poses.cover_kind],
    }
    for material, colour in named.items():
        colours[:, material] = colour
    colours[:, SHADE:] = colours[:, :SHADE] * 11 >> 4
    return colours
