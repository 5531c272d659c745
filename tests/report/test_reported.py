from nas.report.published import published


def test_reported_points_stand_at_their_exact_costs() -> None:
    found = {own.name: own for own in published("market1501:/data")}
    assert len(found) == 16
    assert found["osnet_x1_0 at 256x128"].costs["macs"] == 978_875_392
    assert found["osnet_x0_25 at 64x32"].score < found["osnet_x1_0 at 256x128"].score


def test_other_data_has_none() -> None:
    assert published("synthetic") == published("msmt17:/data") == []
