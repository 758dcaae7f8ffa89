"""Pyomo rules to arrays, each rule run once for all its rows.

`arrays(model)` takes a `RecordedModel` (or any ConcreteModel that states rules); it knows nothing of datacenters.
"""

from capacity.solving.compiler.assemble import Arrays, EmptyRowError, arrays, goals_alone
from capacity.solving.compiler.columns import Block
from capacity.solving.compiler.model import RecordedModel
from capacity.solving.compiler.nodes import RecordingError

__all__ = ["Arrays", "Block", "EmptyRowError", "RecordedModel", "RecordingError", "arrays", "goals_alone"]
