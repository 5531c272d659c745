"""The search-space language: what may vary, what it contains, and what that costs."""

from nas.space.load import from_yaml, load_space
from nas.space.space import Constraint, Parameter, Point, Space

__all__ = ["Constraint", "Parameter", "Point", "Space", "from_yaml", "load_space"]
