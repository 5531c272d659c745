"""How figures look."""

from __future__ import annotations

from typing import Any

ACCENT, MUTED, CONTRAST, FAINT = "#0b6e99", "#9aa5ab", "#b5541c", "#ccd4d8"
INK, PAPER = "#1f2428", "#ffffff"


def shaded(share: float) -> str:
    """The accent, of which that share covers the page."""
    red, green, blue = bytes.fromhex(ACCENT[1:])
    return f"rgba({red}, {green}, {blue}, {share:g})"


LAYOUT: dict[str, Any] = {
    "template": "plotly_white",
    "font": {"family": "system-ui, sans-serif", "size": 14},
    "hoverlabel": {"align": "left"},
    "legend": {
        "orientation": "h",
        "x": 0.5,
        "xanchor": "center",
        "yref": "container",
        "y": 0.01,
        "yanchor": "bottom",
    },
    "margin": {"l": 70, "r": 30, "t": 80, "b": 100},
}
"""The legend is below all, where it hides nothing, however narrow the page."""
AXIS: dict[str, Any] = {"showline": True, "linecolor": "#444", "ticks": "outside"}
