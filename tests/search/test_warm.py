"""Trials of an earlier run in a new one, and architectures to begin with."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import nas.space.table
from nas.architecture import Size, key, preset
from nas.errors import UserError
from nas.search import open_run, run_search
from nas.search.checkpoints import kept_checkpoints
from nas.space import from_yaml, load_space
from nas.training.augmentation_kinds import AUGMENTATIONS

pytestmark = pytest.mark.usefixtures("inline")


@pytest.fixture
def earlier(tiny: dict[str, Any], tmp_path: Path) -> Path:
    run_search(budget="4trials", workers=2, **tiny)
    return Path(tiny["out"])


def again(tiny: dict[str, Any], tmp_path: Path, **changed: Any) -> dict[str, Any]:
    return tiny | {"out": str(tmp_path / "second")} | changed


def test_trials_are_taken_over_as_they_are_and_cost_nothing(
    tiny: dict[str, Any], tmp_path: Path, earlier: Path
) -> None:
    run = run_search(budget="2trials", workers=1, warm_start=[earlier], **again(tiny, tmp_path))
    before, trials = open_run(earlier).all_trials(), run.all_trials()
    assert len(trials) == 6
    for old, new in zip(before, trials[:4], strict=True):
        assert (new.key, new.state, new.scores, new.rungs) == (
            old.key,
            old.state,
            old.scores,
            old.rungs,
        )
        assert new.note == {"from": f"{earlier}#{old.number}"}
        assert (new.epochs, new.images, new.seconds) == (0, 0, 0)
    assert all(trial.epochs > 0 and not trial.imported for trial in trials[4:])
    assert set(kept_checkpoints(run.path)) >= set(run.front()["trial"])


def test_taken_over_or_trained_here_a_search_goes_on_alike(
    tiny: dict[str, Any], tmp_path: Path
) -> None:
    """Where the end of the earlier budget makes nothing climb that would wait else."""
    tiny = tiny | {"sampler": "random"}
    recipe = Path(tiny["recipe"])
    recipe.write_text(recipe.read_text().replace("epochs: 1", "epochs: 2\nrungs: [1]"))
    earlier = tmp_path / "earlier"
    run_search(budget="4trials", workers=1, confirm=0.0, **(tiny | {"out": str(earlier)}))
    assert {t.state for t in open_run(earlier).all_trials()} == {"stopped", "complete"}
    options = again(tiny, tmp_path) | {"warm_start": [earlier]}
    warm = run_search(budget="3trials", workers=1, confirm=0.0, **options)
    whole = run_search(budget="7trials", workers=1, confirm=0.0, **tiny)

    def told(run: Any) -> list[tuple[Any, ...]]:
        return [(t.key, t.rungs, t.digests[t.epoch]) for t in run.all_trials()]

    assert told(warm) == told(whole)


def test_a_second_start_takes_nothing_over_again(
    tiny: dict[str, Any], tmp_path: Path, earlier: Path
) -> None:
    options = again(tiny, tmp_path) | {"warm_start": [earlier]}
    run_search(budget="1trial", workers=1, **options)
    run = run_search(budget="2trials", workers=1, **options)
    assert [trial.imported for trial in run.all_trials()] == [True] * 4 + [False] * 2


def test_a_baseline_that_is_taken_over_or_was_tried_before_it_was_one_has_its_name(
    tiny: dict[str, Any], tmp_path: Path, earlier: Path
) -> None:
    tried = open_run(earlier).all_trials()[2]
    space = replace(load_space(tiny["space"]), baselines=(("mine", tried.architecture),))
    options = tiny | {"space": space, "budget": "4trials", "confirm": 0.0}
    run_search(**options)
    warm = run_search(warm_start=[earlier], **again(options, tmp_path, budget="1trial"))
    for run in (open_run(earlier), warm):
        names = [trial.baseline for trial in run.all_trials()]
        assert names[2] == "mine" and names.count("mine") == 1


def test_a_take_over_that_was_cut_short_is_finished(
    tiny: dict[str, Any], tmp_path: Path, earlier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a trial: it is there, and its score is not."""
    from nas.search import warm

    score, calls = warm._score, []

    def dies(*args: Any) -> None:
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        score(*args)

    options = again(tiny, tmp_path) | {"warm_start": [earlier]}
    monkeypatch.setattr(warm, "_score", dies)
    with pytest.raises(KeyboardInterrupt):
        run_search(budget="1trial", workers=1, **options)
    monkeypatch.setattr(warm, "_score", score)
    run = run_search(budget="1trial", workers=1, **options)
    trials = run.all_trials()
    assert [trial.imported for trial in trials] == [True] * 4 + [False]
    assert [t.scores for t in trials[:4]] == [t.scores for t in open_run(earlier).all_trials()]
    assert all(trial.epochs == 0 for trial in trials[:4])


def test_what_a_narrower_space_has_not_is_left_out(
    tiny: dict[str, Any], tmp_path: Path, earlier: Path
) -> None:
    trials = open_run(earlier).all_trials()
    limit = int(max(t.costs["macs"] for t in trials)) - 1
    narrow = tmp_path / "narrow.yaml"
    narrow.write_text(Path(tiny["space"]).read_text() + f"  - macs <= {limit}\n")
    told: list[str] = []

    class View:
        def opened(self, path: Path) -> None: ...
        def update(self, status: Any) -> None: ...
        def finished(self, trial: Any, status: Any) -> None: ...
        def notice(self, text: str) -> None:
            told.append(text)

    options = again(tiny, tmp_path, space=str(narrow))
    run = run_search(budget="1trial", workers=1, warm_start=[earlier], view=View(), **options)
    inside = [t.key for t in trials if t.costs["macs"] <= limit]
    assert [t.key for t in run.all_trials() if t.imported] == inside
    assert told[0] == (
        f"{len(inside)} trials of earlier runs are taken over; "
        f"{len(trials) - len(inside)} are not in the space"
    )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"seed": 5}, "differs in seed: 0 there, 5 here"),
        ({"data": "synthetic:ids=12,size=32x16,seed=9"}, "differs in data"),
    ],
)
def test_a_run_with_other_scores_is_refused(
    tiny: dict[str, Any], tmp_path: Path, earlier: Path, changed: dict[str, Any], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        run_search(
            budget="1trial", workers=1, warm_start=[earlier], **again(tiny, tmp_path, **changed)
        )
    assert not (tmp_path / "second").exists()


def test_another_recipe_is_refused_by_the_field_that_differs(
    tiny: dict[str, Any], tmp_path: Path, earlier: Path
) -> None:
    about = json.loads((earlier / "run.json").read_text())
    about["asked"]["recipe"]["lr"] = 0.5
    (earlier / "run.json").write_text(json.dumps(about))
    with pytest.raises(UserError, match=r"differs in recipe\.lr: 0\.5 there"):
        run_search(budget="1trial", workers=1, warm_start=[earlier], **again(tiny, tmp_path))


def test_a_recipe_with_a_list_is_the_same_once_it_was_written(
    tiny: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(AUGMENTATIONS, "own", lambda pixels, recipe, generator: pixels)
    own = tiny | {"overrides": ["augment=own"], "workers": 1, "budget": "1trials"}
    run_search(**own)
    assert len(run_search(warm_start=tiny["out"], **again(own, tmp_path)).all_trials()) == 2


def test_scores_of_the_test_split_are_not_taken_over(
    tiny: dict[str, Any], tmp_path: Path, earlier: Path
) -> None:
    """As an ablation has them."""
    about = json.loads((earlier / "run.json").read_text())
    options = again(tiny, tmp_path) | {"warm_start": [earlier]}
    for split in ("test", "validation"):
        about["asked"]["split"] = split
        (earlier / "run.json").write_text(json.dumps(about))
        if split == "test":
            with pytest.raises(UserError, match="differs in split: test there, validation here"):
                run_search(budget="1trial", workers=1, **options)
        else:
            assert len(run_search(budget="1trial", workers=1, **options).all_trials()) == 5


def test_architectures_to_begin_with_are_tried_first_at_the_input_of_the_space(
    tiny: dict[str, Any],
) -> None:
    space = load_space(tiny["space"])
    points = list(space.enumerate())
    first = [space.architecture(points[number]) for number in (3, 1)]
    given = [first[0].resized(Size(256, 128)), first[1]]
    run = run_search(budget="3trials", workers=1, init=given, **tiny)
    assert [trial.key for trial in run.all_trials()][:2] == [key(own) for own in first]


def test_one_that_is_not_in_the_space_is_refused(tiny: dict[str, Any]) -> None:
    space = load_space(tiny["space"])
    inside = space.architecture(next(iter(space.enumerate())))
    for own, why in (
        (preset("osnet_x1_0"), "it breaks params <= 100k"),
        (replace(inside, width=0.1), r"width is 0\.1, and may be 0\.0625, 0\.125"),
        (replace(inside, embedding=64), "embedding is 64, and is 512 there"),
    ):
        with pytest.raises(UserError, match=f"--init: .* is not in the space tiny: {why}$"):
            run_search(budget="1trial", workers=1, init=[own], **tiny)


def test_a_space_names_the_point_of_each_of_its_architectures() -> None:
    space = from_yaml(
        "space: two\nbase: osnet_x0_25\ninput: 64x32\n"
        "parameters:\n  stages[0].streams: [1, 2]\n  stages[0].gate: [none, unified]\n"
    )
    for point in space.enumerate():
        assert space.point_of(space.architecture(point)) == point
    assert space.point_of(preset("osnet_x1_0")) is None


def test_a_space_too_large_to_list_names_the_point_of_what_is_written_as_one_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = (
        "space: two\nbase: osnet_x0_25\ninput: 64x32\nparameters:\n"
        "  stages[0].streams: [1, 2]\n  stages[0].gate: [none, unified]\n"
        "constraints:\n  - stages[0].streams < 2 or stages[0].gate == none\n"
    )
    points = list(from_yaml(text).enumerate())
    monkeypatch.setattr(nas.space.table, "MAX_POINTS", 3)
    space = from_yaml(text)
    for point in points:
        assert space.point_of(space.architecture(point)) == point
    broken = space.architecture({"stages[0].streams": 2, "stages[0].gate": "unified"})
    assert space.point_of(broken) is None
    free = from_yaml(text.partition("constraints")[0])
    with pytest.raises(UserError, match="two: its 4 raw points are too many to look for"):
        free.point_of(preset("osnet_x1_0").resized(free.base.input))
