"""What is confirmed, in which order, and what it says."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from nas.architecture import preset
from nas.search.confirm import (
    confirmed,
    first_due,
    is_confirmed,
    leaders,
    noise,
    spread,
    then_due,
)
from nas.search.record import Trial
from nas.search.run import front, shown_by

OBJECTIVES = ("score", "macs")


def trial(number: int, score: float, macs: float, **changes: object) -> Trial:
    own = Trial(
        number, f"{number:04d}", {}, preset("osnet_x0_25"), {"macs": macs}, state="complete",
        scores={"score": score}, rungs={9: score},
    )  # fmt: skip
    return replace(own, **changes)  # type: ignore[arg-type]


def baseline(number: int, macs: float, **changes: object) -> Trial:
    bare = {"state": "baseline", "baseline": "osnet_x0_25", "scores": {}, "rungs": {}}
    return trial(number, 0.0, macs, **bare | changes)


TRIALS = [trial(0, 0.3, 1e6), trial(1, 0.5, 3e6), trial(2, 0.49, 3e6), trial(3, 0.2, 9e6)]


def test_the_front_and_the_baselines_get_two_fresh_seeds_seed_by_seed() -> None:
    trials = [*TRIALS, baseline(4, 5e6)]
    assert first_due(trials, OBJECTIVES) == [(4, 1), (0, 1), (1, 1), (4, 2), (0, 2), (1, 2)]


def test_then_those_within_noise_and_then_more_seeds() -> None:
    fresh = {0: {1: 0.30, 2: 0.33}, 1: {1: 0.47, 2: 0.46}, 4: {1: 0.40, 2: 0.43}}
    trials = [*TRIALS, baseline(4, 5e6)]
    trials = [replace(t, fresh=fresh.get(t.number, {})) for t in trials]
    assert first_due(trials, OBJECTIVES) == []
    table = np.array([list(own.values()) for own in fresh.values()])
    means = table.mean(axis=1, keepdims=True) + table.mean(axis=0) - table.mean()
    assert noise(trials) == pytest.approx(math.sqrt(((table - means) ** 2).sum() / 2))
    due = then_due(trials, OBJECTIVES)
    assert due[:2] == [(2, 1), (2, 2)]  # 0.49 is within noise of 0.5, and 0.2 is not
    assert (3, 1) not in due
    assert due[2:6] == [(4, 3), (0, 3), (1, 3), (2, 3)]
    half = [replace(t, fresh={1: 0.48}) if t.number == 2 else t for t in trials]
    assert noise(half) == noise(trials)  # what has one replicate yet does not hide the noise
    assert then_due(half, OBJECTIVES)[0] == (2, 2)


def test_a_failed_replicate_is_not_trained_again_and_counts_for_nothing() -> None:
    own = trial(0, 0.5, 1e6, fresh={1: 0.4, 2: math.nan, 3: 0.5})
    assert first_due([own], OBJECTIVES) == []
    found = confirmed(own)
    assert found is not None
    assert (found.mean, found.replicates) == (pytest.approx(0.45), 2)
    half = trial(0, 0.5, 1e6, fresh={1: 0.4, 2: math.nan})
    assert confirmed(half) is None
    assert first_due([half], OBJECTIVES) == [(0, 3)]  # another one is, in its place
    assert first_due([replace(half, fresh=dict.fromkeys(range(1, 5), math.nan))], OBJECTIVES) == []


def test_the_interval_is_students() -> None:
    scores = {1: 0.41, 2: 0.44, 3: 0.47, 4: 0.40}
    found = confirmed(trial(0, 0.5, 1e6, fresh=scores))
    assert found is not None
    sample = np.array(list(scores.values()))
    low, high = stats.t.interval(0.95, 3, sample.mean(), stats.sem(sample))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_an_interval_of_a_score_ends_at_0_and_at_1() -> None:
    found = confirmed(trial(0, 0.5, 1e6, fresh={1: 0.97, 2: 0.99}))
    reach = stats.t.ppf(0.975, 1) * 0.01  # the standard error
    assert found is not None and found.high == 1.0
    assert found.low == pytest.approx(0.98 - reach)
    assert found.reach == pytest.approx(reach)  # not the 0.02 that are left above
    low = confirmed(trial(0, 0.5, 1e6, fresh={1: 0.01, 2: 0.03}))
    assert low is not None and low.low == 0.0 and low.reach == pytest.approx(reach)


def test_the_confirmed_front_goes_by_the_fresh_seeds_alone() -> None:
    """Trial 1 was lucky; the baseline beats it by its fresh seeds, at the same cost."""
    lucky = trial(1, 0.9, 3e6, fresh={1: 0.4, 2: 0.42})
    good = trial(0, 0.3, 1e6, fresh={1: 0.35, 2: 0.37})
    base = baseline(2, 3e6, fresh={1: 0.5, 2: 0.5})
    assert [t.number for t in front([good, lucky, base], OBJECTIVES)] == [0, 2]
    unconfirmed = trial(3, 0.95, 4e6)
    assert [t.number for t in front([good, lucky, base, unconfirmed], OBJECTIVES)] == [0, 2]
    more = [trial(number, 0.9 + number / 100, number * 1e6) for number in (4, 5, 6)]
    by_score = [good, lucky, base, *more]  # two of the five that lead are confirmed
    assert [t.number for t in front(by_score, OBJECTIVES)] == [0, 1, 4, 5, 6]
    assert [t.number for t in leaders([good, lucky, base], OBJECTIVES)] == [0, 1]


def test_what_has_a_cost_not_measured_is_not_on_the_front() -> None:
    one = trial(0, 0.3, 1e6, fresh={1: 0.35, 2: 0.37})
    timed = replace(one, costs={"macs": 1e6, "latency_ms": 2.0})
    base = baseline(1, 3e6, fresh={1: 0.5, 2: 0.5})
    assert [t.number for t in front([timed, base], ("score", "latency_ms"))] == [0]
    assert [t.number for t in front([timed, base], OBJECTIVES)] == [0, 1]


def test_noise_is_pooled_over_all_that_are_confirmed() -> None:
    one = trial(0, 0.5, 1e6, fresh={1: 0.40, 2: 0.42})
    two = trial(1, 0.6, 2e6, fresh={1: 0.50, 2: 0.56, 3: 0.53})
    known = spread([one, two, trial(2, 0.7, 3e6), trial(3, 0.7, 4e6, fresh={1: 0.1})])
    # squares about their means: 0.0002 with 1 degree of freedom, 0.0018 with 2
    assert known is not None
    # with a level of each seed (0.06 - 0.02)^2 / 4 are left, with 1 degree of freedom; the other
    # 0.0016 are of seeds, with 2: (0.0016 - 2 x 0.0004) / (5 - 2) is their variance
    alike, alone = 0.0008 / 3 + 0.0004 / 2, 0.0004 / 2
    share = (alike + alone) ** 2 / (alike**2 + alone**2) / 2
    assert known.freedom == pytest.approx(3 * share)
    assert known.deviation == pytest.approx(math.sqrt(0.0020 / 3))
    found = confirmed(one, known)
    assert found is not None
    assert found.mean == pytest.approx(0.41)
    assert found.high - found.mean == pytest.approx(
        stats.t.ppf(0.975, known.freedom) * known.deviation / math.sqrt(2)
    )
    assert spread([trial(2, 0.7, 3e6)]) is None


def test_trials_without_a_seed_in_common_tell_nothing_of_what_seeds_do() -> None:
    known = spread([
        trial(0, 0.5, 1e6, fresh={1: 0.40, 2: 0.42}), trial(1, 0.6, 2e6, fresh={3: 0.5, 4: 0.5}),
    ])  # fmt: skip
    assert known is not None and known.freedom == 2  # as of independent scores


def test_scores_that_are_all_alike_have_no_spread() -> None:
    known = spread([trial(n, 0.5, 1e6, fresh={1: 0.5, 2: 0.5}) for n in range(2)])
    assert known is not None and (known.deviation, known.freedom) == (0.0, 2)


def test_intervals_cover_though_a_seed_does_much_to_all_trials_alike() -> None:
    random, inside = np.random.default_rng(0), []
    for _ in range(500):
        scores = np.sqrt(0.9) * random.normal(size=4) + np.sqrt(0.1) * random.normal(size=(6, 4))
        trials = [trial(n, 0.0, 1e6, fresh=dict(enumerate(own, 1))) for n, own in enumerate(scores)]
        known = spread(trials)
        found = [confirmed(own, known) for own in trials]
        inside += [own is not None and own.low <= 0 <= own.high for own in found]
    assert 0.92 <= np.mean(inside) <= 0.98


def test_replicates_that_failed_here_and_there_leave_the_noise_known() -> None:
    random, found = np.random.default_rng(1), []
    for _ in range(200):
        scores = random.normal(size=4) + 0.5 * random.normal(size=(6, 4))
        scores[range(6), [0, 1, 2, 3, 0, 1]] = np.nan
        trials = [trial(n, 0.0, 1e6, fresh=dict(enumerate(own, 1))) for n, own in enumerate(scores)]
        found.append(noise(trials) ** 2)
        known = spread(trials)
        assert known is not None and known.freedom < 12
    assert np.mean(found) == pytest.approx(0.25, rel=0.1)


@pytest.mark.parametrize(("sure", "enough"), [(0, False), (1, False), (2, True), (4, True)])
def test_a_front_is_confirmed_once_half_of_it_is(sure: int, enough: bool) -> None:
    fresh = [{1: 0.4, 2: 0.42}] * sure + [{}] * (4 - sure)
    lead = [trial(n, 0.5 + 0.1 * n, 1e6 * (n + 1), fresh=fresh[n]) for n in range(4)]
    assert is_confirmed(lead, OBJECTIVES) == enough
    assert not is_confirmed([], OBJECTIVES)


def test_a_leader_without_replicates_leaves_a_front_that_is_confirmed() -> None:
    sure = [trial(n, 0.5 + 0.1 * n, 1e6 * (n + 1), fresh={1: 0.4, 2: 0.42}) for n in range(2)]
    late = trial(2, 0.9, 3e6)
    members = front([*sure, late], ("score", "macs"))
    assert [member.number for member in members] == [0]  # alike, and the other costs more
    shown = shown_by([*sure, late], ("score", "macs"))
    assert shown[0][0] == pytest.approx(0.41) and shown[0][1] is not None
    assert shown[2] == (0.9, None)


def test_a_front_that_is_hardly_confirmed_goes_by_scores_and_is_shown_so() -> None:
    first = trial(0, 0.5, 1e6, fresh={1: 0.4, 2: 0.42})
    rest = [trial(n, 0.5 + 0.1 * n, 1e6 * (n + 1)) for n in range(1, 4)]
    assert len(front([first, *rest], ("score", "macs"))) == 4
    assert shown_by([first, *rest], ("score", "macs"))[0] == (0.5, None)
