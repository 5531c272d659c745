"""The picture of where a network is active."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas.architecture import Architecture, Size, Stage
from nas.errors import UserError
from nas.models import build
from nas.report.activations import SCALE, SHARE, laid_over, write_activations

TINY = Architecture((Stage(16, 1), Stage(16, 1)), Size(32, 16), stem="conv3", stem_channels=8)
DATA = "synthetic:ids=10,size=32x16"


def test_the_least_and_the_most_have_the_ends_of_the_scale() -> None:
    image = np.full((4, 4, 3), (30, 60, 90), dtype=np.uint8)
    activity = np.zeros((4, 4), dtype=np.float32)
    activity[3] = 1.0
    activity[2] = 0.5
    found = laid_over(image, activity)
    for row, step in ((0, 0), (2, 2), (3, 4)):
        assert found[row, 0].tolist() == (SHARE * SCALE[step] + (1 - SHARE) * 60).round().tolist()


def test_the_seed_chooses_the_images(tmp_path: Path) -> None:
    network, files = build(TINY, seed=1), [tmp_path / f"{place}.png" for place in range(3)]
    for file, seed in zip(files, (0, 0, 1), strict=True):
        write_activations(network, DATA, file, images=7, seed=seed)
    first, same, other = (np.asarray(Image.open(file)) for file in files)
    assert np.array_equal(first, same) and not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"images": 97}, "^--images: 97 are too many"),
        ({"images": 0}, "^--images: 0 is not"),
        ({"path": "x.jpg"}, "x.jpg is not a .png file in a folder that exists"),
    ],
)
def test_bad_input_is_one_line(asked: dict[str, object], message: str, tmp_path: Path) -> None:
    given: dict[str, object] = {"path": tmp_path / "a.png"} | asked
    with pytest.raises(UserError, match=message):
        write_activations(build(TINY), DATA, **given)  # type: ignore[arg-type]
