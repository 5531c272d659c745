import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.errors import UserError
from nas.training.recipe import Recipe
from nas.training.sampling import epoch_batches


def batches(
    labels: list[int], batch: int, each: int, seed: int = 0, **fields: int
) -> list[list[int]]:
    recipe = Recipe(
        name="r", epochs=1, batch=batch, lr=0.1, sampler="identity", images_per_identity=each,
        **fields,  # type: ignore[arg-type]
    )  # fmt: skip
    generator = torch.Generator().manual_seed(seed)
    found = epoch_batches(np.array(labels, dtype=np.int64), recipe, generator)
    return [batch.tolist() for batch in found]


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=3, max_size=12),
    each=st.integers(2, 5),
    wanted=st.integers(2, 3),
    seed=st.integers(0, 1000),
)
def test_a_batch_holds_p_identities_with_k_images(
    sizes: list[int], each: int, wanted: int, seed: int
) -> None:
    labels = np.repeat(np.arange(len(sizes)) * 3 + 1, sizes)
    np.random.default_rng(seed).shuffle(labels)
    found = batches(labels.tolist(), wanted * each, each, seed)
    assert len(found) == max(1, len(labels) // (wanted * each))
    shown = dict.fromkeys(range(len(sizes)), 0)
    for batch in found:
        groups = [batch[i : i + each] for i in range(0, len(batch), each)]
        assert len({int(labels[group[0]]) for group in groups}) == len(groups) == wanted
        for group in groups:
            assert len({int(labels[i]) for i in group}) == 1
            identity = (int(labels[group[0]]) - 1) // 3
            shown[identity] += 1
            assert len(set(group)) == min(each, sizes[identity])
            times = [group.count(i) for i in set(group)]
            assert max(times) - min(times) <= 1
    assert max(shown.values()) - min(shown.values()) <= 1


def test_an_epoch_has_no_more_images_than_there_are() -> None:
    labels = [0] * 6 + [1] * 6
    assert batches(labels, 6, 3, epoch_images=1000) == batches(labels, 6, 3)
    assert len(batches(labels, 6, 3, epoch_images=6)) == 1


@pytest.mark.parametrize(("batch", "count"), [(2, 5), (3, 7)])
def test_no_batch_has_one_image_alone(batch: int, count: int) -> None:
    """Batch norm has nothing to go by there."""
    recipe = Recipe(name="r", epochs=1, batch=batch, lr=0.1)
    found = epoch_batches(np.zeros(count, dtype=np.int64), recipe, torch.Generator())
    assert [len(own) for own in found] == [batch, batch]


def test_all_images_of_an_identity_come_before_one_comes_again() -> None:
    labels = [0] * 6 + [1] * 6
    flat = [i for batch in batches(labels, 6, 3) for i in batch]
    assert sorted(flat) == list(range(12))


def test_the_same_seed_gives_the_same_batches_and_another_does_not() -> None:
    labels = [i // 5 for i in range(60)]
    assert batches(labels, 8, 4) == batches(labels, 8, 4)
    assert batches(labels, 8, 4) != batches(labels, 8, 4, seed=1)


def test_epoch_images_limits_the_batches() -> None:
    assert len(batches([i // 5 for i in range(60)], 8, 4, epoch_images=17)) == 2


def test_where_there_are_fewer_identities_each_has_more_images() -> None:
    labels = [i % 3 for i in range(60)]
    found = batches(labels, 16, 4)
    assert [len(batch) for batch in found] == [15] * 3
    for batch in found:
        assert [labels[i] for i in batch[::5]] == [labels[i] for i in batch[4::5]]
        assert {labels[i] for i in batch} == {0, 1, 2}
        assert len(set(batch)) == 15


def test_a_single_identity_is_an_error() -> None:
    with pytest.raises(UserError, match="the data has one identity only"):
        batches([0, 0, 0, 0], 4, 2)


def test_an_epoch_of_one_image_is_an_error() -> None:
    labels, generator = np.zeros(5, dtype=np.int64), torch.Generator()
    for count, cut in ((1, 0), (5, 1)):
        recipe = Recipe(name="r", epochs=1, batch=8, lr=0.1, epoch_images=cut)
        with pytest.raises(UserError, match="an epoch of one image"):
            epoch_batches(labels[:count], recipe, generator)


def test_a_random_epoch_shows_each_image_once_but_a_tiny_last_batch() -> None:
    recipe = Recipe(name="r", epochs=1, batch=8, lr=0.1)
    for count, shown in ((24, 24), (28, 28), (27, 24), (2, 2)):
        found = epoch_batches(np.zeros(count, dtype=np.int64), recipe, torch.Generator())
        flat = torch.cat(found).tolist()
        assert len(flat) == len(set(flat)) == shown
