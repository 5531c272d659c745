"""How the public re-identification sets lie on disk, as a table: no code, and nothing to import.

To add a set that is made of folders of images, add a row to LAYOUTS.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Count: TypeAlias = tuple[int, int]
"""Images, and identities (without distractors) or classes."""


@dataclass(frozen=True)
class Part:
    """Where a split is: the first of `folders` that exists.

    lists: files with lines `path identity`, paths below the folder; without any, the folder's
    images are the split, with the identity of their names.
    """

    folders: tuple[str, ...]
    lists: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """A set of images in folders.

    name: pattern of the start of a file's name, with groups `id` and `camera`; or `pair`, `in_pair`
    and `view`, where identities are numbered within pairs of cameras. Identity -1 is junk and
    dropped, 0 a distractor and in the gallery only.
    example: a name that fits. roots: folders below the path that is given in which it may lie.
    cameras: they are numbered from 1 to this; 0 for any. published: the counts of the splits, one
    mapping for each variant. size: (height, width) unless another is asked for. own_ids: train and
    test number their identities separately.
    """

    about: str
    name: re.Pattern[str]
    example: str
    parts: Mapping[str, Part]
    roots: tuple[str, ...] = ("",)
    cameras: int = 0
    published: tuple[Mapping[str, Count], ...] = ()
    size: tuple[int, int] = (256, 128)
    own_ids: bool = False


def _folders(train: str, query: str, gallery: str) -> dict[str, Part]:
    return {"train": Part((train,)), "query": Part((query,)), "gallery": Part((gallery,))}


def _counts(train: Count, query: Count, gallery: Count) -> dict[str, Count]:
    return {"train": train, "query": query, "gallery": gallery}


_MARKET = _folders("bounding_box_train", "query", "bounding_box_test")
_MSMT_TEST = ("test", "mask_test_v2")

LAYOUTS: dict[str, Layout] = {
    "market1501": Layout(
        about="Market-1501",
        name=re.compile(r"(?P<id>-1|\d+)_c(?P<camera>\d+)"),
        example="0002_c1s1_000451_03.jpg",
        parts=_MARKET,
        roots=("", "Market-1501-v15.09.15"),
        cameras=6,
        published=(_counts((12936, 751), (3368, 750), (15913, 750)),),
    ),
    "dukemtmc": Layout(
        about="DukeMTMC-reID",
        name=re.compile(r"(?P<id>-1|\d+)_c(?P<camera>\d+)"),
        example="0005_c2_f0046985.jpg",
        parts=_MARKET,
        roots=("", "DukeMTMC-reID"),
        cameras=8,
        published=(_counts((16522, 702), (2228, 702), (17661, 1110)),),
    ),
    "msmt17": Layout(
        about="MSMT17",
        name=re.compile(r"(?P<id>\d+)_\d+_(?P<camera>\d+)_"),
        example="0000_000_01_0303morning_0008_0.jpg",
        parts={
            "train": Part(("train", "mask_train_v2"), ("list_train.txt", "list_val.txt")),
            "query": Part(_MSMT_TEST, ("list_query.txt",)),
            "gallery": Part(_MSMT_TEST, ("list_gallery.txt",)),
        },
        roots=("", "MSMT17", "MSMT17_V1", "MSMT17_V2"),
        cameras=15,
        published=(_counts((32621, 1041), (11659, 3060), (82161, 3060)),),
        own_ids=True,
    ),
    "cuhk03": Layout(
        about="CUHK03, new protocol",
        name=re.compile(
            r"(?P<id>-1|\d+)_c(?P<camera>\d+)|(?P<pair>\d+)_(?P<in_pair>\d+)_(?P<view>\d+)_"
        ),
        example="1_003_1_01.png or 0003_c1_01.png",
        parts=_MARKET,
        roots=("", "detected", "labeled"),
        published=(
            _counts((7365, 767), (1400, 700), (5332, 700)),
            _counts((7368, 767), (1400, 700), (5328, 700)),
        ),
    ),
    "veri776": Layout(
        about="VeRi-776",
        name=re.compile(r"(?P<id>-1|\d+)_c(?P<camera>\d+)"),
        example="0001_c001_00016450_0.jpg",
        parts=_folders("image_train", "image_query", "image_test"),
        roots=("", "VeRi"),
        cameras=20,
        published=(_counts((37778, 576), (1678, 200), (11579, 200)),),
        size=(256, 256),
    ),
    "reid-folder": Layout(
        about="folders train, query, gallery",
        name=re.compile(r"(?P<id>-1|\d+)_c(?P<camera>\d+)(?=[_.])"),
        example="0002_c1_anything.jpg",
        parts=_folders("train", "query", "gallery"),
    ),
}
