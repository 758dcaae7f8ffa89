"""The planning problem as plain numeric tables; no physics, no solver.

`Problem.of(tables)` checks tables made by hand or by `build_problem(scenario, catalogue)`.
"""

from capacity.problem.problem import Problem
from capacity.problem.tables import TABLES, UNITS, VARIABLES

__all__ = ["TABLES", "UNITS", "VARIABLES", "Problem"]
