"""Data sets of a plug-in: a function that gives one, by a name that specs take."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

from nas.architecture import Architecture, Size, Stage
from nas.data import (
    Dataset,
    Images,
    check_dataset,
    check_spec,
    digest,
    fingerprint,
    load_dataset,
    prepare_dataset,
    relabel,
)
from nas.data.register import DATA, register_data
from nas.data.spec import SOURCES
from nas.errors import UserError
from nas.search.capacity import in_script
from nas.training import Job, load_recipe, run_job

EXAMPLE = Path(__file__).parents[2] / "examples" / "npz_data.py"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """What a test registers goes with it."""
    sources, data = dict(SOURCES), dict(DATA)
    yield
    SOURCES.clear()
    SOURCES.update(sources)
    DATA.clear()
    DATA.update(data)


def drawn(text: str) -> Dataset:
    return load_dataset(f"synthetic:ids={text or 10},size=32x16")


def test_it_is_loaded_checked_and_joined_as_any_other() -> None:
    register_data("mine", "reid")(drawn)
    check_spec("mine:12")
    prepare_dataset("mine", (32, 16))
    assert digest(load_dataset("mine:12")) == digest(drawn("12"))
    assert load_dataset("mine", (64, 32)).train.size == (64, 32)
    assert check_dataset("mine").ok
    joined = load_dataset("mine + synthetic:ids=14,size=32x16")
    assert joined.num_classes == 5 + 7
    scored = load_dataset("mine -> synthetic:ids=14,size=32x16")
    assert scored.num_classes == 5


def test_a_job_trains_on_it() -> None:
    register_data("mine", "reid")(drawn)
    network = Architecture((Stage(16, 1),), Size(32, 16), stem="conv3", stem_channels=8)
    recipe = load_recipe("quick-reid", ["epochs=1", "epoch_images=32", "rungs=[]"])
    mine, same = (
        run_job(Job("0", 0, network, recipe, data, 5, to_epoch=1))
        for data in ("mine:12", "synthetic:ids=12,size=32x16")
    )
    assert mine.outcome == "done" and mine.scores == same.scores


def test_a_job_reads_anew_what_a_notebook_registers_again() -> None:
    network = Architecture((Stage(16, 1),), Size(32, 16), stem="conv3", stem_channels=8)
    recipe = load_recipe("quick-reid", ["epochs=1", "epoch_images=32", "rungs=[]"])
    scores = []
    for ids in ("12", "16", "16"):

        def typed(text: str, ids: str = ids) -> Dataset:
            return drawn(ids)

        typed.__module__ = "__main__"
        register_data("mine", "reid")(typed)
        scores.append(run_job(Job("0", 0, network, recipe, "mine", 5, to_epoch=1)).scores)
    assert scores[0] != scores[1] == scores[2]


def test_a_run_knows_the_file_that_it_reads_by_its_size(tmp_path: Path) -> None:
    register_data("mine", "reid")(drawn)
    file = tmp_path / "people.npz"
    file.write_bytes(b"some")
    first = fingerprint(f"mine:{file} -> synthetic")
    file.write_bytes(b"others")
    assert first and fingerprint(f"mine:{file} -> synthetic") not in (first, "", None)
    assert fingerprint("mine:12") == ""


def test_a_text_it_has_to_have_is_asked_for() -> None:
    register_data("mine", "reid", takes="FILE")(drawn)
    with pytest.raises(UserError, match="nothing after the name; write mine:FILE"):
        check_spec("mine")


def broken(text: str) -> Dataset:
    raise KeyError("pixels")


def missing(text: str) -> Dataset:
    np.load("no.npz")  # which fails within numpy
    return drawn(text)


def classes(text: str) -> Dataset:
    images = Images(np.zeros((2, 8, 8, 3), np.uint8), np.arange(2))
    return Dataset("c", "classification", images, test=images)


def gaps(text: str) -> Dataset:
    own = drawn(text)
    assert own.query is not None
    return Dataset("g", "reid", own.query, own.query, own.gallery)


def some(*labels: int) -> Images:
    return Images(np.zeros((len(labels), 8, 8, 3), np.uint8), np.array(labels, np.int64))


def seen(*labels: int) -> Images:
    return replace(some(*labels), cameras=np.arange(len(labels)))


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (Dataset("m", "reid", some(0, 1), seen(1), seen(1)), "train has no cameras"),
        (Dataset("m", "reid", seen(0, 1), seen(1), some(1)), "gallery has no cameras"),
        (Dataset("m", "reid", seen(0, 1), seen(), seen(1)), "query has no images"),
        (Dataset("m", "reid", seen(0, 1), seen(0, 1), seen(0, 1)), "identity 0 is that of distra"),
        (Dataset("m", "reid", seen(), seen(1), seen(1)), "it has no images to train on"),
        (Dataset("m", "classification", some(0), test=some()), "test has no images"),
        (Dataset("m", "classification", some(), test=some(0)), "it has no images to train on"),
        (Dataset("m", "classification", some(0, 1), test=some(0, 2)), "labels of test are not all"),
        (Dataset("m", "classification", some(0, 1), test=some(-1)), "labels of test are not all"),
        (
            Dataset("m", "classification", some(0, 1), test=some(0), classes=("a",)),
            "1 names of classes for 2 of them in train",
        ),
    ],
)
def test_what_could_not_be_trained_or_scored_is_said_at_once(found: Dataset, message: str) -> None:
    register_data("m", found.task)(lambda text: found)
    with pytest.raises(UserError, match=f"^data m: {message}"):
        load_dataset("m")


def test_without_a_train_split_it_can_be_scored_on() -> None:
    register_data("mine", "reid")(lambda text: replace(drawn(text), train=seen()))
    assert not len(load_dataset("mine", (32, 16), train=False).train)
    assert load_dataset("synthetic:ids=14,size=32x16 -> mine").num_classes == 7


def test_classes_are_scored_without_a_train_split_too() -> None:
    own = Dataset("m", "classification", some(), test=some(2, 0), classes=("a", "b", "c"))
    register_data("m", "classification")(lambda text: own)
    found = load_dataset("m", train=False)
    assert found.test is not None and found.test.labels.tolist() == [2, 0]


def test_classes_without_names_are_joined_by_number() -> None:
    own = Dataset("m", "classification", some(0, 1, 2), test=some(2, 0))
    register_data("m", "classification")(lambda text: own)
    joined = load_dataset("m+m:2")
    assert joined.classes == ("0", "1", "2")
    assert joined.train.labels.tolist() == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize(
    "text", ["postgresql+psycopg://host/people", f"select {'a' * 300}", "~nobody-of-that-name"]
)
def test_its_text_may_be_none_that_a_path_can_be(text: str) -> None:
    register_data("mine", "reid")(drawn)
    check_spec(f"mine:{text}")


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (broken, r"^data mine: KeyError: 'pixels' \(test_register.py, line \d+\)$"),
        (missing, r"^data mine: FileNotFoundError: .*'no.npz' \(test_register.py, line \d+\)$"),
        (lambda text: None, "^data mine: its function did not give a nas.data.Dataset for reid$"),
        (classes, "^data mine: its function did not give a nas.data.Dataset for reid$"),
        (gaps, "^data mine: labels of train are 0 to 4 for 5 of them; nas.data.relabel"),
    ],
)
def test_what_is_wrong_with_it_is_one_line(load: Callable[[str], Dataset], message: str) -> None:
    register_data("mine", "reid")(load)
    with pytest.raises(UserError, match=message):
        load_dataset("mine")


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a+b", "9x", None])
def test_a_name_is_one_that_a_spec_can_have(name: str) -> None:
    with pytest.raises(UserError, match="name"):
        register_data(name, "reid")


def test_what_is_known_already_is_refused() -> None:
    register_data("mine", "reid")(drawn)
    for name in ("mine", "synthetic"):
        with pytest.raises(UserError, match=f"^data '{name}' is registered already$"):
            register_data(name, "reid")(drawn)
    with pytest.raises(UserError, match=r"^data 'other' is not a function$"):
        register_data("other", "reid")(3)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="task 'track' is neither"):
        register_data("other", "track")  # type: ignore[arg-type]


def test_that_of_a_script_is_known_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def typed(text: str) -> Dataset:
        return drawn(text)

    typed.__module__ = "__main__"
    register_data("mine", "reid")(typed)
    assert in_script() == ["data mine"]


def test_the_example_reads_arrays(tmp_path: Path) -> None:
    run_path(str(EXAMPLE))
    random = np.random.default_rng(0)
    person = np.repeat([3, 4, 5, 0, 7, 8], 4)
    np.savez(
        tmp_path / "people.npz", pixels=random.integers(0, 255, (24, 32, 16, 3), np.uint8),
        person=person, camera=np.tile([1, 1, 2, 2], 6), train=np.arange(24) < 12,
    )  # fmt: skip
    found = load_dataset(f"npz:{tmp_path / 'people.npz'}")
    assert found.train.labels.tolist() == relabel(person[:12]).tolist()
    assert found.query is not None and found.gallery is not None
    assert found.query.labels.tolist() == [1, 1, 5, 5, 6, 6]
    assert found.query.rows is not None and found.query.rows.tolist() == [12, 14, 16, 18, 20, 22]
    assert found.gallery.labels.tolist() == [1, 1, 5, 5, 6, 6]
    assert check_dataset(f"npz:{tmp_path / 'people.npz'}").ok
