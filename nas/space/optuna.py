"""A space as Optuna sees it, and an Optuna trial as an architecture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from nas.architecture import Architecture
from nas.architecture.fields import Value
from nas.errors import UserError, brief, first_line
from nas.space.space import Parameter, Point, Space

if TYPE_CHECKING:
    import optuna


@contextmanager
def quietly() -> Iterator[None]:
    """Optuna says nothing of a study of ours; of the caller's it says afterwards what it did."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def to_distributions(space: Space) -> dict[str, optuna.distributions.BaseDistribution]:
    """Parameter name to the distribution of its values."""
    return {parameter.name: to_distribution(parameter.values) for parameter in space.parameters}


def to_distribution(values: Sequence[Value]) -> optuna.distributions.BaseDistribution:
    """Evenly spaced whole numbers as such, all else as choices."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    whole = [v for v in values if isinstance(v, int) and not isinstance(v, bool)]
    steps = {b - a for a, b in pairwise(whole)} if len(whole) == len(values) else set()
    if len(steps) == 1 and (step := steps.pop()) > 0:
        return IntDistribution(whole[0], whole[-1], step=step)
    return CategoricalDistribution(values)


def optuna_params(space: Space, point: Point) -> dict[str, Value]:
    """The point with a value for every parameter, as a fixed set of distributions needs it."""
    return {p.name: point.get(p.name, p.values[0]) for p in space.parameters}


def suggest(trial: optuna.trial.BaseTrial, space: str | Path | Space) -> Architecture:
    """The architecture that an Optuna trial is to try, or that a finished one has tried.

    space: a name or a file is read at each call. Its parameters are asked of the trial, so any
    sampler serves. Raises optuna.TrialPruned where the architecture breaks a constraint, which
    `SpaceSampler` never proposes; UserError where the trial, its study, or what was enqueued has
    values that the space has not.
    """
    import optuna

    from nas.space.load import load_space

    space = load_space(space)
    if not isinstance(trial, optuna.trial.BaseTrial):
        raise UserError(f"trial: {brief(trial)} is not a trial of an Optuna study")
    point = {p.name: _asked(trial, space, p) for p in space.parameters}
    architecture = space.architecture(space.active(point))
    broken = space.broken(architecture)
    if broken is not None:
        raise optuna.TrialPruned(f"the constraint {broken.text} does not hold")
    return architecture


def _asked(trial: optuna.trial.BaseTrial, space: Space, parameter: Parameter) -> Value:
    from optuna.distributions import CategoricalDistribution, IntDistribution

    name, values = parameter.name, to_distribution(parameter.values)
    try:
        if isinstance(values, IntDistribution):
            return trial.suggest_int(name, values.low, values.high, step=values.step)
        assert isinstance(values, CategoricalDistribution)
        chosen: Value = trial.suggest_categorical(name, values.choices)  # type: ignore[assignment]
        return chosen
    except ValueError as error:  # of Optuna, which does not say of which parameter
        known = ", ".join(map(str, parameter.values))
        raise UserError(
            f"{space.name}: {name}: the trial has another value, or its study others, than "
            f"{known} ({first_line(error)})"
        ) from None
