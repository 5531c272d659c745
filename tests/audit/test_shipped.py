"""The tabular benchmarks as they are shipped, and what an audit says of the recipes of a search."""

from pathlib import Path

import pytest

from nas.architecture import key
from nas.audit import from_table, judge
from nas.search.replay import read_table
from nas.training import load_recipe

TABLES = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize(
    ("recipe", "name"), [("quick", "tabular-quick"), ("quick-reid", "tabular")]
)
def test_the_rungs_of_a_recipe_rank_architectures_of_equal_cost(recipe: str, name: str) -> None:
    """The first reaches 60% of the noise ceiling, the last 80%, and both more than macs do."""
    pytest.importorskip("pyarrow")
    table, short = read_table(TABLES / name), load_recipe(recipe)
    assert table.scores.shape == (126, 3, short.epochs)
    found = judge(from_table(table), weigh=False).within
    tau, share = found.tau.estimate, found.share.estimate
    first, last = (rung - 1 for rung in (short.rungs[0], short.rungs[-1]))
    assert share[first] >= 0.6
    assert share[last] >= 0.8
    assert min(tau[first], tau[last]) > tau[-1]  # the last row is of macs


@pytest.mark.parametrize("name", ["tabular-quick", "tabular-long"])
def test_the_tables_are_of_the_same_architectures(name: str) -> None:
    pytest.importorskip("pyarrow")
    table, other = read_table(TABLES / "tabular"), read_table(TABLES / name)
    assert other.keys == table.keys
    assert other.space.parameters == table.space.parameters


@pytest.mark.parametrize(("name", "count", "seeds"), [("long", 126, 6), ("wide", 288, 3)])
def test_the_long_tables_are_as_long_as_their_recipe(name: str, count: int, seeds: int) -> None:
    pytest.importorskip("pyarrow")
    epochs = load_recipe(str(TABLES / "tabular-long" / "recipe.yaml")).epochs
    table = read_table(TABLES / f"tabular-{name}")
    assert table.scores.shape == (count, seeds, epochs)
    assert sorted(table.keys) == sorted(
        key(table.space.architecture(p)) for p in table.space.enumerate()
    )
