"""The planning problem as plain numeric tables; no physics, no solver.

`Problem.of(tables)` checks tables made by hand; `build_problem(scenario, catalogue)` makes them from a scenario.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capacity.problem.problem import Problem
from capacity.problem.tables import FLOW_VARIABLES, OPTIONAL_VARIABLES, TABLES, UNITS, VARIABLES

if TYPE_CHECKING:
    from capacity.problem.build import build_problem

__all__ = ["FLOW_VARIABLES", "OPTIONAL_VARIABLES", "TABLES", "UNITS", "VARIABLES", "Problem", "build_problem"]


def __getattr__(name: str) -> Any:
    """Load the builder on first use: a Problem made by hand needs no catalogue, serving or network."""
    if name == "build_problem":
        from capacity.problem.build import build_problem

        return build_problem
    raise AttributeError(name)
