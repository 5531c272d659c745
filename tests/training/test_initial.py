from pathlib import Path

import pytest
import torch

from nas.architecture import Architecture, Size, Stage, preset
from nas.errors import UserError
from nas.models import build
from nas.models.weights import save_network, to_torchreid
from nas.training.initial import load_initial

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
