"""Tests run side by side, so each process computes on one thread."""

import os

os.environ["OMP_NUM_THREADS"] = "1"
