"""Rows that a network's relaxation violates, found and added in rounds before any search.

Each round solves the relaxation and adds the deepest cut sets, flow cut sets, mixed cuts and partition cuts that are
not nearly parallel. They are looked for at a point between the relaxation's and the average of those before it, which
spares many rounds (in-out separation: Ben-Ameur & Neto 2007, Fischetti & Salvagnin 2010), and at the relaxation's own
where none is violated there. Rows that stay slack are dropped again. Every row holds for every whole-number solution,
so the optimum stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from capacity.problem import Problem
from capacity.solving.compile import Form
from capacity.solving.cutsets import Cut, cut_sets, first_sets, promising
from capacity.solving.dicuts import dicuts
from capacity.solving.flow_cuts import flow_cuts
from capacity.solving.highs import Deadline, Machine
from capacity.solving.networks import Network, networks
from capacity.solving.partitions import partition_cuts

Floats = NDArray[np.float64]

RULE = "network_cut"
"""Name of the rows added here."""
ROUNDS = 60
IN_A_ROUND = 400
"""Most rows added in one round."""
PARALLEL = 0.95
"""Cosine between two rows from which on only the deeper one is added."""
INWARD = 0.5
"""How far from the relaxation's point toward the average one rows are looked for."""
STALLED, WINDOW = 3e-4, 6
"""The rounds end when the bound rose by less than this share in so many rounds."""
TIDY = 3
"""Every so many rounds slack rows are dropped."""


@dataclass
class Separation:
    """A relaxation and the rows added to it so far."""

    form: Form
    machine: Machine
    nets: list[Network]
    deadline: Deadline
    sets: list[NDArray[np.bool_]] = field(default_factory=list)
    rows: list[Cut] = field(default_factory=list)
    bounds: list[float] = field(default_factory=list)
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    dual: Floats | None = None
    """Multipliers of all rows, those added too, where the relaxation was last solved."""

    def solve(self) -> Floats | None:
        """The relaxation's point; None when it is infeasible or time is up."""
        answer = self.machine.run(self.deadline, {"solver": "choose"})
        if answer.status != "optimal" or answer.x is None:
            return None
        self.bounds.append(answer.objective)
        self.dual = answer.row_dual
        return answer.x

    def found(self, x: Floats, turn: int) -> list[Cut]:
        """Rows violated at x, of all networks, deepest first."""
        cuts: list[Cut] = []
        for at, net in enumerate(self.nets):
            self.sets[at] = promising(net, self.sets[at], x)
            cuts += cut_sets(net, self.sets[at], x)
            cuts += flow_cuts(net, self.sets[at], x, turn)
            cuts += dicuts(net, x, turn)
            cuts += partition_cuts(net, x, self.rng)
        return sorted(cuts, key=lambda cut: -cut.depth)

    def add(self, cuts: Sequence[Cut]) -> int:
        """Add the deepest cuts that are not nearly parallel; returns how many."""
        chosen = unlike(cuts, self.form.columns)
        if chosen:
            lower = np.array([c.lower for c in chosen])
            self.machine.add_rows(as_matrix(chosen, self.form.columns), lower, np.full(len(chosen), np.inf))
            self.rows += chosen
        return len(chosen)

    def tidy(self, x: Floats) -> None:
        """Drop the rows that are slack at x."""
        slack = [i for i, c in enumerate(self.rows) if float(c.coefficients @ x[c.columns]) > c.lower + 1e-6]
        if slack:
            at = np.array(slack) + self.form.matrix.shape[0]
            self.machine.drop_rows(at)
            self.dual = None if self.dual is None else np.delete(self.dual, at)
            dropped = set(slack)
            self.rows = [c for i, c in enumerate(self.rows) if i not in dropped]

    def stalled(self) -> bool:
        """Whether the bound has hardly moved for some rounds."""
        if len(self.bounds) <= WINDOW:
            return False
        return self.bounds[-1] - self.bounds[-1 - WINDOW] < STALLED * max(abs(self.bounds[-1]), 1e-9)

    def run(self) -> Floats | None:
        """All rounds; the relaxation's point after them, None where it was not solved to the end."""
        self.sets = [first_sets(net, self.rng) for net in self.nets]
        fixed = list(self.sets)
        x = self.solve()
        middle = x
        for turn in range(ROUNDS):
            if x is None or middle is None or self.stalled():
                break
            cuts = [c for c in self.found(x + INWARD * (middle - x), turn) if violated(c, x)]
            if not cuts and middle is not x:
                cuts = self.found(x, turn)
            if not self.add(cuts):
                break
            x = self.solve()
            if x is None:
                break
            middle = 0.5 * (middle + x)
            if turn % TIDY == TIDY - 1:
                self.tidy(x)
            self.sets = [np.unique(np.vstack([a, b]), axis=0) if len(a) != len(b) else a
                         for a, b in zip(fixed, self.sets, strict=True)]
        if x is not None:
            self.tidy(x)
        return x


def violated(cut: Cut, x: Floats) -> bool:
    """Whether a row cuts off a point."""
    return bool(cut.lower - cut.coefficients @ x[cut.columns] > 1e-6)


def as_matrix(cuts: Sequence[Cut], columns: int) -> sp.csr_matrix:
    """(cuts, columns) coefficients."""
    starts = np.cumsum([0, *(len(c.columns) for c in cuts)])
    entries = (np.concatenate([c.coefficients for c in cuts]), np.concatenate([c.columns for c in cuts]), starts)
    return sp.csr_matrix(entries, shape=(len(cuts), columns))


def unlike(cuts: Sequence[Cut], columns: int) -> list[Cut]:
    """The deepest cuts that are not nearly parallel to a deeper one, IN_A_ROUND at most; `cuts` the deepest first."""
    if not cuts:
        return []
    size = np.array([np.linalg.norm(c.coefficients) for c in cuts])
    rows = sp.csr_matrix(sp.diags(1 / size) @ as_matrix(cuts, columns))
    left, chosen = np.ones(len(cuts), dtype=bool), []
    for at in range(len(cuts)):
        if left[at]:
            chosen.append(cuts[at])
            if len(chosen) == IN_A_ROUND:
                break
            left &= (rows @ rows[at].toarray().ravel()) < PARALLEL
    return chosen


@dataclass(frozen=True)
class Relaxed:
    """A relaxation as the rounds left it: point, multipliers of all rows, value without its constant."""

    point: Floats
    dual: Floats
    objective: float


def strengthened(
    problem: Problem, form: Form, deadline: Deadline, threads: int, tell: Callable[[str, float], None] | None = None
) -> tuple[Form, Relaxed | None]:
    """The program with the rows that its last goal's relaxation violates, named RULE, and that relaxation; itself and
    None without networks.

    `tell` hears of the number of rows and of the bound.
    """
    nets = networks(problem, form)
    if not nets:
        return form, None
    goal = list(form.cost)[-1]
    machine = Machine(form.matrix, form.row_lower, form.row_upper, threads)
    machine.set_bounds(form.lower, form.upper)
    machine.set_cost(form.cost[goal], form.offset[goal])
    separation = Separation(form, machine, nets, deadline)
    point = separation.run()
    if tell is not None and separation.bounds:
        tell(f"{len(separation.rows)} rows of cuts added", separation.bounds[-1])
    solved = None
    if point is not None and separation.dual is not None:
        solved = Relaxed(point, separation.dual, separation.bounds[-1] - form.offset[goal])
    return with_rows(form, separation.rows), solved


def with_rows(form: Form, rows: Sequence[Cut]) -> Form:
    """The program with further rows, named RULE."""
    if not rows:
        return form
    return replace(
        form,
        matrix=sp.csr_matrix(sp.vstack([form.matrix, as_matrix(rows, form.columns)])),
        row_lower=np.concatenate([form.row_lower, [c.lower for c in rows]]),
        row_upper=np.concatenate([form.row_upper, np.full(len(rows), np.inf)]),
        row_names=(*form.row_names, *(f"{RULE}[{i}]" for i in range(len(rows)))),
    )


def without_cuts(form: Form) -> Form:
    """The program as it was formulated."""
    own = np.array([not name.startswith(f"{RULE}[") for name in form.row_names], dtype=bool)
    return replace(
        form, matrix=sp.csr_matrix(form.matrix[own]), row_lower=form.row_lower[own], row_upper=form.row_upper[own],
        row_names=tuple(name for name, kept in zip(form.row_names, own, strict=True) if kept),
    )
