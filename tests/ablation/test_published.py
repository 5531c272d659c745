"""The paper's table and the families, against counted figures."""

import pytest

from nas.ablation import families_table, match_cost, paper_table
from nas.architecture import key, preset
from nas.cost import cost, with_family
from nas.errors import UserError


def test_the_papers_rows_have_the_parameters_that_were_counted() -> None:
    design = paper_table(preset("osnet_x1_0"))
    found = {row.label: cost(row.architecture).params for row in design.rows}
    assert len(found) == 11
    assert found["T=4, unified gate"] == 2_169_508
    assert found["T=4, full 3x3 convolutions"] == 6_869_028
    assert found["T=4, addition"] == 2_161_472
    assert found["T=4, separate gates"] == 2_193_616
    assert found["T=4, stream-wise gate"] == 2_165_262
    assert found["T=1"] == 1_569_920
    assert found["T=2, unified gate"] == 1_709_412
    assert found["T=3, unified gate"] == 1_906_596


def test_streams_of_one_depth_cost_as_much_more_as_is_said() -> None:
    model, _, same, *_ = (cost(r.architecture).macs for r in paper_table(preset("osnet_x1_0")).rows)
    assert same / model == pytest.approx(1.07, abs=0.005)


def test_the_first_row_is_the_model_whatever_the_base_has() -> None:
    base = preset("osnet_x0_5")
    without = paper_table(base).rows[4].architecture
    assert key(paper_table(without).rows[0].architecture) == key(base)


def test_the_families_are_those_of_the_base_at_its_stages() -> None:
    base = preset("osnet_x0_25")
    design = families_table(base)
    assert [row.label for row in design.rows] == ["OSNet", "Inception", "ResNeXt", "SE"]
    assert design.rows[0].architecture == base
    assert design.rows[2].architecture == with_family(base, "resnext")
    for row in match_cost(design).rows:
        assert cost(row.architecture).macs == pytest.approx(cost(base).macs, rel=0.02)


def test_another_family_as_the_base_is_refused() -> None:
    base = with_family(preset("osnet_x0_25"), "se")
    for table in (paper_table, families_table):
        with pytest.raises(UserError, match="first row has osnet blocks, and the base has se"):
            table(base)
