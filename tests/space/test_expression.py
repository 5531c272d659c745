import contextlib
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nas.errors import UserError
from nas.space.expression import evaluate, parse

VALUES: dict[str, Any] = {
    "width": 0.5,
    "macs": 50_000_000,
    "gate": "none",
    "stages[*].streams": [1, 2, 4],
    "stages[*].depth": [2, 2, 1],
}


def value(text: str) -> Any:
    return evaluate(parse(text, VALUES.__contains__), VALUES.__getitem__)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("macs <= 50M", True),
        ("macs < 0.05G", False),
        ("macs == 50000k", True),
        ("64.1k", 64_100),
        ("8.2M", 8_200_000),
        ("1.0000001k", 1000.0001),
        ("1e3k", 1_000_000),
        ("1e24M > macs", True),
        ("macs + 99999999999999999999 > 0", True),
        ("macs + 9223372036854775807 > 0", True),
        ("1 <= width * 4 < 2", False),
        ("1 < width * 4 <= 2", True),
        ("2 + 3 * 4 - 6 / 2", 11),
        ("-(2 - 5)", 3),
        ("gate in [none, fixed]", True),
        ("gate not in [none, 'fixed']", False),
        ('gate == "none" and not width > 1', True),
        ("width > 1 or macs > 1G or gate != fixed", True),
        ("all(stages[*].streams >= 1)", True),
        ("any(stages[*].streams > stages[*].depth)", True),
        ("sum(stages[*].streams)", 7),
        ("max(stages[*].streams) - min(stages[*].streams)", 3),
        ("nondecreasing(stages[*].streams)", True),
        ("nondecreasing(stages[*].depth)", False),
        ("sum(stages[*].streams * stages[*].depth)", 10),
        ("true and not false", True),
        ("true or true and false", True),
        ("not true or true", True),
        ("2 - 1 - 1", 0),
        ("sum(stages[*].streams > 1) == 2", True),
        ("width / 0 > 1", True),
    ],
)
def test_values(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "macs <=",
        "macs 100",
        "(macs",
        "macs <= 100Q",
        "macs <= 1e999",
        "macs <= 1e25M",
        "macs * 1" + "0" * 400 + " > 0",
        "macs > 1e-99999999k",
        "macs; import os",
        "__import__('os')",
        "macs.__class__",
        "().__class__",
        "lambda: 0",
        "gate in none",
        "[1, [2]]",
        "sum()",
        "f(1)",
        "sum(width)",
        "\x00",
        "not " * 100 + "true",
        "(" * 100 + "1" + ")" * 100,
        "1 + " * 1000 + "1",
        "macs <= 1" + "+1" * 990,
        "<".join(["1"] * 990),
    ],
)
def test_what_is_not_an_expression_is_one_clear_line(text: str) -> None:
    with pytest.raises(UserError) as error:
        value(text)
    assert "\n" not in str(error.value)


def test_the_place_of_a_mistake_is_told() -> None:
    with pytest.raises(
        UserError, match="in 'macs <= 10 20': an operator or the end was expected at 12"
    ):
        value("macs <= 10 20")


@given(st.text(alphabet="ab1.9k[]()*:+-/<>=!,'\" \nandortin", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(UserError):
        parse(text, lambda name: True)


@example("((1 < 1) and ((1 < 1) + (1 < 1)))")  # a number, which `and` does not take
@given(
    st.recursive(
        st.integers(1, 50).map(str),
        lambda inner: st.tuples(
            inner, st.sampled_from(["+", "-", "*", "/", "<", "<=", "==", "and", "or"]), inner
        ).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        max_leaves=12,
    )
)
def test_arithmetic_agrees_with_python(text: str) -> None:
    python = re.sub(r"(\d+)", r"\1.0", text).replace("and", "&").replace("or", "|")
    python = re.sub(r" ([+-]) ", r" + 0.0 \1 ", python)  # what is made of truths is a number
    python = python.replace(" * ", " * 1.0 * ")
    try:
        expected = eval(python)
    except (TypeError, ZeroDivisionError):
        return
    assert evaluate(parse(text, lambda name: False), lambda name: None) == expected


@given(st.integers(1, 10**12), st.sampled_from("kMG"))
def test_a_number_with_a_unit_is_what_it_says(number: int, unit: str) -> None:
    digits = {"k": 3, "M": 6, "G": 9}[unit]
    padded = str(number).rjust(digits + 1, "0")
    assert value(f"{padded[:-digits]}.{padded[-digits:]}{unit}") == number


@pytest.mark.parametrize(
    "text", ["macs * params * macs > 1e28", "macs + 9223372036854775807 > 9223372036854775807"]
)
def test_arithmetic_of_arrays_does_not_run_over(text: str) -> None:
    costs = {"macs": np.array([4_000_000_000, 2]), "params": np.array([5_000_000_000, 3])}
    large = evaluate(parse(text, costs.__contains__), costs.__getitem__)
    assert large.tolist() == [True, False]
    plain = {name: int(own[0]) for name, own in costs.items()}
    assert evaluate(parse(text, plain.__contains__), plain.__getitem__)


def test_truths_count_as_numbers() -> None:
    found = evaluate(
        parse("(a < 2) - (a < 3) + -(a > 2)", lambda name: True),
        {"a": np.array([1, 2, 3])}.__getitem__,
    )
    assert found.tolist() == [0, -1, -1]


def test_arrays_give_one_answer_a_point() -> None:
    arrays = {"a": np.array([1, 2, 3]), "s[*]": [np.array([1, 5, 2]), np.array([2, 4, 2])]}
    for text, expected in {
        "a >= 2 and a != 3": [False, True, False],
        "a in [1, 3]": [True, False, True],
        "not nondecreasing(s[*])": [False, True, False],
        "max(s[*]) > a + 1": [False, True, False],
        "sum(s[*] > 1) == 1": [True, False, False],
    }.items():
        found = evaluate(parse(text, arrays.__contains__), arrays.__getitem__)
        assert found.tolist() == expected
