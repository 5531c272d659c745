from pathlib import Path

import pytest

from nas.errors import UserError
from nas.training import load_recipe


def test_shipped_recipe_is_named_as_its_file() -> None:
    assert load_recipe("quick").name == "quick"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\nepochs: 0\nbatch: 8\nlr: 0.1\n", "r.yaml:2: epochs: "),
        ("name: x\nepochs: 1\nbatch: 8\nlr: -1\n", "r.yaml:4: lr: "),
        ("name: x\nepochs: 1\nbatch: 8\nlr: 1\nbogus: 2\n", "r.yaml:5: bogus is not one of name"),
        ("name: x\nepochs: 1\nbatch: 8\n", "r.yaml:1: lr: Field required"),
        ("[1]", "r.yaml:1: a recipe is a mapping"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as error:
        load_recipe(str(file))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_recipe_lists_the_shipped_ones() -> None:
    with pytest.raises(UserError, match="neither a file nor one of quick"):
        load_recipe("slow")
