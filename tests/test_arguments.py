import re
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pandas as pd
import pytest

import nas
from nas.architecture import preset
from nas.arguments import a_path, real, settings, several, whole
from nas.errors import UserError
from tests.made_up_runs import make_run


def test_one_thing_stands_for_a_list_of_it() -> None:
    own = preset("osnet_x0_25")
    assert several("epochs=1") == ["epochs=1"]
    assert several(Path("run")) == [Path("run")]
    assert several(own) == [own]
    assert several(("a", own)) == ["a", own]
    assert several(np.array([1, 2])) == [1, 2]
    assert several(()) == []


def test_whole_numbers() -> None:
    assert whole("--seed", np.int64(3)) == 3
    assert type(whole("--seed", np.int64(3))) is int
    for given in (-1, 0.5, "0", None):
        with pytest.raises(UserError, match=r"--seed: .* is not a whole number from 0"):
            whole("--seed", given)


def test_settings_are_texts_of_a_mapping_too() -> None:
    given = {"epochs": 2, "lr": np.float32(0.5), "rungs": [1], "precision": "float32"}
    texts = ["epochs=2", "lr=0.5", "rungs=[1]", "precision=float32"]
    assert settings(texts) == texts and settings("epochs=2") == ["epochs=2"]
    recipes = [nas.load_recipe("quick", own) for own in (given, texts)]
    assert recipes[0] == recipes[1] and recipes[0].lr == 0.5
    with pytest.raises(UserError, match="--set colour"):
        nas.load_recipe("quick", {"colour": "red"})


def test_a_path_is_what_open_takes() -> None:
    for own in ("a/b", Path("a/b"), PurePath("a/b")):
        assert a_path("--out", own) == Path("a/b")


def test_numbers() -> None:
    assert real("--eta", np.float32(0.5)) == 0.5
    for given in ("3", None, float("nan"), [1]):
        with pytest.raises(UserError, match=r"--eta: .* is not a number"):
            real("--eta", given)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"eta": "3"}, "--eta: '3' is not a number"),
        ({"confirm": None}, "--confirm: None is not a number"),
        ({"growth_min": "1%"}, "--growth-min: '1%' is not a number"),
        ({"growth_min": 0.1, "sampler": "nsga2"}, "--growth-min: nsga2 expects nothing"),
        ({"rungs": 9}, "--rungs: '9': epochs must rise"),
        ({"fresh": "no"}, "--fresh: 'no' is not True or False"),
        ({"seed": 0.5}, "--seed: 0.5 is not a whole number from 0"),
        ({"workers": "1"}, "--workers: '1' is not a whole number from 1"),
        ({"init": "osnet_x9"}, "no preset is named 'osnet_x9'"),
        ({"warm_start": "nowhere"}, "nowhere is not a run"),
        ({"data": Path("images")}, r"data .*Path\('images'\) is not a text"),
        ({"overrides": "colour=red"}, "--set colour=red"),
        ({"recipe": {"epochs": 1}}, "a recipe is a name, a file or a Recipe, not a dict"),
    ],
)
def test_a_search_names_what_is_not_as_it_should_be(
    changed: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        nas.run_search("osnet-mini", **{"budget": "1trial", "out": tmp_path / "run"} | changed)


def test_numbers_of_trials_may_come_from_a_table(tmp_path: Path) -> None:
    run = nas.open_run(make_run(tmp_path / "run"))
    first = run.front()["trial"].iloc[0]
    assert isinstance(first, np.integer)
    assert nas.describe_trial(run, first)["trial"] == int(first)
    assert nas.describe_run(run)["front"][0]["trial"] == int(first)
    with pytest.raises(UserError, match="1 run; give two at least"):
        nas.compare_runs(run.path)
    with pytest.raises(UserError, match="--reference: nan is not a number"):
        nas.compare_runs([run, run], float("nan"))
    with pytest.raises(UserError, match="trial: None is not a whole number"):
        run.trial(None)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="--noise: -1 is not a deviation"):
        nas.replay_trial(run, first, noise=-1)
    with pytest.raises(UserError, match="has no mac; it has macs, params"):
        nas.best_trials(run, {"mac": 3e6})
    for limits in ("macs <= 3M", 3, ["macs"]):
        with pytest.raises(UserError, match=r"limits: .* has no numbers by the names of costs"):
            nas.best_trials(run, limits)  # type: ignore[arg-type]
    assert nas.best_trials(run)[0].number in set(run.trials()["trial"])
    with pytest.raises(UserError, match=r"--cost: \['macs'\] is not one of macs, params"):
        nas.pareto_figure(run, ["macs"])  # type: ignore[arg-type]
    with pytest.raises(UserError, match="'gif' is not one of png, svg, pdf"):
        nas.write_pareto(run, None, "gif")


def test_other_functions_say_what_is_wrong_too() -> None:
    assert nas.key("osnet_x0_25") == nas.key(preset("osnet_x0_25"))
    network = nas.build(preset("osnet_x0_25"), 3)
    with pytest.raises(UserError, match="channels: 'x' is not one of order, magnitude"):
        nas.inherit(network, network, channels="x")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="Calibration: images: 0 is not a whole number"):
        nas.Calibration("synthetic", images=0)
    with pytest.raises(UserError, match=r"data .* is not a text, as synthetic"):
        nas.load_dataset(Path("images"))  # type: ignore[arg-type]


NETWORK = nas.build("osnet_x0_25", 3)
CALLS: dict[str, Callable[[Any], object]] = {
    "seed: None is not a whole number": lambda own: own.build("osnet_x0_25", seed=None),
    "residual_scale: 'x' is not a number": lambda own: own.build("osnet_x0_25", residual_scale="x"),
    "no preset is named {'width': 1}": lambda own: own.cost_of({"width": 1}),
    "seed: '0' is not a whole number": lambda own: own.SpaceSampler("osnet-mini", seed="0"),
    "--objectives: None is not score and": lambda own: own.SpaceSampler("osnet-mini", None),
    "--set None: not a text, as epochs=1": lambda own: own.load_recipe("quick", None),
    "latency_table: 3 is not a path": lambda own: own.load_space("osnet-mini", latency_table=3),
    "run: None is not a path": lambda own: own.open_run(None),
    "run: 3 is not a path": lambda own: own.describe_run(3),
    "folder: None is not a path": lambda own: own.list_runs(None),
    "folder: 3 is not a path": lambda own: own.embed_folder(NETWORK, 3, "x.npz"),
    "network: None is not a path": lambda own: own.load_network(None),
    "network: 3 is not a path": lambda own: own.evaluate(3, "synthetic"),
    "--out: None is not a path": lambda own: own.export_network(NETWORK, None),
    "--int8: 3 is not a Calib": lambda own: own.export_network(NETWORK, "x.onnx", int8=3),
    "Calibration: data None is not a text": lambda own: own.Calibration(None),
    "--queries: '8'": lambda own: own.write_ranking(NETWORK, "synthetic", "x.png", queries="8"),
    "source: 'net.pt' is not a network": lambda own: own.inherit(NETWORK, "net.pt"),
    "--out: 3 is not a path": lambda own: own.train_network("osnet_x0_25", out=3),
    "--out: 4 is not a path": lambda own: own.run_search("osnet-mini", out=4),
    "--out: 5 is not a path": lambda own: own.run_ablation("osnet-mini", out=5),
    "--out: 6 is not a path": lambda own: own.run_audit("osnet-mini", out=6),
    "--init: Network": lambda own: own.train_network("osnet_x0_25", init=NETWORK),
    "--format: ['onnx'] is not one": lambda own: own.export_network(NETWORK, "x.onnx", ["onnx"]),
    "channels: None is not one of": lambda own: own.inherit(NETWORK, NETWORK, channels=None),
    "--design: {} is not one of": lambda own: own.run_ablation("osnet-mini", design={}),
    "--sampler: ['tpe'] is not one": lambda own: own.run_search("osnet-mini", sampler=["tpe"]),
    "dataset: 'synthetic' is not a data": lambda own: own.contact_sheet("synthetic", "x.png"),
}


@pytest.mark.parametrize("message", CALLS)
def test_a_wrong_argument_is_named(message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        CALLS[message](nas)


GIVEN: dict[str, Callable[[Any], object]] = {
    "a network or a trial, give its architecture": lambda own: own.cost_of(NETWORK),
    "no preset is named": lambda own: own.train_network(pd.DataFrame({"trial": range(99)})),
    "is not a path": lambda own: own.open_run(NETWORK),
    "no space": lambda own: own.load_space(preset("osnet_x0_25")),
    "not a Architecture": lambda own: own.load_recipe(preset("osnet_x0_25")),
}


@pytest.mark.parametrize("words", GIVEN)
def test_what_is_long_is_said_on_one_line_and_not_whole(words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        GIVEN[words](nas)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 450


def test_seeds_and_limits_may_come_from_a_table(tmp_path: Path) -> None:
    seeds: list[Any] = [3, np.int64(3)]
    first, second = (nas.build("osnet_x0_25", seed=seed).state_dict() for seed in seeds)
    assert all(first[name].equal(value) for name, value in second.items())
    run, limits = make_run(tmp_path / "run"), {"macs": 3e7}
    found = nas.best_trials(run, pd.Series(limits))  # type: ignore[arg-type]
    assert found == nas.best_trials(run, limits)
