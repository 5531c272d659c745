"""A plug-in that fails is one line that says where."""

from pathlib import Path

import pytest

from nas.architecture import families, from_document, lower
from nas.errors import UserError
from nas.plugins import load_plugin, loaded_plugins
from nas.space import make_space

FAILS = {
    "empty = {}\nempty['width']\n": r"fails: KeyError: 'width' \(odd.py, line 2\)",
    "import sys\nsys.exit(3)\n": r"fails: SystemExit: 3 \(odd.py, line 2\)",
    "def (:\n": r"fails: SyntaxError: .*line 1\)",
    "from nas.architecture import Component, gates\n@gates.register('none')\n"
    "class Again(Component):\n    def lower(self, net, streams): return streams\n": (
        "gate 'none' is registered already"
    ),
}


@pytest.mark.parametrize("text", FAILS)
def test_a_file_that_fails_is_named_with_the_line(text: str, tmp_path: Path) -> None:
    file = tmp_path / "odd.py"
    file.write_text(text)
    with pytest.raises(UserError, match=f"^--plugin: {file}:? {FAILS[text]}"):
        load_plugin(file)
    assert "odd.py" not in loaded_plugins()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return net.conv(x, channels, self.kernel, name='a')", r"AttributeError: .*line 4\)"),
        ("net.conv(x, channels, 3, name='a')", "lower gave None, not a tensor"),
    ],
)
def test_what_a_kind_raises_while_it_draws_is_one_line(
    body: str, message: str, tmp_path: Path
) -> None:
    name = f"faulty_{len(body)}"
    file = tmp_path / f"{name}.py"
    file.write_text(
        f"from nas.architecture import Component, families\n@families.register('{name}')\n"
        f"class Faulty(Component):\n    def lower(self, net, x, channels): {body}\n"
    )
    load_plugin(file)
    stages = [{"channels": 64, "family": name}]
    with pytest.raises(UserError, match=rf"^stages\[0\].blocks\[0\]: family '{name}': .*{message}"):
        lower(from_document({"input": "64x32", "stages": stages}))
    with pytest.raises(UserError, match=message):  # it does not leave the space unsaid
        make_space("s", "osnet_x0_25", {"stages[*].family": ["osnet", name]}).count()
    del families._kinds[name]
