"""A network as a file for elsewhere: written, run, compared with torch, measured."""

from nas.export.export import Exported, export_network
from nas.export.int8 import Calibration, Int8

__all__ = ["Calibration", "Exported", "Int8", "export_network"]
