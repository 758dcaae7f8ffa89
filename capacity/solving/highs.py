"""HiGHS behind one small interface: arrays in, arrays out, interruptible, never a number without its status."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import highspy
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Report = Callable[[float, float, float], None]
"""Called with (incumbent, bound, relative gap) while a search runs."""
Found = Callable[[Floats], None]
"""Called with each better point of a search while it runs, in the caller's thread."""


ROWWISE, MINIMISE = int(highspy.MatrixFormat.kRowwise), int(highspy.ObjSense.kMinimize)

GRACE_S = 1.0
"""HiGHS looks at its own time limit only between steps; so long after it the run is stopped from outside."""


@cache
def without_banner() -> None:
    """HiGHS from 1.16 on prints who it is when the first solver of a process is made, whatever its options.

    That first one is made here with standard output turned away, so that what was asked for as JSON is JSON.
    """
    try:
        sys.stdout.flush()
        kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    except (OSError, ValueError):  # no standard output to keep clean
        return
    try:
        os.dup2(nowhere, 1)
        highspy.Highs()
        _flush_c()
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _flush_c() -> None:
    """Writes out what the C library still holds, which would else appear where standard output leads by then."""
    try:
        ctypes.CDLL(None).fflush(None)
    except (AttributeError, TypeError, OSError):  # a system that names no such library: nothing is held back there
        return


@dataclass
class Deadline:
    """A wall-clock limit shared by all steps of a solve, and the flag that Ctrl-C raises."""

    limit_s: float = float("inf")
    started: float = field(default_factory=time.perf_counter)
    interrupted: bool = False

    def left(self) -> float:
        """Seconds left; zero once interrupted."""
        return 0.0 if self.interrupted else max(0.0, self.limit_s - self.elapsed())

    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.started


MISJUDGED = 1e-6
"""Share of an objective by which it may differ from that of its own point."""


@dataclass(frozen=True)
class Answer:
    """What one HiGHS run gave. `x` is None when no feasible point is known."""

    status: str
    """optimal, infeasible, unbounded, limit, or the solver's own word for anything else"""
    x: Floats | None
    objective: float
    bound: float
    row_dual: Floats | None


class Machine:
    """One loaded model whose costs, bounds, integrality and rows can be changed in place between runs."""

    def __init__(
        self, matrix: sp.csr_matrix, row_lower: Floats, row_upper: Floats, threads: int = 2,
        cost: Floats | None = None, box: tuple[Floats, Floats] | None = None, integer: NDArray[np.bool_] | None = None,
    ) -> None:
        """Loads rows and columns; without more, columns are free of cost, not below zero, and need not be whole."""
        without_banner()
        self.highs = highspy.Highs()
        self.highs.setOptionValue("output_flag", False)
        self.highs.setOptionValue("threads", threads)
        self.stop = False
        self.found: Found | None = None
        self.looks, self.most_looks = 0, np.inf
        """How often HiGHS asked whether to stop in this run, and after how often it is: a limit that no clock decides,
        since it asks between the linear programs of its search."""
        for point in (self.highs.cbMipInterrupt, self.highs.cbIpmInterrupt, self.highs.cbSimplexInterrupt):
            point += self._stop_if_asked
        rows, columns = matrix.shape
        lower, upper = box or (np.zeros(columns), np.full(columns, np.inf))
        kinds = np.zeros(columns, dtype=np.int32) if integer is None else integer.astype(np.int32)
        self.cost, self.constant = np.zeros(columns) if cost is None else np.array(cost, dtype=float), 0.0
        loaded = self.highs.passModel(
            columns, rows, matrix.nnz, ROWWISE, MINIMISE, 0.0,
            self.cost, lower, upper,
            np.asarray(row_lower, dtype=float), np.asarray(row_upper, dtype=float),
            matrix.indptr.astype(np.int32, copy=False), matrix.indices.astype(np.int32, copy=False), matrix.data, kinds,
        )
        self._check(loaded, "load the model")
        self.all = np.arange(columns, dtype=np.int32)
        self.whole = integer is not None and bool(integer.any())

    def set_cost(self, cost: Floats, constant: float = 0.0) -> None:
        """Replace the objective, whose constant part counts in relative gaps, objectives, targets and bounds."""
        self.cost, self.constant = np.array(cost, dtype=float), constant
        self._check(self.highs.changeColsCost(len(self.all), self.all, cost), "take costs")
        self._check(self.highs.changeObjectiveOffset(constant), "take the constant of a cost")

    def set_bounds(self, lower: Floats, upper: Floats) -> None:
        """Replace every column's bounds."""
        self._check(self.highs.changeColsBounds(len(self.all), self.all, lower, upper), "take bounds")

    def set_integer(self, integer: NDArray[np.bool_]) -> None:
        """Replace integrality: True must be whole."""
        kinds = np.where(integer, 1, 0).astype(np.uint8)
        self.whole = bool(integer.any())
        self._check(self.highs.changeColsIntegrality(len(self.all), self.all, kinds), "take what is whole")

    def write(self, path: Path) -> None:
        """Write what is loaded; the ending of the path chooses MPS or LP."""
        self._check(self.highs.writeModel(str(path)), f"write {path}")

    def set_sides(self, rows: NDArray[np.int64], lower: Floats, upper: Floats) -> None:
        """Replace the sides of some rows."""
        at = rows.astype(np.int32)
        self._check(self.highs.changeRowsBounds(len(at), at, lower, upper), "change sides")

    def set_coefficients(self, rows: NDArray[Any], columns: NDArray[Any], values: Floats) -> None:
        """Replace single coefficients."""
        for row, column, value in zip(rows.tolist(), columns.tolist(), values.tolist(), strict=True):
            self._check(self.highs.changeCoeff(row, column, value), "change a coefficient")

    def add_row(self, lower: float, upper: float, coefficients: Floats) -> int:
        """Add one row; returns its position."""
        at = np.flatnonzero(coefficients).astype(np.int32)
        self._check(self.highs.addRow(lower, upper, len(at), at, coefficients[at]), "add a row")
        return int(self.highs.getNumRow()) - 1

    def add_rows(self, rows: sp.csr_matrix, lower: Floats, upper: Floats) -> None:
        """Append many rows."""
        added = self.highs.addRows(rows.shape[0], lower, upper, rows.nnz, rows.indptr, rows.indices, rows.data)
        self._check(added, "add rows")

    def drop_rows(self, rows: NDArray[np.int64]) -> None:
        """Remove rows; those behind them move up."""
        self._check(self.highs.deleteRows(len(rows), rows.astype(np.int32)), "drop rows")

    def set_row(self, row: int, lower: float, upper: float) -> None:
        """Replace the sides of one row."""
        self._check(self.highs.changeRowBounds(row, lower, upper), "change a row's sides")

    def basis(self) -> Any:
        """The basis of the last linear program."""
        return self.highs.getBasis()

    def set_basis(self, basis: Any) -> None:
        """Start the next linear program from a basis of the same rows and columns."""
        self._check(self.highs.setBasis(basis), "take up a basis")

    def run(
        self,
        deadline: Deadline,
        options: Mapping[str, Any],
        start: Floats | None = None,
        report: Report | None = None,
    ) -> Answer:
        """Solve within the deadline; Ctrl-C stops the search, keeps what was found and marks the deadline.

        HiGHS at times takes the constant of the cost off a start's objective, and calls it optimal below every bound: a
        run whose objective is not its point's is made again without the start.
        """
        answer = self._once(deadline, options, start, report)
        if start is None or answer.x is None or self._is_worth(answer.objective, answer.x):
            return answer
        self.highs.clearSolver()
        return self._once(deadline, options, None, report)

    def _is_worth(self, told: float, x: Floats) -> bool:
        """Whether the objective that was told is that of the point."""
        own, size = float(self.cost @ x) + self.constant, float(np.abs(self.cost) @ np.abs(x))
        return abs(own - told) <= MISJUDGED * max(1.0, abs(own), size)

    def _once(
        self, deadline: Deadline, options: Mapping[str, Any], start: Floats | None, report: Report | None
    ) -> Answer:
        limit = min(deadline.left(), options.get("time_limit", 1e9))
        before = 0.0 if self.whole else self.highs.getRunTime()  # branch and bound has a clock of its own for each run
        for name, value in {**options, "time_limit": before + limit}.items():
            self._check(self.highs.setOptionValue(name, value), f"set {name} = {value}")
        if start is not None:
            solution = highspy.HighsSolution()
            solution.col_value = start
            self.highs.setSolution(solution)
        watch, self.stop, self.looks = _Watch(self.highs, report, self.found), False, 0
        ends = deadline.elapsed() + limit + GRACE_S
        threading.Thread(target=watch.run, daemon=True).start()
        try:
            while not watch.done.is_set():  # not Thread.join: interrupted, it forgets a running thread (bpo-45274)
                try:
                    watch.done.wait(0.1)
                    watch.tell()
                    self.stop = self.stop or deadline.elapsed() > ends
                except KeyboardInterrupt:
                    self.stop = deadline.interrupted = True
        finally:  # whatever a listener raised, nothing goes on running behind it
            self.stop = self.stop or not watch.done.is_set()
            watch.done.wait()
            watch.close()
        if watch.failed is not None:
            raise RuntimeError(f"a run of HiGHS broke off: {watch.failed}") from watch.failed
        return self._answer()

    def _stop_if_asked(self, event: Any) -> None:
        self.looks += 1
        # set either way: HiGHS keeps the flag of an earlier run
        event.data_in.user_interrupt = self.stop or self.looks > self.most_looks

    def _answer(self) -> Answer:
        info, status = self.highs.getInfo(), self.highs.getModelStatus()
        words = {
            highspy.HighsModelStatus.kOptimal: "optimal",
            highspy.HighsModelStatus.kInfeasible: "infeasible",
            highspy.HighsModelStatus.kUnboundedOrInfeasible: "infeasible",
            highspy.HighsModelStatus.kUnbounded: "unbounded",
            highspy.HighsModelStatus.kTimeLimit: "limit",
            highspy.HighsModelStatus.kIterationLimit: "limit",
            highspy.HighsModelStatus.kSolutionLimit: "limit",
            highspy.HighsModelStatus.kObjectiveTarget: "limit",
            highspy.HighsModelStatus.kInterrupt: "limit",
        }
        word = words.get(status, str(self.highs.modelStatusToString(status)))
        feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        solution = self.highs.getSolution()
        x = np.array(solution.col_value, dtype=float) if feasible and len(solution.col_value) else None
        dual = np.array(solution.row_dual, dtype=float) if solution.dual_valid else None
        is_mip = bool(np.isfinite(info.mip_dual_bound)) and info.mip_node_count >= 0
        bound = info.mip_dual_bound if is_mip else (info.objective_function_value if word == "optimal" else -np.inf)
        return Answer(word, x, info.objective_function_value, bound, dual)

    @staticmethod
    def _check(status: Any, action: str) -> None:
        if status == highspy.HighsStatus.kError:
            raise RuntimeError(f"HiGHS could not {action}")


class _Watch:
    """Runs HiGHS in a thread and carries its progress to the caller's thread."""

    def __init__(self, highs: Any, report: Report | None, found: Found | None = None) -> None:
        self.highs, self.report, self.found = highs, report, found
        self.latest: tuple[float, float, float] | None = None
        self.point: Floats | None = None
        self.failed: Exception | None = None
        self.done = threading.Event()
        if report is not None:
            highs.cbMipLogging += self._note
            highs.cbMipImprovingSolution += self._note
        if found is not None:
            highs.cbMipImprovingSolution += self._keep

    def _note(self, event: Any) -> None:
        data = event.data_out
        self.latest = (data.mip_primal_bound, data.mip_dual_bound, data.mip_gap)

    def _keep(self, event: Any) -> None:
        self.point = np.array(event.data_out.mip_solution, dtype=float)

    def run(self) -> None:
        try:
            highspy._core._Highs.run(self.highs)
            highspy.Highs.resetGlobalScheduler(False)
        except Exception as error:  # raised again in the caller's thread
            self.failed = error
        finally:
            self.done.set()

    def tell(self) -> None:
        if self.report is not None and self.latest is not None:
            latest, self.latest = self.latest, None
            self.report(*latest)
        if self.found is not None and self.point is not None:
            point, self.point = self.point, None
            self.found(point)

    def close(self) -> None:
        if self.found is not None:
            self.highs.cbMipImprovingSolution -= self._keep
        if self.report is not None:
            self.highs.cbMipLogging -= self._note
            self.highs.cbMipImprovingSolution -= self._note
