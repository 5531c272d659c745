"""Training at full length: one network, checkpoints, metrics, and its scores at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nas.architecture import Architecture, preset
from nas.arguments import a_path, real, settings, several, whole
from nas.data import Dataset, Held, check_spec, hold_out_to_score, load_dataset
from nas.directory import check_directory, make_directory
from nas.errors import UserError
from nas.lock import locked
from nas.progress import warn
from nas.seeds import derived_seed
from nas.training.asked import KIND, asked_of, default_path
from nas.training.final_scores import load_tests, score_tests
from nas.training.progress import BEST, LAST, Progress
from nas.training.recipe import Overrides, Recipe, load_recipe
from nas.training.view import Silent, View


@dataclass(frozen=True)
class Training:
    """A finished training.

    network: the self-contained file to use, the best where epochs were scored, else the last.
    scores: of the test splits, by data spec; larger is better. best_epoch: 0 where none was scored.
    """

    path: Path
    network: Path
    epochs: int
    best_epoch: int
    scores: dict[str, dict[str, float]]


def train_network(
    architecture: Architecture | str,
    *,
    data: str = "synthetic",
    recipe: str | Recipe = "standard",
    overrides: Overrides = (),
    evaluate: Sequence[str] = (),
    eval_every: int | None = None,
    init: str | Path | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    name: str | None = None,
    fresh: bool = False,
    device: str | None = None,
    checkpoint_minutes: float = 5.0,
    view: View | None = None,
) -> Training:
    """Train on the whole training split, and score the test split of `data` and of `evaluate`.

    architecture: a value, or the name of a preset. init: a file of weights to start from. name: of
    the architecture, in the default directory. Where the recipe has `early_stop`, identities (or
    images) are held out and scored after each epoch. eval_every: epochs after which the test splits
    are scored too, into metrics.csv as test/mAP, and SPEC/mAP of `evaluate`; nothing goes by that.
    overrides: fields of the recipe, as ["lr=0.001"] or {"lr": 0.001}. seed: of weights, batches and
    augmentation. out: the directory; by default one in results/ that follows from what is asked.
    fresh: delete what is there. view: told of the training while it goes on, as
    `nas.training.view.View` says. The same arguments go on where a training was; evaluate,
    eval_every, device and checkpoint_minutes may change. Raises UserError for what a user can mend,
    Diverged where the loss is no number, and KeyboardInterrupt after Ctrl-C, with the state saved.
    """
    from nas.training.initial import begin, inherited, load_initial
    from nas.training.loop import Trainer, parse_device

    if isinstance(architecture, str):
        name = name or architecture
    architecture = preset(architecture)
    overrides, evaluate, seed = settings(overrides), several(evaluate), whole("--seed", seed)
    minutes = real("--checkpoint-minutes", checkpoint_minutes)
    if minutes < 0:
        raise UserError(f"--checkpoint-minutes: {minutes:g} is below 0")
    every = None if eval_every is None else whole("--eval-every", eval_every, 1)
    trained = load_recipe(recipe, overrides)
    if trained.weights and init is not None:
        raise UserError("--init: the recipe has weights to start from; leave out one of both")
    for spec in (data, *evaluate):
        check_spec(spec)
    place = parse_device(device)
    init = None if init is None else a_path("--init", init)
    asked = asked_of(architecture, data, trained, seed, init)
    path = a_path("--out", out) if out is not None else default_path(asked, name, recipe, overrides)
    shown = view or Silent()
    with locked(path, "training"):
        check_directory(path, asked, KIND, fresh=fresh)
        dataset = load_dataset(data, architecture.input)
        split = derived_seed(seed, 0)  # as replicate 0 of a search with that seed
        held = _split(dataset, trained, split)
        classes = int(held.train.labels.max()) + 1
        network = begin(architecture, classes, trained, seed=split)
        network.task, network.classes = dataset.task, dataset.classes
        about = inherited(architecture, trained) if trained.weights else ""
        if init is not None:
            about = load_initial(network, init)
        trainer = Trainer(network, trained, seed=split, device=place)
        trainer.epoch_steps(held.train)  # what does not fit the data says so here
        tests = load_tests(network, dataset, data, evaluate)
        changed = make_directory(path, asked, KIND, fresh=fresh)
        shown.opened(path)
        warn(shown, changed)
        for images in (held.train, held.query, held.gallery, held.validation):
            if images is not None:
                images.prepare()  # decoded here, where Ctrl-C ends it at once
        if about:
            shown.notice(about)
        looked_at = {"test" if spec == data else spec: own for spec, own in tests.items()}
        progress = Progress(path, trainer, held, minutes * 60, shown, looked_at, every)
        progress.resume()
        progress.train()
        file = path / (BEST if trained.early_stop else LAST)
        scores = score_tests(path, file, trainer, tests)
    return Training(path, file, trainer.epoch, int(progress.extra["best_epoch"]), scores)


def _split(dataset: Dataset, recipe: Recipe, seed: int) -> Held:
    if not recipe.early_stop:
        return Held(dataset.train)
    return hold_out_to_score(dataset, seed=seed, fraction=recipe.validation)
