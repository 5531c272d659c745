"""Search: samplers propose, workers train, the driver records; a run holds it all."""

from nas.search.driver import Status, View, run_search
from nas.search.record import Trial
from nas.search.run import Run, front, open_run

__all__ = ["Run", "Status", "Trial", "View", "front", "open_run", "run_search"]
