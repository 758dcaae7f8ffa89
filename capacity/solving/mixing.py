"""Multipliers of problems solved before, mixed into a bound for one like them.

    max over t >= 0 of  L( sum_d sum_r t[d,r] y[d,r] )        y[d,r]: donor d's multipliers of rule r's rows

L is the Lagrangian bound. Since every mix of multipliers of the right sign proves a bound, the best mix is the dual of
a small linear program with one row for each donor and rule: the donor's weighted sum of that rule's rows (a surrogate
constraint: Glover 1968). It has tens of rows where the problem has tens of thousands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from capacity.solving.bound import lagrangian_bound
from capacity.solving.compile import Form
from capacity.solving.highs import Deadline, Machine
from capacity.solving.labels import RowNames

Floats = NDArray[np.float64]

FAINT = 1e-9
"""Share of the largest multiplier below which one is taken for zero."""


@dataclass(frozen=True)
class Mixed:
    """A proven bound (without the goal's constant) and the multipliers behind it: of all rows, then of kept goals."""

    bound: float
    dual: Floats


def best_mix(
    form: Form, cost: Floats, duals: Sequence[Floats], kept: Sequence[tuple[Floats, float]], deadline: Deadline,
    by_rule: bool = True,
) -> Mixed:
    """The best bound that mixing multipliers proves; each of `duals` has one per row and then one per kept goal.

    by_rule: each rule's multipliers by themselves, else each donor's as a whole; a kept goal's always by themselves.
    A bound of -inf where no mix proves one, or time is up.
    """
    sides = _Sides(form, kept)
    weights = sp.vstack([*(sides.parts(dual, by_rule) for dual in duals), sides.kept_alone()]).tocsr()
    weights = sp.csr_matrix(weights[np.diff(weights.indptr) > 0])
    nothing = Mixed(-np.inf, np.zeros(sides.count))
    if not weights.shape[0]:
        return nothing
    matrix = sp.csr_matrix(weights @ sides.matrix)
    size = np.maximum(abs(matrix).max(axis=1).toarray().ravel(), 1e-12)
    weights = sp.csr_matrix(sp.diags(1.0 / size) @ weights)
    matrix, side = sp.csr_matrix(sp.diags(1.0 / size) @ matrix), sides.binding(weights)
    matrix.data[np.abs(matrix.data) < FAINT] = 0.0
    matrix.eliminate_zeros()
    machine = Machine(matrix, side, np.full(len(side), np.inf), 1, cost, (form.lower, form.upper))
    answer = machine.run(deadline, {"solver": "simplex"})
    if answer.status != "optimal" or answer.row_dual is None:
        return nothing
    dual = np.asarray(weights.T @ np.maximum(answer.row_dual, 0.0))
    return Mixed(lagrangian_bound(form, cost, dual, kept), dual)


class _Sides:
    """All rows of a program and its kept goals, with the side that a multiplier of either sign binds to."""

    def __init__(self, form: Form, kept: Sequence[tuple[Floats, float]]) -> None:
        costs = [sp.csr_matrix(coefficients) for coefficients, _ in kept]
        self.form, self.kept = form, kept
        self.matrix = sp.csr_matrix(sp.vstack([form.matrix, *costs])) if costs else form.matrix
        self.lower = np.concatenate([form.row_lower, np.full(len(kept), -np.inf)])
        self.upper = np.concatenate([form.row_upper, [value for _, value in kept]])
        self.count = len(self.lower)

    def proper(self, dual: Floats) -> Floats:
        """Multipliers without those that bind to a side that is not there, and without faint ones."""
        wrong = (dual > 0) & ~np.isfinite(self.lower) | (dual < 0) & ~np.isfinite(self.upper)
        faint = np.abs(dual) <= FAINT * np.abs(dual).max(initial=0.0)
        return np.where(wrong | faint, 0.0, dual)

    def parts(self, dual: Floats, by_rule: bool) -> sp.csr_matrix:
        """A row for each rule (or one) and one for each kept goal: its multipliers; shape (rules + goals, all rows)."""
        rule, rows = np.zeros(self.count, dtype=np.int64), self.form.matrix.shape[0]
        names = self.form.row_names
        if by_rule and isinstance(names, RowNames):
            for number, block in enumerate(names.blocks.values()):
                rule[block.first : block.first + block.size] = number
        rule[rows:] = rule[:rows].max(initial=-1) + 1 + np.arange(self.count - rows)
        own = self.proper(dual)
        at = np.flatnonzero(own)
        return sp.csr_matrix((own[at], (rule[at], at)), shape=(int(rule.max(initial=0)) + 1, self.count))

    def kept_alone(self) -> sp.csr_matrix:
        """A row for each kept goal by itself, whatever a donor paid for it."""
        rows, goals = self.form.matrix.shape[0], len(self.kept)
        return sp.csr_matrix((-np.ones(goals), (np.arange(goals), rows + np.arange(goals))), shape=(goals, self.count))

    def binding(self, weights: sp.csr_matrix) -> Floats:
        """The right-hand side of `weights x rows >= side` that the rows imply."""
        positive, negative = weights.maximum(0), weights.minimum(0)
        lower = np.where(np.isfinite(self.lower), self.lower, 0.0)
        upper = np.where(np.isfinite(self.upper), self.upper, 0.0)
        return np.asarray(positive @ lower + negative @ upper)
