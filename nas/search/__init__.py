"""Search: samplers propose, workers train, the driver records; a run holds it all."""

from nas.search.record import Trial
from nas.search.run import Run, front, open_run
from nas.search.search import run_search
from nas.search.view import SilentView, Status, View

__all__ = ["Run", "SilentView", "Status", "Trial", "View", "front", "open_run", "run_search"]
