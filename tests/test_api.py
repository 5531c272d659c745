"""What the public functions take: a thing, or what it is loaded from."""

import inspect
import re
from pathlib import Path

import pytest
import torch

import nas
from nas.models.weights import save_network
from nas.search.objectives import parse_objectives
from tests.made_up_runs import make_run


@pytest.mark.parametrize("name", nas.__all__)
def test_every_public_name_is_there_and_explained(name: str) -> None:
    assert getattr(nas, name).__doc__


@pytest.mark.parametrize("name", sorted({*nas.__all__} - {"UserError"}))
def test_every_argument_is_explained(name: str) -> None:
    function = getattr(nas, name)
    told = f"{function.__doc__} {function.__init__.__doc__}"
    plain = {"run", "path", "paths", "name", "name_or_path", "number", "data", "dataset"}
    for argument in inspect.signature(function).parameters:
        assert argument in plain or re.search(rf"\b{argument}\b", told), argument


def test_they_are_offered_where_names_are_completed() -> None:
    assert set(nas.__all__) <= set(dir(nas))


def test_what_is_loaded_is_not_loaded_again(tmp_path: Path) -> None:
    run = nas.open_run(make_run(tmp_path / "run"))
    assert nas.open_run(run) is run
    for load, name in ((nas.load_space, "osnet-mini"), (nas.preset, "osnet_x0_25")):
        loaded = load(name)
        assert load(loaded) is loaded
    network = nas.build("osnet_x0_25")
    assert nas.load_network(network) is network


def test_a_preset_goes_by_its_name() -> None:
    architecture = nas.preset("osnet_x0_25")
    assert nas.build("osnet_x0_25").architecture == architecture
    assert nas.profile("osnet_x0_25")["key"] == nas.key(architecture)
    with pytest.raises(nas.UserError, match=r"; of a point, give space\.architecture\(point\)$"):
        nas.build({"width": 0.25})  # type: ignore[arg-type]
    with pytest.raises(nas.UserError, match="no preset is named 'osnet'"):
        nas.run_search("osnet-mini", init=["osnet"])


def test_a_run_and_a_network_go_by_their_path(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    assert nas.pareto_figure(run) == nas.pareto_figure(nas.open_run(str(run)))
    assert nas.write_pareto(run) == [run / "pareto.html"]
    network = nas.build(nas.preset("osnet_x0_25"), 3)
    save_network(network, tmp_path / "net.safetensors")
    nas.export_network(tmp_path / "net.safetensors", tmp_path / "again.safetensors")
    again = nas.load_network(tmp_path / "again.safetensors").state_dict()
    assert all(again[name].equal(value) for name, value in network.state_dict().items())


def test_packages_are_there_without_an_import_of_their_own() -> None:
    assert nas.cost.table and nas.architecture.to_json  # as the documents write them
    with pytest.raises(AttributeError, match="has no attribute 'costs'"):
        nas.costs  # noqa: B018


def test_a_cost_is_that_of_a_profile() -> None:
    found = nas.profile("osnet_x0_25")
    assert nas.cost_of("osnet_x0_25") == {name: found[name] for name in nas.cost.COSTS}


def test_objectives_are_a_text_or_names() -> None:
    assert parse_objectives(["score", "macs"]) == parse_objectives("score,macs")
    with pytest.raises(nas.UserError, match=r"\['score'\] is not score and one or two of macs"):
        parse_objectives(["score"])


def test_a_network_that_is_loaded_draws_nothing_from_the_callers_generator(tmp_path: Path) -> None:
    network = nas.build("osnet_x0_25", 3)
    before = torch.get_rng_state()
    nas.export_network(network, tmp_path / "net.safetensors")
    nas.load_network(tmp_path / "net.safetensors")
    assert torch.get_rng_state().equal(before)
