"""An audit: of a space, which is trained for it; of a run or a table, as far as it has scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nas.architecture import Architecture
from nas.arguments import a_path, check_one_of, settings, several, whole
from nas.audit.evidence import LEAST, Evidence, Floats, from_table, from_trials
from nas.audit.judge import BESIDE, Judgement, judge
from nas.audit.plan import AuditPlan, spread_trials
from nas.audit.tables import architecture_frame, importance_frame, ranking_frame
from nas.cost import COSTS
from nas.data import check_spec, prepare_dataset
from nas.directory import Kind, make_directory
from nas.errors import UserError
from nas.lock import locked
from nas.plugins import plugin_files
from nas.progress import counted, warn
from nas.search.budget import Budget
from nas.search.capacity import check_data, slots
from nas.search.driver import Driver
from nas.search.executor import Cluster
from nas.search.ledger import Ledger
from nas.search.record import Trial
from nas.search.replay import SCORES, Table, read_table
from nas.search.run import FOLDERS, LIBRARIES, Run, default_path, open_run, read_asked
from nas.search.rungs import Ladder, recipe_with_rungs
from nas.search.view import SilentView, View
from nas.space import Space, load_space
from nas.training.job import Job
from nas.training.recipe import Overrides, Recipe, check_for_search, recipe_for_search

if TYPE_CHECKING:
    import pandas as pd

ARCHITECTURES, SEEDS = 40, 2
GLANCES = ("synflow", "naswot", "gradient norm")
"""What is computed of networks that are not trained; params and macs are known as it is."""


@dataclass(frozen=True)
class Audit:
    """What an audit found. path: where its tables go. of: how many architectures were asked for.

    zero_cost: by name, (n,) for the architectures that are compared. caveats: what a reader has to
    know of where the scores come from.
    """

    path: Path
    title: str
    found: Judgement
    of: int
    zero_cost: dict[str, Floats] = field(default_factory=dict)
    caveats: tuple[str, ...] = ()

    def ranking(self) -> pd.DataFrame:
        """See `nas.audit.tables.ranking_frame`."""
        return ranking_frame(self.found)

    def importance(self) -> pd.DataFrame:
        """See `nas.audit.tables.importance_frame`."""
        return importance_frame(self.found)

    def architectures(self) -> pd.DataFrame:
        """See `nas.audit.tables.architecture_frame`."""
        return architecture_frame(self.found, self.zero_cost)


def run_audit(
    target: str | Path | Space | Table | Run,
    *,
    architectures: int | None = None,
    seeds: int | None = None,
    rungs: str | Sequence[int] | None = None,
    data: str | None = None,
    recipe: str | Recipe | None = None,
    overrides: Overrides = (),
    constraints: str | Sequence[str] = (),
    cost: str = "macs",
    bands: int | None = None,
    zero_cost: bool = True,
    budget: str | None = None,
    workers: int | None = None,
    cluster: Cluster | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    fresh: bool = False,
    view: View | None = None,
) -> Audit:
    """Judge how well rungs, and scores without training, rank architectures.

    target: a space, of which 40 architectures (`architectures`), spread over their macs, are
    trained with 2 seeds (`seeds`) at full length, the first of them scored at every rung on its
    way; or a run, or a table of trainings (its folder, as `replay` takes it), of which
    nothing is trained and what asks for training is refused. rungs: as for a search; by default
    the recipe's, or else 1, 3, 9, ... epochs. constraints: what architectures of the space must
    satisfy besides, as for a search. cost, bands: what bands are of, and how many.
    zero_cost: whether synflow, naswot and gradient norm are computed too, on `data`. overrides,
    seed, out, fresh, view: as for a search. The same arguments resume an audit; architectures,
    seeds, budget, workers and cluster (as for a search) may change. UserError for what a user can
    mend.
    """
    limits = list(dict.fromkeys(several(constraints)))
    training = {
        "--architectures": architectures, "--seeds": seeds, "--rungs": rungs, "--recipe": recipe,
        "--set": overrides or None, "--budget": budget, "--workers": workers,
        "--executor": cluster, "--fresh": fresh or None, "--constraint": limits or None,
    }  # fmt: skip
    asked = {name: value for name, value in training.items() if value is not None}
    check_one_of("--cost", cost, COSTS)
    bands = None if bands is None else whole("--bands", bands, 1)
    shown = view or SilentView()
    target = target.path if isinstance(target, Run) else target
    folder = Path(target) if isinstance(target, (str, Path)) else None
    if isinstance(target, Table) or (folder and (folder / SCORES).is_file()):
        _refuse(asked, "a table of trainings has what it has")
        found = _of_table(target, data or "synthetic", zero_cost, out, shown)
    elif folder and (folder / "run.json").is_file():
        _refuse(asked | ({"--data": data} if data else {}), "a run has what it has")
        if out:
            raise UserError("--out: a run's audit is written into it")
        run = open_run(folder)
        shown.opened(folder)
        found = _of_run(run, run.all_trials())
    else:
        space = load_space(target, constraints=limits)
        found = _of_space(
            space, limits, architectures if architectures is not None else ARCHITECTURES,
            seeds if seeds is not None else SEEDS, rungs, data or "synthetic", recipe, overrides,
            zero_cost, budget, workers, cluster, seed, out, fresh, shown,
        )  # fmt: skip
    return _judged(found, cost, bands, seed, zero_cost=zero_cost)


def _refuse(asked: dict[str, Any], reason: str) -> None:
    if asked:
        raise UserError(f"{next(iter(asked))} is for the audit of a space; {reason}")


@dataclass(frozen=True)
class _Subject:
    """What is audited. data: on whose images scores without training are computed. path, title,
    caveats: as of the `Audit`. of: as there; None is as many as the evidence has."""

    path: Path
    title: str
    evidence: Evidence
    data: str
    caveats: tuple[str, ...] = ()
    of: int | None = None


def _of_table(
    target: str | Path | Space | Table,
    data: str,
    zero_cost: bool,
    out: str | Path | None,
    view: View,
) -> _Subject:
    table = target if isinstance(target, Table) else read_table(str(target))
    if zero_cost:
        check_spec(data)
    name = table.space.name if isinstance(target, Table) else Path(str(target)).resolve().name
    path = a_path("--out", out) if out is not None else Path("results") / f"audit-{name}"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out: {path} can not be written ({error.strerror})") from None
    view.opened(path)
    return _Subject(path, f"{table.space.name}, table {name}", from_table(table), data)


def judged_run(run: Run, trials: Sequence[Trial]) -> Audit:
    """What a run's own trials say of its rungs, without scores that have to be computed.

    UserError where they are too few.
    """
    own = _of_run(run, trials)
    cost = run.costs[0] if run.costs[0] in COSTS else BESIDE
    found = judge(own.evidence, cost=cost, weigh=False)
    return Audit(own.path, own.title, found, len(own.evidence), caveats=own.caveats)


def _of_run(run: Run, trials: Sequence[Trial]) -> _Subject:
    searched = "audit" not in run.asked
    evidence = from_trials(trials, run.rungs, chosen=searched)
    caveats: tuple[str, ...] = ()
    if searched:
        caveats = (
            "The architectures are those that the search trained to full length and confirmed: not "
            "a sample of the space, and promoted by the very scores that are judged here; both "
            "change tau. Audit the space to know it.",
        )
    name = f"{run.asked['space']}, {run.asked['data']}, recipe {run.asked['recipe']['name']}"
    title = f"{name}, run {run.path.name}"
    return _Subject(run.path, title, evidence, run.asked["data"], caveats)


def _of_space(
    space: Space, limits: list[str], count: int, seeds: int, rungs: str | Sequence[int] | None,
    data: str, recipe: str | Recipe | None, overrides: Overrides, zero_cost: bool,
    budget: str | None, workers: int | None, cluster: Cluster | None, seed: int,
    out: str | Path | None, fresh: bool, view: View,
) -> _Subject:  # fmt: skip
    seed, seeds = whole("--seed", seed), whole("--seeds", seeds)
    count = whole("--architectures", count)
    check_data(data, cluster)
    trained = recipe_with_rungs(recipe or recipe_for_search(data), settings(overrides), rungs)
    chosen = default_rungs(trained) if rungs is None else trained.rungs
    if not chosen:
        raise UserError(f"--rungs: no rung is below the recipe's {trained.epochs} epochs")
    trained = trained.model_copy(update={"rungs": chosen})
    check_for_search(trained)
    if count < LEAST:
        raise UserError(f"--architectures: {count}; {LEAST} at least can be ranked")
    if seeds < 2:
        raise UserError(f"--seeds: {seeds}; the seeds that rank and that judge have to differ")
    if zero_cost:  # which is computed here
        check_spec(data)
    spend = Budget.parse(budget) if budget else None
    if spend and spend.kind == "trials":
        raise UserError("--budget: trials are counted by --architectures here")
    side_by_side = slots(workers, cluster)
    rows = spread_trials(space, count, seed)
    asked: dict[str, Any] = {
        "audit": "space",
        "space": space.name,
        "space_hash": space.hash(),
        "data": data,
        "recipe": trained.model_dump(),
        "objectives": ["score", "macs"],
        "seed": seed,
    }
    if limits:
        asked["constraints"] = limits
    plain = default_path(asked)
    path = a_path("--out", out) if out is not None else plain.with_name(f"audit-{plain.name}")
    ladder = Ladder((*chosen, trained.epochs), 2.0, ("macs",))
    ledger = Ledger(spend or Budget("replicates", len(rows) * seeds), trained, side_by_side)
    with locked(path, "audit"):
        if cluster is None:
            prepare_dataset(data, space.base.input)
        changed = make_directory(path, asked, AUDIT, fresh=fresh)
        view.opened(path)
        warn(view, changed)
        common = Job("", 0, space.base, trained, data, seed, plugins=plugin_files())
        plan = AuditPlan(rows, seeds, ladder, ledger)
        Driver(path, plan, common, view, cluster=cluster).work(side_by_side)
    evidence = from_trials(open_run(path).all_trials(), ladder.epochs, chosen=False)
    title = f"{space.name}, {data}, recipe {trained.name}"
    complete = int(np.isfinite(evidence.truth).all(axis=1).sum()) if evidence.choices else 0
    if complete < LEAST <= len(rows):
        raise UserError(
            f"{path}: {complete} of {len(rows)} architectures are complete, and an audit takes "
            f"{LEAST}; the same command with a larger --budget goes on"
        )
    few = f"The space has {len(rows)} architectures, and all were taken."
    caveats = (few,) if len(rows) < count else ()
    return _Subject(path, title, evidence, data, caveats, len(rows))


def seeds_in_words(own: Evidence) -> str:
    """How many seeds an architecture has at full length: 3, or 2 to 4."""
    seeds = np.isfinite(own.full).sum(axis=1)
    few, many = int(seeds.min()), int(seeds.max())
    return f"{few}" if few == many else f"{few} to {many}"


def default_rungs(recipe: Recipe) -> tuple[int, ...]:
    """The recipe's own, or 1, 3, 9, ... epochs below full length."""
    if recipe.rungs:
        return recipe.rungs
    found, epoch = [], 1
    while epoch < recipe.epochs:
        found.append(epoch)
        epoch *= 3
    return tuple(found)


def _judged(
    subject: _Subject, cost: str, bands: int | None, seed: int, *, zero_cost: bool
) -> Audit:
    own = subject.evidence.usable()
    glances = zero_cost_scores(own.architectures, subject.data, seed) if zero_cost else {}
    with counted("resampling importance") as tick:
        found = judge(subject.evidence, glances, cost=cost, bands=bands, seed=seed, tick=tick)
    seeds = f"{len(own)} architectures, {seeds_in_words(own)} seeds at full length"
    of = subject.of or len(subject.evidence)
    return Audit(subject.path, f"{subject.title}: {seeds}", found, of, glances, subject.caveats)


def zero_cost_scores(
    architectures: Sequence[Architecture], data: str, seed: int = 0
) -> dict[str, Floats]:
    """GLANCES of each architecture, on one batch of the data's training split: (n,) by name."""
    from nas.audit.zero_cost import ZERO_COST, draw_batch

    batch = draw_batch(data, architectures[0].input, seed)
    found = np.empty((len(architectures), len(GLANCES)))
    with counted("scores without training") as tick:
        for row, architecture in enumerate(architectures):
            found[row] = [ZERO_COST[name](architecture, batch, seed) for name in GLANCES]
            tick(row + 1, len(architectures))
    return dict(zip(GLANCES, found.T, strict=True))


AUDIT = Kind("an audit", "run.json", FOLDERS, LIBRARIES, read_asked)
