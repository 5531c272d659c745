import pytest

from nas.errors import UserError
from nas.search.budget import Budget, duration


@pytest.mark.parametrize(
    ("text", "kind", "amount"),
    [
        ("5m", "time", 300),
        ("1h30m", "time", 5400),
        ("90s", "time", 90),
        ("20trials", "trials", 20),
        ("1 trial", "trials", 1),
        ("120epochs", "epochs", 120),
        ("2PMAC", "macs", 2e15),
        ("1.5 TMACs", "macs", 1.5e12),
    ],
)
def test_budgets(text: str, kind: str, amount: float) -> None:
    assert Budget.parse(text) == Budget(kind, amount)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    ["", "5", "m5", "-5m", "0s", "0trials", "5 minutes", "1e3s", "5m1h", "2MAC", "2PMAX", "0PMAC"],
)
def test_what_is_not_a_budget_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UserError, match=r"--budget: .* 90s, 5m, 1h30m, .* 20trials, .* 2PMAC"):
        Budget.parse(text)


def test_a_number_is_no_budget_from_python_either() -> None:
    with pytest.raises(UserError, match="--budget: 5 is not a budget; give a time as 90s"):
        Budget.parse(5)  # type: ignore[arg-type]


def test_durations_in_words() -> None:
    assert [duration(s) for s in (9.6, 300, 3900)] == ["10s", "5m00s", "1h05m"]
    assert [duration(s) for s in (59.4, 59.5, 3599, 3600)] == ["59s", "1m00s", "59m59s", "1h00m"]


def test_amounts_in_words() -> None:
    assert str(Budget("trials", 20)) == "20 trials"
    assert str(Budget("epochs", 120)) == "120 epochs"
    assert Budget("macs", 2e15).words(1.25e15) == "1.25 PMAC"
    assert Budget("macs", 2e15).words(3e12) == "3 TMAC"
    assert Budget("macs", 2e15).words(0) == "0 GMAC"
