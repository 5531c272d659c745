"""Figures as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nas.errors import UserError
from nas.files import write_atomically

if TYPE_CHECKING:
    import plotly.graph_objects as go


def write_figure(figure: go.Figure, stem: Path, *, png: bool = False) -> list[Path]:
    """Write STEM.html, which opens offline, and with `png` STEM.png."""
    html = stem.with_suffix(".html")
    write_atomically(html, figure.to_html(include_plotlyjs=True, full_html=True))
    return [html, _write_png(figure, stem.with_suffix(".png"))] if png else [html]


def _write_png(figure: go.Figure, path: Path) -> Path:
    try:
        image = figure.to_image(
            format="png", width=1000, height=figure.layout.height or 640, scale=2
        )
    except (ImportError, ValueError) as error:
        if "kaleido" not in str(error).lower():
            raise
        raise UserError("--png needs kaleido: pip install 'osnet-nas[png]'") from None
    except Exception as error:  # kaleido raises what its browser raises
        name = type(error).__name__
        if "Chrome" in name or "Browser" in name or "chrome" in str(error).lower():
            raise UserError(
                "--png needs Chrome or Chromium, and none was found (Debian: apt install chromium)"
            ) from None
        raise
    write_atomically(path, image)
    return path
