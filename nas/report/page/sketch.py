"""A network as a small SVG: stages from left to right, streams as rows of squares, gates, fusion.

Colours are those of the page around it (`currentColor` and its classes), so that it is readable on
light and on dark.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from itertools import groupby
from typing import Any

from nas.architecture import Architecture
from nas.report.drawing import describe, stream_depths

SIDE, STEP, ROW = 9, 13, 15  # of a square; from one to the next; from stream to stream: pixels
TOP, GAP = 32, 16
LEGEND = "■ a layer of a stream; ◇ a gate; + streams added; ‖ concatenated; 2x: two blocks alike."
FUSIONS = {"add": "+", "concat": "‖"}


def sketch(architecture: Architecture) -> str:
    """The SVG element. A title of each block names its fields."""
    found = describe(architecture)
    parts, x, height = [], 0, TOP
    for stage in found["stages"]:
        own, width, tall = _stage(stage, x)
        parts.append(own)
        x += width + GAP
        height = max(height, TOP + tall)
    label = f"{len(found['stages'])} stages, input {found['input']}, width {found['width']:g}"
    return (
        f"<svg class='sketch' role='img' aria-label='{escape(label)}' width='{x - GAP}' "
        f"height='{height + 4}' viewBox='0 0 {x - GAP} {height + 4}'>{''.join(parts)}</svg>"
    )


def _stage(stage: Mapping[str, Any], left: int) -> tuple[str, int, int]:
    """The SVG of one stage that begins at x = left, its width and its height below the heading."""
    blocks, x, tall = [], left + 8, 0
    for fields, alike in groupby(stage["blocks"], key=lambda block: block["fields"]):
        count = len(list(alike))
        drawing, width, height = _block(fields, x, count)
        blocks.append(drawing)
        x += width + 8
        tall = max(tall, height)
    side = "x".join(map(str, stage["map"]))
    heading = f"{stage['channels']} of {side}"
    width = max(x - left, 7 * len(heading) + 10)
    box = (
        f"<rect class='stage' x='{left + 0.5}' y='0.5' width='{width}' height='{TOP + tall}' "
        f"rx='5'/><text x='{left + 8}' y='15'>{escape(heading)}</text>"
    )
    return box + "".join(blocks), width + 1, tall + 1


def _block(fields: Mapping[str, Any], x: int, count: int) -> tuple[str, int, int]:
    family = str(fields["family"])
    words = ", ".join(f"{name} {value}" for name, value in fields.items() if name != "family")
    title = f"<title>{escape(f'{family}: {words}')}</title>"
    times = f"{count}x" if count > 1 else ""
    if family != "osnet":
        text = f"{family} {times}".strip()
        return _group(title, _text(x, TOP + 8, text)), 7 * len(text) + 4, ROW
    depths = stream_depths(fields)
    right = x + STEP * max(depths)
    shapes = [_stream(x, TOP + ROW * row, depth, right, fields["gate"] != "none")
              for row, depth in enumerate(depths)]  # fmt: skip
    tall = ROW * len(depths)
    end = FUSIONS.get(str(fields["fusion"]), str(fields["fusion"])) if len(depths) > 1 else ""
    tail = " ".join(filter(None, (end, times)))
    shapes.append(_text(right + 16, TOP + tall // 2, tail))
    return _group(title, "".join(shapes)), right - x + 18 + 8 * len(tail), tall


def _stream(x: int, y: int, depth: int, right: int, gated: bool) -> str:
    squares = "".join(
        f"<rect class='layer' x='{x + STEP * place}' y='{y}' width='{SIDE}' height='{SIDE}'/>"
        for place in range(depth)
    )
    middle = y + SIDE / 2
    line = f"<path class='wire' d='M{x + STEP * depth - 3} {middle}H{right + 10}'/>"
    gate = f"<path class='gate' d='M{right + 1} {middle}l4 -4l4 4l-4 4z'/>" if gated else ""
    return squares + line + gate


def _text(x: float, y: float, text: str) -> str:
    return f"<text x='{x}' y='{y}'>{escape(text)}</text>" if text else ""


def _group(*parts: str) -> str:
    return f"<g>{''.join(parts)}</g>"
