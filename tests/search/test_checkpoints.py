"""The networks that a run keeps of its trials."""

from pathlib import Path

import pytest
import torch

import nas
from nas.errors import UserError
from nas.search import run_search
from nas.search.checkpoints import kept_checkpoints


@pytest.mark.usefixtures("inline")
def test_the_network_of_a_trial_is_as_the_search_left_it(tiny: dict[str, str]) -> None:
    run = run_search(**tiny, budget="2trials", workers=1)
    number = run.front()["trial"][0]
    network = run.network(number)
    saved = torch.load(kept_checkpoints(run.path)[number], weights_only=True)["average"]
    assert network.architecture == run.trial(number).architecture
    assert not network.training and network.task == "reid"
    assert all(saved[name].equal(value) for name, value in network.state_dict().items())


@pytest.mark.usefixtures("inline")
def test_what_is_not_kept_or_damaged_is_said(tiny: dict[str, str]) -> None:
    run = run_search(**tiny, budget="2trials", workers=1)
    kept = kept_checkpoints(run.path)
    number, file = next(iter(kept.items()))
    file.write_bytes(file.read_bytes()[:999])
    with pytest.raises(UserError, match=rf"^{file} is damaged"):
        run.network(number)
    file.unlink()
    with pytest.raises(UserError, match=f"no weights are kept of trial {number}, only of"):
        run.network(number)
    with pytest.raises(UserError, match="has no trial 9"):
        run.network(9)


def test_what_a_command_takes_is_said_in_python_where_a_function_does_not(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"of a trial, open_run\(RUN\).network\(NUMBER\) is it$"):
        nas.load_network(f"{tmp_path}#3")
    with pytest.raises(UserError, match=r"give open_run\(RUN\).trial\(NUMBER\).architecture$"):
        nas.cost_of(f"{tmp_path}#3")
