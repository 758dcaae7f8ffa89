"""How a plan is found and proven: goals one after the other, each with a bound from its relaxation.

For each goal: (1) solve the relaxation, its value is the bound; (2) look one goal ahead, so that the points found for
this goal are already good for the next; (3) round: integers may move only within one unit of the relaxation; (4)
search among the columns that the relaxation uses; (5) search them all. It stops as soon as the asked gap is proven.
The value reached is then kept as a row while the next goal is treated.
"""

from __future__ import annotations

from threadpoolctl import threadpool_limits

from capacity.errors import Interrupted
from capacity.problem import Problem
from capacity.solving.options import Listener, Options
from capacity.solving.search import Search
from capacity.solving.solution import Solution


def solve(problem: Problem, options: Options = Options(), listen: Listener | None = None) -> Solution:  # noqa: B008
    """Solve a problem for all its goals in order.

    Raises InfeasibleError (naming what cannot be met), LimitError (time ran out before any plan), Interrupted (Ctrl-C
    before any plan). Ctrl-C or the limit after a plan was found return it, with its status.
    """
    return finish(Search(problem, options, listen))


def finish(search: Search) -> Solution:
    """Treat all goals of a search in order, the BLAS in one thread (its products are small); raises as `solve` does."""
    with threadpool_limits(1):
        return _finished(search)


def _finished(search: Search) -> Solution:
    try:
        for order, goal in enumerate(search.goals, start=1):
            search.treat(order, goal)
            if search.deadline.left() <= 0 and order < len(search.goals):
                search.leave_open(order)
                break
    except KeyboardInterrupt:
        search.deadline.interrupted = True
        if search.best is None:
            raise Interrupted("stopped before any plan was found") from None
        search.leave_open(len(search.stages))
    return search.solution()
