import re
from importlib.resources import files

import pytest
import yaml

from nas.space import json_schema, shipped_spaces

PATTERNS = json_schema()["properties"]["parameters"]["patternProperties"]


@pytest.mark.parametrize("name", shipped_spaces())
def test_shipped_spaces_have_entries_and_paths_that_the_schema_knows(name: str) -> None:
    data = yaml.safe_load((files("search_spaces") / f"{name}.yaml").read_text())
    assert set(data) <= set(json_schema()["properties"])
    for path in data["parameters"]:
        assert any(re.search(pattern, path) for pattern in PATTERNS), path


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("width", True),
        ("stem.kind", True),
        ("stages[*].streams", True),
        ("stages[each 1:].gate", True),
        ("stages[-1:].gate_reduction", True),
        ("stages[0].blocks[1].family", True),
        ("stages[0].strems", False),
        ("stages[x].streams", False),
        ("stages[0].blocks[1].depth", False),
        ("widths", False),
    ],
)
def test_paths(path: str, known: bool) -> None:
    assert any(re.search(pattern, path) for pattern in PATTERNS) is known
