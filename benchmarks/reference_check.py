"""Every instance of a folder whose optimum is known, solved and compared: does ours match to a millionth?

The folder's `known.csv` has the columns instance, variant, objective (a number or INFEASIBLE), proven_optimal (y where
it is), file (optionally followed by `capacity:=N`). What follows an `@` in an instance's name (`mix@rate8`) belongs to
its variant. Only rows with a proven optimum are run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.reference_race import Clock, stopped_after
from capacity.errors import InfeasibleError, InputError, Interrupted, LimitError
from capacity.problem import Problem
from capacity.solving import Options, Progress, solve

SAME = 1e-6
COLUMNS = ("instance", "variant", "objective", "proven_optimal", "file")
OVERRIDE = re.compile(r"^(?P<file>.*?)(?:\s+capacity:=(?P<capacity>[0-9.]+))?\s*$")
Read = Callable[[str, Path, str, float | None], Problem]


@dataclass(frozen=True)
class Known:
    """One row: what to solve and what is known of it; `objective` None where it is infeasible."""

    instance: str
    variant: str
    file: Path
    capacity: float | None
    objective: float | None


def known(folder: Path) -> list[Known]:
    """The rows of `known.csv` with a proven optimum. Raises InputError naming the file and what it lacks."""
    path = folder / "known.csv"
    if not path.is_file():
        raise InputError(f"{path}: no such file; it should list {', '.join(COLUMNS)}")
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing = [c for c in COLUMNS if c not in rows]
    if missing:
        raise InputError(f"{path}: column {missing[0]!r} is missing; it needs {', '.join(COLUMNS)}")
    return [_known(folder, row) for _, row in rows[rows["proven_optimal"] == "y"].iterrows()]


def _known(folder: Path, row: pd.Series) -> Known:
    found = OVERRIDE.match(row["file"])
    assert found is not None  # the pattern takes any text
    try:
        objective = None if row["objective"] == "INFEASIBLE" else float(row["objective"])
    except ValueError:
        path, given = folder / "known.csv", row["objective"]
        raise InputError(f"{path}: {row['instance']}: objective {given!r} is no number and not INFEASIBLE") from None
    capacity = found["capacity"]
    variant = ", ".join(filter(None, [row["variant"], row["instance"].partition("@")[2]]))
    return Known(row["instance"], variant, folder / found["file"], None if capacity is None else float(capacity),
                 objective)


def check(read: Read, form: str, folder: Path, time_limit: float, threads: int) -> Iterator[dict[str, Any]]:
    """One line for each known optimum, as soon as it is there; `time_limit` in CPU seconds for each."""
    for row in known(folder):
        problem = read(form, row.file, row.variant, row.capacity)
        yield {"instance": row.instance, "variant": row.variant, "known": row.objective,
               **solved(problem, row.objective, time_limit, threads)}


def solved(problem: Problem, objective: float | None, time_limit: float, threads: int) -> dict[str, Any]:
    """What our search reaches within so many CPU seconds, and how that compares with a known optimum."""
    clock, infeasible = Clock(), False

    def listen(progress: Progress) -> None:
        clock.note(progress.objective, progress.bound)

    try:
        with stopped_after(time_limit):
            stage = solve(problem, Options(gap=0.0, threads=threads), listen).stages[-1]
            clock.note(stage.objective, stage.bound)
    except InfeasibleError:
        infeasible = True
    except (Interrupted, LimitError, KeyboardInterrupt):
        pass  # what the clock heard until then stands
    told = clock.told("ours")
    keys = ("objective", "bound", "gap", "cpu_s")
    return {**{key: told[key] for key in keys}, "verdict": verdict(told, infeasible, objective)}


def verdict(told: dict[str, Any], infeasible: bool, objective: float | None) -> str:
    """matches, DIFFERS, or what is still missing."""
    if infeasible or objective is None:
        return "matches" if infeasible and objective is None else "DIFFERS" if infeasible else "not settled"
    found, bound = told["objective"], told["bound"]
    room = SAME * max(1.0, abs(objective))
    if (found is not None and found < objective - room) or (bound is not None and bound > objective + room):
        return "DIFFERS"
    if found is None or found > objective + room:
        return "plan not found"
    return "matches" if told["gap"] is not None and told["gap"] <= SAME else "plan found, not proven"


def table(lines: list[dict[str, Any]]) -> str:
    """The lines in Markdown."""
    heads = ["instance", "known", "objective", "bound", "gap", "CPU s", "verdict"]
    out = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for line in lines:
        known_as = "infeasible" if line["known"] is None else f"{line['known']:,.10g}"
        cells = [
            f"{line['instance']} {line['variant']}".strip(), known_as,
            *("-" if line[k] is None else f"{line[k]:,.10g}" for k in ("objective", "bound")),
            "-" if line["gap"] is None else f"{line['gap']:.2%}", f"{line['cpu_s']:.1f}", line["verdict"],
        ]
        out.append("| " + " | ".join(cells) + " |")
    return "\n".join(out)
