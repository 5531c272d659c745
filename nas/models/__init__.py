"""Architecture to torch module."""

from nas.models.network import Network, build

__all__ = ["Network", "build"]
