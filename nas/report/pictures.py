"""Images of a data set in a picture: framed, with words below."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nas.data import Images
from nas.data.store import Pixels
from nas.files import write_atomically
from nas.report.look import INK

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

HEIGHT = 192  # of an image, in pixels
MARGIN, GAP, FRAME, LINE = 20, 10, 4, 16
FAINT = "#69737b"


def who(images: Images, index: int, classes: tuple[str, ...] = ()) -> str:
    """The class of an image, or the identity and camera."""
    label = int(images.labels[index])
    if images.cameras is None:
        return classes[label] if classes else str(label)
    return f"{f'id {label}' if label else 'distractor'} cam {int(images.cameras[index])}"


def pixels_of(images: Images, index: int) -> Pixels:
    """One image, uint8 (H, W, 3)."""
    return np.ascontiguousarray(images.gather(np.array([index]))[0])


def framed(
    picture: Image.Image,
    pen: ImageDraw.ImageDraw,
    pixels: Pixels,
    corner: tuple[int, int],
    width: int,
    color: str,
    words: tuple[str, str],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """One image of HEIGHT in a frame of that color, with two lines of words below."""
    from PIL import Image

    x, y = corner
    outer = (x, y, x + width + 2 * FRAME - 1, y + HEIGHT + 2 * FRAME - 1)
    pen.rectangle(outer, color)
    shown = Image.fromarray(pixels).resize((width, HEIGHT), Image.Resampling.BICUBIC)
    picture.paste(shown, (x + FRAME, y + FRAME))
    for line, (text, ink) in enumerate(zip(words, (INK, FAINT), strict=True)):
        pen.text((x, outer[3] + 4 + line * LINE), text, ink, font)


def write_png(picture: Image.Image, path: Path) -> None:
    """The picture as a file, whole or not at all."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    write_atomically(path, buffer.getvalue())
