"""A space and a data set on which a trial takes a fraction of a second."""

from pathlib import Path

import pytest

SPACE = """\
space: tiny
base: osnet_x0_25
input: 32x16
parameters:
  stem.kind: conv3
  width: [0.0625, 0.125]
  stages[*].streams: 1..3
  stages[*].gate: [none, unified]
  stages[*].depth: 1
constraints:
  - params <= 100k
"""
RECIPE = "name: tiny\nepochs: 1\nbatch: 16\nlr: 0.01\n"
DATA = "synthetic:ids=16,size=32x16"


@pytest.fixture
def tiny(tmp_path: Path) -> dict[str, str]:
    """Arguments of a search that is over in seconds."""
    (tmp_path / "space.yaml").write_text(SPACE)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return {
        "space": str(tmp_path / "space.yaml"),
        "recipe": str(tmp_path / "recipe.yaml"),
        "data": DATA,
        "out": str(tmp_path / "run"),
    }
