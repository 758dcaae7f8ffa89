"""Linking rows on demand: of many rows `x <= c * y` a relaxation needs few, so those that bind are added in rounds.

Where each of many customers may use each of many places, the rows that let it only where the place is open are most of
the program, and nearly all of them are slack. The relaxation starts without them and takes in, round by round, those
that its point violates; the multipliers of the others are zero, so the bound is that of the whole program. Branch and
bound is run on the rows taken in: its bound holds for the whole program, which has more rows, and its plan is solved
again under all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from capacity.solving.compile import Form
from capacity.solving.highs import Answer, Deadline, Machine

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MANY = 20_000
"""Linking rows from which on they are added on demand."""
AT_ONCE = 2_000
"""Rows added in a round, or half of those violated where that is more."""
THRESHOLDS = (0.5, 0.3, 0.7, 0.2, 0.4, 0.6, 0.1, 0.8)
"""Fractions from which on a whole number of the relaxation is rounded up, in the order tried."""


def linking_rows(form: Form) -> Flags:
    """Rows of the form `a x - c y <= 0` with a, c > 0, x not whole: shape (rows,)."""
    matrix = form.matrix
    two = np.flatnonzero((np.diff(matrix.indptr) == 2) & (form.row_upper == 0) & np.isneginf(form.row_lower))
    first = matrix.indptr[two]
    columns = np.stack([matrix.indices[first], matrix.indices[first + 1]])
    entries = np.stack([matrix.data[first], matrix.data[first + 1]])
    carried = np.where(entries[0] > 0, columns[0], columns[1])
    fits = (entries[0] * entries[1] < 0) & ~form.integer[carried]
    out = np.zeros(matrix.shape[0], dtype=bool)
    out[two[fits]] = True
    return out


@dataclass
class OnDemand:
    """A program with some of its linking rows: `taken` (rows,) tells which rows are in, `order` where each one is."""

    form: Form
    cost: Floats
    offset: float
    threads: int
    lazy: Flags = field(init=False)
    taken: Flags = field(init=False)
    order: list[NDArray[np.int64]] = field(init=False)
    machine: Machine = field(init=False)

    def __post_init__(self) -> None:
        form = self.form
        self.lazy = linking_rows(form)
        self.taken = ~self.lazy
        self.order = [np.flatnonzero(self.taken)]
        self.machine = Machine(
            sp.csr_matrix(form.matrix[self.taken]), form.row_lower[self.taken], form.row_upper[self.taken], self.threads
        )
        self.machine.set_cost(self.cost, self.offset)
        self.machine.set_bounds(form.lower, form.upper)

    def take(self, rows: NDArray[np.int64]) -> None:
        """Add rows of the program that are not in yet."""
        form = self.form
        self.machine.add_rows(sp.csr_matrix(form.matrix[rows]), form.row_lower[rows], form.row_upper[rows])
        self.taken[rows] = True
        self.order.append(rows)

    def missing(self, x: Floats, tolerance: float = 1e-6) -> NDArray[np.int64]:
        """Rows not in that x violates, the worst first."""
        short = np.where(self.taken, 0.0, self.form.matrix @ x - self.form.row_upper)
        size = 1.0 + abs(self.form.matrix) @ np.abs(x)
        worst = np.argsort(-short / size, kind="stable")
        return np.asarray(worst[: int((short > tolerance * size).sum())], dtype=np.int64)

    def relaxation(self, deadline: Deadline) -> Answer:
        """The relaxation with all rows that bind in it; `row_dual` has a multiplier for every row of the program."""
        self.machine.set_integer(np.zeros(self.form.columns, dtype=bool))
        while True:
            answer = self.machine.run(deadline, {"solver": "simplex"})
            if answer.status != "optimal" or answer.x is None or answer.row_dual is None:
                return answer
            rows = self.missing(answer.x)
            if not len(rows):
                dual = np.zeros(self.form.matrix.shape[0])
                dual[np.concatenate(self.order)] = answer.row_dual
                return Answer(answer.status, answer.x, answer.objective, answer.bound, dual)
            self.take(rows[: max(AT_ONCE, len(rows) // 2)])

    def take_what_is_left(self, lower: Floats, upper: Floats, reduced: Floats) -> None:
        """Take in rows whose columns may still move inside a box: all where they are few, else those of columns with
        the least reduced cost, which a whole-number plan is most likely to use."""
        moves = np.where(self.form.integer, 0.0, np.minimum(upper - lower, 1.0))
        left = np.flatnonzero(self.lazy & ~self.taken & (abs(self.form.matrix) @ moves > 1e-9))
        if len(left) > MANY // 2:
            price = sp.csr_matrix(abs(self.form.matrix[left]) > 0) @ np.where(self.form.integer, 0.0, np.abs(reduced))
            left = left[np.argsort(price, kind="stable")[: 2 * AT_ONCE]]
        if len(left):
            self.take(left)

    def take_those_around(self, x: Floats) -> None:
        """Take in the rows that bind at a plan with something to carry."""
        matrix = self.form.matrix
        carries = (abs(matrix) @ np.abs(x)) > 1e-6
        tight = self.lazy & ~self.taken & carries & (matrix @ x >= self.form.row_upper - 1e-6)
        if tight.any():
            self.take(np.flatnonzero(tight))


def reduced_cost(form: Form, cost: Floats, dual: Floats) -> Floats:
    """cost - A'y with the multipliers of the wrong sign left out; shape (columns,)."""
    wrong = (dual > 0) & np.isneginf(form.row_lower) | (dual < 0) & np.isposinf(form.row_upper)
    return np.asarray(cost - form.matrix.T @ np.where(wrong, 0.0, dual))


def box_within(form: Form, reduced: Floats, bound: float, value: float) -> tuple[Floats, Floats]:
    """Bounds of all plans cheaper than `value`: a column may move from its end by (value - bound) / reduced cost only.

    Reduced-cost fixing (Dantzig, Fulkerson & Johnson 1954) with the reduced costs of the multipliers behind `bound`.
    """
    room = max(value - bound, 0.0) + 1e-6 * max(1.0, abs(value))
    reach = room / np.maximum(np.abs(reduced), 1e-12)
    upper = np.where(reduced > 0, np.minimum(form.upper, form.lower + reach), form.upper)
    lower = np.where(reduced < 0, np.maximum(form.lower, form.upper - reach), form.lower)
    upper = np.where(form.integer, np.floor(upper + 1e-6), upper)
    return np.where(form.integer, np.ceil(lower - 1e-6), lower), upper


def roundings(form: Form, point: Floats) -> list[Floats]:
    """Whole numbers of a relaxation rounded at each threshold; each distinct choice once."""
    seen, out = set(), []
    floor = np.floor(point + 1e-6)
    for threshold in THRESHOLDS:
        chosen = np.where(point - floor >= threshold, floor + 1, floor)
        key = chosen[form.integer].tobytes()
        if key not in seen:
            seen.add(key)
            out.append(chosen)
    return out
