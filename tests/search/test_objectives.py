import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.errors import UserError
from nas.search.objectives import front_mask, parse_objectives


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=25))
def test_front_agrees_with_the_definition(points: list[tuple[int, int]]) -> None:
    """No other is at least as good in every objective and better in one."""

    def beats(a: tuple[int, int], b: tuple[int, int]) -> bool:
        return a[0] >= b[0] and a[1] <= b[1] and a != b

    expected = [not any(beats(other, point) for other in points) for point in points]
    assert front_mask(points, ("score", "macs")).tolist() == expected


@pytest.mark.parametrize(
    "text", ["", "score", "macs,params", "score,flops", "score,score", "a,b,c,d"]
)
def test_wrong_objectives_are_refused_with_what_is_valid(text: str) -> None:
    with pytest.raises(UserError, match=r"as score,macs; did you mean latency_ms\?$"):
        parse_objectives("score,latency")
    with pytest.raises(UserError, match="is not score and one or two of macs, params"):
        parse_objectives(text)


def test_objectives_keep_their_order() -> None:
    assert parse_objectives("params, score") == ("params", "score")
