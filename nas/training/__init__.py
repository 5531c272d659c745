"""Recipe, loop, scores; the job of a search, and training at full length."""

from nas.training.full import Training, train_network
from nas.training.job import Job, Result, run_job
from nas.training.recipe import Recipe, load_recipe

__all__ = ["Job", "Recipe", "Result", "Training", "load_recipe", "run_job", "train_network"]
