"""Names of data sets: what they load, and what is said of those that are wrong."""

from pathlib import Path

import pytest

from nas.data import check_spec, digest, load_dataset, written
from nas.data.spec import SOURCES
from nas.data.synthetic import synthetic
from nas.data.synthetic_options import synthetic_options
from nas.errors import UserError


def test_options_reach_the_generator() -> None:
    loaded = load_dataset("synthetic:size=32x16,ids=10,seed=4")
    assert digest(loaded) == digest(synthetic(ids=10, size=(32, 16), seed=4))


def test_size_is_height_then_width() -> None:
    assert synthetic_options("size=128x64") == {"size": (128, 64)}


@pytest.mark.parametrize(
    "spec", ["synthetic", "synthetic:ids=10", "synthetic:ids=400,size=128x64,seed=1", " synthetic "]
)
def test_good_specs_pass(spec: str) -> None:
    check_spec(spec)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "'' is not a data set; valid are synthetic"),
        ("cifar", "'cifar' is not a data set; valid are synthetic"),
        ("Synthetic", "'Synthetic' is not a data set"),
        ("synthetic:", "nothing after the colon"),
        ("synthetic:people=3", "'people=3' is not one of ids=NUMBER"),
        ("synthetic:ids", "'ids' is not one of"),
        ("synthetic:ids=10,", "'' is not one of"),
        ("synthetic:ids=many", "ids='many' is not a whole number 10..10000"),
        ("synthetic:ids=9", "ids='9' is not a whole number 10..10000"),
        ("synthetic:ids=-50", "ids='-50' is not"),
        ("synthetic:ids=1_000", "ids='1_000' is not"),
        ("synthetic:ids=20,ids=30", "ids is given twice"),
        ("synthetic:seed=1.5", "seed='1.5' is not a whole number"),
        ("synthetic:seed=9999999999999999999", "seed="),
        ("synthetic:size=128", "size='128' is not HEIGHTxWIDTH, such as 128x64"),
        ("synthetic:size=8x64", "size, height='8' is not a whole number 16..512"),
        ("synthetic:size=64x1000", "size, width='1000' is not a whole number 8..512"),
        ("synthetic:ids=10000,size=512x256", "44 GiB of memory, at most 16 GiB"),
        ("fashion-mnist:/no/such/folder", "no folder /no/such/folder"),
        ("market1501", "nothing after the name; write market1501:PATH"),
        ("synthetic:ids=10 -> ", "nothing after ->"),
        (
            "synthetic:ids=10 -> marke1501:/b",
            "'marke1501' is not a data set; did you mean market1501?",
        ),
        ("market1501:/a+msmt:/b", "'msmt' is not a data set; did you mean msmt17?"),
        ("folder:", "nothing after the colon; write folder:PATH"),
    ],
)
def test_bad_specs_are_refused_in_one_line(spec: str, message: str) -> None:
    for function in (check_spec, load_dataset):
        with pytest.raises(UserError) as caught:
            function(spec)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_folder_without_the_files_is_refused_before_loading(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no file train-images-idx3-ubyte.gz"):
        check_spec(f"fashion-mnist:{tmp_path}")


def test_equal_specs_are_written_in_one_way() -> None:
    one = "msmt17:/a/b+cuhk03:c -> market1501:~/d"
    for other in ("msmt17:/a//b/+cuhk03: ./c->market1501:~/d/", f" {one} "):
        assert written(other) == written(one) == one
    for own in ("synthetic", "synthetic:ids=10,size=32x16", "folder:a/../b", "nothing:/a/", ""):
        assert written(own) == own


@pytest.mark.parametrize("size", ["32x16", (32,), (32, 0), (32, 16.0), 32])
def test_a_size_is_two_whole_numbers(size: object) -> None:
    with pytest.raises(UserError, match=r"^size"):
        load_dataset("synthetic:ids=10", size)  # type: ignore[arg-type]


def test_usages_start_with_their_names() -> None:
    assert all(source.usage.startswith(name) for name, source in SOURCES.items())


def test_the_page_on_data_sets_names_every_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    assert all(f"`{source.usage}`" in page for source in SOURCES.values())
