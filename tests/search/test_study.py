from pathlib import Path

from nas.architecture import key
from nas.cost import cost
from nas.search.record import Trial
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
