"""Seconds and memory from a planning problem's tables to a loaded HiGHS: `python -m benchmarks.build [--json]`.

Each way builds the same model of our own formulation, in a fresh process, after a small one to warm up: our rules run
once for all rows (`ours`), numpy and scipy by hand (`raw`), linopy, and stock Pyomo by its standard form, `appsi_highs`
and `highs`. Seconds are CPU seconds of the one thread; `peak MB` is the largest resident memory, `added MB` what the
build added. Every way must come to the same rows, columns and nonzeros. `--sizes 10000,100000` leaves the largest out.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.build_problem import SHAPES, problem_of

WARM_UP = min(SHAPES)


def ours(problem: Any) -> Any:
    from capacity.solving.compile import compile_problem
    from capacity.solving.highs import Machine

    form = compile_problem(problem)
    box = form.lower, form.upper
    return Machine(form.matrix, form.row_lower, form.row_upper, 2, form.cost["cost"], box, form.integer).highs


def raw(problem: Any) -> Any:
    from benchmarks.build_raw import raw as by_hand

    made = by_hand(problem)
    return load(made["matrix"], made["row_lower"], made["row_upper"], made["lower"], made["upper"], made["integer"],
                made["costs"][-1])


def load(matrix: Any, low: Any, high: Any, lower: Any, upper: Any, integer: Any, cost: Any) -> Any:
    """Arrays into a fresh HiGHS."""
    import highspy

    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    rows, columns = matrix.shape
    highs.passModel(columns, rows, matrix.nnz, int(highspy.MatrixFormat.kRowwise), int(highspy.ObjSense.kMinimize), 0.0,
                    cost, lower, upper, low, high, matrix.indptr.astype(np.int32, copy=False),
                    matrix.indices.astype(np.int32, copy=False), matrix.data, integer.astype(np.int32))
    return highs


def linopy(problem: Any) -> Any:
    from linopy.io import to_highspy

    from benchmarks.build_linopy import linopy_model

    return to_highspy(linopy_model(problem))


def stock_model(problem: Any) -> Any:
    """The Pyomo model row by row, with the last goal alone."""
    import pyomo.environ as pyo

    from capacity.formulation import build_model

    model = build_model(problem)
    for goal in list(model.component_objects(pyo.Objective))[:-1]:
        goal.deactivate()
    return model


def standard_form(problem: Any) -> Any:
    from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

    made = LinearStandardFormCompiler().write(stock_model(problem), mixed_form=True)
    kinds, rhs = np.array([row.bound_type for row in made.rows]), np.asarray(made.rhs, dtype=float)
    bounds = np.array([(v.lb if v.lb is not None else -np.inf, v.ub if v.ub is not None else np.inf)
                       for v in made.columns])
    whole = np.array([not v.is_continuous() for v in made.columns])
    return load(made.A.tocsr(), np.where(kinds <= 0, rhs, -np.inf), np.where(kinds >= 0, rhs, np.inf),
                np.ascontiguousarray(bounds[:, 0]), np.ascontiguousarray(bounds[:, 1]), whole,
                made.c.toarray().ravel())


def appsi_highs(problem: Any) -> Any:
    from pyomo.contrib.appsi.solvers.highs import Highs

    solver = Highs()
    solver.set_instance(stock_model(problem))
    return solver._solver_model


def highs(problem: Any) -> Any:
    from pyomo.contrib.solver.solvers.highs import Highs

    solver = Highs()
    solver.set_instance(stock_model(problem))
    return solver._solver_model


WAYS = {"ours": ours, "raw": raw, "linopy": linopy, "standard form": standard_form, "appsi_highs": appsi_highs,
        "highs": highs}


def measure(way: str, size: int) -> dict[str, Any]:
    """One way at one size, in this process."""
    warnings.simplefilter("ignore")
    WAYS[way](problem_of(WARM_UP, seed=1))
    problem = problem_of(size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, wall = time.process_time(), time.perf_counter()
    made = WAYS[way](problem)
    seconds, wall = time.process_time() - began, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "way": way, "size": size, "seconds": seconds, "wall_s": wall, "peak_mb": peak / 1024,
        "added_mb": (peak - before) / 1024, "columns": made.getNumCol(), "rows": made.getNumRow(),
        "nonzeros": made.getNumNz(),
    }


def fresh(way: str, size: int) -> dict[str, Any]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.build", "--one", way, "--sizes", str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{way} at {size:,} columns failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def best(way: str, size: int, repeats: int) -> dict[str, Any]:
    """The least seconds of several runs: what else runs on the machine only ever adds."""
    return min((fresh(way, size) for _ in range(repeats)), key=lambda one: float(one["seconds"]))


def table(found: list[dict[str, Any]]) -> str:
    """Lines to read, each with its ratio to raw at the same size."""
    lines = [f"{'columns':>10} {'nonzeros':>10}  {'way':14} {'seconds':>8} {'x raw':>6} {'peak MB':>8} {'x raw':>6} "
             f"{'added MB':>8}"]
    for one in found:
        base = next((o for o in found if o["size"] == one["size"] and o["way"] == "raw"), None)
        times = [f"{one[k] / base[k]:6.1f}" if base else " " * 6 for k in ("seconds", "peak_mb")]
        lines.append(f"{one['columns']:>10,} {one['nonzeros']:>10,}  {one['way']:14} {one['seconds']:8.3f} {times[0]} "
                     f"{one['peak_mb']:8.0f} {times[1]} {one['added_mb']:8.0f}")
    return "\n".join(lines)


def main() -> None:
    """The command."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--sizes", default=",".join(map(str, SHAPES)), help="columns, about: %(default)s")
    ask.add_argument("--ways", default=",".join(WAYS), help="which, by comma: %(default)s")
    ask.add_argument("--repeats", type=int, default=3, help="runs of each; the fastest counts [%(default)s]")
    ask.add_argument("--json", action="store_true", help="one JSON list")
    ask.add_argument("--one", help=argparse.SUPPRESS)
    given = ask.parse_args()
    sizes = [int(s) for s in given.sizes.split(",")]
    wrong = [s for s in sizes if s not in SHAPES] + [w for w in given.ways.split(",") if w not in WAYS]
    if wrong:
        ask.error(f"{wrong[0]!r} is unknown; sizes: {', '.join(map(str, SHAPES))}; ways: {', '.join(WAYS)}")
    if given.one:
        print(json.dumps(measure(given.one, sizes[0])))
        return
    ways = [w for w in given.ways.split(",") if w != "linopy" or find_spec("linopy")]
    if len(ways) < len(given.ways.split(",")):
        print("linopy is not installed (pip install capacity[benchmarks]): left out", file=sys.stderr)
    found = [best(way, size, given.repeats) for size in sizes for way in ways]
    print(json.dumps(found, indent=2) if given.json else table(found))
    odd = {(o["size"], o["columns"], o["rows"], o["nonzeros"]) for o in found}
    if len(odd) > len(sizes):
        raise SystemExit("the ways do not come to the same model: " + ", ".join(map(str, sorted(odd))))


if __name__ == "__main__":
    main()
