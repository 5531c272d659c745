"""Recipe, loop, scores, and the job: the unit of work of a search."""

from nas.training.job import Job, Result, run_job
from nas.training.recipe import Recipe, load_recipe

__all__ = ["Job", "Recipe", "Result", "load_recipe", "run_job"]
