"""An ablation, from its design to what its scores say; trained by the driver that searches have."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nas.ablation.design import MATCHED, Cell, Design, Row, match_cost
from nas.ablation.designs import factorial, leave_one_out, one_at_a_time
from nas.ablation.effects import Contrast, Term, factorial_effects
from nas.ablation.looks import looked
from nas.ablation.own_table import SUFFIXES, own_table
from nas.ablation.plan import AblationPlan, score
from nas.ablation.power import detectable, pilot
from nas.ablation.published import families_table, paper_table
from nas.ablation.reuse import Reused, reuse
from nas.ablation.statistics import Comparisons, compare
from nas.ablation.tables import comparison_frame
from nas.architecture import Architecture, key, preset
from nas.arguments import a_path, check_one_of, settings, several, whole
from nas.cost import cost
from nas.data import prepare_dataset
from nas.directory import Kind, make_directory
from nas.errors import UserError
from nas.lock import locked
from nas.plugins import plugin_files
from nas.progress import warn
from nas.search.budget import Budget
from nas.search.capacity import check_data, slots
from nas.search.driver import Driver
from nas.search.executor import Cluster
from nas.search.ledger import Ledger
from nas.search.objectives import SCORE, metric_of
from nas.search.record import Trial
from nas.search.run import FOLDERS, LIBRARIES, Run, default_path, open_run, read_asked
from nas.search.rungs import Ladder
from nas.search.view import SilentView, View
from nas.space import Space, load_space
from nas.training.job import Job, in_parts
from nas.training.recipe import Overrides, Recipe, load_recipe

if TYPE_CHECKING:
    import pandas as pd

DESIGNS = {
    "one-at-a-time": "each other value of each factor on the baseline",
    "leave-one-out": "each component at its neutral value",
    "factorial": "all combinations of the factors",
    "paper": "the eleven rows of the OSNet paper",
    "families": "OSNet, Inception, ResNeXt, SE",
}
BESIDE = ("rank1", "top5")
"""What a table tells beside the score."""
TABLES = ("paper", "families")
"""Of these, those that were published."""


@dataclass(frozen=True, repr=False)
class Ablation:
    """What an ablation found. scores: (rows, seeds), NaN where one is missing; larger is better.

    effects: of the factors, where the design is factorial and there are scores to tell them from
    noise. in_parts: of rows, by label, how many trainings ran out of memory and were repeated in
    parts of a batch. looks: with how many seeds there were verdicts so far, ascending. metric: the
    score's name, as mAP. beside: other scores by name, of which no verdict is: (rows, seeds).
    """

    path: Path
    design: Design
    scores: NDArray[np.float64]
    found: Comparisons
    effects: tuple[list[Term], list[Contrast]] | None = None
    in_parts: Mapping[str, int] = field(default_factory=dict)
    looks: tuple[int, ...] = ()
    metric: str = SCORE
    beside: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __repr__(self) -> str:
        rows, seeds = self.scores.shape
        return f"Ablation({str(self.path)!r}, {rows} rows, {seeds} seeds)"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        html: str = self.table().to_html(index=False, float_format="{:.4f}".format)
        return html

    def table(self) -> pd.DataFrame:
        """A row for each of the design's: scores, difference to the baseline, costs, verdict."""
        return comparison_frame(self.design, self.found, self.beside)


def run_ablation(
    space: str | Path | Space | None = None,
    *,
    baseline: str | Architecture | None = None,
    design: str = "one-at-a-time",
    factors: Sequence[str] = (),
    match: str | None = None,
    seeds: int = 5,
    data: str = "synthetic",
    recipe: str | Recipe = "standard",
    overrides: Overrides = (),
    split: str = "test",
    budget: str | None = None,
    workers: int | None = None,
    cluster: Cluster | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    fresh: bool = False,
    view: View | None = None,
) -> Ablation:
    """Train the rows of a design with the same seeds, and compare them with the baseline.

    space: needed for the designs over factors; its base is the baseline unless one is given, a
    preset or an architecture. design: of DESIGNS, or the file of a table of one's own (see
    `own_table`). match: "macs" or "params" fits every row's width to the baseline's. split: "test"
    trains on the whole training split and scores the test split; "validation" holds identities out
    of the training split, others for each seed. Trainings of ablations beside this one (same
    network, recipe, data, split and seed) are not run again. overrides, workers, cluster, out,
    fresh, view: as for a search. The same arguments resume it; seeds, budget, workers and cluster
    may change. Raises UserError.
    """
    loaded = load_space(space) if space is not None else None
    seeds, seed = whole("--seeds", seeds), whole("--seed", seed)
    trained = load_recipe(recipe, settings(overrides))
    if trained.early_stop:
        raise UserError(
            f"recipe {trained.name}: early_stop is of `train`; the rows of an ablation are scored "
            "at full length"
        )
    check_data(data, cluster)
    name, chosen = make_design(loaded, baseline, design, several(factors), match)
    if seeds < 2:
        raise UserError(f"--seeds: {seeds}; with fewer than 2 nothing is known of the noise")
    if split not in ("test", "validation"):
        raise UserError(f"--split: {split!r} is not test or validation")
    count = slots(workers, cluster)
    asked: dict[str, Any] = {
        "space": loaded.name if loaded else f"table-{name}",
        "data": data,
        "recipe": trained.model_dump(),
        "objectives": ["score", "macs"],
        "design": name,
        "rows": {
            row.label: {"number": number, "key": key(row.architecture)}
            for number, row in enumerate(chosen.rows)
        },
        "split": split,
        "seed": seed,
    }
    named = bool(factors) or baseline is not None or design not in DESIGNS
    path = a_path("--out", out) if out is not None else _default_path(asked, match, rows=named)
    replicates = len(chosen.rows) * seeds
    spend = Budget.parse(budget) if budget else Budget("replicates", replicates)
    if spend.kind == "trials":
        raise UserError("--budget: trainings are counted by --seeds; give a time, epochs or MACs")
    rows = [_trial(number, row) for number, row in enumerate(chosen.rows)]
    ladder = Ladder((trained.epochs,), 2.0, ("macs",))
    ledger = Ledger(spend, trained, count)
    size, tested = chosen.rows[0].architecture.input, split == "test"
    with locked(path, "ablation"):
        if cluster is None:
            prepare_dataset(data, size, tested=tested)
        changed = make_directory(path, asked, ABLATION, fresh=fresh)
        shown = view or SilentView()
        shown.opened(path)
        warn(shown, changed)
        for reason in chosen.left_out:
            shown.notice(f"left out: {reason}")
        if trained.weights:
            from nas.training.initial import inherited

            label = chosen.rows[0].label
            shown.notice(f"{label}: {inherited(rows[0].architecture, trained)}")
        reused = reuse(path, asked, rows, seeds, trained.epochs)
        _tell(shown, reused, replicates)
        plan = AblationPlan(rows, seeds, ladder, ledger, given=frozenset(reused.scores))
        shown.notice(_power(_scores(path, chosen, seeds, reused.scores)))
        base = rows[0].architecture
        common = Job("", 0, base, trained, data, seed, plugins=plugin_files(), tested=tested)
        Driver(path, plan, common, shown, cluster=cluster).work(count)
    return _found(path, chosen, seeds)


def read_ablation(run: Run) -> Ablation:
    """What the record of an ablation says, of the rows that have begun.

    Without what its design left out and what its effects are: the tables it wrote have them. It is
    noted as a look, as it has verdicts. UserError where two rows with two seeds are not there yet.
    """
    trials = run.all_trials()
    labels = {trial.number: f"row {trial.number}" for trial in trials}
    labels |= {own["number"]: label for label, own in _read(run.path)["rows"].items()}
    rows = tuple(Row(labels[trial.number], trial.point, trial.architecture) for trial in trials)
    cells = tuple(Cell(row.factors, number) for number, row in enumerate(rows))
    return replace(_found(run.path, Design(rows, cells), seeds_of(trials)), effects=None)


def seeds_of(trials: Sequence[Trial]) -> int:
    """With how many seeds the rows of an ablation were trained, or begun."""
    return max((max(trial.fresh, default=0) + 1 for trial in trials), default=0)


def make_design(
    space: Space | None,
    baseline: str | Architecture | None,
    design: str,
    factors: Sequence[str] = (),
    match: str | None = None,
) -> tuple[str, Design]:
    """The design's name, and the rows to train, the baseline first; UserError says what does not
    fit together."""
    own = str(design).endswith(SUFFIXES)
    if not own:
        check_one_of("--design", design, DESIGNS)
    if match not in (None, *MATCHED):
        raise UserError(f"--match: {match!r} is not {' or '.join(MATCHED)}")
    base = preset(baseline) if baseline is not None else None
    if own:
        if space is not None:
            raise UserError(f"--table {design}: it has its rows; leave out SPACE")
        table = own_table(design, base)
        return table.name, match_cost(table.design, match) if match else table.design
    if base is None and space is not None:
        base = space.base
    if base is None:
        raise UserError("--baseline: give a preset, or a space, whose base it is then")
    if space is not None:
        base = base.resized(space.base.input)
    if design in TABLES:
        if space is not None:
            raise UserError(
                f"--table {design}: its rows are fixed; give --baseline and --input in place of "
                "SPACE"
            )
        found = paper_table(base) if design == "paper" else families_table(base)
    elif space is None:
        raise UserError(f"--design: {design} varies factors of a space: give one")
    elif design == "factorial":
        found = factorial(space, base, factors)
    else:
        make = one_at_a_time if design == "one-at-a-time" else leave_one_out
        found = make(space, base, factors)
    return design, match_cost(found, match) if match else found


def _trial(number: int, row: Row) -> Trial:
    own = row.architecture
    costs: dict[str, float] = dict(cost(own).as_dict())
    return Trial(number, key(own), dict(row.factors), own, costs, {"row": row.label})


def _default_path(asked: Mapping[str, Any], match: str | None, *, rows: bool) -> Path:
    """By what a search's directory is named by, and the design. rows: whether they were asked for,
    by factors or a baseline, and are in the name too; as a split other than the usual one is."""
    plain = default_path(asked)
    matched = {None: "", "macs": "-matched"}.get(match, f"-matched-{match}")
    rest: list[Any] = [own["key"] for own in asked["rows"].values()] if rows else []
    rest += [asked["split"]] * (asked["split"] != "test")
    hashed = blake2b(json.dumps(rest).encode(), digest_size=3).hexdigest() if rest else ""
    design = re.sub(r"[^\w.]+", "-", asked["design"]).strip("-.")[:60] or "table"
    parts = [f"ablation-{design}{matched}", *[hashed] * bool(rest), plain.name]
    return plain.with_name("-".join(parts))


def _tell(shown: View, reused: Reused, of: int) -> None:
    if reused.scores:
        shown.notice(f"{len(reused.scores)} of {of} trainings are there already, from other runs")
    if reused.others:
        shown.notice(
            f"{len(reused.others)} more are there by other code, another torch, or of other "
            "images, and are trained again"
        )


def _power(known: NDArray[np.float64]) -> str:
    """What the seeds can show, by the scores (rows, seeds) known before the run, or by no scale."""
    seeds, comparisons = known.shape[1], len(known) - 1
    try:
        seen = pilot(known)
    except UserError:
        found = detectable(seeds, comparisons, 1.0)
        return (
            f"no row is known with two seeds yet. In deviations of a paired difference: {found}. "
            "The same command with more seeds will say it in scores"
        )
    if not seen.deviation > 0:
        return "the scores that are known do not vary over seeds, which says nothing of noise"
    return str(detectable(seeds, comparisons, seen))


def _scores(
    path: Path, design: Design, seeds: int, given: Mapping[str, float] | None = None
) -> NDArray[np.float64]:
    """(rows, seeds). given: by the job's id, scores that are not recorded yet."""
    trials = open_run(path).all_trials() if (path / "record.db").is_file() else []
    found = np.full((len(design.rows), seeds), np.nan)
    for trial in trials:
        found[trial.number] = [score(trial, replicate) for replicate in range(seeds)]
    for job, known in (given or {}).items():
        row, replicate, _ = map(int, job.split("-"))
        found[row, replicate] = known
    return found


def _found(path: Path, design: Design, seeds: int) -> Ablation:
    scores = _scores(path, design, seeds)
    with open_run(path).record() as record:
        history = record.history()
    names = {name for job in history for name in job["scores"]}
    beside = {name: np.full(scores.shape, np.nan) for name in BESIDE if name in names}
    for job in history:
        for name in beside.keys() & job["scores"].keys():
            if job["replicate"] < seeds:
                beside[name][job["trial"], job["replicate"]] = job["scores"][name]
    halved = [job for job in history if job["outcome"] == "done" and in_parts(job["reason"])]
    rows = Counter(design.rows[job["trial"]].label for job in halved)
    found = compare(scores)
    looks = looked(path, int(found.pairs.max()))
    effects = None
    if design.factorial:
        with suppress(UserError):  # there are too few scores yet
            effects = factorial_effects(design.cells, scores)
    return Ablation(
        path, design, scores, found, effects, dict(rows), looks, metric_of(names), beside
    )


def _read(path: Path) -> dict[str, Any]:
    """What was asked of an ablation; rows were numbered by their order alone at first."""
    asked = read_asked(path)
    rows = enumerate(asked.get("rows", {}).items())
    asked["rows"] = {
        label: {"number": number, "key": own} if isinstance(own, str) else own
        for number, (label, own) in rows
    }
    return asked


ABLATION = Kind("an ablation", "run.json", FOLDERS, LIBRARIES, _read)
