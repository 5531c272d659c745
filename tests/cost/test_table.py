from nas.cost import COSTS, cost, receptive_fields, table
from nas.space import load_space


def test_the_frame_has_every_distinct_architecture_with_its_exact_cost() -> None:
    space = load_space("osnet-mini")
    frame = table(space)
    assert len(frame) == space.count().value
    for (_, row), point in zip(frame.iterrows(), space.enumerate(), strict=True):
        assert all(row[name] == point[name] for name in point if name in frame)
    for index in (0, 57, 203):
        point = list(space.enumerate())[index]
        exact = cost(space.architecture(point)).as_dict()
        assert {name: frame[name][index] for name in COSTS} == exact


def test_the_receptive_field_is_that_of_the_last_map_before_the_head() -> None:
    for name in ("osnet-mini", "osnet-paper"):
        space = load_space(name)
        frame = table(space)
        points = list(space.enumerate())
        for index in range(0, len(points), 40):
            fields = list(receptive_fields(space.architecture(points[index])).values())
            assert frame["receptive_field"][index] == fields[-3]
