"""The mixed-integer program in Pyomo, one topic a file.

`build_model(problem)` composes the topics; every rule stands beside its equation.
"""

from capacity.formulation.model import build_model
from capacity.formulation.survivability import RECOURSE

__all__ = ["RECOURSE", "build_model"]
