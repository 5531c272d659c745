"""Dots of score against cost."""

from nas.report.dots import log_ticks


def test_a_cost_of_any_size_has_an_axis_with_numbers() -> None:
    def ticks(*costs: float) -> list[float] | None:
        found = log_ticks(costs)
        return found.get("tickvals")  # type: ignore[return-value]

    assert ticks(3.9, 12) == [4, 5, 7, 10]
    assert ticks(2e6, 4.1e6) == [2e6, 3e6, 4e6]
    assert ticks(5.6e6, 6.3e6) is None  # plotly chooses
    assert ticks(4e5, 9e7) == [5e5, 1e6, 2e6, 5e6, 1e7, 2e7, 5e7]
