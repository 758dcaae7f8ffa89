"""The plain program for another solver: written to a file, or solved by one that Pyomo reaches on this machine."""

from __future__ import annotations

import logging
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyomo.environ as pyo

from capacity.errors import CapacityError, InfeasibleError, InputError, LimitError, nearest
from capacity.formulation import build_model
from capacity.problem import Problem
from capacity.solving.compile import Form, compile_problem, goal_name
from capacity.solving.highs import Deadline, Machine
from capacity.solving.options import Listener, Options, Progress
from capacity.solving.plain import plain
from capacity.solving.solution import Solution, Stage, relative_gap
from capacity.solving.tightened import tightened

SOLVERS: Mapping[str, tuple[str, ...]] = {
    "gurobi": ("gurobi_direct", "gurobi"), "cplex": ("cplex_direct", "cplex"),
    "xpress": ("xpress_direct",), "scip": ("scip_direct", "scip"), "cbc": ("cbc",), "highs": ("highs",),
}
"""Solvers by the name a user knows, and what Pyomo calls its ways to reach each, the best first."""

INSTALL: Mapping[str, str] = {
    "gurobi": "pip install gurobipy and a licence", "cplex": "pip install cplex and a licence",
    "xpress": "pip install xpress and a licence", "scip": "pip install pyscipopt",
    "cbc": "the program `cbc` on the PATH", "highs": "pip install highspy",
}

PROGRAMS: Mapping[str, str] = {
    "plain": "each place's opening tied to what happens there by its grid and land alone",
    "linked": "and by a row for each demand served from it, each of its phases and each purchase: what we formulate",
    "tightened": "and with rows rounded and cuts added: what our search works on",
}
"""Programs with the same plans, each a stronger one than the one before."""

LIMITS: Mapping[str, tuple[str, str]] = {
    "gurobi": ("MIPGap", "TimeLimit"), "cplex": ("mip_tolerances_mipgap", "timelimit"),
    "xpress": ("miprelstop", "maxtime"), "scip": ("limits/gap", "limits/time"), "cbc": ("ratioGap", "seconds"),
    "highs": ("mip_rel_gap", "time_limit"),
}
"""What each solver calls its relative gap and its time limit in seconds."""


def write_program(
    problem: Problem, path: Path, goal: str | None = None, keep: Mapping[str, float] | None = None, kind: str = "plain"
) -> str:
    """Write one goal's program as .mps or .lp (by the ending of `path`); returns the goal in the objective.

    `kind` is one of `PROGRAMS`; all have the same plans.

    The goal is the first one unless named; `keep` holds earlier goals at most at a value, as rows. Words in names are
    made fit for both formats. Raises InputError for an unknown goal, kind or ending, or a path that cannot be written.
    """
    if path.suffix not in (".mps", ".lp"):
        raise InputError(f"{path}: the file must end in .mps or .lp")
    form = program(problem, kind)
    chosen = _known_goal(form, goal or next(iter(form.cost)))
    machine = Machine(form.matrix, form.row_lower, form.row_upper)
    machine.set_bounds(form.lower, form.upper)
    machine.set_integer(form.integer)
    machine.set_cost(form.cost[chosen], form.offset[chosen])
    names = list(form.row_names)
    for kept, value in (keep or {}).items():
        machine.add_row(-np.inf, value - form.offset[_known_goal(form, kept)], form.cost[kept])
        names.append(f"keep[{kept}]")
    for at, name in enumerate(_fit(_column_names(form))):
        machine.highs.passColName(at, name)
    for at, name in enumerate(_fit(names)):
        machine.highs.passRowName(at, name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise InputError(f"{path}: cannot write: {error.strerror or error}") from None
    machine.write(path)
    return chosen


def program(problem: Problem, kind: str) -> Form:
    """A problem's program of a kind. Raises InputError for one that is not in `PROGRAMS`."""
    if kind not in PROGRAMS:
        hint = nearest(kind, list(PROGRAMS))
        meant = f"; nearest: {hint!r}" if hint else ""
        raise InputError(f"no program {kind!r}; allowed: {', '.join(PROGRAMS)}{meant}")
    form = compile_problem(problem)
    if kind == "plain":
        return plain(form)
    return form if kind == "linked" else tightened(problem, form, Deadline(), 1)[0]


def _known_goal(form: Form, goal: str) -> str:
    if goal not in form.cost:
        hint = nearest(goal, list(form.cost))
        meant = f"; nearest: {hint!r}" if hint else ""
        raise InputError(f"no goal {goal!r} in this problem; it has {', '.join(form.cost)}{meant}")
    return goal


def _column_names(form: Form) -> list[str]:
    return [
        f"{name}[{','.join(map(str, i if isinstance(i, tuple) else (i,)))}]" if i is not None else name
        for name in form.labels for i in form.labels[name][1]
    ]


def _fit(names: Iterable[str]) -> list[str]:
    """Names that MPS and LP files take, each once: no spaces or brackets, at most 200 letters."""
    turned = str.maketrans("[],", "().")
    plain = [re.sub(r"[^A-Za-z0-9_.()]", "_", name.translate(turned))[:200] for name in names]
    often = Counter(plain)
    return [name if often[name] == 1 else f"{name[:190]}_{at}" for at, name in enumerate(plain)]


def check_solver(name: str) -> Any:
    """The Pyomo solver for a name. Raises InputError where it is unknown or not on this machine."""
    if name not in SOLVERS:
        hint = nearest(name, list(SOLVERS))
        meant = f"; did you mean {hint!r}?" if hint else ""
        raise InputError(f"--solver {name!r} is unknown; allowed: own, {', '.join(SOLVERS)}{meant}")
    logging.getLogger("pyomo").setLevel(logging.CRITICAL)  # what it could not find is said below, once
    for way in SOLVERS[name]:
        solver = pyo.SolverFactory(way)
        if solver.available(exception_flag=False):
            return solver
    raise InputError(f"--solver {name}: not found on this machine; it needs {INSTALL[name]}. Or write the program with "
                     "`capacity export SCENARIO --mps FILE` and solve it elsewhere")


def solve_with(name: str, problem: Problem, options: Options, listen: Listener | None = None) -> Solution:
    """Solve a problem's goals in order with another solver, each kept while the next is treated.

    Raises InputError (no such solver here), InfeasibleError, LimitError (no plan in time) and CapacityError for any
    other end. Its bounds are the solver's own word; the plan is audited as ever.
    """
    solver, began = check_solver(name), time.perf_counter()
    model, form = build_model(problem), compile_problem(problem)
    goals = list(model.component_objects(pyo.Objective))
    stages: list[Stage] = []
    for order, goal in enumerate(goals, start=1):
        word, started = goal_name(goal.name), time.perf_counter()
        for other in goals:
            other.deactivate()
        goal.activate()
        if listen is not None:
            listen(Progress(started - began, word, f"solving with {name}"))
        left = max(options.time_limit - (started - began), 1.0)
        value, bound, status = _run(solver, name, model, goal, options.gap, left)
        gap, seconds = relative_gap(value, bound), time.perf_counter() - started
        stages.append(Stage(order, word, value, bound, gap, seconds, "optimal" if gap <= 1e-6 else status))
        if listen is not None:
            listen(Progress(time.perf_counter() - began, word, "goal done", value, bound, gap))
        model.add_component(f"keep_{word}", pyo.Constraint(expr=goal.expr <= value + 1e-6 * max(1.0, abs(value))))
    x = _point(model, form)
    worst = max(stages, key=lambda s: s.gap)
    size = {"rows": int(form.matrix.shape[0]), "columns": form.columns, "nonzeros": int(form.matrix.nnz),
            "integers": int(form.integer.sum())}
    return Solution(worst.status, tuple(stages), form.tables(x), time.perf_counter() - began, (f"solved with {name}",),
                    size)


def _run(solver: Any, name: str, model: Any, goal: Any, gap: float, left: float) -> tuple[float, float, str]:
    """(objective, bound, status) of one goal."""
    gap_word, limit_word = LIMITS[name]
    options = {gap_word: gap, **({limit_word: left} if np.isfinite(left) else {})}
    results = solver.solve(model, options=options, load_solutions=False)
    end = str(results.solver.termination_condition)
    if end in ("infeasible", "infeasibleOrUnbounded"):
        raise InfeasibleError(f"{name} finds no plan that meets the scenario; without --solver the cause is looked for")
    if end not in ("optimal", "maxTimeLimit"):
        raise CapacityError(f"{name} ended as {end!r}: {results.solver.message}")
    if not len(results.solution):
        raise LimitError(f"{name} found no plan within the time limit; allow more time")
    model.solutions.load_from(results)
    value = float(pyo.value(goal.expr))
    bound = results.problem.lower_bound
    status = "gap_reached" if end == "optimal" else "time_limit"
    return value, min(float(-np.inf if bound is None else bound), value), status


def _point(model: Any, form: Form) -> Any:
    x = np.zeros(form.columns)
    for variable in model.component_objects(pyo.Var):
        found = [pyo.value(column, exception=False) for column in variable.values()]
        x[form.labels.span(variable.name)] = [0.0 if v is None else v for v in found]
    return np.where(form.integer, np.round(x), x)
