"""The sampler that knows the cost, on made-up scores."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

import nas.space.table
from nas.architecture import key
from nas.architecture.fields import Value
from nas.cost import cost
from nas.search.record import Trial
from nas.search.rungs import Ladder
from nas.search.samplers import Propose, make_sampler, propose_untried
from nas.search.samplers.candidates import Pool
from nas.search.samplers.ehvi import START, EhviSampler, _libraries, _Search, levels_of
from nas.search.samplers.surrogate import Floats, Surrogate
from nas.space import Space, from_yaml, load_space

TEXT = (
    "space: s\nbase: osnet_x0_25\ninput: 64x32\nparameters:\n"
    "  width: [0.125, 0.1875, 0.25, 0.375]\n  stages[each].streams: 1..4\n"
    "  stages[*].gate: [none, streamwise, unified]\n  stages[*].fusion: [add, concat]\n"
)
OBJECTIVES = ("score", "macs")
Score = Callable[[dict[str, Value]], float]


def pattern(point: dict[str, Value]) -> float:
    """More streams help with a unified gate only, and in the last stage most."""
    gain = {"none": 0.0, "streamwise": 0.02, "unified": 0.05}[str(point["stages[*].gate"])]
    streams = sum(w * float(point[f"stages[{i}].streams"]) for i, w in enumerate((0.2, 0.3, 1.0)))
    return 0.3 + 0.3 * float(point["width"]) ** 0.5 + gain * streams


def trial(space: Space, point: dict[str, Value], number: int, state: str = "running") -> Trial:
    architecture = space.architecture(point)
    costs = cost(architecture).as_dict()
    return Trial(number, key(architecture), point, architecture, costs, state=state)


def searched(
    space: Space, propose: Propose, count: int, score: Score = pattern, seed: int = 0
) -> list[Trial]:
    found: list[Trial] = []
    while len(found) < count and (next_one := propose_untried(propose, space, found, seed)):
        point = next_one[0].point
        own = trial(space, point, len(found), "complete")
        found.append(replace(own, scores={"score": score(point)}, rungs={1: score(point)}))
    return found


@pytest.fixture(scope="module")
def space() -> Space:
    return from_yaml(TEXT)


@pytest.fixture(scope="module")
def start(space: Space) -> list[Trial]:
    return searched(space, EhviSampler(space, OBJECTIVES), START)


def test_the_start_is_spread_over_the_cost(space: Space, start: list[Trial]) -> None:
    """One trial in each of as many quantiles of the cost, far ones first."""
    every = np.sort(EhviSampler(space, OBJECTIVES).pool.all.points.costs["macs"])
    places = [np.searchsorted(every, own.costs["macs"]) / len(every) for own in start]
    assert np.sort(places) == pytest.approx((np.arange(START) + 0.5) / START, abs=0.7 / START)
    assert np.ptp(places[:3]) > 0.5


def regret(space: Space, trials: list[Trial]) -> float:
    """How much the best trial at most as costly as each architecture falls short of the best."""
    points = list(space.enumerate())
    macs = [cost(space.architecture(point)).macs for point in points]
    scores = [pattern(point) for point in points]
    short = []
    for limit in np.quantile(macs, np.linspace(0.05, 1, 20)):
        best = max(s for s, c in zip(scores, macs, strict=True) if c <= limit)
        tried = [pattern(t.point) for t in trials if t.costs["macs"] <= limit]
        short.append(best - max(tried, default=0.3))
    return float(np.mean(short))


def test_it_finds_the_front_in_a_tenth_of_the_space(space: Space) -> None:
    def mean_regret(sampler: Propose) -> float:
        found = (searched(space, sampler, 36, seed=seed) for seed in range(4))
        return float(np.mean([regret(space, trials) for trials in found]))

    assert space.count().value > 360
    chance = mean_regret(make_sampler("random", space, OBJECTIVES))
    assert mean_regret(EhviSampler(space, OBJECTIVES)) < 0.1 * chance


def test_a_higher_least_score_is_looked_for_at_a_higher_cost(space: Space) -> None:
    trials = searched(space, EhviSampler(space, OBJECTIVES), START + 4)

    def macs(score_min: float | None) -> float:
        found = EhviSampler(space, OBJECTIVES, score_min=score_min)(trials, 0)
        return cost(space.architecture(found.point)).macs

    scores = [pattern(point) for point in space.enumerate()]
    low, high = np.quantile(scores, [0.4, 0.98])
    assert macs(float(low)) < macs(None) < macs(float(high))


def test_what_has_the_largest_cost_is_tried_where_it_scores_best() -> None:
    """A cost of three values: the largest is that of a third of the space, the widest networks."""
    own = load_space("osnet-mini")
    sampler = EhviSampler(own, ("score", "activation_bytes"))

    def score(point: dict[str, Value]) -> float:
        return float(point["width"]) + 0.01 * float(point["stages[*].streams"])

    trials = searched(own, sampler, 30, score)
    widest = [trial.scores["score"] for trial in trials[START:] if trial.point["width"] == 0.25]
    assert max(widest) == max(map(score, own.enumerate()))


def test_proposals_side_by_side_differ_and_follow_from_history_and_seed(
    space: Space, start: list[Trial]
) -> None:
    def proposals() -> list[dict[str, Value]]:
        sampler, history = EhviSampler(space, OBJECTIVES), list(start)
        for number in range(START, START + 5):
            point = sampler(history, number).point  # not yet told which keys were tried
            history.append(trial(space, point, number))
        return [own.point for own in history[START:]]

    found = proposals()
    assert len({str(point) for point in found}) == 5
    assert proposals() == found


LADDER = Ladder((4, 9), 3.0, ("macs",))


def waiting(trials: list[Trial]) -> list[Trial]:
    """The same, scored on the first rung and no further."""
    return [
        replace(t, state="stopped", rungs={4: 0.5 * t.scores["score"]}, epochs=4) for t in trials
    ]


def test_nothing_climbs_during_the_start_unless_there_is_nothing_else(
    space: Space, start: list[Trial]
) -> None:
    sampler, trials = EhviSampler(space, OBJECTIVES), waiting(start)
    assert sampler.promotion(LADDER, trials[:-1], 0, 0) is None
    last = replace(trials[-1], state="running", rungs={}, epochs=0)
    assert sampler.promotion(LADDER, [*trials[:-1], last], 0, 0) is None
    assert sampler.promotion(LADDER, trials[:2], 1, 0) == LADDER.promotion(trials[:2], 1)


def test_what_climbs_gains_most_for_the_epochs_ahead_and_more_than_a_new_one(
    space: Space, start: list[Trial]
) -> None:
    sampler = EhviSampler(space, OBJECTIVES)
    trials = waiting(searched(space, EhviSampler(space, OBJECTIVES), START + 6))
    climbed = []
    while True:
        found = sampler.promotion(LADDER, trials, 0, 0)
        search = _Search(sampler.pool, trials)
        best = search.best(sampler.pool.drawn(0))
        row = best.leading(1)
        chance = search.front.chance(
            best.candidates.costs[row], best.mean[row], best.deviation[row]
        ).item()
        new = best.gain.max() / (4 + 5 * max(chance, 1 / 3))
        due = [t for t in trials if t.state == "stopped"]
        gains = {t.number: search.expected([t]).item() / 5 for t in due}
        if found is None:
            assert max(gains.values()) <= new
            break
        assert gains[found.number] == pytest.approx(max(gains.values()))
        assert gains[found.number] > new
        climbed.append(found.number)
        score = found.rungs[4] * 2
        trials[found.number] = replace(
            found, state="complete", rungs={4: score / 2, 9: score}, scores={"score": score},
            epochs=9,
        )  # fmt: skip
    assert 0 < len(climbed) < START + 6
    left = sampler.promotion(LADDER, trials, len(trials), 0)
    assert left is not None
    assert left.state == "stopped"


def test_what_waits_on_a_rung_is_not_on_the_front_until_it_is_trained_on(
    space: Space, start: list[Trial]
) -> None:
    trials = waiting(start)
    assert _Search(Pool(space, ["macs"]), trials).front.hypervolume == 0
    climbing = [replace(own, state="running") for own in trials]
    assert _Search(Pool(space, ["macs"]), climbing).front.hypervolume > 0


def test_where_nothing_can_be_gained_the_least_known_is_tried(
    space: Space, start: list[Trial]
) -> None:
    pool = Pool(space, ["macs"])
    search = _Search(pool, start, score_min=100.0)
    found = search.best(pool.all)
    assert found.gain.max() < 1e-9
    assert (np.diff(found.deviation) <= 0).all()


def test_failed_trials_are_the_worst_where_most_have_a_score(
    space: Space, start: list[Trial]
) -> None:
    """Two were scored on a rung that the others, taken over, have not been on."""
    trials = [replace(own, rungs={9: own.scores["score"]}) for own in start[:-3]]
    trials += [*waiting(start[-3:-1]), replace(start[-1], state="failed", rungs={})]
    low, high = levels_of(trials)
    assert low.rows.tolist() == [START - 3, START - 2]
    assert high.rows.tolist() == [*range(START - 3), START - 1]
    assert high.scores[-1] == min(min(own.rungs.values()) for own in trials[:-1])


def test_the_libraries_that_multiply_are_looked_for_once(
    space: Space, start: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[ThreadpoolController] = []

    class Counted(ThreadpoolController):
        def __init__(self) -> None:
            super().__init__()
            looked.append(self)

    monkeypatch.setattr("threadpoolctl.ThreadpoolController", Counted)
    _libraries.cache_clear()
    for seed in range(3):
        EhviSampler(space, OBJECTIVES)(start, seed)
    assert len(looked) == 1


def test_what_is_looked_at_first_is_what_nothing_cheaper_beats(space: Space) -> None:
    trials = searched(space, make_sampler("random", space, OBJECTIVES), 50)
    search = _Search(Pool(space, ["macs"]), trials)
    means, macs = search.surrogate.means(search.codes), [own.costs["macs"] for own in trials]
    ahead = {
        row
        for row in range(50)
        if not any(macs[o] <= macs[row] and means[o] > means[row] for o in range(50))
    }
    assert 1 < len(ahead) < 25
    assert set(search.leaders[: len(ahead)].tolist()) == ahead


def test_running_trials_lower_what_is_expected_of_them_and_of_others(
    space: Space, start: list[Trial]
) -> None:
    pool = Pool(space, ["macs"])
    point = EhviSampler(space, OBJECTIVES)(start, 0).point
    alone = _Search(pool, start)
    beside = _Search(pool, [*start, trial(space, point, START)])
    before = alone.expect(pool.all, alone.surrogate).gain
    after = beside.expect(pool.all, beside.surrogate).gain
    own = next(row for row in range(len(pool.all)) if pool.all.points.point(row) == point)
    assert own == before.argmax()
    assert after[own] < 0.5 * before[own]
    assert (after <= before + 1e-6).all() and (after < 0.9 * before).mean() > 0.3


def test_what_fails_is_left_alone(space: Space) -> None:
    """Every network of the largest width fails: after a few of them the others are tried."""

    sampler = EhviSampler(space, OBJECTIVES)
    history: list[Trial] = []
    for number in range(40):
        proposed = propose_untried(sampler, space, history, 0)
        assert proposed is not None
        point = proposed[0].point
        own = trial(space, point, number, "failed" if point["width"] == 0.375 else "complete")
        rungs = {1: pattern(point)} if own.state == "complete" else {}
        history.append(replace(own, rungs=rungs))
    late = [own for own in history[20:] if own.state == "failed"]
    assert len(late) <= 5


def test_what_was_trained_beside_the_search_is_not_proposed(
    space: Space, start: list[Trial]
) -> None:
    sampler = EhviSampler(space, OBJECTIVES)
    wanted = trial(space, sampler(start, 0).point, len(start), "baseline")
    beside = replace(wanted, point={}, fresh={1: 0.5, 2: 0.5})
    other = sampler([*start, beside], 0)
    assert "predicted" in other.note and key(space.architecture(other.point)) != wanted.key
    code = bytes(sampler.pool.codes_of([wanted.point])[0])
    assert code in map(bytes, sampler._looked(start, 0)[1].candidates.codes)
    assert code not in map(bytes, sampler._looked([*start, beside], 0)[1].candidates.codes)


def test_a_start_that_failed_altogether_is_got_over(space: Space) -> None:
    """As where a GPU was full, and the cause was mended then."""
    points = list(space.enumerate())[:40:2]
    failed = [trial(space, point, n, "failed") for n, point in enumerate(points[:14])]
    good = [
        replace(trial(space, point, n, "complete"), rungs={1: pattern(point)})
        for n, point in enumerate(points[14:], len(failed))
    ]
    found = propose_untried(EhviSampler(space, OBJECTIVES), space, [*failed, *good], 0)
    assert found is not None


def test_two_costs(space: Space) -> None:
    found = searched(space, EhviSampler(space, ("params", "score", "macs")), START + 4)
    assert len({own.key for own in found}) == START + 4
    assert {"predicted", "deviation"} <= set(
        EhviSampler(space, ("params", "score", "macs"))(found, 0).note
    )


def test_a_space_too_large_to_list_is_climbed(monkeypatch: pytest.MonkeyPatch) -> None:
    """From a pool of a few points, the front is found all the same."""
    listed = from_yaml(TEXT)
    chance = regret(listed, searched(listed, make_sampler("random", listed, OBJECTIVES), 36))
    monkeypatch.setattr(nas.space.table, "MAX_POINTS", 10)
    monkeypatch.setattr("nas.search.samplers.candidates.POOL", 40)
    large = from_yaml(TEXT)
    assert not large.listable
    found = searched(large, EhviSampler(large, OBJECTIVES), 36)
    assert regret(listed, found) < 0.2 * chance


def test_where_the_space_is_large_the_neighbours_of_the_front_are_candidates(
    monkeypatch: pytest.MonkeyPatch, start: list[Trial]
) -> None:
    monkeypatch.setattr(nas.space.table, "MAX_POINTS", 10)
    monkeypatch.setattr("nas.search.samplers.candidates.POOL", 3)
    pool = Pool(from_yaml(TEXT), ["macs"])
    search = _Search(pool, start)
    cheapest = min(start, key=lambda own: own.costs["macs"])
    near = pool.neighbours(pool.points_of(pool.codes_of([cheapest.point])))
    looked_at = set(map(bytes, search.best(pool.all).candidates.codes))
    assert set(map(bytes, near.codes)) <= looked_at


@pytest.mark.parametrize("count", [12, 30, 60])
def test_the_choice_from_a_sample_gains_as_much_as_that_from_all(
    monkeypatch: pytest.MonkeyPatch, space: Space, count: int
) -> None:
    """Of a twentieth, on noisy scores of random architectures; seeds of samples and scores."""
    every = Pool(space, ["macs"])
    shares = []
    for seed in range(6):
        random = np.random.default_rng(seed)
        history = []
        for row in random.choice(len(every.all), count, replace=False):
            point = every.all.points.point(int(row))
            score = pattern(point) + random.normal(0, 0.01)
            own = trial(space, point, len(history), "complete")
            history.append(replace(own, scores={"score": score}, rungs={1: score}))
        search = _Search(every, history)
        gains = search.expect(every.all, search.surrogate).gain
        codes = map(bytes, every.all.codes)
        untried = {c: g for c, g in zip(codes, gains, strict=True) if c not in search.seen}
        with monkeypatch.context() as patch:
            patch.setattr("nas.search.samplers.candidates.POOL", len(gains) // 20)
            chosen = EhviSampler(space, OBJECTIVES)(history, seed).point
        shares.append(untried[bytes(every.codes_of([chosen])[0])] / max(untried.values()))
    assert np.median(shares) > 0.99 and min(shares) > 0.9


def test_nothing_is_predicted_without_scores(space: Space) -> None:
    running = searched(space, EhviSampler(space, OBJECTIVES), 1)
    history = [
        replace(running[0], state="running", scores={}, rungs={}, number=n)
        for n in range(START + 3)
    ]
    assert EhviSampler(space, OBJECTIVES)(history, 0).note == {}


def test_a_space_of_one_architecture_ends() -> None:
    one = from_yaml("space: s\nbase: osnet_x0_25\nparameters:\n  stages[*].streams: 2\n")
    assert len(searched(one, EhviSampler(one, OBJECTIVES), 9, lambda point: 0.5)) == 1


def test_an_exhausted_space_ends(space: Space) -> None:
    small = from_yaml("space: s\nbase: osnet_x0_25\nparameters:\n  stages[*].streams: 1..4\n"
                      "  width: [0.25, 0.5, 0.75, 1.0]\n")  # fmt: skip
    found = searched(small, EhviSampler(small, OBJECTIVES), 99, lambda point: float(point["width"]))
    assert len(found) == small.count().value == 16


def test_matrices_are_multiplied_on_one_core(
    space: Space, start: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = set()

    def predict(self: Surrogate, hot: Floats) -> tuple[Floats, Floats]:
        threads.update(i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas")
        return predict_hot(self, hot)

    predict_hot = Surrogate.predict_hot
    monkeypatch.setattr(Surrogate, "predict_hot", predict)
    with threadpool_limits(2, user_api="blas"):
        EhviSampler(space, OBJECTIVES)(start, 0)
        assert threads == {1}
        EhviSampler(space, OBJECTIVES).promotion(LADDER, waiting(start), 0, 0)
        assert threads == {1}
        assert {i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"} == {2}


def test_what_is_expected_of_a_trial_falls_as_there_is_less_to_be_found(space: Space) -> None:
    proposals = EhviSampler(space, OBJECTIVES)
    notes = [
        proposals(searched(space, proposals, count), 0).note for count in (START + 2, START + 30)
    ]
    early, late = (note["growth"] for note in notes)
    assert 0 <= late < 0.5 * early


def test_what_is_expected_of_a_trial_is_a_share_of_what_was_found(
    space: Space, start: list[Trial]
) -> None:
    """So it is the same in whatever unit scores are."""
    halves = [replace(own, rungs={1: own.rungs[1] / 2}) for own in start]
    whole, half = (EhviSampler(space, OBJECTIVES)(own, 0).note for own in (start, halves))
    assert half["predicted"] == pytest.approx(whole["predicted"] / 2)
    assert half["growth"] == pytest.approx(whole["growth"])
