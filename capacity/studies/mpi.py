"""Futures spread over machines: the same recourse problem for mpi-sppy, by progressive hedging.

    mpiexec -np 3 python -m capacity.studies.mpi FUTURES.yaml [--iterations 20] [--rho 1]

Needs the extra `mpi` and an MPI (the system's, or the one of the wheel `mpich`). Progressive hedging solves one program
a future and pulls their commitments together by a proximal term, here linearised so that HiGHS takes it. It prints a
proven bound on the expected cost, the expected cost, and how far the commitments are still apart. Two stages: all is
revealed in one year.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from capacity.errors import InputError
from capacity.formulation import build_model
from capacity.scenario import load_scenario
from capacity.studies.fixing import DECISIONS
from capacity.studies.keys import Base
from capacity.studies.risk import GOAL, RiskSpec, future_problem, read_risk


def scenario_creator(name: str, spec: RiskSpec) -> Any:
    """The Pyomo model of one future, its commitments declared as mpi-sppy's root node.

    Raises InputError for a future of no such name, or futures that are revealed in stages.
    """
    import pyomo.environ as pyo
    from mpisppy.utils import sputils

    future = next((f for f in spec.futures if f.name == name), None)
    if future is None:
        raise InputError(f"no future {name!r}; there are: {', '.join(f.name for f in spec.futures)}")
    if not isinstance(spec.reveal, int):
        raise InputError("mpi: one year of reveal for all is needed; stages are solved by `capacity risk`")
    base = Base(load_scenario(spec.scenario, spec.set))
    model = build_model(future_problem(spec, base, future.set))
    for objective in model.component_objects(pyo.Objective, active=True):
        if objective.local_name != f"goal_{GOAL}":
            objective.deactivate()
    sputils.attach_root_node(model, 0.0, commitments(model, spec))
    model._mpisppy_probability = future.weight / sum(f.weight for f in spec.futures)
    return model


def commitments(model: Any, spec: RiskSpec) -> list[Any]:
    """Variables decided before the reveal: openings, phases, pods and link modules, in the model's order."""
    assert isinstance(spec.reveal, int)
    found = []
    for name in DECISIONS:
        variable = getattr(model, name, None)
        for index, data in variable.items() if variable is not None else ():
            year = index[-1] if isinstance(index, tuple) else index
            if int(year) - spec.lead < spec.reveal and not data.fixed:
                found.append(data)
    return found


def hedge(spec: RiskSpec, iterations: int, rho: float) -> dict[str, Any]:
    """Progressive hedging on the ranks of this MPI run: bound on the expected cost, expected cost, spread, ranks."""
    from mpisppy.opt.ph import PH

    options = {
        "solver_name": "appsi_highs", "PHIterLimit": iterations, "defaultPHrho": rho, "convthresh": 1e-6,
        "verbose": False, "display_timing": False, "display_progress": False, "iter0_solver_options": {},
        "iterk_solver_options": {}, "linearize_proximal_terms": True, "proximal_linearization_tolerance": 1e-1,
        "toc": False, "asynchronousPH": False,
    }
    names = [f.name for f in spec.futures]
    run = PH(options, names, scenario_creator, scenario_creator_kwargs={"spec": spec})
    spread, cost, bound = run.ph_main()
    told: dict[str, Any] = {"bound": bound, "expected": cost, "spread": spread, "ranks": run.n_proc}
    return told


def main(given: Sequence[str] | None = None) -> None:
    """Read the command line and print one JSON object on the first rank."""
    parser = argparse.ArgumentParser(prog="python -m capacity.studies.mpi", description=__doc__.splitlines()[0])
    parser.add_argument("futures")
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--rho", type=float, default=1.0)
    asked = parser.parse_args(given)
    found = hedge(read_risk(asked.futures), asked.iterations, asked.rho)
    from mpi4py import MPI

    if MPI.COMM_WORLD.Get_rank() == 0:
        sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
