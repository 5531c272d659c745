"""Every example of the documents is run."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nas
from nas.ablation.own_table import own_table
from nas.architecture import Pen, from_json
from nas.cost import cost
from nas.errors import UserError
from nas.space import from_yaml, lint
from nas.training import Recipe, load_recipe
from nas.training.recipe import shipped_recipes
from tests.made_up_runs import make_run

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str) -> list[tuple[str, str]]:
    """(page, text) of each block of that language."""
    return [
        (page.name, text)
        for page in PAGES
        for found, text in BLOCK.findall(page.read_text(encoding="utf-8"))
        if found == language
    ]


def named(kind: str) -> dict[str, str]:
    """The YAML blocks that start with `kind: NAME`, by that name."""
    found = {}
    for _, text in blocks("yaml"):
        match = re.match(r"(space|name|table): (\S+)", text)
        assert match, text
        if match[1] == kind:
            found[match[2]] = text
    return found


def spaces() -> dict[str, str]:
    return named("space")


@pytest.mark.parametrize("name", sorted(named("name")))
def test_recipes_load(name: str, tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(named("name")[name])
    assert load_recipe(str(file)).name == name


@pytest.mark.parametrize("name", sorted(spaces()))
def test_spaces_load_and_hold_something(name: str) -> None:
    assert from_yaml(spaces()[name], "page").count().value > 1


@pytest.mark.parametrize("name", sorted(named("table")))
def test_tables_have_a_row_of_each_name(name: str, tmp_path: Path) -> None:
    file = tmp_path / "table.yaml"
    file.write_text(named("table")[name])
    found = own_table(file)
    assert found.name == name
    assert len(found.design.rows) == 5
    assert not found.design.left_out


def test_the_page_of_recipes_has_every_field_and_recipe() -> None:
    page = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    missing = [n for n in (*Recipe.model_fields, *shipped_recipes()) if f"`{n}`" not in page]
    assert not missing


def test_the_example_for_fashion_mnist_is_as_small_as_is_said() -> None:
    example = ROOT / "examples" / "fashion-mnist.json"
    architecture = from_json(example.read_text(encoding="utf-8"), example.name)
    assert cost(architecture).params == 191_370
    assert load_recipe(str(example.with_suffix(".yaml"))).epochs == 10


def test_the_line_that_is_said_to_be_refused_is_refused() -> None:
    text = spaces()["expressive"].replace("all(stages[*].gate == none)", "stages[*].gate == none")
    with pytest.raises(UserError, match=r"stages\[\*\].gate is a list"):
        from_yaml(text)


def test_what_lint_is_said_to_tell_it_tells() -> None:
    findings = lint(from_yaml(spaces()["conditional"]))
    assert len(findings) == 3
    assert all("is not needed" in finding for finding in findings)


@pytest.mark.parametrize(
    ("page", "text"), [own for own in blocks("python") if own[0] != "tutorial.md"]
)
def test_python_examples_run(page: str, text: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_page_of_extending_has_every_public_name() -> None:
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(?:nas\.)?(\w+)", page))
    assert not set(nas.__all__) - named


def test_the_page_of_extending_has_every_method_of_the_pen() -> None:
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    table = page[page.index("| method | draws |") : page.index("A layer with weights")]
    told = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)))
    assert sorted(told) == sorted(n for n in vars(Pen) if n[0] != "_" and n != "part")


def test_the_page_of_runs_has_every_column_and_file_of_a_search(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "runs.md").read_text(encoding="utf-8")
    run = nas.open_run(make_run(tmp_path / "run"))
    run.write_tables()
    parameters = {name for trial in run.all_trials() for name in trial.point}
    names = {*run.trials(), *(file.name for file in run.path.iterdir())} - parameters
    names -= {"mINP", "rank1", "rank5", "rank10", "record.db-wal", "record.db-shm", "checkpoints"}
    assert not [name for name in sorted(names) if f"`{name}" not in page]


def test_the_page_of_benchmarks_has_every_script() -> None:
    folder = ROOT / "benchmarks"
    page = (folder / "README.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(\w+\.py)` \|", page, re.MULTILINE)
    scripts = [p.name for p in folder.glob("*.py") if 'if __name__ == "__main__"' in p.read_text()]
    assert sorted(told) == sorted(scripts)
    assert all(
        f"[{card.parent.name}]({card.parent.name}/" in page for card in folder.glob("*/*.md")
    )


def test_imports_point_the_way_that_the_page_says() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    chain = re.search(r"Imports point one way: (.*?), and training -> data\.", page, re.DOTALL)
    assert chain
    order = [re.findall(r"\w+", group) for group in chain[1].split("->")]
    level = {package: place for place, group in enumerate(order) for package in group}
    level["data"] = level["training"] + 1
    folders = {path.parent.name for path in (ROOT / "nas").glob("*/__init__.py")}
    assert set(level) == folders
    wrong = []
    for own in sorted(level):
        for file in sorted((ROOT / "nas" / own).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                parts = (getattr(node, "module", None) or "").split(".")
                if isinstance(node, ast.ImportFrom) and parts[0] == "nas" and parts[1:]:
                    other = parts[1]
                    if other != own and level.get(other, len(order)) <= level[own]:
                        wrong.append((file.name, other))
    assert not wrong


def test_the_page_of_runs_has_every_verb_that_looks() -> None:
    page = (ROOT / "docs" / "runs.md").read_text(encoding="utf-8")
    verbs = ("runs", "show", "best", "compare", "replay", "dashboard")
    assert not [verb for verb in verbs if f"python cli.py {verb}" not in page]
