from nas.report.published import published


def test_reported_points_stand_at_their_exact_costs() -> None:
    found = {own.name: own for own in published("market1501:/data")}
    assert len(found) == 16
    assert found["osnet_x1_0 at 256x128"].costs["macs"] == 978_875_392
    assert found["osnet_x0_25 at 64x32"].score < found["osnet_x1_0 at 256x128"].score


def test_other_data_has_none() -> None:
    assert published("synthetic") == published("msmt17:/data") == []


def test_data_of_a_plug_in_that_is_not_loaded_has_none() -> None:
    assert published("npz:people.npz") == []
