from nas.architecture.canonical import segments
from nas.architecture.graph import Node, Pen


def drawn(order: str, *, shared: bool = False) -> tuple[bytes, ...]:
    """Two branches from one tensor, summed in the given order."""
    pen = Pen((4, 8, 8))
    x = pen.conv(pen.input, 4, 1, name="first")
    branches: dict[str, Node] = {}
    for name in sorted(order):
        kernel = {"a": 1, "b": 3, "c": 3}[name]
        weights = "same" if shared and name in "bc" else name
        branches[name] = pen.conv(x, 4, kernel, name=weights, shared=shared)
    return segments(pen.part(pen.relu(pen.add(*(branches[name] for name in order)))))


def test_the_order_of_summands_does_not_count() -> None:
    assert drawn("ab") == drawn("ba")


def test_sharing_weights_counts() -> None:
    assert drawn("bc") != drawn("bc", shared=True)


def test_names_do_not_count() -> None:
    one, other = Pen((4, 8, 8)), Pen((4, 8, 8))
    part = one.part(one.conv(one.input, 4, 3, name="conv"))
    renamed = other.part(other.conv(other.input, 4, 3, name="something.else"))
    assert segments(part) == segments(renamed)


def test_a_chain_is_the_same_however_it_is_divided_into_parts() -> None:
    whole, first = Pen((4, 8, 8)), Pen((4, 8, 8))
    x = whole.relu(whole.conv(whole.input, 4, 3, name="a"))
    together = whole.part(whole.conv(x, 8, 1, name="b"))
    head = first.part(first.relu(first.conv(first.input, 4, 3, name="a")))
    second = Pen((4, 8, 8))
    tail = second.part(second.conv(second.input, 8, 1, name="b"))
    assert segments(together) == segments(head) + segments(tail)


def test_a_tensor_that_is_used_later_is_not_cut() -> None:
    pen = Pen((4, 8, 8))
    y = pen.relu(pen.conv(pen.input, 4, 3, name="a"))
    assert len(segments(pen.part(pen.add(y, pen.input)))) == 1


def test_layers_that_nothing_reads_are_dropped() -> None:
    pen = Pen((4, 8, 8))
    pen.conv(pen.input, 4, 3, name="unused")
    assert len(pen.part(pen.conv(pen.input, 4, 1, name="used")).layers) == 1
