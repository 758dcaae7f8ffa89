"""From the Pyomo model to a proven plan: compile, HiGHS, strategy, bound, diagnosis.

`solve(problem, gap=..., time_limit=...)` returns a `Solution` with a bound for every goal, or raises with the cause.
"""

from capacity.solving.options import Options, Progress
from capacity.solving.solution import Solution, Stage
from capacity.solving.strategy import solve

__all__ = ["Options", "Progress", "Solution", "Stage", "solve"]
