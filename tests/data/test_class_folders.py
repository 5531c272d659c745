"""Classification sets from folders, and CIFAR in both of its versions."""

import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from nas.data import check_spec, load_dataset
from nas.errors import UserError
from tests.data import trees


def test_classes_are_the_sorted_folders_of_train(tmp_path: Path) -> None:
    dataset = load_dataset(f"folder:{trees.make(tmp_path, trees.CLASSES)}", (16, 8))
    assert dataset.classes == ("ant", "cat")
    assert dataset.train.labels.tolist() == [0, 0, 1, 1]
    assert dataset.test is not None and dataset.test.labels.tolist() == [0, 1]
    # ant/c.jpg, ant/deep/d.jpg, cat/a.PNG, cat/b.jpg
    expected = [list(trees.colour(i)) for i in (2, 3, 1, 0)]
    assert dataset.train.pixels[:, 0, 0].tolist() == expected


def test_val_is_the_test_split_where_there_is_no_test(tmp_path: Path) -> None:
    tree = {name.replace("test", "val"): files for name, files in trees.CLASSES.items()}
    spec = f"folder:{trees.make(tmp_path, tree)}"
    assert len(load_dataset(spec).splits["test"]) == 2
    trees.make(tmp_path, {"test/ant": ["g.jpg"]})
    assert len(load_dataset(spec).splits["test"]) == 1


def test_folders_that_are_linked_are_read_and_each_once(tmp_path: Path) -> None:
    root = trees.make(tmp_path / "data", trees.CLASSES)
    trees.make(tmp_path / "far", {"deep": ["x.png"]})
    (root / "train" / "bee").mkdir()
    (root / "train" / "bee" / "more").symlink_to(tmp_path / "far")
    trees.make(root, {"test/bee": ["y.png"], "train/.hidden": ["z.png"]})
    (tmp_path / "far" / "round").symlink_to(tmp_path / "far")
    (tmp_path / "far" / "twice").symlink_to(tmp_path / "far" / "deep")
    dataset = load_dataset(f"folder:{root}", (16, 8))
    assert dataset.classes == ("ant", "bee", "cat")
    assert dataset.train.labels.tolist() == [0, 0, 1, 2, 2]


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"test/ant": ["a.jpg"]}, "no folder train in"),
        ({"train/ant": ["a.jpg"]}, "no folder test or val in"),
        ({"train/ant": ["a.jpg"], "test/bee": ["a.jpg"]}, "class 'bee' is not one of train"),
        ({"train/ant": ["a.jpg"], "train/bee": ["a.txt"], "test/ant": ["a.jpg"]}, "no images of"),
        ({"train": ["a.jpg"], "test/ant": ["a.jpg"]}, "train: no images; it holds a folder of"),
    ],
)
def test_what_is_wrong_with_class_folders_is_one_line(
    tree: dict[str, list[str]], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        load_dataset(f"folder:{trees.make(tmp_path, tree)}")
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_is_read_from_its_binary_version(name: str, tmp_path: Path) -> None:
    dataset = load_dataset(f"{name}:{trees.make_cifar(tmp_path, name)}")
    train, test = dataset.train, dataset.test
    files = 1 if name == "cifar100" else 5
    assert train.labels.tolist() == [0, 1, 2, 3] * files
    assert train.pixels.shape == (4 * files, 32, 32, 3)
    assert [tuple(p) for p in train.pixels[:, 31, 0].tolist()] == [
        trees.colour(i) for i in range(4 * files)
    ]
    assert test is not None and tuple(test.pixels[0, 0, 0].tolist()) == trees.colour(4 * files)
    assert dataset.classes[:2] == ("class 00", "class 01")


def test_rows_of_a_binary_image_go_from_left_to_right(tmp_path: Path) -> None:
    trees.make_cifar(tmp_path, "cifar100")
    plane = bytes(range(256)) * 4
    (tmp_path / "train.bin").write_bytes(b"\0\0" + plane + bytes(1024) + plane[::-1])
    image = load_dataset(f"cifar100:{tmp_path}").train.pixels[0]
    assert image[0, :3].tolist() == [[0, 0, 255], [1, 0, 254], [2, 0, 253]]
    assert image[1, 0].tolist() == [32, 0, 223]


def old_text(value: bytes) -> bytes:
    """A text as Python 2 pickles it: BINSTRING."""
    return b"T" + struct.pack("<i", len(value)) + value


def old_batch(images: int, label_key: bytes = b"labels", planes: bytes | None = None) -> bytes:
    """A batch as Python 2 wrote it with protocol 2: {data: uint8 array, labels: [...]}."""
    raw = planes if planes is not None else bytes(range(256)) * (12 * images)
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85" + old_text(b"b")
    array += b"\x87R(K\1K" + bytes([images]) + b"M\0\x0c\x86"
    array += b"cnumpy\ndtype\n" + old_text(b"u1") + b"K\0K\1\x87R(K\3" + old_text(b"|")
    array += b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89" + old_text(raw) + b"tb"
    labels = b"](" + b"".join(b"K" + bytes([i % 10]) for i in range(images)) + b"e"
    return b"\x80\x02}(" + old_text(b"data") + array + old_text(label_key) + labels + b"u."


def old_names(key: bytes, count: int) -> bytes:
    names = b"".join(old_text(b"class %02d" % i) for i in range(count))
    return b"\x80\x02}" + old_text(key) + b"](" + names + b"es."


def make_python_cifar10(root: Path) -> Path:
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        (root / name).write_bytes(old_batch(3))
    (root / "batches.meta").write_bytes(old_names(b"label_names", 10))
    return root


def test_the_old_batch_of_these_tests_is_what_pickle_reads() -> None:
    found = pickle.loads(old_batch(2), encoding="latin-1")
    assert found["data"].shape == (2, 3072) and found["data"].dtype == np.uint8
    assert found["labels"] == [0, 1]


def test_cifar_is_read_from_its_python_version(tmp_path: Path) -> None:
    dataset = load_dataset(f"cifar10:{make_python_cifar10(tmp_path)}")
    planes = pickle.loads(old_batch(3), encoding="latin-1")["data"]
    assert dataset.train.labels.tolist() == [0, 1, 2] * 5
    assert dataset.train.pixels[2, 5, 6].tolist() == [
        planes[2, c * 1024 + 5 * 32 + 6] for c in range(3)
    ]
    assert dataset.classes[9] == "class 09"


def test_cifar100_is_read_from_its_python_version_with_fine_labels(tmp_path: Path) -> None:
    (tmp_path / "train").write_bytes(old_batch(3, b"fine_labels"))
    (tmp_path / "test").write_bytes(old_batch(2, b"fine_labels"))
    (tmp_path / "meta").write_bytes(old_names(b"fine_label_names", 100))
    assert load_dataset(f"cifar100:{tmp_path}").train.labels.tolist() == [0, 1, 2]


def test_an_array_that_numpy_pickles_today_is_read_too(tmp_path: Path) -> None:
    make_python_cifar10(tmp_path)
    array = np.arange(2 * 3072).reshape(2, 3072).astype(np.uint8)
    batch = {"data": array, "labels": [7, 8]}
    (tmp_path / "test_batch").write_bytes(pickle.dumps(batch, protocol=4))
    test = load_dataset(f"cifar10:{tmp_path}").test
    assert test is not None and test.labels.tolist() == [7, 8]
    assert np.array_equal(test.pixels[1, 0, :, 0], array[1, :32])


class Harm:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("harm"),)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "refused, not a plain pickle"),
        (b"cos\nsystem\n(S'touch harm'\ntR.", "it asks for os.system"),
        (b"cbuiltins\neval\n(S'1'\ntR.", "it asks for builtins.eval"),
        (b"cnumpy\nload\n(S'x'\ntR.", "it asks for numpy.load"),
        (b"Pid\n.", "it asks for an object from elsewhere"),
        (b"r\xff\xff\xff\xff.", "refused, not a plain pickle"),  # memo index: memory in C
        (pickle.dumps(Harm()), "it asks for"),
        (pickle.dumps([1]), "it holds no dict"),
        (pickle.dumps({"data": np.zeros((2, 3072)), "labels": [0, 1]}), "not of uint8"),
        (pickle.dumps({"data": np.zeros((2, 9), np.uint8), "labels": [0, 1]}), "no images of 32"),
        (pickle.dumps({"data": [1], "labels": [0]}), "no images of 32x32"),
        (old_batch(2, b"other"), "holds no labels"),
        (old_batch(2)[:-5000], "refused, not a plain pickle"),
        (old_batch(2, planes=b"short"), "refused, not a plain pickle"),
    ],
)
def test_a_pickle_of_anything_else_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    make_python_cifar10(tmp_path)
    (tmp_path / "data_batch_3").write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        load_dataset(f"cifar10:{tmp_path}")
    assert str(caught.value).startswith(str(tmp_path / "data_batch_3"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("data_batch_2.bin", b"\0" * 5000, "5000 bytes are no records of 3073"),
        ("data_batch_2.bin", b"", "0 bytes are no records of 3073"),
        ("data_batch_2.bin", b"\x0a" + bytes(3072), "labels are not 0 to 9"),
        ("batches.meta.txt", b"a\nb\na\n", "names of classes are missing or twice there"),
    ],
)
def test_damaged_binary_files_are_named(
    file: str, content: bytes, message: str, tmp_path: Path
) -> None:
    trees.make_cifar(tmp_path, "cifar10")
    (tmp_path / file).write_bytes(content)
    with pytest.raises(UserError, match=f"{file}: .*{message}"):
        load_dataset(f"cifar10:{tmp_path}")


def test_a_missing_batch_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has neither data_batch_1\.bin nor data_batch_1$"):
        check_spec(f"cifar10:{tmp_path}")
    trees.make_cifar(tmp_path, "cifar10")
    (tmp_path / "data_batch_4.bin").unlink()
    with pytest.raises(UserError, match=f"no file data_batch_4.bin in {tmp_path}"):
        check_spec(f"cifar10:{tmp_path}")
