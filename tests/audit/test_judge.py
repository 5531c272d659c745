"""What all measures of an audit make of the same architectures."""

from dataclasses import replace

import numpy as np
import pytest

from nas.audit.evidence import Evidence
from nas.audit.judge import judge
from nas.audit.ranking import Range
from nas.errors import UserError


def evidence() -> Evidence:
    """Of 16 architectures, a rung of three seeds that ranks almost as full length does."""
    random = np.random.default_rng(0)
    scores = random.normal(size=(16, 1, 1)) + 0.1 * random.normal(size=(16, 3, 2))
    costs = {"macs": np.arange(1.0, 17), "params": random.permutation(16) + 1.0}
    return Evidence((1, 9), scores, (None,) * 16, ({},) * 16, costs)  # type: ignore[arg-type]


def test_a_rung_is_advised_only_where_full_length_is_shown_to_rank() -> None:
    found = judge(evidence())
    assert found.first_rung == 1
    unsure = Range(np.array(0.2), np.array(-0.1), np.array(0.5))
    assert replace(found, within=replace(found.within, ceiling=unsure)).first_rung is None


def test_what_is_ahead_is_ahead_of_the_macs() -> None:
    found = judge(evidence())
    assert found.names == ("epoch 1", "params", "macs") and found.epochs == (1, 0, 0)
    tau, ahead = found.over_all.tau.estimate, found.over_all.ahead.estimate
    assert ahead.tolist() == (tau - tau[2]).tolist() and ahead[1] != 0


@pytest.mark.parametrize("bands", [0, 9])
def test_bands_without_pairs_are_refused(bands: int) -> None:
    with pytest.raises(UserError, match=f"--bands: {bands} is not a number from 1 to 8"):
        judge(evidence(), bands=bands)
    assert len(judge(evidence(), bands=8).bands) == 8
