from pathlib import Path

import pytest

from nas.errors import UserError
from nas.training import Recipe, load_recipe
from nas.training.recipe import check_for_search, recipe_for_search, shipped_recipes


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipe_is_named_as_its_file(name: str) -> None:
    assert load_recipe(name).name == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\nepochs: 0\nbatch: 8\nlr: 0.1\n", "r.yaml:2: epochs: "),
        ("name: x\nepochs: 1\nbatch: 8\nlr: -1\n", "r.yaml:4: lr: "),
        ("name: x\nepochs: 1\nbatch: 8\nlr: 1\nbogus: 2\n", "r.yaml:5: bogus is not one of name"),
        ("name: x\nepochs: 1\nbatch: 8\n", "r.yaml:1: lr: Field required"),
        (
            "name: x\nepochs: 1\nbatch: 8\nlr: 1\nloss: both\n",
            "r.yaml:1: loss both needs sampler identity",
        ),
        ("name: x\nextends: quick\nlr: 0\n", "r.yaml:3: lr: "),
        ("extends: quick\n", "r.yaml:1: name: Field required"),
        ("name: x\nextends: slow\n", "r.yaml:2: extends: no recipe 'slow'"),
        ("name: x\nextends: r.yaml\n", "r.yaml:2: extends: r.yaml extends itself"),
        ("[1]", "r.yaml:1: a recipe is a mapping"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as error:
        load_recipe(str(file))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_recipe_lists_the_shipped_ones() -> None:
    with pytest.raises(UserError, match=r"neither a file nor one of paper-finetune, .*, quick"):
        load_recipe("slow")


def test_a_recipe_takes_what_it_does_not_say_from_the_one_it_extends(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("name: base\nabout: x\nextends: quick\nlr: 0.1\n")
    (tmp_path / "mine.yaml").write_text("name: mine\nextends: base.yaml\nbatch: 8\n")
    found = load_recipe(str(tmp_path / "mine.yaml"))
    quick = load_recipe("quick")
    expected = quick.model_copy(update={"name": "mine", "about": "", "lr": 0.1, "batch": 8})
    assert found == expected


def test_overrides_come_last_and_are_yaml() -> None:
    sets = ["lr=1e-2", "milestones=[3, 5]", "schedule=step", "flip=false"]
    found = load_recipe("quick", sets)
    assert (found.lr, found.milestones, found.flip) == (0.01, (3, 5), False)
    assert load_recipe(load_recipe("quick"), sets) == found


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("lr", "--set lr: not KEY=VALUE with a KEY of name, about, epochs"),
        ("augment.flip=1", "--set augment.flip=1: not KEY=VALUE with a KEY of name"),
        ("lr=-1", "--set lr=-1: Input should be greater than 0"),
        ("lr=.inf", "--set lr=inf: Input should be a finite number"),
        ("lr=[", "is not a YAML value"),
        ("schedule=linear", "--set schedule=linear: Input should be 'constant', 'step', 'cosine'"),
        ("schedule=step", "recipe quick with --set: schedule step needs milestones"),
        ("milestones=[5, 3]", "milestones, in rising order"),
        ("nesterov=true", "nesterov is for optimizer sgd"),
        ("accumulate=5", "batch of 32 images can not be split into 5 parts"),
    ],
)
@pytest.mark.parametrize("recipe", ["quick", load_recipe("quick")])
def test_a_mistaken_override_is_named(recipe: str | Recipe, override: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        load_recipe(recipe, [override])
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": -1.0}, "recipe quick: lr: Input"),
        ({"epochs": 5}, "recipe quick: rungs 4,"),
    ],
)
def test_a_recipe_that_was_changed_wrongly_is_named(change: dict[str, float], message: str) -> None:
    with pytest.raises(UserError) as error:
        load_recipe(load_recipe("quick").model_copy(update=change))
    assert str(error.value).startswith(message)


def test_batches_of_identities_hold_whole_ones() -> None:
    identity = ["sampler=identity", "images_per_identity=4", "loss=both"]
    assert load_recipe("quick", [*identity, "accumulate=4"]).loss == "both"
    with pytest.raises(UserError, match="batch 30 is not two or more identities of 4"):
        load_recipe("quick", [*identity, "batch=30"])
    with pytest.raises(UserError, match="batch of 8 identities can not be split into 3"):
        load_recipe("quick", [*identity, "accumulate=3"])


def test_parts_of_a_batch_have_identities_to_compare() -> None:
    asked = ["loss=both", "sampler=identity", "batch=32", "images_per_identity=4"]
    assert load_recipe("standard", [*asked, "accumulate=4"]).accumulate == 4
    with pytest.raises(UserError, match="8 parts of a batch of 8 have fewer than two each"):
        load_recipe("standard", [*asked, "accumulate=8"])


def test_a_recipe_is_recorded_as_before_the_later_fields_came() -> None:
    """Runs of searches compare what is asked with what they recorded, field by field."""
    found = load_recipe("quick", ["rungs=[]", "clip=0"]).model_dump()
    assert list(found)[-1] == "validation" and len(found) == 16
    assert load_recipe("quick", ["rungs=[]", "clip=1"]).model_dump() == found | {"clip": 1.0}
    assert Recipe.model_validate(load_recipe("standard").model_dump()) == load_recipe("standard")


def test_a_search_refuses_what_is_for_full_length() -> None:
    check_for_search(load_recipe("quick"))
    with pytest.raises(UserError, match="recipe standard: schedule onecycle is for training at"):
        check_for_search(load_recipe("standard"))
    with pytest.raises(UserError, match="early_stop is for training at full length"):
        check_for_search(load_recipe("quick", ["early_stop=3"]))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("synthetic:ids=40", "quick-reid"),
        ("market1501:here+dukemtmc:there", "quick-reid"),
        ("fashion-mnist", "quick"),
        ("folder:here", "quick"),
    ],
)
def test_a_search_has_a_recipe_for_the_task_of_its_data(data: str, name: str) -> None:
    assert recipe_for_search(data) == name
    check_for_search(load_recipe(name))
    with pytest.raises(UserError, match="'nothing' is not a data set"):
        recipe_for_search("nothing")
