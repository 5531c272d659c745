"""What was predicted of trials, beside what they scored."""

from nas.architecture import key, preset
from nas.search.predicted import expected_growth, predicted
from nas.search.record import Trial


def trial(number: int, rungs: dict[int, float], note: dict[str, object]) -> Trial:
    network = preset("osnet_x0_25")
    return Trial(number, key(network), {}, network, {"macs": 1.0}, note=note, rungs=rungs)


def test_a_score_is_beside_what_was_predicted_of_its_own_epoch() -> None:
    note = {"predicted": 0.5, "deviation": 0.1, "epoch": 9}
    frame = predicted([
        trial(0, {4: 0.3, 9: 0.6}, {}),  # of the start-up phase
        trial(1, {4: 0.1, 9: 0.69}, note),
        trial(2, {4: 0.5}, note),  # which has not come to epoch 9
        trial(3, {9: 0.70}, note),
        trial(4, {4: 0.3, 9: 0.9}, note | {"epoch": 4, "predicted": 0.31}),
        trial(5, {9: 0.5}, {"predicted": 0.5, "deviation": 0.1}),  # of a run before there was epoch
    ])  # fmt: skip
    assert frame["trial"].tolist() == [1, 3, 4]
    assert frame["score"].tolist() == [0.69, 0.70, 0.3]
    assert frame["within"].tolist() == [True, False, True]  # 1.9, 2.0 and 0.1 deviations


def test_nothing_was_predicted_of_no_trial() -> None:
    assert predicted([]).empty


def test_the_growth_that_was_expected_is_that_of_the_last_new_trial() -> None:
    trials = [trial(0, {}, {}), trial(1, {}, {"growth": 0.3}), trial(2, {}, {"growth": 0.02})]
    assert expected_growth([*trials, trial(3, {}, {})]) == 0.02  # drawn, as nothing was proposed
    assert expected_growth(trials[:1]) is None
