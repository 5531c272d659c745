"""Architecture to torch module."""

from nas.models.network import Network, build
from nas.models.optimise import optimise

__all__ = ["Network", "build", "optimise"]
