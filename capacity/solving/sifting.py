"""The relaxation of a program of many places, from the columns and the prices of programs like it.

Rows over several places (what is asked for, shared limits, links, goals kept) are few; all others concern one place:
    restricted:  the relaxation over some columns; its multipliers y of the rows over several places are prices
    at prices:   min (c - y A) x  over every column and the rows of single places; what it uses joins the columns
The second is a bound (Lagrange), and quick, since places are worth looking at alone; the first is above the optimum.
In turn they meet at it (sifting: Bixby et al. 1992; prices by place: Dantzig and Wolfe 1960), mostly in two rounds.

Few columns leave prices loose, and loose prices call for thousands of columns. So each price stays near those that were
paid before: between the least and the most of them and `SLACK` of their size, wider for a row that strains at it and
once the two have met (the box step method: Marsten, Hogan and Blankenship 1975). A bound needs no prices in any box.
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
from capacity.solving.keepsake import Relaxed, basis_of
from capacity.solving.labels import RowNames
from capacity.solving.solution import relative_gap

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

ROUNDS = 9
"""Rounds after which the whole relaxation is likely the shorter way."""
MOST_SHARED = 0.5
"""Share of rows over several places up to which looking at places alone is worth it."""
USED = 1e-7
"""Value from which on a column counts as used."""
SLACK, WIDER = 0.1, 3.0
"""Share of its size by which a price may leave the range of those paid before, and how much further it may then."""
FOR_SIMPLEX = 20_000
"""Columns looked at up to which simplex solves them soonest."""


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


class Places:
    """Every place by itself, at prices: the columns of a program and its rows of single places, loaded once."""

    def __init__(self, form: Form, shared: Flags, threads: int = 1) -> None:
        """shared: rows over several places, see `shared_rows`."""
        self.shared = shared
        alone = ~shared
        self.machine = Machine(sp.csr_matrix(form.matrix[alone]), form.row_lower[alone], form.row_upper[alone], threads,
                               np.zeros(form.columns), (form.lower, form.upper))

    def start(self, like: Relaxed) -> None:
        """Begin with the statuses that columns and rows of single places had in the relaxation of a program like it."""
        self.machine.set_basis(basis_of(like.columns, like.rows[: len(self.shared)][~self.shared]))

    def at(self, reduced: Floats, deadline: Deadline) -> tuple[Flags, Floats] | None:
        """(columns used, multipliers of the rows of single places) at costs less prices."""
        self.machine.set_cost(reduced)
        answer = self.machine.run(deadline, {"solver": "simplex"})
        if answer.status != "optimal" or answer.x is None or answer.row_dual is None:
            return None
        return answer.x > USED, answer.row_dual


def sift(
    form: Form, cost: Floats, kept: Sequence[tuple[Floats, float]], places: Places, columns: Flags,
    near: float, deadline: Deadline, offset: float = 0.0, threads: int = 1, paid: Sequence[Floats] = (),
    loose: float = 0.0,
) -> Sifted | None:
    """The relaxation of one goal, started with some `columns`, until value and bound are within `near`, relatively.

    kept: earlier goals as rows (coefficients, upper side); offset: the goal's constant; paid: multipliers of all rows
    and kept goals that programs like it ended with; loose: how far from the bound the point may be where prices stayed
    in their box, if that is more than `near`. The point is a vertex.
    None where it cannot be had so: too many shared rows, or the columns cannot meet the rows, or time is up.
    """
    if not places.shared.any() or places.shared.mean() > MOST_SHARED:
        return None
    rows = _Rows(form, cost, kept, places, threads)
    box = _Box(form, rows.shared, paid) if len(paid) else None
    looked, bound, best = columns.copy(), -np.inf, np.zeros(0)
    for _ in range(ROUNDS):
        some = rows.restricted(looked, box, deadline)
        alone = None if some is None else rows.at_prices(some.prices, deadline)
        if some is None or alone is None:
            return None
        used, dual = alone
        proven = lagrangian_bound(form, cost, dual, kept)
        bound, best = (proven, dual) if proven > bound else (bound, best)
        if relative_gap(some.objective + offset, bound + offset) <= near:
            point = rows.vertex(some, deadline)
            objective = np.inf if point is None else float(cost @ point)
            if point is not None and relative_gap(objective + offset, bound + offset) <= max(near, loose):
                return Sifted(point, objective, best, bound, looked)
            if box is None:
                return None
            box.widen(some.strained)
        looked = looked | used
    return None


@dataclass(frozen=True)
class _Some:
    """A relaxation over some columns, with its machine: value, prices, rows whose price is at an end of its box."""

    machine: Machine
    looked: Flags
    rest: Floats
    point: Floats
    objective: float
    prices: Floats
    strained: Flags
    slacks: int


class _Box:
    """Between what values each price may lie: `least` and `most`, over all rows and kept goals."""

    def __init__(self, form: Form, shared: Flags, paid: Sequence[Floats]) -> None:
        self.shared, self.at = shared, np.flatnonzero(shared)
        self.least, self.most = np.min(paid, axis=0), np.max(paid, axis=0)
        self.size = np.maximum(np.abs(self.least), np.abs(self.most))
        self.step, self.usual = SLACK, _usual(form, self.size)
        self.least, self.most = self.least - SLACK * self.size, self.most + SLACK * self.size

    def widen(self, rows: Flags) -> None:
        """Let the prices of some rows go further, where nothing was paid by the size of others of their rule."""
        self.step *= WIDER
        by = self.step * np.maximum(self.size, self.usual)
        self.least = np.where(rows, self.least - by, self.least)
        self.most = np.where(rows, self.most + by, self.most)


def _usual(form: Form, size: Floats) -> Floats:
    """What a price that is not zero comes to, by the rows of the same rule, else by all."""
    paid = size[size > 0]
    usual = np.full(len(size), paid.mean() if len(paid) else 1.0)
    if isinstance(form.row_names, RowNames):
        for block in form.row_names.blocks.values():
            own = size[block.first : block.first + block.size]
            if (own > 0).any():
                usual[block.first : block.first + block.size] = own[own > 0].mean()
    return usual


class _Rows:
    """All rows and kept goals of a program, those over several places apart."""

    def __init__(
        self, form: Form, cost: Floats, kept: Sequence[tuple[Floats, float]], places: Places, threads: int
    ) -> None:
        goals = [sp.csr_matrix(coefficients) for coefficients, _ in kept]
        self.form, self.cost, self.places, self.threads = form, cost, places, threads
        self.matrix = sp.csr_matrix(sp.vstack([form.matrix, *goals])) if goals else form.matrix
        self.by_column, self.turned = sp.csc_matrix(self.matrix), sp.csr_matrix(self.matrix.T)
        self.lower = np.concatenate([form.row_lower, np.full(len(kept), -np.inf)])
        self.upper = np.concatenate([form.row_upper, [value for _, value in kept]])
        self.shared = np.concatenate([places.shared, np.ones(len(kept), dtype=bool)])

    def restricted(self, looked: Flags, box: _Box | None, deadline: Deadline) -> _Some | None:
        """The relaxation over some columns, the others at their bound nearest to zero; prices of rows over single
        places are zero. A price in a box: its row may be missed by a slack that costs what the box ends with."""
        form = self.form
        rest = np.where(looked, 0.0, np.clip(0.0, form.lower, form.upper))
        moved = self.matrix @ rest if rest.any() else np.zeros(len(self.lower))
        part, at = sp.csr_matrix(self.by_column[:, looked]), np.zeros(0, dtype=np.int64) if box is None else box.at
        cost, lower, upper = self.cost[looked], form.lower[looked], form.upper[looked]
        if box is not None:
            ones = sp.csr_matrix((np.ones(len(at)), (at, np.arange(len(at)))), shape=(len(self.lower), len(at)))
            part = sp.csr_matrix(sp.hstack([part, ones, -ones]))
            cost = np.concatenate([cost, box.most[at], -box.least[at]])
            lower = np.concatenate([lower, np.zeros(2 * len(at))])
            upper = np.concatenate([upper, np.full(2 * len(at), np.inf)])
        there = np.diff(part.indptr) > 0
        machine = Machine(part[there], (self.lower - moved)[there], (self.upper - moved)[there], self.threads, cost,
                          (lower, upper))
        answer = machine.run(deadline, {"solver": "simplex" if looked.sum() <= FOR_SIMPLEX else "ipm"})
        if answer.status != "optimal" or answer.x is None or answer.row_dual is None:
            return None
        prices, strained = np.zeros(len(self.lower)), np.zeros(len(self.lower), dtype=bool)
        prices[there] = answer.row_dual
        wrong = (prices > 0) & ~np.isfinite(self.lower) | (prices < 0) & ~np.isfinite(self.upper)
        slack = answer.x[int(looked.sum()) :]
        strained[at] = slack[: len(at)] + slack[len(at) :] > USED
        # the cost of what is not looked at counts too
        objective = answer.objective + float(self.cost @ rest)
        return _Some(machine, looked, rest, answer.x, objective, np.where(self.shared & ~wrong, prices, 0.0), strained,
                     len(at))

    def vertex(self, some: _Some, deadline: Deadline) -> Floats | None:
        """The relaxation over the same columns without slacks, from where it stands; None where they cannot do."""
        point, count = some.point, int(some.looked.sum())
        if some.slacks and float(some.point[count:].max(initial=0.0)) > USED:
            nothing = np.zeros(2 * some.slacks)
            some.machine.set_bounds(np.concatenate([self.form.lower[some.looked], nothing]),
                                    np.concatenate([self.form.upper[some.looked], nothing]))
            answer = some.machine.run(deadline, {"solver": "simplex"})
            if answer.status != "optimal" or answer.x is None:
                return None
            point = answer.x
        whole = some.rest.copy()
        whole[some.looked] = point[:count]
        return whole

    def at_prices(self, prices: Floats, deadline: Deadline) -> tuple[Flags, Floats] | None:
        """(columns used, multipliers of all rows) of every place by itself."""
        found = self.places.at(self.cost - self.turned @ prices, deadline)
        if found is None:
            return None
        used, alone = found
        dual = prices.copy()
        dual[~self.shared] = alone
        return used, dual
