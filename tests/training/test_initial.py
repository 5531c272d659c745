from pathlib import Path

import pytest
import torch

from nas.architecture import Architecture, Size, Stage, preset
from nas.errors import UserError
from nas.models import build, inherit
from nas.models.weights import save_network, to_torchreid
from nas.training import Recipe, load_recipe
from nas.training.initial import _source, begin, inherited, load_initial

TINY = Architecture((Stage(8, 1), Stage(8, 1)), Size(16, 8), stem="conv3", stem_channels=4)


def test_a_self_contained_file_with_its_classifier(tmp_path: Path) -> None:
    source = build(TINY, 5, seed=1)
    save_network(source, tmp_path / "a.safetensors")
    network = build(TINY.resized(Size(32, 16)), 5, seed=2)
    assert load_initial(network, tmp_path / "a.safetensors").endswith("with its classifier")
    for name, value in source.state_dict().items():
        assert torch.equal(network.state_dict()[name], value), name


@pytest.mark.parametrize("classes", [0, 7])
def test_a_classifier_for_other_classes_is_left_as_initialised(
    tmp_path: Path, classes: int
) -> None:
    source, network = build(TINY, classes, seed=1), build(TINY, 5, seed=2)
    save_network(source, tmp_path / "a.safetensors")
    about = load_initial(network, tmp_path / "a.safetensors")
    assert f"a new classifier for 5 classes (there: {classes})" in about
    fresh = build(TINY, 5, seed=2)
    for name, value in network.state_dict().items():
        own = name.startswith("classifier.")
        assert torch.equal(value, (fresh if own else source).state_dict()[name]), name


def test_as_many_classes_with_other_names_have_a_new_classifier(tmp_path: Path) -> None:
    source, network = build(TINY, 2, seed=1), build(TINY, 2, seed=2)
    source.classes = ("cat", "dog")
    save_network(source, tmp_path / "a.safetensors")
    network.classes = ("dog", "fox")
    assert "for 2 classes (there: 2, other ones)" in load_initial(
        network, tmp_path / "a.safetensors"
    )
    network.classes = ()  # not known
    assert load_initial(network, tmp_path / "a.safetensors").endswith("with its classifier")


@pytest.mark.parametrize("name", ["osnet_x0_25", "osnet_ain_x0_25"])
def test_a_checkpoint_of_torchreid(tmp_path: Path, name: str) -> None:
    source = build(preset(name), 1000, seed=1)
    state = {f"module.{name}": value for name, value in to_torchreid(source).items()}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "a.pth")
    network = build(preset(name), 5, seed=2)
    assert "a new classifier" in load_initial(network, tmp_path / "a.pth")
    weight = "conv2.0.conv2b.0.conv1.weight"
    assert torch.equal(network.state_dict()[weight], source.state_dict()[weight])


def test_a_variant_of_torchreids_is_told_what_to_do(tmp_path: Path) -> None:
    torch.save(to_torchreid(build(preset("osnet_x0_25"), 5)), tmp_path / "a.pth")
    with pytest.raises(UserError, match=r"only conv7; a variant begins .* --set weights=FILE"):
        load_initial(build(TINY, 5), tmp_path / "a.pth")


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_text("no tensors")
    with pytest.raises(UserError, match="not a file of tensors"):
        load_initial(build(TINY, 5), tmp_path / "a.safetensors")


def test_weights_of_another_network_are_one_line(tmp_path: Path) -> None:
    deeper = Architecture((Stage(8, 2), Stage(8, 1)), Size(16, 8), stem="conv3", stem_channels=4)
    save_network(build(deeper, 5), tmp_path / "a.safetensors")
    with pytest.raises(UserError, match=r"--init: .*a.safetensors: weights of another network: "):
        load_initial(build(TINY, 5), tmp_path / "a.safetensors")


def test_equal_shapes_of_another_architecture_are_refused(tmp_path: Path) -> None:
    other = Architecture(
        (Stage(8, 1, downsample=2), Stage(8, 1)), Size(16, 8), stem="conv3", stem_channels=4
    )
    pooled = Architecture(
        (Stage(8, 1, downsample=1), Stage(8, 1)), Size(16, 8), stem="conv3", stem_channels=4
    )
    save_network(build(pooled, 5), tmp_path / "a.safetensors")
    with pytest.raises(UserError, match=r"--init: .*another network"):
        load_initial(build(other, 5), tmp_path / "a.safetensors")


def test_a_training_begins_with_what_fits_of_other_weights(tmp_path: Path) -> None:
    """Of the recipe's file; but for the classifier, which is the training's own."""
    source = build(TINY, 5, seed=1)
    save_network(source, tmp_path / "a.safetensors")
    plain = Recipe(name="r", epochs=1, batch=8, lr=0.1)
    recipe = load_recipe(plain, [f"weights={tmp_path / 'a.safetensors'}"])
    wide = Architecture((Stage(8, 1), Stage(12, 1)), Size(16, 8), stem="conv3", stem_channels=4)
    found, fresh = begin(wide, 5, recipe, seed=2), begin(wide, 5, plain, seed=2)
    expected = build(wide, 5, seed=2)
    assert all(torch.equal(fresh.state_dict()[n], v) for n, v in expected.state_dict().items())
    source.classifier = None
    inherit(expected, source)
    assert all(torch.equal(found.state_dict()[n], v) for n, v in expected.state_dict().items())
    assert not torch.equal(found.state_dict()["conv1.conv.weight"], fresh.conv1.conv.weight)
    assert torch.equal(found.classifier.weight, fresh.classifier.weight)  # type: ignore[union-attr]
    said = inherited(wide, recipe)
    assert 10 < float(said.split("%")[0]) < 100 and said.endswith(
        f"of {tmp_path / 'a.safetensors'}"
    )
    assert inherited(TINY, recipe).startswith("100%")


def test_another_file_of_that_name_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    save_network(build(TINY, seed=1), file)
    recipe = load_recipe("quick", [f"weights={file}"])
    save_network(build(TINY, seed=2), file)
    _source.cache_clear()
    with pytest.raises(UserError, match=r"a.safetensors is another file than when the recipe was"):
        begin(TINY, 3, recipe, seed=0)
    again = load_recipe(recipe)
    assert again.weights_digest != recipe.weights_digest
    begin(TINY, 3, again, seed=0)
    assert load_recipe(again, ["weights=''"]).weights_digest == ""
    with pytest.raises(UserError, match=r"a.pth is no .safetensors file: `weights import` makes"):
        load_recipe("quick", ["weights=a.pth"])
    (tmp_path / "no.safetensors").write_bytes(b"none")
    for name, message in (("no", "not a file of tensors"), ("none", "No such file")):
        with pytest.raises(UserError, match=message):
            load_recipe("quick", [f"weights={tmp_path / name}.safetensors"])
