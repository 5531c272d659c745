from pathlib import Path

import optuna

from nas.architecture import key
from nas.cost import cost
from nas.search.record import Trial
from nas.search.samplers.choice import make_sampler
from nas.search.study import Projection
from nas.space import load_space


def test_what_a_baseline_is_told_follows_its_replicates_over_sessions(tmp_path: Path) -> None:
    space = load_space("osnet-mini")
    point = next(iter(space.enumerate()))

    def told(fresh: dict[int, float]) -> list[list[float] | None]:
        """By a session that ends with these replicates of the base."""
        first, base = space.architecture(point), space.base
        costs = [dict(cost(own).as_dict()) for own in (first, base)]
        trials = [
            Trial(0, key(first), dict(point), first, costs[0], state="complete",
                  scores={"score": 0.5}, rungs={3: 0.5}),
            Trial(1, key(base), {}, base, costs[1], state="baseline", baseline="b", fresh=fresh),
        ]  # fmt: skip
        study = Projection(tmp_path / "study.db", "s", space, ("score", "macs"))
        study.open(trials)
        study.close(trials)
        return [own.values for own in study.study.trials]

    macs = float(cost(space.base).macs)
    assert told({1: 0.25, 2: 0.75})[1] == [0.5, macs]
    found = told({1: 0.25, 2: 0.75, 3: 1.0, 4: 1.0})
    assert found[1] == [0.75, macs]
    assert found[0] is not None


def test_a_study_of_a_record_that_is_gone_is_made_again(tmp_path: Path) -> None:
    space = load_space("osnet-mini")
    points = list(space.enumerate())

    def told(*scores: float, first: int) -> list[tuple[str, list[float] | None]]:
        """By a session with so many complete trials, of points from the first one on."""
        trials = []
        for number, score in enumerate(scores):
            own = space.architecture(points[first + number])
            trials.append(
                Trial(number, key(own), dict(points[first + number]), own,
                      dict(cost(own).as_dict()), state="complete", scores={"score": score})
            )  # fmt: skip
        study = Projection(tmp_path / "study.db", "s", space, ("score", "macs"))
        study.open(trials)
        return [(own.user_attrs["key"], own.values) for own in study.study.trials]

    assert len(told(0.1, 0.2, 0.3, first=0)) == 3
    again = told(0.4, first=5)
    assert [values[0] for _, values in again if values] == [0.4]
    assert again[0][0] == key(space.architecture(points[5]))


def test_optuna_says_of_other_studies_what_it_did(tmp_path: Path) -> None:
    optuna.logging.set_verbosity(optuna.logging.INFO)
    space = load_space("osnet-mini")
    Projection(tmp_path / "study.db", space.name, space, ("score", "macs")).open([])
    make_sampler("tpe", space, ("score", "macs"))([], 0)
    assert optuna.logging.get_verbosity() == optuna.logging.INFO
