"""A plan's folder while it is searched for: the best plan so far stands in it at any moment.

    best.npz                  the best point and what is proven of each goal, written at once
    keepsake.npz              names of columns and rows, bases and multipliers of the relaxations
    plan.json, tables/, ...   the plan as `store` writes it, whole and audited, with the status "stopped"

Making the tables of a plan takes longer than finding the next one may, so they are written when they are due: early
in a long search, and then so that they take a small share of its time. In between best.npz alone is replaced, and
before the first of them a new folder has the question (search.json, scenario.yaml, problem/) beside it. `latest` makes
the tables of what a killed search left there.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from capacity.errors import AuditError, InputError
from capacity.plan.assemble import assemble
from capacity.plan.audit import audit, check_audit
from capacity.plan.folders import sweep, take, write_whole
from capacity.plan.model import Plan
from capacity.plan.store import BEST, load_question, plan_head, save_plan, save_question
from capacity.problem import Problem
from capacity.scenario.schema import Scenario
from capacity.solving import Options, Solution, Stage
from capacity.solving.anytime import AnytimeSearch, Earlier, Standing, solve_anytime
from capacity.solving.keepsake import Keepsake

KEEPSAKE = "keepsake.npz"

FIRST_S = 10.0
"""Seconds of search before the first tables of a plan are written: what ends sooner has them once, at its end."""
EVERY_S = 10.0
"""Least seconds between two plans' tables written while the search goes on."""
SHARE = 0.04
"""Share of the time that writing them may take."""
WORSE = 1e-9
"""Relative difference from which on one plan's goal is worse than another's."""


class BusyError(InputError):
    """Another search holds a plan's folder."""


@dataclass
class Running:
    """The keeper of a search: writes what it is told into the plan's folder."""

    scenario: Scenario | None
    problem: Problem
    folder: Path
    refused: list[str] = field(default_factory=list)
    """Why a plan found on the way was not written: what its audit said."""
    _ours: bool = False
    _tried: float = -np.inf
    _took: float = 0.0
    _latest: tuple[AnytimeSearch, Standing] | None = None
    _keepsake: tuple[tuple[str, ...], bytes] = ((), b"")
    _digest: str = ""
    _rival: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        self.folder = self.folder.absolute()
        self._rival = rival(self.folder, self.scenario)

    def note(self, search: AnytimeSearch, standing: Standing) -> None:
        """Remember a better plan or bound for `finish`, and write nothing."""
        self._latest = search, standing

    def __call__(self, search: AnytimeSearch, standing: Standing) -> None:
        """Keep a better plan or bound in the folder."""
        self.note(search, standing)
        if self._rival is not None and worse(goals_of(standing.stages), self._rival):
            return
        due = time.monotonic() - self._tried >= max(EVERY_S, self._took / SHARE)
        if due and standing.seconds >= FIRST_S and self._write(search, standing):
            return
        if self._ours:
            write_whole(self.folder / BEST, self._best(standing, whole=False))
            self._refresh(search, standing)
        elif not self.folder.exists():
            save_question(self.scenario, self.problem, self.folder, self.beside(search, standing, whole=False))
            self._ours = True

    def _write(self, search: AnytimeSearch, standing: Standing) -> bool:
        """The whole plan; False where its audit fails."""
        began = time.monotonic()
        try:
            plan = finished(self.scenario, self.problem, standing.solution())
            save_plan(plan, self.folder, self.beside(search, standing))
            self._ours, self._rival = True, None
            return True
        except AuditError as error:
            self.refused.append(str(error))
            return False
        finally:
            self._tried = time.monotonic()
            self._took = self._tried - began

    def finish(self, plan: Plan) -> Path:
        """Write the plan in which the search ended."""
        if self._latest is None:
            return save_plan(plan, self.folder)
        search, standing = self._latest
        point = standing.point if search.best is None else search.best
        last = replace(standing, stages=stages_of(plan.stages), point=point)
        return save_plan(plan, self.folder, self.beside(search, last))

    def beside(self, search: AnytimeSearch, standing: Standing, whole: bool = True) -> dict[str, bytes]:
        """The files from which a search goes on; `whole` if the plan's tables say the same."""
        self._pack(search, standing)
        return {BEST: self._best(standing, whole), KEEPSAKE: self._keepsake[1]}

    def _pack(self, search: AnytimeSearch, standing: Standing) -> bool:
        """Make the keepsake where another relaxation is known than in the last; whether that was so."""
        known = tuple(sorted(search.memory))
        if self._keepsake[1] and self._keepsake[0] == known:
            return False
        self._keepsake = known, Keepsake(*search.names, standing.point, dict(search.memory)).to_bytes()
        return True

    def _refresh(self, search: AnytimeSearch, standing: Standing) -> None:
        if self._pack(search, standing):
            write_whole(self.folder / KEEPSAKE, self._keepsake[1])

    def _best(self, standing: Standing, whole: bool) -> bytes:
        """best.npz: nonzeros of the point; stages, kept values and the problem's digest as JSON."""
        self._digest = self._digest or digest(self.problem)
        at = np.flatnonzero(standing.point)
        told = {"whole": whole, "problem": self._digest, "kept": dict(standing.kept),
                "stages": [asdict(stage) for stage in standing.stages]}
        into = io.BytesIO()
        np.savez(into, at=at, value=standing.point[at], told=np.array(json.dumps(told)))
        return into.getvalue()


def stages_of(table: pd.DataFrame) -> tuple[Stage, ...]:
    """A plan's table of stages as stages."""
    columns = [table[name].tolist() for name in ("order", "goal", "objective", "bound", "gap", "seconds", "status")]
    return tuple(Stage(*row) for row in zip(*columns, strict=True))


def goals_of(stages: tuple[Stage, ...]) -> tuple[float, ...]:
    """What each goal reached, first to last."""
    return tuple(stage.objective for stage in stages)


def worse(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether the first goal that differs is worse in `one`."""
    differ = [a - b for a, b in zip(one, other, strict=False) if abs(a - b) > WORSE * max(1.0, abs(a), abs(b))]
    return bool(differ) and differ[0] > 0


def rival(folder: Path, scenario: Scenario | None) -> tuple[float, ...] | None:
    """What an earlier plan of the same scenario in this folder reached: worse ones found on the way to the end do not
    replace it. None without such a plan."""
    from capacity.scenario import scenario_hash

    if scenario is None or not (folder / "plan.json").is_file():
        return None
    head = plan_head(folder)
    if head["scenario_sha256"] != scenario_hash(scenario):
        return None
    return tuple(float(stage["objective"]) for stage in head["summary"]["stages"])


def digest(problem: Problem) -> str:
    """SHA-256 of every table of a problem, in hex."""
    import hashlib

    total = hashlib.sha256(problem.name.encode())
    for name, table in sorted(problem.tables.items()):
        if len(table):
            total.update(f"{name} {list(table.columns)}".encode())
            total.update(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes())
    return total.hexdigest()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a plan's folder against a second search, and clear up after a killed one. The lock dies with the process.

    Raises BusyError where another search holds it, InputError where nothing can be written there.
    """
    target = folder.absolute()
    lock = target.with_name(f".{target.name}.lock")
    try:
        handle = take(lock)
    except BlockingIOError:
        raise BusyError(f"{folder}: another search writes its plan there now; name another folder") from None
    except OSError as error:
        raise InputError(f"{folder}: cannot write a plan there: {error.strerror or error}") from None
    with handle:
        sweep(target)
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


@dataclass(frozen=True)
class Left:
    """What a search left in a plan's folder; `whole` when the plan's tables say the same."""

    keepsake: Keepsake
    stages: tuple[Stage, ...]
    kept: Mapping[str, float]
    problem: str
    whole: bool

    def earlier(self, problem: Problem) -> Earlier:
        """As a search takes it up; its bounds only where the problem is the same, table by table."""
        if digest(problem) != self.problem:
            return Earlier(self.keepsake)
        return Earlier(self.keepsake, True, {stage.goal: stage.bound for stage in self.stages}, self.kept)


def left_in(folder: Path) -> Left | None:
    """What a search left in a folder; None where there is none. Raises InputError when it is damaged."""
    if not ((folder / BEST).is_file() and (folder / KEEPSAKE).is_file()):
        return None
    keepsake = Keepsake.from_bytes((folder / KEEPSAKE).read_bytes())
    try:
        with np.load(folder / BEST, allow_pickle=False) as found:
            told: dict[str, Any] = json.loads(str(found["told"]))
            point = np.zeros(len(keepsake.column_names))
            point[found["at"]] = found["value"]
        stages = tuple(Stage(**stage) for stage in told["stages"])
        return Left(replace(keepsake, best=point), stages, told["kept"], told["problem"], told["whole"])
    except (KeyError, IndexError, TypeError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{folder / BEST}: damaged: {error}") from None


def bring_up(folder: Path) -> None:
    """Make and write the tables of the point that a killed search left in a folder; nothing where a search goes on
    there, and the plan is what it wrote last. Raises as `load_plan` does."""
    try:
        with alone(folder):
            _bring_up(left_in(folder), folder)
    except BusyError:
        return


def _bring_up(left: Left | None, folder: Path) -> None:
    """The plan of a point; the goals that its search had not closed are stopped, not out of time."""
    if left is None:
        return
    scenario, problem = load_question(folder)
    keeper = Running(scenario, problem, folder)
    solution = solve_anytime(problem, Options(time_limit=0.0), keeper=keeper.note, earlier=left.earlier(problem))
    stages = tuple(replace(s, status="stopped") if s.status == "time_limit" else s for s in solution.stages)
    keeper.finish(finished(scenario, problem, replace(solution, status="stopped", stages=stages)))


def finished(scenario: Scenario | None, problem: Problem, solution: Solution) -> Plan:
    """The plan of a solution, audited. Raises CapacityError where the audit fails."""
    plan = assemble(scenario, problem, solution)
    check_audit(audit(scenario, problem, solution.values, plan.stages, plan.tables))
    return plan
