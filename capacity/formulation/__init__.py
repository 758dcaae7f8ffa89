"""The mixed-integer program in Pyomo, one topic a file.

`build_model(problem)` composes the topics; every rule stands beside its equation.
"""

from capacity.formulation.model import build_model

__all__ = ["build_model"]
