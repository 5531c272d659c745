"""One run, or one trial, in words and tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from nas.report.formats import bare_table
from nas.report.words import compact, growth_in_words
from nas.search.budget import Budget, duration, number_of
from nas.search.overview import GOING_ON, Overview
from nas.space.paths import short


def fields_table(rows: Sequence[tuple[str, str]]) -> Table:
    """Names and what they are; long values are folded beside their name."""
    table = bare_table(show_header=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, value in rows:
        if value:
            table.add_row(name, value)
    return table


def run_fields(found: Mapping[str, Any], short_form: Overview) -> list[tuple[str, str]]:
    """What was asked, with what, and what was spent; of `describe_run`."""
    asked = found["asked"]
    recipe = asked["recipe"]
    rungs = ", ".join(map(str, recipe.get("rungs", ())))
    left = found["left"]
    budget: Budget | None = short_form.budget
    machine = found["machine"] or {}
    growth = found.get("expected_growth")
    return [
        (found["kind"], str(found["path"])),
        ("state", found["state"]),
        ("command", found["command"] or ""),
        ("and last", found["last_command"] if found["last_command"] != found["command"] else ""),
        ("space", " ".join(filter(None, (asked.get("space"), asked.get("space_hash"))))),
        ("constraints", "; ".join(asked.get("constraints", ()))),
        ("architecture", asked.get("key", "")),
        ("data", asked["data"] + (f", {asked['split']} split" if "split" in asked else "")),
        ("recipe", f"{recipe['name']}, {number_of(recipe['epochs'], 'epoch')}"
                   + (f", rungs after {rungs}" if rungs else "")),
        ("objectives", ", ".join(asked.get("objectives", ()))),
        ("sampler", asked.get("sampler", "")),
        ("score min", str(asked.get("score_min", ""))),
        ("seed", str(asked["seed"])),
        ("spent", short_form.spent_in_words()),
        ("left", budget.words(left) if budget and left is not None else ""),
        ("trials", _counts(found) if found["kind"] != "training" else ""),
        ("growth", "" if growth is None else growth_in_words(growth)),
        ("versions", ", ".join(f"{n} {v}" for n, v in (found["versions"] or {}).items())),
        ("machine", ", ".join(f"{n} {v}" for n, v in machine.items())),
        ("git", found["git"] or ""),
        ("warning", "; ".join(found["changes"] or ())),
    ]  # fmt: skip


def _counts(found: Mapping[str, Any]) -> str:
    words = {} if found["state"] == GOING_ON else {"running": "interrupted"}
    trials = sorted(found["trials"].items())
    return ", ".join(f"{n} {words.get(state, state)}" for state, n in trials) or "none yet"


def rung_table(rungs: Sequence[Mapping[str, int]]) -> Table:
    """How many trials were scored after each epoch, and how many went no further."""
    table = bare_table()
    for name in ("rung (epoch)", "scored", "stopped there", "went on"):
        table.add_column(name, justify="right")
    for place, rung in enumerate(rungs):
        last = place == len(rungs) - 1
        stand = f"{rung['stand']} complete" if last else str(rung["stand"])
        on = "" if last else str(rung["scored"] - rung["stand"])
        table.add_row(str(rung["epoch"]), str(rung["scored"]), stand, on)
    return table


def trial_fields(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A trial in words; of `describe_trial`."""
    point = ", ".join(f"{short(name)} {value}" for name, value in found["point"].items())
    costs = ", ".join(f"{name} {_cost(value)}" for name, value in found["costs"].items())
    own = found["confirmed"]
    mean = (
        f"{own['mean']:.4f}, 95% interval {own['low']:.4f} to {own['high']:.4f}, "
        f"{own['replicates']} fresh seeds"
        if own
        else ""
    )
    return [
        ("trial", f"{found['run']}#{found['trial']}, {found['state']}"),
        ("reason", found["reason"]),
        ("baseline", found["baseline"]),
        ("architecture", point or found["baseline"]),
        ("costs", costs),
        ("confirmed", mean),
        ("took", f"{duration(found['seconds'])}, {number_of(found['epochs'], 'epoch')}, "
                 f"{found['images']:,} images"),
    ]  # fmt: skip


def _cost(value: float) -> str:
    whole = isinstance(value, int) and value >= 1000
    return f"{compact(value)} ({value:,})" if whole else compact(value)


def job_table(jobs: Sequence[Mapping[str, Any]], *, searched: bool = True) -> Table:
    """The jobs of a trial: what each scored, and what it took.

    searched: whether the first seed is that of a search, which has chosen by it.
    """
    names = list(dict.fromkeys(n for job in jobs for n in job["scores"] if n != "score"))
    shown = [n for n in ("mAP", "rank1", "top1", "top5") if n in names]
    table = bare_table()
    for name in ("seed", "epoch", *shown, "train s", "score s"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("outcome", overflow="fold")
    for job in jobs:
        scores = (f"{job['scores'][n]:.4f}" if n in job["scores"] else "" for n in shown)
        number = job["replicate"]
        seed = (f"fresh {number}" if number else "search") if searched else str(number + 1)
        outcome = ": ".join(filter(None, (job["outcome"], job["reason"])))
        times = (f"{job[name]:.1f}" for name in ("train_seconds", "eval_seconds"))
        table.add_row(seed, str(job["epoch"]), *scores, *times, outcome)
    return table


def command_lines(commands: Mapping[str, str]) -> Iterator[RenderableType]:
    """One line a command, whatever the width, so that it can be copied."""
    words = {
        "train": "train it at full length",
        "export": "export it then",
        "export_as_it_is": "export it as the search left it",
    }
    for name, line in commands.items():
        yield Text(f"{words[name]}:\n  {line}")


def training_lines(found: Mapping[str, Any]) -> list[str]:
    """Scores of the test splits and the files of a training; of `describe_run`."""
    return [*score_lines(found["scores"]), *(f"network  {file}" for file in found["networks"])]


def score_lines(scores: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Of each test split, by its spec, what was scored on it."""
    return [
        "  ".join([spec, *(f"{n} {v:.4f}" for n, v in own.items() if n != "score")])
        for spec, own in scores.items()
    ]
