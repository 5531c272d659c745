"""What is near to what was given is said, wherever there is a list of names."""

from pathlib import Path

import numpy as np
import pytest

from nas.data import check_spec
from nas.errors import UserError, brief, meant
from nas.search import open_run
from nas.space import load_space
from nas.training import load_recipe
from tests.made_up_runs import make_run


def test_the_nearest_is_meant_or_none() -> None:
    assert meant("strems", ["streams", "stem"]) == "; did you mean streams?"
    assert meant("x", ["streams"]) == meant("", []) == ""


def test_what_was_given_is_shown_on_one_line_as_it_was() -> None:
    assert brief("my  space") == "'my  space'"
    assert brief(UserError) == repr(UserError)
    assert brief(np.eye(2)) == "array([[1., 0.], [0., 1.]])"
    assert brief("x" * 300) == f"'{'x' * 199}..."


def test_names_that_are_nearly_right(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("extends: quick\nname: r\nepoch: 3\n")
    for ask, near in (
        (lambda: check_spec("market:/data"), "did you mean market1501?"),
        (lambda: check_spec("Market1501:/data"), "did you mean market1501?"),
        (lambda: load_space("osnet-mni"), "did you mean osnet-mini?"),
        (lambda: load_recipe("quik"), "did you mean quick?"),
        (lambda: load_recipe("quick", ["epoch=1"]), "did you mean epochs?"),
        (lambda: load_recipe(str(tmp_path / "r.yaml")), "did you mean epochs?"),
    ):
        with pytest.raises(UserError) as caught:
            ask()
        assert near in str(caught.value) and "\n" not in str(caught.value)


def test_a_run_where_a_space_or_a_run_without_a_trial_is_wanted(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a")
    (run / "space.yaml").write_text("space: s\n")
    with pytest.raises(UserError, match=r"; there is .*a/space\.yaml$"):
        load_space(str(run))
    with pytest.raises(UserError, match=r"a#3 is not a run: .*; .*/a is one, without #$"):
        open_run(f"{run}#3")
