"""Architecture search and ablation for OSNet and other lightweight networks.

The public functions are verbs, and load what they need when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nas.ablation.run import run_ablation
    from nas.architecture import key, lower, preset
    from nas.audit.run import run_audit
    from nas.cost import cost_of, profile
    from nas.data import check_dataset, contact_sheet, load_dataset
    from nas.data.register import register_data
    from nas.errors import UserError
    from nas.export import Calibration, export_network
    from nas.models import build, inherit, load_network
    from nas.plugins import load_plugin
    from nas.report import pareto_figure, write_pareto
    from nas.report.activations import write_activations
    from nas.report.page import write_report
    from nas.report.ranking import write_ranking
    from nas.search import open_run, run_search
    from nas.search.about import describe_run, describe_trial
    from nas.search.again import replay_trial
    from nas.search.choose import best_trials
    from nas.search.compare import compare_runs
    from nas.search.dashboard import serve_dashboard
    from nas.search.overview import list_runs
    from nas.search.samplers.for_optuna import SpaceSampler
    from nas.space import load_space, suggest
    from nas.training import load_recipe, run_job, train_network
    from nas.training.augmentation_kinds import register_augmentation
    from nas.training.evaluation import evaluate
    from nas.training.features import embed_folder
    from nas.training.loss_kinds import register_loss

_HOME = {
    "Calibration": "nas.export",
    "SpaceSampler": "nas.search.samplers.for_optuna",
    "UserError": "nas.errors",
    "build": "nas.models",
    "check_dataset": "nas.data",
    "contact_sheet": "nas.data",
    "embed_folder": "nas.training.features",
    "evaluate": "nas.training.evaluation",
    "export_network": "nas.export",
    "inherit": "nas.models",
    "key": "nas.architecture",
    "serve_dashboard": "nas.search.dashboard",
    "replay_trial": "nas.search.again",
    "compare_runs": "nas.search.compare",
    "cost_of": "nas.cost",
    "best_trials": "nas.search.choose",
    "describe_trial": "nas.search.about",
    "describe_run": "nas.search.about",
    "list_runs": "nas.search.overview",
    "load_dataset": "nas.data",
    "load_network": "nas.models",
    "load_plugin": "nas.plugins",
    "load_recipe": "nas.training",
    "load_space": "nas.space",
    "lower": "nas.architecture",
    "open_run": "nas.search",
    "pareto_figure": "nas.report",
    "preset": "nas.architecture",
    "profile": "nas.cost",
    "register_augmentation": "nas.training.augmentation_kinds",
    "register_data": "nas.data.register",
    "register_loss": "nas.training.loss_kinds",
    "run_ablation": "nas.ablation.run",
    "run_audit": "nas.audit.run",
    "run_job": "nas.training",
    "run_search": "nas.search",
    "suggest": "nas.space",
    "train_network": "nas.training",
    "write_activations": "nas.report.activations",
    "write_pareto": "nas.report",
    "write_ranking": "nas.report.ranking",
    "write_report": "nas.report.page",
}
__all__ = [
    "Calibration",
    "SpaceSampler",
    "UserError",
    "best_trials",
    "build",
    "check_dataset",
    "compare_runs",
    "contact_sheet",
    "cost_of",
    "describe_run",
    "describe_trial",
    "embed_folder",
    "evaluate",
    "export_network",
    "inherit",
    "key",
    "list_runs",
    "load_dataset",
    "load_network",
    "load_plugin",
    "load_recipe",
    "load_space",
    "lower",
    "open_run",
    "pareto_figure",
    "preset",
    "profile",
    "register_augmentation",
    "register_data",
    "register_loss",
    "replay_trial",
    "run_ablation",
    "run_audit",
    "run_job",
    "run_search",
    "serve_dashboard",
    "suggest",
    "train_network",
    "write_activations",
    "write_pareto",
    "write_ranking",
    "write_report",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if find_spec(f"nas.{name}") is not None:
        return import_module(f"nas.{name}")
    raise AttributeError(f"module 'nas' has no attribute {name!r}")
