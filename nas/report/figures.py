"""Figures as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nas.arguments import a_path, several
from nas.errors import UserError
from nas.files import write_atomically

if TYPE_CHECKING:
    import plotly.graph_objects as go

SUFFIXES = (".html", ".png", ".svg", ".pdf")


def write_figure(figure: go.Figure, stem: Path, images: Sequence[str] = ()) -> list[Path]:
    """Write STEM.html, which opens offline, and an image of each format: png, svg, pdf.

    UserError where kaleido, or the browser that it needs, is not there.
    """
    images, stem = several(images), a_path("stem", stem)
    if unknown := [kind for kind in images if f".{kind}" not in SUFFIXES[1:]]:
        raise UserError(f"{unknown[0]!r} is not one of png, svg, pdf")
    name = stem.stem if stem.suffix in SUFFIXES else stem.name
    html = stem.with_name(f"{name}.html")
    write_atomically(html, offline_html(figure))
    return [html, *(_write_image(figure, stem.with_name(f"{name}.{kind}")) for kind in images)]


def offline_html(figure: go.Figure) -> str:
    """A page that needs no network, and has no button that sends the figure to one."""
    settings = {"displaylogo": False, "modeBarButtonsToRemove": ["sendChartToCloud"]}
    html: str = figure.to_html(include_plotlyjs=True, full_html=True, config=settings)
    return html


def _write_image(figure: go.Figure, path: Path) -> Path:
    name = path.suffix.removeprefix(".")
    try:
        image = figure.to_image(format=name, width=1000, height=figure.layout.height or 640,
                                scale=2 if name == "png" else 1)  # fmt: skip
    except (ImportError, ValueError) as error:
        if "kaleido" not in str(error).lower():
            raise
        raise UserError(f"--{name} needs kaleido: pip install 'osnet-nas[png]'") from None
    except Exception as error:  # kaleido raises what its browser raises
        kind = type(error).__name__
        if "Chrome" in kind or "Browser" in kind or "chrome" in str(error).lower():
            raise UserError(
                f"--{name} needs Chrome or Chromium, and none was found "
                "(Debian: apt install chromium)"
            ) from None
        raise
    write_atomically(path, image)
    return path
