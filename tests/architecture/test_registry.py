"""What registers a kind is told what is wrong with it, before anything is made of it."""

from typing import Any

import pytest

from nas.architecture import Component, choice, families, gates, integer, number
from nas.errors import UserError


class Plain(Component):
    def lower(self, net: Any, x: Any, channels: int) -> Any: ...


class Outside(Plain):
    k: int = integer(99, low=1, high=9, about="a default that no file could hold")


class OtherWord(Plain):
    k: str = choice("7", ["3", "5"], about="the same")


class Text(Plain):
    k: float = number("a", above=0, high=1, about="the same")  # type: ignore[arg-type]


class Depth(Plain):
    depth: int = integer(1, low=1, high=9, about="the stage has it")


class Values(Plain):
    values: int = integer(1, low=1, high=9, about="every component has it")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Outside, "'k': its default 99 is not a whole number from 1 to 9"),
        (OtherWord, "'k': its default '7' is not one of 3, 5"),
        (Text, "'k': its default 'a' is not a number above 0"),
        (Depth, "field 'depth' has a name that is taken"),
        (Values, "field 'values' has a name that is taken"),
        (Component, "has no method `lower`"),
        (object, "is not a class that inherits from Component"),
        (len, "is not a class that inherits from Component"),
    ],
)
def test_a_kind_that_could_not_be_used_is_refused(kind: Any, message: str) -> None:
    with pytest.raises(UserError, match=f"^family 'odd'.*{message}"):
        families.register("odd")(kind)
    assert "odd" not in families


def test_a_gate_has_a_depth_of_its_own() -> None:
    gates._check("deep", Depth)


def test_a_kind_needs_a_name() -> None:
    with pytest.raises(UserError, match="`register` needs a name"):
        families.register(Plain)  # type: ignore[arg-type]


def test_a_choice_of_numbers_says_them() -> None:
    with pytest.raises(UserError, match="k: 4 is not one of 3, 5"):
        choice(3, [3, 5], about="numbers").check("k", 4)  # type: ignore[arg-type, list-item]
