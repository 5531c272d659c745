import pytest

from nas.report.words import growth_in_words


@pytest.mark.parametrize(
    ("share", "told"),
    [(1.655, "166%"), (0.12, "12%"), (0.083, "8.3%"), (0.001, "0.1%"), (0.0004, "less than 0.1%")],
)
def test_expected_growth_is_told_as_a_share(share: float, told: str) -> None:
    assert growth_in_words(share) == f"{told} more hypervolume was expected of the last new trial"
