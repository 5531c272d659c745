"""The tabular benchmarks as they are shipped, and what an audit says of the recipe `quick`."""

from pathlib import Path

import pytest

from nas.audit import from_table, judge
from nas.search.replay import read_table
from nas.training import load_recipe

TABLE = Path(__file__).parents[2] / "benchmarks" / "tabular"
LONG = TABLE.with_name("tabular-long")


def test_the_rungs_of_quick_rank_architectures_of_equal_cost() -> None:
    """The first reaches 60% of the noise ceiling, the last 80%, and both more than macs do."""
    pytest.importorskip("pyarrow")
    table, quick = read_table(TABLE), load_recipe("quick")
    assert table.scores.shape == (126, 3, quick.epochs)
    found = judge(from_table(table), weigh=False).within
    tau, share = found.tau.estimate, found.share.estimate
    first, last = (rung - 1 for rung in (quick.rungs[0], quick.rungs[-1]))
    assert share[first] >= 0.6
    assert share[last] >= 0.8
    assert min(tau[first], tau[last]) > tau[-1]  # the last row is of macs


def test_the_long_table_is_of_the_same_architectures() -> None:
    pytest.importorskip("pyarrow")
    table, long = read_table(TABLE), read_table(LONG)
    assert long.scores.shape == (126, 3, load_recipe(str(LONG / "recipe.yaml")).epochs)
    assert long.keys == table.keys
    assert long.space.parameters == table.space.parameters
