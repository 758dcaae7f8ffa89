"""Failure cases apart from the plan: what is left after each loss must still serve, checked and cut off case by case.

What a plan decides (openings, phases, stock, modules, what is served) stands in every case; what changes after a loss
(`still_serve` and its like) costs nothing and is of that case alone. So the rows of a case are taken out of the program
and asked of a plan x as a linear program of their own,

    min  sum of slacks      low - T x  <=  W z + slacks  <=  high - T x,    z within its bounds

If it is above zero, its multipliers y give a row that every plan which survives the case obeys and x does not (Benders
1962; van Slyke & Wets 1969):

    (T'y) x  >=  y * (the binding sides)  -  sum_j max of (W'y)_j z_j within the bounds of z

The row holds for any y, so an inexact solve costs strength, never a plan. With no slack, z is what happens in the case.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from capacity.formulation import RECOURSE
from capacity.solving.compile import Form
from capacity.solving.highs import Deadline, Machine

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RULE = "failure_cut"
"""Name of the rows that stand for cases."""
APART = 5_000
"""Columns of what happens in cases from which on the cases are taken out of the program."""
TOGETHER = 2_000
"""Rows of cases that are solved as one linear program."""
SPARE = 400
"""Rows kept free for what cases will ask, or four a case where that is more."""
MET = 1e-6
"""Sum of slacks up to which a case is met, each in units of the plan's own decisions."""
SMALL = 1e-9
"""Share of the largest coefficient below which one counts as zero."""


@dataclass(frozen=True)
class CaseRow:
    """coefficients * x[columns] >= lower; `depth` is by how much the plan asked about falls short, per length."""

    columns: Ints
    coefficients: Floats
    lower: float
    depth: float


@dataclass
class Cases:
    """All cases of a program; `whole` is the program with all of them in it."""

    whole: Form
    spare: Ints
    """Rows of the program that are free for cuts."""
    groups: list[Group]
    middle: Floats | None = None
    """Average of the relaxations' points so far."""
    filled: int = 0
    """Rows filled so far; beyond the last spare one the oldest are written over."""

    def asked(self, x: Floats, deadline: Deadline) -> tuple[list[CaseRow], Floats]:
        """(rows that x violates, x with what happens in every case)"""
        cuts: list[CaseRow] = []
        filled = x.copy()
        for group in self.groups:
            found, what = group.asked(x, deadline)
            cuts += found
            filled[group.columns] = what
        return cuts, filled


@dataclass
class Group:
    """Some cases that are solved at once: `rows` and `columns` of the whole program; `case` of each row."""

    whole: Form
    rows: Ints
    columns: Ints
    case: Ints
    own: sp.csr_matrix = field(init=False)
    """(rows, columns): W"""
    plan: sp.csr_matrix = field(init=False)
    """(rows, columns of the whole program): T"""
    machine: Machine = field(init=False)
    price: Floats = field(init=False)

    def __post_init__(self) -> None:
        matrix = self.whole.matrix[self.rows]
        self.own = sp.csr_matrix(matrix[:, self.columns])
        other = np.ones(self.whole.columns)
        other[self.columns] = 0.0
        self.plan = sp.csr_matrix(matrix @ sp.diags(other))
        self.plan.eliminate_zeros()
        size = np.asarray(abs(self.plan).max(axis=1).todense()).ravel()
        own_size = np.asarray(abs(self.own).max(axis=1).todense()).ravel()
        self.price = 1.0 / np.where(size > 0, size, np.maximum(own_size, SMALL))
        count = len(self.rows)
        slack = sp.identity(count, format="csr")
        box = (np.concatenate([self.whole.lower[self.columns], np.zeros(2 * count)]),
               np.concatenate([self.whole.upper[self.columns], np.full(2 * count, np.inf)]))
        cost = np.concatenate([np.zeros(len(self.columns)), self.price, self.price])
        low, high = self.whole.row_lower[self.rows], self.whole.row_upper[self.rows]
        self.machine = Machine(sp.csr_matrix(sp.hstack([self.own, slack, -slack])), low, high, 1, cost=cost, box=box)

    def asked(self, x: Floats, deadline: Deadline) -> tuple[list[CaseRow], Floats]:
        """(rows that x violates, what happens in these cases)"""
        form, fixed = self.whole, self.plan @ x
        low, high = form.row_lower[self.rows], form.row_upper[self.rows]
        self.machine.set_sides(np.arange(len(self.rows)), low - fixed, high - fixed)
        answer = self.machine.run(deadline, {"solver": "simplex"})
        if answer.status != "optimal" or answer.x is None or answer.row_dual is None:
            return [], x[self.columns]
        inside = answer.x[: len(self.columns)]
        slack = answer.x[len(self.columns) :] * np.tile(self.price, 2)
        short = np.bincount(np.tile(self.case, 2), weights=slack)
        return [cut for at in np.flatnonzero(short > MET).tolist()
                if (cut := self._row(answer.row_dual, self.case == at, low, high, x)) is not None], inside

    def _row(self, dual: Floats, rows: NDArray[np.bool_], low: Floats, high: Floats, x: Floats) -> CaseRow | None:
        """The row that the multipliers of one case prove; None where it says nothing against x."""
        y = np.where(rows, dual, 0.0)
        y = np.where((y > 0) & np.isneginf(low) | (y < 0) & np.isposinf(high), 0.0, y)
        used = y != 0
        lower = float(y[used] @ np.where(y > 0, low, high)[used])
        pull = self.own.T @ y
        pull[np.abs(pull) <= SMALL * np.abs(y).max(initial=0.0)] = 0.0
        end = np.where(pull > 0, self.whole.upper[self.columns], self.whole.lower[self.columns])
        moved = pull != 0
        if not np.isfinite(end[moved]).all():
            return None
        lower -= float(pull[moved] @ end[moved])
        whole = self.plan.T @ y
        columns = np.flatnonzero(np.abs(whole) > SMALL * np.abs(whole).max(initial=0.0))
        size = float(np.linalg.norm(whole[columns]))
        if not size:
            return CaseRow(columns, whole[columns], lower, lower) if lower > 0 else None
        depth = (lower - float(whole[columns] @ x[columns])) / size
        return CaseRow(columns, whole[columns] / size, lower / size, depth) if depth > 0 else None


def cases_of(form: Form) -> Cases | None:
    """The failure cases of a program, to be taken out of it (`apart`); None where they are few."""
    there = [name for name in RECOURSE if name in form.labels and form.labels.size(name)]
    moves = np.zeros(form.columns, dtype=bool)
    for name in there:
        moves[form.labels.span(name)] = True
    if int(moves.sum()) < APART:
        return None
    columns = np.flatnonzero(moves)
    touched = form.matrix[:, columns]
    rows = np.flatnonzero(np.diff(touched.indptr) > 0)
    block, ends = sp.coo_matrix(touched[rows]), len(rows) + len(columns)
    graph = sp.csr_matrix((np.ones(block.nnz), (block.row, len(rows) + block.col)), shape=(ends, ends))
    count, part = connected_components(graph, directed=False)
    of_row, of_column = part[: len(rows)], part[len(rows) :]
    size = np.cumsum(np.bincount(of_row, minlength=count))
    bundle = (size - 1) // TOGETHER
    groups = []
    for at in np.unique(bundle[of_row]).tolist():
        mine = bundle[of_row] == at
        case = np.unique(of_row[mine], return_inverse=True)[1].astype(np.int64)
        groups.append(Group(form, rows[mine], columns[bundle[of_column] == at], case))
    return Cases(form, np.zeros(0, dtype=np.int64), groups)


def apart(form: Form) -> tuple[Form, Cases | None]:
    """(the program with free rows in place of its failure cases, the cases); itself and None where they are few.

    Columns stay where they are, those of cases without a row.
    """
    cases = cases_of(form)
    if cases is None:
        return form, None
    kept = np.ones(form.matrix.shape[0], dtype=bool)
    for group in cases.groups:
        kept[group.rows] = False
    spare = max(SPARE, 4 * sum(int(group.case.max()) + 1 for group in cases.groups))
    names = (name for name, stays in zip(form.row_names, kept, strict=True) if stays)
    free = replace(
        form, matrix=sp.csr_matrix(sp.vstack([form.matrix[kept], sp.csr_matrix((spare, form.columns))])),
        row_lower=np.concatenate([form.row_lower[kept], np.full(spare, -np.inf)]),
        row_upper=np.concatenate([form.row_upper[kept], np.full(spare, np.inf)]),
        row_names=(*names, *(f"{RULE}[{i}]" for i in range(spare))),
    )
    cases.spare = int(kept.sum()) + np.arange(spare)
    return free, cases


def filled(form: Form, cases: Cases, cuts: list[CaseRow]) -> tuple[Form, Ints]:
    """(the program with cuts in its free rows, those rows)"""
    at = cases.spare[(cases.filled + np.arange(len(cuts))) % len(cases.spare)]
    cases.filled += len(cuts)
    lower = form.row_lower.copy()
    lower[at] = [cut.lower for cut in cuts]
    keep = np.ones(form.matrix.shape[0])
    keep[at] = 0.0
    row = np.repeat(at, [len(cut.columns) for cut in cuts])
    entries = (np.concatenate([c.coefficients for c in cuts]), (row, np.concatenate([c.columns for c in cuts])))
    matrix = sp.csr_matrix(sp.diags(keep) @ form.matrix + sp.csr_matrix(entries, shape=form.matrix.shape))
    matrix.eliminate_zeros()
    return replace(form, matrix=matrix, row_lower=lower), at
