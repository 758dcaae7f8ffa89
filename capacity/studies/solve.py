"""One member of a study solved: from overrides to an audited plan in its folder and one row of results."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from capacity.catalogue import load_catalogue
from capacity.catalogue.locate import data_folder, models_folder
from capacity.errors import CapacityError, InfeasibleError, InputError, Interrupted, LimitError
from capacity.plan import assemble, audit, check_audit, save_plan
from capacity.problem import build_problem
from capacity.scenario import check_against, load_scenario, scenario_hash
from capacity.solving import Options
from capacity.solving.keepsake import Keepsake
from capacity.solving.resolve import Resolved, resolve
from capacity.solving.revise import Built
from capacity.studies.rows import figures

KEEPSAKE, ROW = "keepsake.npz", "row.json"
"""Files that a study keeps in each plan's folder: what the next solve starts from, and the plan's row of results."""
KEY_LETTERS = 20

ENDED = {
    InfeasibleError: "infeasible", LimitError: "no_plan_in_time", InputError: "refused", Interrupted: "interrupted",
}
"""How a member without a plan ended, by the error that ended it; another one of ours is `failed`, a bug is `fault`."""
FINAL = ("infeasible", "no_plan_in_time", "refused")
"""Endings that the same question meets again: kept, not tried again."""


_before = Built()
"""What this process built last: a member that differs in prices and limits only is not built again."""


@dataclass(frozen=True)
class Task:
    """A member's question in full; `key` names its plan: the hash of scenario, options, versions and data."""

    scenario: str
    sets: tuple[str, ...]
    gap: float
    time_limit: float
    key: str = ""
    threads: int = 1
    """Of HiGHS: members run side by side, and one thread gives the same plan on every machine."""

    def options(self) -> Options:
        """As the solver takes them."""
        return Options(self.gap, self.time_limit, self.threads)


@dataclass(frozen=True)
class Done:
    """What became of a task: its row (without the member's own columns), and the plan's folder if there is a plan."""

    key: str
    row: Mapping[str, Any]
    folder: str | None = None


def keyed(task: Task) -> Task:
    """The task with its key. Raises InputError where the scenario does not load."""
    scenario = load_scenario(task.scenario, task.sets)
    told = {"scenario": scenario_hash(scenario), "gap": task.gap, "time_limit": task.time_limit,
            "threads": task.threads, "made_by": _made_by()}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    return replace(task, key=digest[:KEY_LETTERS])


@lru_cache(maxsize=1)
def _made_by() -> dict[str, str]:
    """Versions of what makes a plan, and a hash of the shipped tables and model cards."""
    from importlib.metadata import version

    total = hashlib.sha256()
    for root in (data_folder(), models_folder()):
        for path in sorted(p for p in root.rglob("*") if p.suffix in (".csv", ".yaml") and p.is_file()):
            if path.parent.name not in ("scenarios", "studies", "measured", "schema"):
                total.update(path.name.encode() + path.read_bytes())
    return {name: version(name) for name in ("capacity", "highspy", "pyomo")} | {"tables": total.hexdigest()}


def solve_task(task: Task, plans: Path, donor: Path | None) -> Done:
    """Solve a task and write its plan at once or not at all. Never raises but for Ctrl-C: what goes wrong is a row.

    The BLAS keeps to one thread: a member's products are small, others only wait in step with it, and members run side
    by side.
    """
    with threadpool_limits(1):
        return _solved(task, plans, donor)


def _solved(task: Task, plans: Path, donor: Path | None) -> Done:
    begun, worked = time.perf_counter(), time.process_time()
    try:
        resolved, plan = _answer(task, donor)
        row = {"status": plan.status, "reason": "", **figures(plan), "route": _route(resolved)}
        row |= {"seconds": time.perf_counter() - begun, "cpu_seconds": time.process_time() - worked}
        if plan.status == "interrupted":
            return Done(task.key, row)
        beside = {ROW: json.dumps({"task": asdict(task), "row": row}, indent=1).encode()}
        if resolved.keepsake is not None:
            beside[KEEPSAKE] = resolved.keepsake.to_bytes()
        return Done(task.key, row, str(save_plan(plan, plans / task.key, beside)))
    except CapacityError as error:
        status, reason = next((w for kind, w in ENDED.items() if isinstance(error, kind)), "failed"), str(error)
    except Exception as error:  # a bug met by one member is that member's row, not the end of the study
        status, reason = "fault", f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    spent = {"seconds": time.perf_counter() - begun, "cpu_seconds": time.process_time() - worked}
    return Done(task.key, {"status": status, "reason": reason, **spent})


def _answer(task: Task, donor: Path | None) -> tuple[Resolved, Any]:
    scenario = load_scenario(task.scenario, task.sets)
    catalogue = load_catalogue(scenario.catalogue)
    check_against(scenario, catalogue)
    problem = build_problem(scenario, catalogue)
    resolved = resolve(problem, task.options(), kept(donor), before=_before)
    plan = assemble(scenario, problem, resolved.solution)
    check_audit(audit(scenario, problem, resolved.solution.values, plan.stages, plan.tables))
    return resolved, plan


def _route(resolved: Resolved) -> str:
    """The farthest that any goal had to go."""
    from capacity.solving.resolve import ROUTES

    return max(resolved.routes, key=ROUTES.index, default=ROUTES[-1])


def kept(path: Path | None) -> Keepsake | None:
    """The keepsake in a file; None when there is none."""
    return _kept(str(path)) if path is not None and path.is_file() else None


@lru_cache(maxsize=4)
def _kept(path: str) -> Keepsake:
    return Keepsake.from_bytes(Path(path).read_bytes())
