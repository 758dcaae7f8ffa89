"""The race to a proven gap: ours beside HiGHS on plain, linked and tightened programs, and SCIP, at four sizes.

    python -m benchmarks.solve --size small|medium|large|world --seed 0 --time-limit 60 [--ways ours,highs] [--json]
    python -m benchmarks.solve --grow [--svg FILE]

Each way runs in a process of its own, one after the other, with two threads. Ours is timed from the start of reading
the YAML file, tables and serving frontiers included; the others from the start of reading their MPS file, which ours
wrote before. A gap is (plan - proven bound) / plan. Seconds are wall seconds; `cpu` are those of the processor, all
threads together, which tell more on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from capacity.scenario.synth import Size, synthesise

SIZES = {
    "small": Size(8, 5, 5, 3, 6), "medium": Size(20, 8, 8, 6, 12), "large": Size(40, 10, 16, 6, 24),
    "world": Size(80, 15, 24, 8, 40),
}
TARGETS = {"small": (0.003, 20), "medium": (0.01, 60), "large": (0.01, 300), "world": (0.02, 900)}
"""Size -> (proven gap, seconds)."""
GAPS = {"to_5pct": 0.05, "to_1pct": 0.01, "to_0.1pct": 0.001}
WAYS = ("ours", "highs", "highs_linked", "highs_tightened", "scip")
NAMES = {"ours": "ours", "highs": "HiGHS, plain program", "highs_linked": "HiGHS, linked program",
         "highs_tightened": "HiGHS, tightened program", "scip": "SCIP, plain program"}
PROGRAM = {"highs": "plain", "highs_linked": "linked", "highs_tightened": "tightened", "scip": "plain"}
"""Which of `capacity.solving.elsewhere.PROGRAMS` each way gets."""


@dataclass
class Trace:
    """What is known over time: the best plan's objective and the bound, each the best so far."""

    started: float = field(default_factory=time.perf_counter)
    best: float = np.inf
    bound: float = -np.inf
    first: float | None = None
    reached: dict[str, float] = field(default_factory=dict)
    reached_cpu: dict[str, float] = field(default_factory=dict)

    def note(self, objective: float, bound: float) -> None:
        """Take in a plan's objective or a bound (NaN: not known)."""
        now, cpu = time.perf_counter() - self.started, time.process_time()
        if np.isfinite(objective):
            self.best = min(self.best, objective)
            self.first = now if self.first is None else self.first
        if np.isfinite(bound):
            self.bound = max(self.bound, bound)
        for name, gap in GAPS.items():
            if name not in self.reached and self.gap() <= gap:
                self.reached[name], self.reached_cpu[name] = now, cpu

    def gap(self) -> float:
        """Proven gap; 1 without a plan or a bound, or where the bound is of another sign."""
        if not (np.isfinite(self.best) and np.isfinite(self.bound)):
            return 1.0
        return float(min(max((self.best - self.bound) / max(abs(self.best), 1e-9), 0.0), 1.0))

    def record(self) -> dict[str, Any]:
        """The figures of a way."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        seconds: dict[str, Any] = {name: _rounded(self.reached.get(name)) for name in GAPS}
        cpu = {f"cpu_{name}": _rounded(self.reached_cpu.get(name)) for name in GAPS}
        return {"first": _rounded(self.first), **seconds, **cpu, "gap": round(self.gap(), 6),
                "objective": self.best if np.isfinite(self.best) else None,
                "bound": self.bound if np.isfinite(self.bound) else None, "peak_mb": round(peak),
                "seconds": _rounded(time.perf_counter() - self.started), "cpu": _rounded(time.process_time())}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def ours(path: Path, limit: float, gap: float) -> dict[str, Any]:
    """From the YAML file to the proven plan."""
    trace = Trace()
    from capacity.catalogue import load_catalogue
    from capacity.problem import build_problem
    from capacity.scenario import check_against, load_scenario
    from capacity.solving import Options, solve

    scenario = load_scenario(path)
    catalogue = load_catalogue(scenario.catalogue)
    check_against(scenario, catalogue)
    problem = build_problem(scenario, catalogue)
    left = limit - (time.perf_counter() - trace.started)
    solution = solve(problem, Options(gap=gap, time_limit=left), lambda step: trace.note(step.objective, step.bound))
    stage = solution.stages[-1]
    trace.note(stage.objective, stage.bound)
    return {**trace.record(), "size": dict(solution.size or {})}


def highs(path: Path, limit: float, gap: float) -> dict[str, Any]:
    """HiGHS alone on an MPS file."""
    import highspy

    trace = Trace()
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 2)
    solver.setOptionValue("mip_rel_gap", gap)
    solver.readModel(str(path))
    solver.setOptionValue("time_limit", limit - (time.perf_counter() - trace.started))

    def told(event: Any) -> None:
        best = event.data_out.mip_primal_bound
        trace.note(best if best < highspy.kHighsInf else np.nan, event.data_out.mip_dual_bound)

    solver.cbMipLogging += told
    solver.cbMipImprovingSolution += told
    solver.run()
    info = solver.getInfo()
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    trace.note(info.objective_function_value if found else np.nan, info.mip_dual_bound)
    return trace.record()


def scip(path: Path, limit: float, gap: float) -> dict[str, Any]:
    """SCIP alone on an MPS file."""
    import pyscipopt

    trace = Trace()
    events: Any = vars(pyscipopt)["SCIP_EVENTTYPE"]
    model = pyscipopt.Model()
    model.hideOutput()
    model.readProblem(str(path))

    class Watch(pyscipopt.Eventhdlr):
        kinds = events.BESTSOLFOUND | events.NODESOLVED

        def eventinit(self) -> None:
            self.model.catchEvent(self.kinds, self)

        def eventexec(self, event: Any) -> None:
            trace.note(_finite(self.model.getPrimalbound()), _finite(self.model.getDualbound()))

    model.includeEventhdlr(Watch(), "watch", "notes plans and bounds")
    model.setParam("limits/gap", gap)
    model.setParam("limits/time", limit - (time.perf_counter() - trace.started))
    model.optimize()
    trace.note(_finite(model.getPrimalbound()), _finite(model.getDualbound()))
    return trace.record()


def _finite(value: float) -> float:
    return value if abs(value) < 1e19 else np.nan


def write_programs(scenario: Path, kinds: set[str]) -> None:
    """Programs of a scenario as MPS beside it, as `capacity export --mps --program KIND` writes them."""
    from capacity.catalogue import load_catalogue
    from capacity.problem import build_problem
    from capacity.scenario import load_scenario
    from capacity.solving.elsewhere import write_program

    asked = load_scenario(scenario)
    problem = build_problem(asked, load_catalogue(asked.catalogue))
    for kind in kinds:
        write_program(problem, scenario.with_name(f"{kind}.mps"), kind=kind)


def race(size: Size, seed: int, limit: float, gap: float, ways: list[str]) -> dict[str, Any]:
    """Figures of each way on one scenario."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = synthesise(Path(folder) / "synthetic.yaml", size, seed)
        files = {way: scenario.with_name(f"{kind}.mps") for way, kind in PROGRAM.items()} | {"ours": scenario}
        if kinds := {PROGRAM[way] for way in ways if way != "ours"}:
            write_programs(scenario, kinds)
        return {way: _alone(way, files[way], limit, gap) for way in ways}


def _alone(way: str, path: Path, limit: float, gap: float) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.solve", "--one", way, str(path), "--time-limit", str(limit),
               "--gap", str(gap)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{way} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


ONE: dict[str, Callable[[Path, float, float], dict[str, Any]]] = {
    "ours": ours, "highs": highs, "highs_linked": highs, "highs_tightened": highs, "scip": scip,
}


def installed(ways: list[str]) -> list[str]:
    """Ways that can run here: SCIP where it is installed."""
    from importlib.util import find_spec

    return [way for way in ways if way != "scip" or find_spec("pyscipopt")]


def table(name: str, seed: int, found: dict[str, Any]) -> str:
    """One line for each way."""
    columns = f"{'first':>8}{'5 %':>8}{'1 %':>8}{'0.1 %':>8}{'gap':>9}{'plan':>13}{'bound':>13}{'MB':>7}{'cpu s':>8}"
    lines = [f"{name}, seed {seed}: wall seconds to the first plan and to each proven gap", f"{'':28}{columns}"]
    for way, got in found.items():
        times = "".join(f"{'-' if got[k] is None else got[k]:>8}" for k in ("first", *GAPS))
        plan, bound = (f"{got[k]:,.1f}" if got[k] is not None else "-" for k in ("objective", "bound"))
        lines.append(f"{NAMES[way]:28}{times}{got['gap']:>9.2%}{plan:>13}{bound:>13}{got['peak_mb']:>7}{got['cpu']:>8}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=[*SIZES], default="small")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--time-limit", type=float, help="seconds for each way [the size's target]")
    parser.add_argument("--gap", type=float, help="stop at this proven gap [the size's target, or 1 %% if less]")
    parser.add_argument("--ways", default=",".join(WAYS), help="any of " + ",".join(WAYS))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--grow", action="store_true", help="how time grows with each dimension")
    parser.add_argument("--svg", type=Path, help="where --grow draws its chart")
    parser.add_argument("--one", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    target, seconds = TARGETS[asked.size]
    limit, gap = asked.time_limit or seconds, asked.gap if asked.gap is not None else min(target, GAPS["to_1pct"])
    if asked.one:
        print(json.dumps(ONE[asked.one[0]](Path(asked.one[1]), limit, gap)))
        return
    if asked.grow:
        from benchmarks.solve_growth import grow

        print(grow(limit, gap, asked.seed, asked.svg))
        return
    ways = [way for way in asked.ways.split(",") if way in WAYS]
    if len(ways) < len(asked.ways.split(",")):
        parser.error(f"--ways {asked.ways}: allowed are {', '.join(WAYS)}")
    found = race(SIZES[asked.size], asked.seed, limit, gap, installed(ways))
    print(json.dumps(found) if asked.json else table(asked.size, asked.seed, found))


if __name__ == "__main__":
    main()
