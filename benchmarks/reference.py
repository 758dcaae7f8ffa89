"""Public instances with known optima, solved through the planner's own waist: tables, formulation, strategy.

    python -m benchmarks.reference FORMAT FILE [--variant V] [--capacity N] [--time-limit S] [--gap G] --json
    python -m benchmarks.reference race FILE... [--variant V] [--time-limit S] [--threads N] [--json]
    python -m benchmarks.reference check FORMAT FOLDER [--time-limit S] [--threads N] [--json]

Prints status, objective, bound, gap, seconds (reading, building and solving; the interpreter's start excluded), rows.
`race` runs network design files (.dow, or SNDlib's native format; FILE or FILE:VARIANT) through ours and plain HiGHS.
`check` runs all of a folder whose optimum its known.csv proves, and tells which match.
Exit codes are those of `capacity`: 0 done, 2 bad input, 3 infeasible, 4 limit with a plan, 5 limit without one.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import reference_check
from benchmarks.reference_expansion import capexp, melange
from benchmarks.reference_facility import orlib_cap, orlib_pmed
from benchmarks.reference_networks import cmnd, sndlib
from benchmarks.reference_race import race, table
from capacity.errors import CapacityError, InfeasibleError, InputError, LimitError
from capacity.problem import Problem
from capacity.solving import Options, Solution, solve

Reader = Callable[[str, str, str, float | None], Problem]

FORMATS: dict[str, Reader] = {
    "orlib-cap": orlib_cap,
    "orlib-pmed": orlib_pmed,
    "capexp": capexp,
    "melange": melange,
    "cmnd": cmnd,
    "sndlib": sndlib,
}
"""Readers: (file's name for messages, its text, variant, capacity) -> Problem."""

LIMIT_REACHED = 4


def read(form: str, file: Path, variant: str = "", capacity: float | None = None) -> Problem:
    """The instance as a Problem. Raises InputError naming the file and what is wrong in it."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read: {error}") from None
    return FORMATS[form](file.name, text, variant, capacity)


def run(form: str, file: Path, variant: str, capacity: float | None, options: Options) -> tuple[dict[str, Any], int]:
    """(what is printed, exit code)"""
    begun = time.perf_counter()
    problem = read(form, file, variant, capacity)
    told: dict[str, Any] = {"format": form, "file": file.name, "variant": variant}
    empty = {"objective": None, "bound": None, "gap": None}
    try:
        solution = solve(problem, options)
        found, code = _found(solution), 0 if solution.gap <= max(options.gap, 1e-6) else LIMIT_REACHED
    except InfeasibleError as error:
        found, code = {"status": "infeasible", **empty, "why": str(error)}, error.exit_code
    except LimitError as error:
        found, code = {"status": "time_limit", **empty, "why": str(error)}, error.exit_code
    return {**told, **found, "seconds": round(time.perf_counter() - begun, 3)}, code


def _found(solution: Solution) -> dict[str, Any]:
    stage = solution.stages[-1]
    shown = {"objective": stage.objective, "bound": stage.bound, "gap": stage.gap}
    known = {name: value if math.isfinite(value) else None for name, value in shown.items()}
    return {"status": stage.status, **known, **(solution.size or {})}


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reference", description=__doc__.splitlines()[0])
    parser.add_argument("format", choices=sorted(FORMATS), help="the file's format")
    parser.add_argument("file", type=Path, help="the instance")
    parser.add_argument("--variant", default="", help="which problem the file poses, such as uncapacitated")
    parser.add_argument("--capacity", type=float, help="capacity of every warehouse, in place of the file's")
    parser.add_argument("--time-limit", type=float, default=float("inf"), metavar="S", help="seconds")
    parser.add_argument("--gap", type=float, default=0.0, help="relative gap at which to stop [0: proven optimal]")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def race_arguments() -> argparse.ArgumentParser:
    """The command line of the race."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reference race", description="ours against plain HiGHS")
    parser.add_argument("files", nargs="+", metavar="FILE[:VARIANT]", help="network design instances")
    parser.add_argument("--variant", default="", help="variant of files that name none")
    return _with_effort(parser)


def _with_effort(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """How long and on how many threads each of several instances is solved, and how it is told."""
    parser.add_argument("--time-limit", type=float, default=60.0, metavar="S", help="CPU seconds for each [60]")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads for each [1]")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line, as soon as it is known")
    return parser


def run_race(given: Sequence[str]) -> int:
    """Each instance by both, one after the other. Raises InputError for a file that cannot be read."""
    asked = race_arguments().parse_args(given)
    lines = []
    for item in asked.files:
        name, _, variant = item.partition(":")
        file, variant = Path(name), variant or asked.variant
        problem = read("cmnd" if file.suffix == ".dow" else "sndlib", file, variant)
        label = file.stem + (f" {variant}" if variant else "")
        for told in race(problem, asked.time_limit, asked.threads):
            lines.append({"instance": label, **told})
            if asked.json:
                print(json.dumps(lines[-1]), flush=True)
    if not asked.json:
        print(table(lines))
    return 0


def check_arguments() -> argparse.ArgumentParser:
    """The command line of the check."""
    about = reference_check.__doc__.splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reference check", description=about)
    parser.add_argument("format", choices=sorted(FORMATS), help="the files' format")
    parser.add_argument("folder", type=Path, help="folder with known.csv")
    return _with_effort(parser)


def run_check(given: Sequence[str]) -> int:
    """Each known optimum; exit code 1 where one is contradicted. Raises InputError for what cannot be read."""
    asked = check_arguments().parse_args(given)
    lines = []
    for line in reference_check.check(read, asked.format, asked.folder, asked.time_limit, asked.threads):
        lines.append(line)
        if asked.json:
            print(json.dumps(line), flush=True)
    if not asked.json:
        print(reference_check.table(lines))
    return int(any(line["verdict"] == "DIFFERS" for line in lines))


def main(given: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    words = list(sys.argv[1:] if given is None else given)
    others = {"race": run_race, "check": run_check}
    if words and words[0] in others:
        try:
            return others[words[0]](words[1:])
        except CapacityError as error:
            print(f"error: {error}", file=sys.stderr)
            return error.exit_code
    asked = arguments().parse_args(words)
    try:
        told, code = run(
            asked.format, asked.file, asked.variant, asked.capacity, Options(gap=asked.gap, time_limit=asked.time_limit)
        )
    except CapacityError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    if asked.json:
        print(json.dumps(told))
    else:
        print("\n".join(f"{key:12s} {value}" for key, value in told.items()))
    return code


if __name__ == "__main__":
    sys.exit(main())
