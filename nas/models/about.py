"""What an exported file says of itself: the network, and what it expects of its images."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version

from nas.architecture import key, to_document
from nas.models.network import Network

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, for pretrained weights
FORMAT = "osnet-nas 1"
PREPARED = {
    "mean": json.dumps(MEAN),
    "std": json.dumps(STD),
    "colours": "RGB",
    "grey16": "divided by 256, to 8 bits",
    "orientation": "upright, as EXIF has it",
    "resize": "bilinear, antialiased",
}
"""How images are prepared for every network, here and where its file is used."""


def about(model: Network) -> dict[str, str]:
    """Text by name, to be written into a file as its metadata.

    Pixels are scaled to 0..1, in the order of `colours`, grey of 16 bits by way of 8 (`grey16`);
    then `mean` is subtracted and the result divided by `std`, channel by channel. `input` is height
    x width in pixels, to which `resize` brings an image that is turned upright first. `classes`, in
    the order of the logits, is there where they have names; `task` (reid, classification) where it
    is known.
    """
    known = {"task": model.task, "classes": json.dumps(model.classes) if model.classes else ""}
    return {
        "format": FORMAT,
        "version": _version(),
        "architecture": json.dumps(to_document(model.architecture)),
        "key": key(model.architecture),
        "input": str(model.input_size),
        **PREPARED,
        "num_classes": str(model.num_classes),
        **{name: text for name, text in known.items() if text},
    }


def _version() -> str:
    try:
        return version("osnet-nas")
    except PackageNotFoundError:
        return "not installed"
