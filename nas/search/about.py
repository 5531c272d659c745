"""All that is known of one run, or of one of its trials, as plain data with names that stay."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nas.arguments import a_path
from nas.errors import UserError
from nas.plugins import plugin_options
from nas.program import program, typed
from nas.search.checkpoints import kept_checkpoints
from nas.search.confirm import Spread, confirmed, spread
from nas.search.overview import overview
from nas.search.predicted import expected_growth
from nas.search.record import Trial
from nas.search.run import SPACE, Run, front, open_run
from nas.search.session import last_session
from nas.training.recipe import shipped_recipes

FULL_RECIPE = "standard"
"""What `train` takes where no recipe is named."""


def describe_run(path: str | Path | Run) -> dict[str, Any]:
    """What was asked of a run, where and with what, what was spent, and what came of it.

    rungs: for each epoch after which trials are scored, how many were, and how many stand there
    (stopped below full length, complete at it). expected_growth: as the function of that name says.
    front: as `Run.front` has it, cheapest first. Of a training, scores and network instead.
    UserError where it is none, or damaged.
    """
    folder = path.path if isinstance(path, Run) else a_path("run", path)
    short = overview(folder)
    if short.problem:
        raise UserError(f"{folder}: {short.problem}")
    file = "train.json" if short.kind == "training" else "run.json"
    about = json.loads((folder / file).read_text(encoding="utf-8"))
    found = short.as_dict() | {
        name: about.get(name)
        for name in ("command", "asked", "versions", "machine", "git", "changes")
    }
    session = last_session(folder)
    found["last_command"] = session.command if session else found["command"]
    if short.kind == "training":
        return found | _training(folder)
    if not (folder / "record.db").is_file():
        return found | {"rungs": [], "expected_growth": None, "front": []}
    run = path if isinstance(path, Run) else open_run(folder)
    trials = run.all_trials()
    rungs = [
        {
            "epoch": epoch,
            "scored": sum(epoch in trial.rungs for trial in trials),
            "stand": sum(t.epoch == epoch and t.state in ("stopped", "complete") for t in trials),
        }
        for epoch in run.rungs
    ]
    members = sorted(front(trials, run.objectives), key=lambda t: t.costs[run.costs[0]])
    known = spread(trials)
    rows = [trial_row(trial, known) for trial in members]
    return found | {"rungs": rungs, "expected_growth": expected_growth(trials), "front": rows}


def describe_trial(path: str | Path | Run, number: int) -> dict[str, Any]:
    """One trial: what it is, costs, scores on every rung and by fresh seeds, jobs, commands.

    rungs: by epoch, all that was scored there. fresh: by replicate. jobs: in the order in which
    they ended. commands: to train it at full length, and to export it then; `export_as_it_is`
    where the run has kept its weights. UserError where there is none of that number.
    """
    from nas.architecture import to_document

    run = open_run(path)
    trial = run.trial(number)
    known = spread(run.all_trials()) if trial.fresh else None
    with run.record(trial.number) as record:
        jobs = record.history(trial.number)
    done = [job for job in jobs if job["outcome"] == "done"]
    return {
        "run": str(run.path),
        **trial_row(trial, known),
        "state": trial.state,
        "reason": trial.reason,
        "architecture": to_document(trial.architecture),
        "rungs": {job["epoch"]: job["scores"] for job in done if not job["replicate"]},
        "fresh": {job["replicate"]: job["scores"] for job in done if job["replicate"]},
        "seconds": trial.seconds,
        "epochs": trial.epochs,
        "images": trial.images,
        "jobs": jobs,
        "note": trial.note,
        "commands": commands(run, trial),
    }


def trial_row(trial: Trial, known: Spread | None = None) -> dict[str, Any]:
    """A trial in short. confirmed: of its fresh seeds; None where they are fewer than two.

    known: as `confirmed` takes it.
    """
    found = confirmed(trial, known)
    return {
        "trial": trial.number,
        "key": trial.key,
        "baseline": trial.baseline,
        "point": trial.point,
        "epoch": trial.epoch,
        "scores": trial.scores,
        "confirmed": asdict(found) if found else None,
        "costs": trial.costs,
    }


def commands(run: Run, trial: Trial) -> dict[str, str]:
    """What to type to have the trial's network, by what it does; from the weights that the run's
    trials began with, where it named some."""
    path, data = typed(run.path), run.asked["data"]
    target = f"{path}#{trial.number}"
    if shlex.quote(path) != path:  # else a shell takes it: # within a word
        target = shlex.quote(target)
    given = "" if data == "synthetic" else f" --data {shlex.quote(data)}"
    weights = run.asked["recipe"].get("weights")
    changes = [f"weights={weights}"] if weights else []
    given += "".join(f" --set {shlex.quote(change)}" for change in changes)
    rest = plugin_options()
    logits = " --logits" * ("top1" in trial.scores)
    found = {"train": f"{program()} train {target}{given}{rest}"}
    with suppress(UserError):  # weights that are gone, which `train` will say
        network = shlex.quote(str(_network(run.path, trial, data, changes)))
        found["export"] = f"{program()} export {network} --out network.onnx{logits}{rest}"
    if trial.number in kept_checkpoints(run.path):
        found["export_as_it_is"] = f"{program()} export {target} --out network.onnx{logits}{rest}"
    return found


def audit_command(run: Run) -> str:
    """What to type to have architectures of the run's space trained that tell what its rungs are
    worth, on the same data, by the same recipe where that is a shipped one."""
    space = run.path / SPACE
    words = ["audit", typed(space) if space.is_file() else run.asked["space"]]
    if run.asked["data"] != "synthetic":
        words += ["--data", run.asked["data"]]
    name = run.asked["recipe"]["name"]
    if name in shipped_recipes():
        words += ["--recipe", name]
    return f"{program()} {shlex.join(words)}{plugin_options()}"


def _network(run: Path, trial: Trial, data: str, changes: Sequence[str]) -> Path:
    """Where `train` with these changes of its recipe leaves the network."""
    from nas.training.asked import asked_of, default_path
    from nas.training.progress import BEST, LAST
    from nas.training.recipe import load_recipe

    recipe = load_recipe(FULL_RECIPE, changes)
    asked = asked_of(trial.architecture, data, recipe, 0, None)
    path = default_path(asked, f"{run.name}#{trial.number}", FULL_RECIPE, changes)
    return path / (BEST if recipe.early_stop else LAST)


def _training(path: Path) -> dict[str, Any]:
    file = path / "scores.json"
    scores = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    networks = [str(own) for own in sorted(path.glob("*.safetensors"))]
    return {"scores": scores, "networks": networks}
