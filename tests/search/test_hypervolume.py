import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.architecture import preset
from nas.search import Trial
from nas.search.growth import growth
from nas.search.hypervolume import Scale

SCALE = Scale({"macs": (1e6, 1e8)}, 0.2)


def test_a_front_of_two_is_the_area_worked_by_hand() -> None:
    # log10 cost: 1e6 is 0, 1e7 is a half, 1e8 is 1
    found = SCALE.hypervolume([{"macs": 1e6}, {"macs": 1e7}], [0.3, 0.6])
    assert found == pytest.approx(0.5 * 0.1 + 0.5 * 0.4)


def test_what_is_below_the_reference_or_dominated_adds_nothing() -> None:
    alone = SCALE.hypervolume([{"macs": 1e6}], [0.3])
    assert SCALE.hypervolume([{"macs": 1e6}, {"macs": 1e7}], [0.3, 0.29]) == alone
    assert SCALE.hypervolume([{"macs": 1e6}], [0.2]) == 0.0
    assert SCALE.hypervolume([{"macs": 1e6}, {"macs": 1e9}], [0.3, 0.9]) == alone  # too dear
    assert SCALE.hypervolume([{"macs": 1e5}], [0.3]) == alone  # nothing is cheaper than the least
    assert SCALE.hypervolume([], []) == 0.0


points = st.lists(
    st.tuples(st.floats(1e6, 1e8), st.floats(1e3, 1e5), st.floats(0.0, 1.0)), max_size=8
)


@given(points)
def test_two_costs_agree_with_a_grid_that_is_counted(own: list[tuple[float, float, float]]) -> None:
    scale = Scale({"macs": (1e6, 1e8), "params": (1e3, 1e5)}, 0.2)
    grid = (np.arange(40) + 0.5) / 40
    best = np.full((40, 40), 0.2)
    for macs, params, score in own:
        x, y = (np.log10(macs) - 6) / 2, (np.log10(params) - 3) / 2
        reached = (grid[:, None] >= x) & (grid[None] >= y)
        best[reached] = np.maximum(best[reached], score)
    found = scale.hypervolume(
        [{"macs": m, "params": p} for m, p, _ in own], [score for _, _, score in own]
    )
    assert found == pytest.approx(float((best - 0.2).mean()), abs=0.05)


def trial(number: int, macs: float, score: float, state: str = "complete") -> Trial:
    rungs = {1: score / 2, 3: score} if state == "complete" else {1: score}
    return Trial(
        number, str(number), {}, preset("osnet_x0_25"), {"macs": macs}, state=state,
        scores={"score": score}, rungs=rungs,
    )  # fmt: skip


def job(trial: int, start: int, end: int, at: float, replicate: int = 0) -> dict[str, object]:
    return {
        "trial": trial, "replicate": replicate, "from_epoch": start, "epoch": end,
        "outcome": "done", "images": 10 * (end - start), "at": at,
    }  # fmt: skip


def test_growth_counts_all_that_was_spent_and_only_what_came_to_full_length() -> None:
    trials = [trial(0, 1e7, 0.3), trial(1, 1e6, 0.9, "stopped"), trial(2, 1e7, 0.5)]
    history = [
        job(0, 0, 1, 1.0), job(0, 1, 3, 2.0), job(1, 0, 1, 3.0), job(2, 0, 3, 5.0),
        job(2, 0, 3, 9.0, replicate=1),
    ]  # fmt: skip
    frame = growth(trials, history, ("score", "macs"), SCALE)
    assert frame["trials"].tolist() == [1, 3, 3]
    assert frame["epochs"].tolist() == [3, 7, 10]
    assert frame["seconds"].tolist() == [2.0, 5.0, 9.0]
    assert frame["hypervolume"].tolist() == pytest.approx([0.5 * 0.1, 0.5 * 0.3, 0.5 * 0.3])
    assert frame["best"].tolist() == [0.3, 0.5, 0.5]
    assert frame["macs"].iloc[0] == 3 * 1e7 * 30


def test_the_reference_is_the_median_of_the_first_at_full_length() -> None:
    trials = [trial(n, 1e6 * (n + 1), 0.1 * (n + 1)) for n in range(12)] + [trial(12, 1e6, 0.05)]
    scale = Scale.of([*trials, trial(13, 1e6, 0.0, "stopped")], ("score", "macs"), {"macs": [1, 9]})
    assert scale == Scale({"macs": (1, 9)}, pytest.approx(0.65))
    assert Scale.of([], ("score", "macs"), {}) is None
