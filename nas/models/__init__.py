"""Architecture to torch module."""

from nas.models.deployed import load_trained
from nas.models.inherit import inherit
from nas.models.network import Network, build
from nas.models.optimise import optimise
from nas.models.weights import load_network

__all__ = ["Network", "build", "inherit", "load_network", "load_trained", "optimise"]
