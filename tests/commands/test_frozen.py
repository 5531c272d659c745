"""The command line as it is: no verb, argument or option changes or goes by accident.

After a change that is meant: `python -m tests.commands.test_frozen` writes cli.txt again.
"""

import inspect
from pathlib import Path
from textwrap import wrap
from typing import Any, get_args, get_type_hints

import pytest
import typer
from rich.console import Console
from typer.rich_utils import _make_rich_text

from nas.commands.app import app

FILE = Path(__file__).with_name("cli.txt")
AGAIN = "python -m tests.commands.test_frozen"
Verb = tuple[str, Any]


def verbs() -> list[Verb]:
    """Every verb by its name, as typer makes it."""

    def below(command: Any, name: str) -> list[Verb]:
        inner = getattr(command, "commands", {})
        if not inner:
            return [(name, command)]
        return [v for n in sorted(inner) for v in below(inner[n], f"{name} {n}".strip())]

    return below(typer.main.get_command(app), "")


def parameters(verb: Any) -> list[tuple[str, str, str, Any]]:
    """Of a verb: names as they are typed, type, default, and what typer made of it."""
    function = inspect.unwrap(verb.callback)
    hints, signature = get_type_hints(function), inspect.signature(function).parameters
    found = []
    for own in verb.params:
        if own.name not in hints:  # --help
            continue
        names = ", ".join([*own.opts, *own.secondary_opts])
        if own.param_type_name == "argument":
            names = own.metavar or own.name.upper()
        kind, value = hints[own.name], signature[own.name].default
        plain = getattr(value, "value", value)  # of an enum
        shown = repr(plain) if isinstance(plain, str) else str(plain)
        default = "" if value is inspect.Parameter.empty else f" = {shown}"
        found.append((names, str(kind if get_args(kind) else kind.__name__), default, own))
    return found


def described() -> str:
    lines = []
    for name, verb in verbs():
        lines.append(name)
        lines += [f"    {own}: {kind}{default}" for own, kind, default, _ in parameters(verb)]
    return "\n".join(lines) + "\n"


def test_the_command_line_is_the_one_that_is_written_down() -> None:
    assert described() == FILE.read_text(encoding="utf-8"), f"if it is meant to be: {AGAIN}"


@pytest.mark.parametrize("verb", verbs(), ids=lambda verb: verb[0])
def test_every_verb_argument_and_option_has_help(verb: Verb) -> None:
    name, made = verb
    assert (made.help or "").strip().endswith("."), name
    for own, _, _, info in parameters(made):
        assert info.help and info.help.rstrip().endswith("."), f"{name} {own}: {info.help}"


@pytest.mark.parametrize("verb", verbs(), ids=lambda verb: verb[0])
def test_help_fills_lines_and_no_word_is_taken_for_markup(verb: Verb) -> None:
    """Lines ended where they do in the source, and `nas[dashboard]` was printed as `nas`."""
    name, made = verb
    for text in [made.help, *(info.help for *_, info in parameters(made))]:
        plain = inspect.cleandoc(text).replace("`", "")
        with (console := Console(width=60)).capture() as shown:
            console.print(_make_rich_text(text=text, markup_mode=app.rich_markup_mode))
        lines = shown.get().splitlines()
        assert [line.split() for line in lines if line.strip()] == [
            line.split()
            for part in plain.split("\n\n")
            for line in wrap(part, 60, break_on_hyphens=False)
        ], name


NOTHING = {
    "ablate SPACE", "export --data", "match --out", "profile --csv", "space show --html",
    "train --init", "weights init --from-architecture", "data cache --limit",
}  # fmt: skip
"""Without these nothing is done, or another argument says what is, so there is no default."""


@pytest.mark.parametrize("verb", verbs(), ids=lambda verb: verb[0])
def test_an_option_that_may_be_left_out_says_what_is_then(verb: Verb) -> None:
    """What has a default that is a value, typer shows; where it is None, the help has to."""
    said = ("default", "else", "may be repeated", "instead", "the run's first")
    for own, _, default, info in parameters(verb[1]):
        if default == " = None" and own != "--plugin" and f"{verb[0]} {own}" not in NOTHING:
            assert any(word in info.help for word in said), f"{verb[0]} {own}: {info.help}"


UNITS = {
    "checkpoint_minutes": ["inutes"],
    "latency_max": ["milliseconds"],
    "input": ["pixels"],
    "budget": ["20trials", "300epochs"],
    "limit": ["20G"],
    "macs_max": ["macs"],
    "params_max": ["params"],
    "activation_bytes_max": ["bytes"],
    "rungs": ["pochs"],
    "confirm": ["hare of the budget"],
}


def test_what_runs_exported_files_says_so() -> None:
    helps = {name: verb.params[0].help for name, verb in verbs() if verb.params}
    offered = {name for name, text in helps.items() if text and ".onnx" in text}
    assert offered == {"embed", "evaluate", "rank"}  # activations needs layers to look into


def test_an_option_with_a_unit_names_it() -> None:
    found = [
        (f"{name} {own}", info.help, UNITS[info.name])
        for name, verb in verbs()
        for own, _, _, info in parameters(verb)
        if info.name in UNITS
    ]
    assert len(found) > len(UNITS)
    for own, text, units in found:
        assert any(unit in text for unit in units), f"{own}: {text}"


if __name__ == "__main__":
    FILE.write_text(described(), encoding="utf-8")
