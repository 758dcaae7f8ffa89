"""The relaxation of a program of many places, from the columns that programs like it used.

Rows over several places (what is asked for, shared limits, links, goals kept) are few; all others concern one place:
    restricted:  the relaxation over some columns; its multipliers y of the rows over several places are prices
    at prices:   min (c - y A) x  over every column and the rows of single places; what it uses joins the columns
The second is a bound (Lagrange), and quick, since places are worth looking at alone; the first is above the optimum.
In turn they meet at it (sifting: Bixby et al. 1992; prices by place: Dantzig and Wolfe 1960), mostly in two rounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from capacity.solving.bound import lagrangian_bound
from capacity.solving.compile import Form
from capacity.solving.highs import Deadline, Machine
from capacity.solving.solution import relative_gap

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

ROUNDS = 6
"""Rounds after which the whole relaxation is likely the shorter way."""
MOST_SHARED = 0.5
"""Share of rows over several places up to which looking at places alone is worth it."""
USED = 1e-7
"""Value from which on a column counts as used."""


@dataclass(frozen=True)
class Sifted:
    """A relaxed point, its value, multipliers of all rows and then of kept goals with what they prove, and the columns
    that were looked at. Objective and bound are without the goal's constant."""

    point: Floats
    objective: float
    dual: Floats
    bound: float
    columns: Flags


def shared_rows(form: Form, owner: NDArray[np.int64]) -> Flags:
    """Rows over more than one place, or over a place and something of none, by the `owners`: shape (rows,)."""
    counts = np.diff(form.matrix.indptr)
    first = form.matrix.indptr[:-1][counts > 0]
    entries = owner[form.matrix.indices]
    shared = np.zeros(len(counts), dtype=bool)
    if len(first):
        shared[counts > 0] = np.minimum.reduceat(entries, first) != np.maximum.reduceat(entries, first)
    return shared


def owners(form: Form, places: Iterable[str]) -> NDArray[np.int64]:
    """Number of the place that a column is about, by the first part of its index that names places; -1 for none:
    shape (columns,)."""
    number = {place: at for at, place in enumerate(sorted(str(p) for p in places))}
    owner = np.full(form.columns, -1)
    for name in form.labels:
        for part in form.labels.keys_of(name) if form.labels.size(name) else ():
            numbers = np.array([number.get(str(label), -1) for label in part.categories])[part.codes]
            if (numbers >= 0).all():
                owner[form.labels.span(name)] = numbers
                break
    return owner


def sift(
    form: Form, cost: Floats, kept: Sequence[tuple[Floats, float]], shared: Flags, columns: Flags,
    near: float, deadline: Deadline, offset: float = 0.0, threads: int = 1,
) -> Sifted | None:
    """The relaxation of one goal, started with some `columns`, until value and bound are within `near`, relatively.

    kept: earlier goals as rows (coefficients, upper side); shared: see `shared_rows`; offset: the goal's constant.
    None where it cannot be had so: too many shared rows, or the columns cannot meet the rows, or time is up.
    """
    if not shared.any() or shared.mean() > MOST_SHARED:
        return None
    rows = _Rows(form, kept, shared, threads)
    looked, bound = columns.copy(), -np.inf
    for _ in range(ROUNDS):
        some = rows.restricted(cost, looked, deadline)
        if some is None:
            return None
        point, objective, prices = some
        alone = rows.at_prices(cost, prices, deadline)
        if alone is None:
            return None
        used, dual = alone
        bound = lagrangian_bound(form, cost, dual, kept)
        if relative_gap(objective + offset, bound + offset) <= near:
            return Sifted(point, objective, dual, bound, looked)
        looked |= used
    return None


class _Rows:
    """All rows and kept goals of a program, those over several places apart."""

    def __init__(self, form: Form, kept: Sequence[tuple[Floats, float]], shared: Flags, threads: int) -> None:
        goals = [sp.csr_matrix(coefficients) for coefficients, _ in kept]
        whole = sp.csr_matrix(sp.vstack([form.matrix, *goals])) if goals else form.matrix
        self.form, self.matrix, self.threads = form, whole, threads
        self.by_column = sp.csc_matrix(whole)
        self.lower = np.concatenate([form.row_lower, np.full(len(kept), -np.inf)])
        self.upper = np.concatenate([form.row_upper, [value for _, value in kept]])
        self.shared = np.concatenate([shared, np.ones(len(kept), dtype=bool)])
        self.single = sp.csr_matrix(whole[~self.shared])

    def restricted(self, cost: Floats, looked: Flags, deadline: Deadline) -> tuple[Floats, float, Floats] | None:
        """(point, value, multipliers) over some columns, the others at their bound nearest to zero; multipliers of
        rows over single places are zero."""
        form = self.form
        rest = np.where(looked, 0.0, np.clip(0.0, form.lower, form.upper))
        moved = self.matrix @ rest if rest.any() else np.zeros(len(self.lower))
        part = sp.csr_matrix(self.by_column[:, looked])
        there = np.diff(part.indptr) > 0
        machine = Machine(part[there], (self.lower - moved)[there], (self.upper - moved)[there], self.threads,
                          cost[looked], (form.lower[looked], form.upper[looked]))
        answer = machine.run(deadline, {"solver": "ipm", "run_crossover": "off"})
        if answer.status != "optimal" or answer.x is None or answer.row_dual is None:
            return None
        rest[looked] = answer.x
        prices = np.zeros(len(self.lower))
        prices[there] = answer.row_dual
        wrong = (prices > 0) & ~np.isfinite(self.lower) | (prices < 0) & ~np.isfinite(self.upper)
        return rest, float(cost @ rest), np.where(self.shared & ~wrong, prices, 0.0)

    def at_prices(self, cost: Floats, prices: Floats, deadline: Deadline) -> tuple[Flags, Floats] | None:
        """(columns used, multipliers of all rows) of every place by itself."""
        form, alone = self.form, ~self.shared
        machine = Machine(self.single, self.lower[alone], self.upper[alone], self.threads,
                          cost - self.matrix.T @ prices, (form.lower, form.upper))
        answer = machine.run(deadline, {"solver": "simplex"})
        if answer.status != "optimal" or answer.x is None or answer.row_dual is None:
            return None
        dual = prices.copy()
        dual[alone] = answer.row_dual
        return answer.x > USED, dual
