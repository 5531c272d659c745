"""A search, from its arguments to its run: all is checked first, then the driver carries it out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from nas.architecture import Architecture, key, preset
from nas.arguments import a_path, real, settings, several, whole
from nas.cost import Setting
from nas.cost.parts import PartTable
from nas.data import prepare_dataset
from nas.errors import UserError
from nas.lock import locked
from nas.plugins import plugin_files
from nas.progress import warn
from nas.search.budget import Budget
from nas.search.capacity import check_data, slots
from nas.search.driver import Driver
from nas.search.executor import Cluster
from nas.search.ledger import Ledger
from nas.search.objectives import SCORE, parse_objectives
from nas.search.plan import SearchPlan, check_growth, check_share
from nas.search.run import Run, default_path, open_run, prepare
from nas.search.rungs import Ladder, recipe_with_rungs
from nas.search.samplers import default_sampler, make_sampler, measured, promoter
from nas.search.storage import check_storage, shared_study
from nas.search.study import Projection
from nas.search.view import SilentView, View
from nas.search.warm import beginning_with, earlier_run, take_over
from nas.seeds import drawer
from nas.space import Space, load_space
from nas.training.job import Job
from nas.training.recipe import Overrides, Recipe, check_for_search, recipe_for_search

MEASURED_BY = "frozen:threads=1"
"""The setting in which latency is measured where none is named."""


def run_search(
    space: str | Path | Space,
    *,
    budget: str = "5m",
    data: str = "synthetic",
    recipe: str | Recipe | None = None,
    overrides: Overrides = (),
    objectives: str | Sequence[str] = "score,macs",
    constraints: str | Sequence[str] = (),
    sampler: str | None = None,
    score_min: float | None = None,
    growth_min: float = 0.0,
    latency: str = MEASURED_BY,
    latency_table: str | Path | PartTable | None = None,
    rungs: str | Sequence[int] | None = None,
    eta: float = 3.0,
    confirm: float = 0.25,
    workers: int | None = None,
    cluster: Cluster | None = None,
    storage: str | None = None,
    init: Architecture | str | Sequence[Architecture | str] = (),
    warm_start: str | Path | Sequence[str | Path] = (),
    seed: int = 0,
    out: str | Path | None = None,
    fresh: bool = False,
    view: View | None = None,
) -> Run:
    """Search the space for architectures with a good score at a low cost, and return the run.

    Every argument is checked before anything is written. The same arguments resume the search that
    they started; budget, growth_min, workers, cluster, storage and confirm may change. recipe: by
    default quick-reid, or quick where the data has classes. overrides: fields of the recipe, as
    ["lr=0.001"] or {"lr": 0.001}. objectives: the score, which is maximised, and one or two costs,
    which are minimised. constraints: what architectures must satisfy besides what the space says,
    as "macs <= 10M". sampler: by default ehvi, or tpe where a cost is measured. score_min: what
    ehvi looks for the cheapest above, in place of the whole front. growth_min: the search ends
    before its budget does once ehvi expects less than this share more hypervolume of a new trial.
    latency: the setting in which latency_ms is measured, while no worker trains; latency_table: of
    parts that were measured on a device (`cli.py latency SPACE`), by which latency_ms is predicted
    instead, known before a training. rungs: epochs below full length after which one trial in `eta`
    is trained further, as "1,3" or [1, 3]; "" is none, None what the recipe says. confirm: the
    share of the budget, at most, that trains the front again with fresh seeds. cluster: where jobs
    run, workers of them side by side; by default processes of this machine. storage: URL of the
    Optuna storage that the study is kept in; by default study.db in the run. init: architectures,
    or presets, of the space, that are tried first. warm_start: earlier runs with the same data,
    recipe and seed, whose trials are taken over and cost nothing of the budget. out: the run's
    directory; by default one in results/ that follows from what is asked. fresh: delete what is
    there. view: told of the search while it goes on, as `nas.search.View` says. Raises UserError
    for what a user can mend; KeyboardInterrupt ends the search cleanly and is passed on.
    """
    constraints = several(constraints)
    loaded = load_space(space, constraints=constraints, latency_table=latency_table)
    spend, seed = Budget.parse(budget), whole("--seed", seed)
    names = parse_objectives(objectives)
    check_data(data, cluster)
    trained = recipe_with_rungs(recipe or recipe_for_search(data), settings(overrides), rungs)
    check_for_search(trained)
    eta, confirm = real("--eta", eta), real("--confirm", confirm)
    ladder = Ladder((*trained.rungs, trained.epochs), eta, tuple(n for n in names if n != SCORE))
    check_share(confirm)
    if latency_table is not None and latency != MEASURED_BY:
        raise UserError("--latency and --latency-table exclude each other; leave out one")
    sampler = sampler or default_sampler(names, loaded)
    least = None if score_min is None else real("--score-min", score_min)
    if least is not None and not 0 <= least < 1:
        raise UserError(f"--score-min: {least:g} is not a score from 0 to below 1")
    growth_min = real("--growth-min", growth_min)
    check_growth(growth_min, sampler)
    proposer = make_sampler(sampler, loaded, names, rungs=bool(trained.rungs), score_min=least)
    first = [preset(own).resized(loaded.base.input) for own in several(init)]
    propose = beginning_with(first, loaded, proposer)
    unknown = measured(names, loaded)
    if cluster and unknown:
        raise UserError(
            "--objectives: latency_ms is measured on one machine, not on a cluster, whose nodes "
            "may differ; leave out latency_ms, or --executor ray, or give a --latency-table"
        )
    loaded.sample(drawer(seed))  # an empty space says so here
    setting = Setting.parse(latency) if unknown else None
    of_device = (c.text for c in loaded.constraints if c.needs_device())  # which no file says
    limits = list(dict.fromkeys([*constraints, *of_device]))
    at_will = {
        "eta": eta if trained.rungs else None,
        "score_min": least,
        "latency": loaded.latency.noted() if loaded.latency else setting and setting.record(),
        "constraints": limits or None,
        "init": [key(architecture) for architecture in first] or None,
    }
    asked = {
        "space": loaded.name,
        "space_hash": loaded.hash(),
        "cost_range": {name: list(own) for name, own in loaded.cost_range().items()},
        "data": data,
        "recipe": trained.model_dump(),
        "objectives": list(names),
        "sampler": sampler,
        "seed": seed,
    }
    asked |= {name: own for name, own in at_will.items() if own is not None}
    earlier = [earlier_run(run, asked) for run in several(warm_start)]
    if earlier:
        asked["warm_start"] = [str(run.path) for run in earlier]
    path = a_path("--out", out) if out is not None else default_path(asked)
    count = slots(workers, cluster)
    if storage is not None:
        check_storage(storage)
    with locked(path, "search"):
        if cluster is None:
            prepare_dataset(data, loaded.base.input)
        changed = prepare(path, asked, loaded, fresh=fresh)
        shown = view or SilentView()
        shown.opened(path)
        warn(shown, changed)
        for text in _beforehand(loaded, limits, trained):
            shown.notice(text)
        plan = SearchPlan(
            space=loaded,
            propose=propose,
            objectives=names,
            seed=seed,
            ladder=ladder,
            confirm=confirm,
            ledger=Ledger(spend, trained, count),
            tell=shown.notice,
            promote=promoter(proposer, ladder, seed),
            score_min=least,
            growth_min=growth_min,
        )
        projection = Projection(
            path / "study.db", loaded.name, loaded, names, shared_study(path, storage)
        )
        common = Job("", 0, loaded.base, trained, data, seed, plugins=plugin_files())
        if earlier and (told := take_over(earlier, path, loaded, ladder.epochs, common, unknown)):
            shown.notice(told)
        Driver(
            path=path,
            plan=plan,
            job=common,
            view=shown,
            projection=projection,
            latency=setting,
            cluster=cluster,
            baselines=loaded.baseline_names,
            outside=loaded.outside,
        ).work(count)
    return open_run(path)


def _beforehand(space: Space, limits: Sequence[str], recipe: Recipe) -> Iterator[str]:
    """What to know of the space and its baselines before they are trained."""
    if limits:
        yield f"architectures within the constraints: {space.count()}"
    for reason in space.columns.refusals()[:1]:
        yield f"some points can not be built, and are not tried: {reason}"
    for name, architecture in space.baselines:
        if space.latency and not space.latency.has(architecture):
            yield f"the latency table has not all parts of {name}: without latency"
    if recipe.weights:
        from nas.training.initial import inherited

        yield f"the base: {inherited(space.base, recipe)}"
