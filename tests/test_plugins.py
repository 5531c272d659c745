"""A plug-in that fails is one line that says where."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from nas.architecture import (
    Component,
    Node,
    Pen,
    Size,
    families,
    from_document,
    gates,
    lower,
    preset,
    to_document,
)
from nas.cost import cost
from nas.errors import UserError
from nas.models import build
from nas.models.layers import register_layer
from nas.models.weights import load_network, save_network
from nas.plugins import digest_of, load_plugin, loaded_plugins, source_of
from nas.provenance import training_code
from nas.search import open_run
from nas.search.run import prepare
from nas.space import make_space
from nas.training import loss_kinds
from nas.training.augmentation_kinds import register_augmentation
from nas.training.loss_kinds import register_loss
from tests.made_up_runs import make_run

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


KEPT = """
from nas.architecture import Component, gates


@gates.register("kept")
class Kept(Component):
    def lower(self, net, streams):
        return [net.learned_scale(x, name=f"gate{t}") for t, x in enumerate(streams)]
"""


def test_a_run_has_copies_of_the_plug_ins_that_it_was_begun_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere() -> None:
        """As in a process without the plug-in."""
        gates._kinds.pop("kept", None)
        monkeypatch.setattr("nas.plugins._loaded", {})

    elsewhere()
    file = tmp_path / "kept.py"
    file.write_text(KEPT)
    load_plugin(file)
    gate = {"stages[*].gate": ["kept", "none"]}
    space = make_space("s", "osnet_x0_25", gate | {"stages[each].streams": "1..4"})
    run = make_run(tmp_path / "run", space=space)
    file.unlink()
    copy = run / "plugins" / "kept.py"
    elsewhere()
    with pytest.raises(UserError, match=f"; if you trust it, give --plugin {copy}$"):
        open_run(run).all_trials()
    load_plugin(copy)
    assert {trial.point["stages[*].gate"] for trial in open_run(run).all_trials()} > {"kept"}
    with pytest.raises(UserError, match=f"kept.py is a plug-in .* lies in {run}: copy it"):
        prepare(run, open_run(run).asked, space, fresh=True)
    assert copy.is_file()
    network = build(open_run(run).trial(0).architecture)
    save_network(network, run / "network.safetensors")
    gates._kinds.pop("kept")
    with pytest.raises(UserError, match=r"; does it need --plugin\?$"):  # it is given already
        open_run(run).all_trials()
    elsewhere()
    with pytest.raises(UserError, match=f"; if you trust it, give --plugin {copy}$"):
        load_network(run / "network.safetensors")
    copy.unlink()
    with pytest.raises(UserError, match=r"; does it need --plugin\?$"):
        open_run(run).all_trials()


def test_a_plug_in_that_was_edited_since_is_not_taken_for_what_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nas.plugins._loaded", {})
    file = tmp_path / "edited.py"
    file.write_text("")
    load_plugin(file)
    load_plugin(str(file))
    before = training_code()
    file.write_text("# another one")
    for use in (lambda: load_plugin(file), training_code):
        with pytest.raises(UserError, match=r"edited.py has changed since it was loaded; start"):
            use()
    file.write_text("")
    assert training_code() == before
    with pytest.raises(UserError, match="--plugin: None is not a path"):
        load_plugin(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("register", [register_loss, register_augmentation, register_layer])
def test_what_is_registered_has_a_name(register: Callable[..., Any]) -> None:
    with pytest.raises(UserError, match=r"`register` needs a name, as @register\('mine'\)"):

        @register
        def mine(recipe: object) -> None: ...

    with pytest.raises(UserError, match="'mine' is not a"):
        register("mine")(None)


class Called:
    def __call__(self, x: object) -> None: ...


def test_a_digest_is_of_the_file_of_ones_own_code() -> None:
    def plain(x: object) -> None: ...

    every = [plain, torch.no_grad()(plain), partial(plain, 3), Called()]
    assert len({digest_of(own) for own in every}) == 1 and digest_of(plain)
    assert {source_of(own).__module__ for own in every} == {__name__}
    assert digest_of(len) == ""


def test_a_cell_that_is_run_again_takes_its_own_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "_kinds", dict(gates._kinds))
    monkeypatch.setattr(loss_kinds, "LOSSES", dict(loss_kinds.LOSSES))

    def typed(name: str, count: int) -> type[Component]:
        def lower(self: Component, net: Pen, streams: list[Node]) -> list[Node]:
            return [net.conv(x, x.channels, count, name=f"g{t}") for t, x in enumerate(streams)]

        return type(name, (Component,), {"__module__": "__main__", "lower": lower})

    base = to_document(preset("osnet_x0_25").resized(Size(64, 32)))
    for stage in base["stages"]:
        stage["gate"] = "typed"
    found = []
    for count in (1, 3):
        gates.register("typed")(typed("Typed", count))
        found.append(cost(from_document(base)).params)
    assert found[0] < found[1]
    with pytest.raises(UserError, match="gate 'typed' is registered already"):
        gates.register("typed")(typed("Other", 1))
    with pytest.raises(UserError, match="gate 'none' is registered already"):
        gates.register("none")(typed("NoGate", 1))

    def mine(recipe: object) -> None: ...

    mine.__module__ = "__main__"
    for _ in range(2):
        register_loss("typed")(mine)
    with pytest.raises(UserError, match="loss 'typed' is registered already"):
        register_loss("typed")(partial)
    with pytest.raises(UserError, match="loss 'both' is registered already"):
        register_loss("both")(mine)
