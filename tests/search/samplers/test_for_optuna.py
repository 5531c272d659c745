"""Our sampler in a study of the user's own: what it proposes, and what it makes of a study."""

import pickle
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from nas.architecture import key
from nas.cost import cost
from nas.errors import UserError
from nas.search.samplers import make_sampler
from nas.search.samplers.ehvi import START
from nas.search.samplers.for_optuna import PROPOSED, SpaceSampler
from nas.space import Space, from_yaml, optuna_params, suggest, to_distributions
from tests.search.samplers.test_ehvi import pattern, searched
from tests.space.test_device import device

TEXT = (
    "space: s\nbase: osnet_x0_25\ninput: 64x32\nparameters:\n"
    "  width: [0.125, 0.1875, 0.25, 0.375]\n  stages[each].streams: 1..4\n"
    "  stages[*].gate: [none, streamwise, unified]\n"
    "  stages[*].gate_reduction: {values: [4, 16], when: 'stages[*].gate != none'}\n"
    "constraints:\n  - macs <= 12M\n"
)
BOTH = ["maximize", "minimize"]


@pytest.fixture(scope="module")
def space() -> Space:
    return from_yaml(TEXT)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


def objective(space: Space, trial: optuna.Trial) -> tuple[float, float]:
    architecture = suggest(trial, space)
    return pattern(space.active(trial.params)), cost(architecture).macs


def studied(space: Space, count: int, seed: int = 0) -> optuna.Study:
    study = optuna.create_study(directions=BOTH, sampler=SpaceSampler(space, seed=seed))
    study.optimize(lambda trial: objective(space, trial), count)
    return study


def points(space: Space, study: optuna.Study) -> list[dict[str, object]]:
    return [space.active(trial.params) for trial in study.trials]


def test_it_proposes_what_a_search_would(space: Space) -> None:
    """In the start and after it, trial by trial."""
    own = searched(space, make_sampler("ehvi", space, ("score", "macs")), START + 6, seed=3)
    assert points(space, studied(space, START + 6, seed=3)) == [trial.point for trial in own]


def test_what_it_expects_of_a_trial_can_end_a_study(space: Space) -> None:
    def enough(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        if trial.user_attrs.get("growth", 1.0) < 0.1:
            study.stop()

    study = optuna.create_study(directions=BOTH, sampler=SpaceSampler(space))
    study.optimize(lambda trial: objective(space, trial), 60, callbacks=[enough])
    attributes = [trial.user_attrs for trial in study.trials]
    assert attributes[:START] == [{}] * START
    assert all(set(own) == {"predicted", "deviation", "growth"} for own in attributes[START:])
    assert START < len(attributes) < 60 and attributes[-1]["growth"] < 0.1


def test_a_study_of_the_score_alone_is_the_same_search(space: Space) -> None:
    study = optuna.create_study(direction="maximize", sampler=SpaceSampler(space))
    study.optimize(lambda trial: objective(space, trial)[0], START + 4)
    assert points(space, study) == points(space, studied(space, START + 4))


def test_it_looks_for_the_cheapest_above_a_least_score(space: Space) -> None:
    sampler = SpaceSampler(space, score_min=0.7)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    study.optimize(lambda trial: objective(space, trial), START + 6)
    own = make_sampler("ehvi", space, ("score", "macs"), score_min=0.7)
    assert points(space, study) == [trial.point for trial in searched(space, own, START + 6)]
    assert points(space, study) != points(space, studied(space, START + 6))


def test_costs_come_in_any_order_and_are_not_believed(space: Space) -> None:
    sampler = SpaceSampler(space, "params, score,macs")
    study = optuna.create_study(directions=["minimize", "maximize", "minimize"], sampler=sampler)
    study.optimize(lambda trial: (-1.0, objective(space, trial)[0], 0.0), START + 4)
    wanted = searched(space, make_sampler("ehvi", space, ("params", "score", "macs")), START + 4)
    assert points(space, study) == [trial.point for trial in wanted]


def test_a_study_in_a_storage_goes_on_as_if_it_had_never_stopped(
    space: Space, tmp_path: Path
) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    for count in (START, 3):
        study = optuna.create_study(
            study_name="s", storage=storage, directions=BOTH, load_if_exists=True,
            sampler=pickle.loads(pickle.dumps(SpaceSampler(space))),
        )  # fmt: skip
        study.optimize(lambda trial: objective(space, trial), count)
    assert points(space, study) == points(space, studied(space, START + 3))


def test_side_by_side_no_architecture_is_tried_twice(space: Space) -> None:
    study = optuna.create_study(directions=BOTH, sampler=SpaceSampler(space))
    asked = [study.ask() for _ in range(START + 2)]
    for trial in asked:  # begun, and not yet asked for all
        trial.suggest_int("stages[0].streams", 1, 4)
    keys = {key(suggest(trial, space)) for trial in asked}
    for trial in asked:
        study.tell(trial, objective(space, trial))
    study.optimize(lambda trial: objective(space, trial), 8, n_jobs=4)
    keys |= {key(suggest(trial, space)) for trial in study.trials}
    assert len(keys) == len(study.trials) == START + 10


def test_who_shares_a_storage_and_asks_in_the_same_moment_is_given_others(
    space: Space, tmp_path: Path
) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    optuna.create_study(study_name="s", storage=storage, directions=BOTH)
    studies = [
        optuna.load_study(study_name="s", storage=storage, sampler=SpaceSampler(space))
        for _ in range(5)
    ]
    ready = threading.Barrier(len(studies))

    def asked(study: optuna.Study) -> str:
        trial = study.ask()
        ready.wait()
        return key(suggest(trial, space))

    with ThreadPoolExecutor(len(studies)) as pool:
        keys = list(pool.map(asked, studies))
    assert len(set(keys)) == len(studies)


def test_who_asks_while_another_writes_that_it_asks_waits_for_it(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is held as it begins to write, until the second proposes; which goes on once the
    first waits for it, or does not."""
    asks, proposes, goes_on = (threading.Event() for _ in range(3))
    sampler = SpaceSampler(space)
    study = optuna.create_study(directions=BOTH, sampler=sampler)
    write, propose, sleep = study._storage.set_trial_system_attr, sampler._propose, time.sleep
    first = "first"

    def held(*given: object) -> None:
        if threading.current_thread().name == first and not asks.is_set():
            asks.set()
            proposes.wait(10)
        write(*given)

    def proposing(*given: object) -> object:
        if threading.current_thread().name == first:
            goes_on.set()
        else:
            proposes.set()
            goes_on.wait(10)
        return propose(*given)

    def sleeping(seconds: float) -> None:
        goes_on.set()
        sleep(seconds)

    module = "nas.search.samplers.for_optuna"
    monkeypatch.setattr(f"{module}._proposing", nullcontext())  # as in processes of their own
    monkeypatch.setattr(f"{module}.time.sleep", sleeping)
    monkeypatch.setattr(study._storage, "set_trial_system_attr", held)
    monkeypatch.setattr(sampler, "_propose", proposing)
    keys: list[str] = []

    def ask() -> None:
        keys.append(key(suggest(study.ask(), space)))

    thread = threading.Thread(target=ask, name=first)
    thread.start()
    asks.wait(10)
    ask()
    thread.join(30)
    assert len(set(keys)) == 2


def test_one_that_has_died_while_it_was_asked_is_not_waited_for_long(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nas.search.samplers.for_optuna.PATIENCE", 0.2)
    study = optuna.create_study(directions=BOTH, sampler=SpaceSampler(space))
    study.ask()  # not asked for its parameters
    gone = study.ask()
    study._storage.set_trial_system_attr(gone._trial_id, "osnet-nas:turn", [0, time.time()])
    alone = optuna.create_study(directions=BOTH, sampler=SpaceSampler(space))
    assert key(suggest(study.ask(), space)) == key(suggest(alone.ask(), space))


def test_when_all_were_tried_the_study_stops() -> None:
    small = from_yaml("space: s\nbase: osnet_x0_25\nparameters:\n  width: [0.125, 0.25, 0.375]\n")
    study = optuna.create_study(direction="maximize", sampler=SpaceSampler(small))
    study.optimize(lambda trial: suggest(trial, small).width, 10)
    states = [trial.state for trial in study.trials]
    assert states == [TrialState.COMPLETE] * 3 + [TrialState.PRUNED]
    asked = study.ask()
    with pytest.raises(optuna.TrialPruned, match="every architecture"):
        suggest(asked, small)


def test_what_failed_or_was_pruned_counts_as_the_worst_and_what_is_foreign_not(
    space: Space,
) -> None:
    sampler = SpaceSampler(space)
    study = optuna.create_study(directions=BOTH, sampler=sampler)
    choices = to_distributions(space)
    every = list(space.enumerate())[:6]
    for state, point in zip(("COMPLETE", "FAIL", "PRUNED", "RUNNING"), every[:4], strict=True):
        study.add_trial(
            create_trial(
                state=TrialState[state], params=optuna_params(space, point),
                distributions=choices, values=[0.5, 1.0] if state == "COMPLETE" else None,
            )
        )  # fmt: skip
    for point, score in zip(every[4:], (float("inf"), float("-inf")), strict=True):
        study.add_trial(
            create_trial(
                values=[score, 1.0], params=optuna_params(space, point), distributions=choices
            )
        )
    study.add_trial(create_trial(values=[0.5, 1.0]))  # of no parameters
    wide = choices | {"width": optuna.distributions.CategoricalDistribution((0.25, 2.0))}
    foreign = optuna_params(space, every[0]) | {"width": 2.0}
    study.add_trial(create_trial(values=[0.5, 1.0], params=foreign, distributions=wide))
    history = sampler._history(study)
    states = ["complete", "failed", "failed", "running", "failed", "failed"]
    assert [own.state for own in history] == states
    assert [own.scores for own in history] == [{"score": 0.5}, *[{}] * 5]
    assert [own.point for own in history] == [space.active(point) for point in every]


def test_what_failed_for_no_fault_of_its_own_counts_for_nothing() -> None:
    """A worker died and its trial was tried again; or what was enqueued breaks a constraint."""
    space, wide = from_yaml(TEXT.replace("12M", "6M")), {"width": 0.375}
    study = optuna.create_study(directions=BOTH, sampler=SpaceSampler(space))
    choices = to_distributions(space)
    first, second = list(space.enumerate())[:2]
    for state, point in zip(("FAIL", "COMPLETE", "FAIL"), (first, first, second), strict=True):
        study.add_trial(
            create_trial(
                state=TrialState[state], params=optuna_params(space, point),
                distributions=choices, values=[0.5, 1.0] if state == "COMPLETE" else None,
            )
        )  # fmt: skip
    study.enqueue_trial(optuna_params(space, second) | wide)
    study.optimize(lambda trial: objective(space, trial), 1)
    assert study.trials[-1].state is TrialState.PRUNED
    history = SpaceSampler(space)._history(study)
    assert [(own.number, own.state) for own in history] == [(1, "complete"), (2, "failed")]


def test_what_was_reported_before_it_was_pruned_is_learned_from(space: Space) -> None:
    study = optuna.create_study(direction="maximize")
    choices = to_distributions(space)
    ended: list[tuple[str, list[float]]] = [
        ("COMPLETE", [0.1, 0.2, 0.3, 0.4]), ("PRUNED", [0.05, 0.1]), ("RUNNING", [0.2]),
        ("PRUNED", []), ("FAIL", [0.3]), ("PRUNED", [float("nan")]),
    ]  # fmt: skip
    for point, (state, reports) in zip(list(space.enumerate())[:6], ended, strict=True):
        study.add_trial(
            create_trial(
                state=TrialState[state], params=optuna_params(space, point),
                distributions=choices, value=reports[-1] if state == "COMPLETE" else None,
                intermediate_values=dict(enumerate(reports)),
            )
        )  # fmt: skip
    history = SpaceSampler(space)._history(study)
    states = ["complete", "stopped", "running", "failed", "failed", "failed"]
    assert [own.state for own in history] == states
    assert [sorted(own.rungs.values()) for own in history] == [
        [0.1, 0.3, 0.4],
        [0.05],
        [0.2],
        [],
        [],
        [],
    ]
    assert len({max(own.rungs) for own in history[:2]}) == 2
    calm = optuna.create_study(direction="maximize")  # in which nothing was pruned
    calm.add_trial(study.trials[0])
    assert SpaceSampler(space)._history(calm)[0].rungs == {1: 0.4}


def test_a_parameter_of_the_users_own_is_drawn(space: Space) -> None:
    study = optuna.create_study(directions=BOTH, sampler=SpaceSampler(space))

    def own(trial: optuna.Trial) -> tuple[float, float]:
        assert 0.001 <= trial.suggest_float("lr", 0.001, 0.1, log=True) <= 0.1
        trial.suggest_float("decay", 0.001, 0.1, log=True)
        return objective(space, trial)

    study.optimize(own, START + 3)
    drawn = {trial.params[name] for trial in study.trials for name in ("lr", "decay")}
    assert len(drawn) == 2 * (START + 3)
    assert points(space, study) == points(space, studied(space, START + 3))


def test_another_space_than_the_samplers_is_an_error(space: Space) -> None:
    other = from_yaml(TEXT.replace("1..4", "3..4"))
    study = optuna.create_study(direction="maximize", sampler=SpaceSampler(space))
    with pytest.raises(UserError, match=r"streams: the sampler's space, s, has others"):
        study.optimize(lambda trial: suggest(trial, other).width, 10)


def test_a_pruner_that_shows_a_part_of_the_study_makes_nothing_twice() -> None:
    small = from_yaml(
        "space: s\nbase: osnet_x0_25\ninput: 64x32\nparameters:\n  width: [0.125, 0.25]\n"
        "  stages[*].streams: 1..3\n"
    )
    keys = []

    def objective(trial: optuna.Trial) -> float:
        architecture = suggest(trial, small)
        keys.append(key(architecture))
        trial.report(len(keys) % 3, 1)
        if trial.should_prune():
            raise optuna.TrialPruned
        return len(keys) % 3

    pruner = optuna.pruners.HyperbandPruner(1, 9, 3)
    study = optuna.create_study(direction="maximize", sampler=SpaceSampler(small), pruner=pruner)
    study.optimize(objective, n_trials=20)
    assert len(keys) == len(set(keys)) == 6
    assert len(study.trials) == 7  # the last one finds nothing


def test_a_fixed_parameter_is_left_to_who_fixes_it(space: Space) -> None:
    fixed = optuna.samplers.PartialFixedSampler({"width": 0.25}, SpaceSampler(space))
    study = optuna.create_study(direction="maximize", sampler=fixed)
    study.optimize(lambda trial: objective(space, trial)[0], START + 2)
    assert {trial.params["width"] for trial in study.trials} == {0.25}
    assert not any(trial.user_attrs for trial in study.trials)  # what is expected is of others


@pytest.mark.parametrize("directions", [["minimize"], ["minimize", "maximize"], ["maximize"] * 2])
def test_other_directions_are_refused(space: Space, directions: list[str]) -> None:
    study = optuna.create_study(directions=directions, sampler=SpaceSampler(space))
    with pytest.raises(UserError, match=r"score,macs has the directions \['maximize', 'minimize'"):
        study.optimize(lambda trial: objective(space, trial), 1)


def test_latency_is_not_known_beforehand_but_by_a_table(space: Space) -> None:
    with pytest.raises(UserError, match="as latency_ms is by a latency_table"):
        SpaceSampler(space, "score,latency_ms")
    table = device(space)
    study = optuna.create_study(
        direction="maximize", sampler=SpaceSampler(space, "score,latency_ms", latency_table=table)
    )
    study.optimize(lambda trial: objective(space, trial)[0], 2)
    for own in study.sampler._history(study):  # type: ignore[attr-defined]
        assert own.costs["latency_ms"] == table.latency(own.architecture)


def test_the_history_is_that_of_the_record(space: Space) -> None:
    """Number, costs and key as the driver has them."""
    study = studied(space, 2)
    found = SpaceSampler(space)._history(study)
    assert found == searched(space, make_sampler("ehvi", space, ("score", "macs")), 2)


def test_nothing_is_said_of_a_trial_that_has_other_values_than_were_proposed(space: Space) -> None:
    study = optuna.create_study(directions=BOTH, sampler=SpaceSampler(space))
    study.optimize(lambda trial: objective(space, trial), START)
    (widths,) = (own.values for own in space.parameters if own.name == "width")
    for width in widths:
        study.enqueue_trial({"width": width})
    study.optimize(lambda trial: objective(space, trial), len(widths))
    own = study.trials[START:]
    as_proposed = [trial.system_attrs[PROPOSED]["width"] == trial.params["width"] for trial in own]
    assert not all(as_proposed)
    assert [bool(trial.user_attrs) for trial in own] == as_proposed


def test_it_says_what_it_samples() -> None:
    expected = "SpaceSampler('osnet-mini', 'score,params', seed=3)"
    assert repr(SpaceSampler("osnet-mini", "score,params", seed=3)) == expected
