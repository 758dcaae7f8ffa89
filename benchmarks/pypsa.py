"""Our optimum beside PyPSA's on random multi-year expansion cases, in one run.

    python -m benchmarks.pypsa [--seeds 20] [--first 0] [--json]

Needs PyPSA (`pip install capacity[pypsa]`). Both solve with HiGHS to the end, one thread; every second case in whole
units. Exit code 1 where two optima differ by more than 1e-6 relative, 2 where PyPSA is missing.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
import warnings
from importlib.util import find_spec
from typing import Any

from benchmarks.pypsa_cases import Case, as_network, as_problem, case
from capacity.errors import InputError
from capacity.solving import Options, solve

AGREE = 1e-6
"""Largest relative difference of two optima."""
PROVEN = 1e-9
"""Gap at which PyPSA's HiGHS stops in whole units."""


def installed() -> bool:
    return find_spec("pypsa") is not None


def ours(given: Case) -> float:
    """Our optimum. Raises InputError where it was not proven."""
    solution = solve(as_problem(given), Options(gap=0.0, threads=1))
    if solution.status != "optimal":
        raise InputError(f"case {given.seed}: ended with {solution.status}")
    return float(solution.stages[-1].objective)


def theirs(given: Case) -> float:
    """PyPSA's optimum. Raises InputError where it has none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = as_network(given)
        ended = network.optimize(
            multi_investment_periods=True, solver_name="highs", log_to_console=False, include_objective_constant=False,
            solver_options={"mip_rel_gap": PROVEN, "mip_abs_gap": PROVEN, "threads": 1, "output_flag": False})
    if ended != ("ok", "optimal"):
        raise InputError(f"case {given.seed}: PyPSA ended with {', '.join(map(str, ended))}")
    return float(network.objective)


def compared(seed: int) -> dict[str, Any]:
    """Both optima of a case, their relative difference, and the CPU seconds that each took."""
    given = case(seed)
    begun = time.process_time()
    mine = ours(given)
    between = time.process_time()
    other = theirs(given)
    return {
        "seed": seed, "sites": len(given.sites), "years": len(given.years), "kinds": len(given.kinds),
        "slices": len(given.slices), "units": "whole" if given.whole else "parts", "ours": mine, "pypsa": other,
        "difference": abs(mine - other) / max(abs(other), 1.0), "agree": bool(
            abs(mine - other) <= AGREE * max(abs(other), 1.0)),
        "cpu_s": round(between - begun, 2), "pypsa_cpu_s": round(time.process_time() - between, 2),
    }


def table(lines: list[dict[str, Any]]) -> str:
    """One line a case, and how many agree."""
    head = (f"{'seed':>4}  {'sites years kinds slices':<24} {'units':<6} {'ours':>16} {'PyPSA':>16} {'difference':>10}"
            f" {'CPU s':>6} {'PyPSA':>6}")
    rows = [
        f"{r['seed']:>4}  {r['sites']:^5} {r['years']:^5} {r['kinds']:^5} {r['slices']:^6} {r['units']:<6} "
        f"{r['ours']:>16.8f} {r['pypsa']:>16.8f} {r['difference']:>10.1e} {r['cpu_s']:>6.2f} {r['pypsa_cpu_s']:>6.2f}"
        for r in lines
    ]
    return "\n".join([head, *rows, f"{sum(r['agree'] for r in lines)} of {len(lines)} agree to {AGREE:g}"])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pypsa", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20, metavar="N", help="cases [20]")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="seed of the first [0]")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    if not installed():
        print("error: PyPSA is not installed: pip install 'capacity[pypsa]'", file=sys.stderr)
        return 2
    logging.disable(logging.WARNING)
    lines = [compared(seed) for seed in range(asked.first, asked.first + asked.seeds)]
    agree = sum(line["agree"] for line in lines)
    largest = max((line["difference"] for line in lines), default=0.0)
    told = {"cases": lines, "agree": agree, "of": len(lines), "largest_difference": largest}
    print(json.dumps(told, indent=2) if asked.json else table(lines))
    return int(agree < len(lines))


if __name__ == "__main__":
    sys.exit(main())
