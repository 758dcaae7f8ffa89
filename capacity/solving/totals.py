"""A better bound by branching on totals: places open by a year, phases standing by a year, phases of one place.

One place with a fraction of a phase can hand it to another at little cost, so branching on single whole numbers hardly
lifts the bound. Their sums cannot be handed on: a whole number of places and of phases stands in the world each year.
Each node is a linear program with those sums held between whole numbers, solved by dual simplex from the one before;
the sum to branch on is the one that lifts the bound of both sides most, tried out at first and then judged by what it
did before. The bound is the least of all open nodes, each proven by its multipliers.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from capacity.solving.compile import Form
from capacity.solving.highs import Machine

if TYPE_CHECKING:
    from capacity.solving.search import Search

Floats = NDArray[np.float64]

TRIED = 6
"""Sums tried out at a node."""
KNOWN = 2
"""How often a sum was branched on before what it did is taken for what it will do."""
LEAST = 1e-4
"""Distance from a whole number from which a sum counts as broken."""
MOST_PIVOTS = 4000
"""Simplex steps of one node; a node that needs more keeps the bound of the one above."""
NO_LIMIT = 2**31 - 1
TIERS = {"open": 0, "built": 0, "bought": 1, "alone": 2}
"""Kinds of sums, the coarser first."""


@dataclass(order=True)
class Node:
    """Sums held between `lower` and `upper`, with a proven bound; `sums` as the relaxation has them."""

    bound: float
    number: int
    lower: Floats = field(compare=False)
    upper: Floats = field(compare=False)
    sums: Floats | None = field(compare=False, default=None)


class Totals:
    """The tree of nodes; `bound` is what is proven of the goal so far, without its constant."""

    def __init__(self, search: Search, goal: str, basis: Any) -> None:
        self.search, self.goal, form = search, goal, search.form
        self.rows, self.tier = totals(form)
        self.matrix = sp.csr_matrix(sp.vstack([form.matrix, self.rows]))
        self.cost, self.count = form.cost[goal], self.rows.shape[0]
        self.machines = [self._machine(form, basis) for _ in range(max(1, min(search.options.threads, 2)))]
        self.gains: dict[int, list[Floats]] = defaultdict(list)
        self.made = 0
        free = np.full(self.count, np.inf)
        root = self.solved([(-free, free)], search.bound)[0]
        self.open = [] if root is None else [root]
        self.stuck = root is None or self.count == 0
        self.bound = search.bound

    def _machine(self, form: Form, basis: Any) -> Machine:
        machine = Machine(form.matrix, form.row_lower, form.row_upper, 1, self.cost, (form.lower, form.upper))
        machine.set_basis(basis)
        free = np.full(self.count, np.inf)
        machine.add_rows(self.rows, -free, free)
        return machine

    def advance(self, nodes: int) -> None:
        """Branch at so many nodes, the one with the least bound first; stops when the gap is proven or no sum is
        broken there."""
        for _ in range(nodes):
            if self.stuck or not self.open or self.search.deadline.left() <= 0 or self.search.closed(self.goal):
                return
            node = self.open[0]
            self.bound = max(self.bound, node.bound)
            self.search.bound = max(self.search.bound, self.bound)
            broken = [] if node.sums is None else self._broken(node.sums)
            if not broken:
                self.stuck = True
                return
            _, children = self._choose(node, broken)
            heapq.heappop(self.open)
            for child in children:
                if child is not None:
                    heapq.heappush(self.open, child)
            if not self.open:  # nothing is left that could be cheaper than the best plan
                assert self.search.best is not None
                self.search.bound = max(self.search.bound, float(self.cost @ self.search.best))
                return
            self.bound = max(self.bound, self.open[0].bound)
            self.search.bound = max(self.search.bound, self.bound)

    def _broken(self, sums: Floats) -> list[int]:
        """Sums that are no whole numbers, of the coarsest kind that has any, the most broken first."""
        apart = np.abs(sums - np.round(sums))
        broken = np.flatnonzero(apart > LEAST)
        kind = broken[self.tier[broken] == self.tier[broken].min(initial=len(TIERS))]
        return [int(i) for i in kind[np.argsort(-apart[kind], kind="stable")]]

    def _choose(self, node: Node, broken: list[int]) -> tuple[int, list[Node | None]]:
        """(the sum to branch on, its two nodes)"""
        assert node.sums is not None
        known = [i for i in broken if len(self.gains[i]) >= KNOWN]
        new = [i for i in broken if len(self.gains[i]) < KNOWN][:TRIED]
        scores = {i: self._expected(i, node.sums[i]) for i in known}
        tried: dict[int, list[Node | None]] = {}
        for i in new:
            tried[i] = self._children(node, i)
            gains = np.array([np.inf if c is None else c.bound - node.bound for c in tried[i]])
            scores[i] = _score(gains)
            if not np.isfinite(gains).all():  # one side is closed: nothing can be better
                return i, tried[i]
        best = max(scores, key=lambda i: (scores[i], -i))
        return best, tried[best] if best in tried else self._children(node, best)

    def _expected(self, i: int, value: float) -> float:
        down = value - np.floor(value)
        return _score(np.mean(self.gains[i], axis=0) * np.array([down, 1 - down]))

    def _children(self, node: Node, i: int) -> list[Node | None]:
        assert node.sums is not None
        value = float(node.sums[i])
        below, above = node.upper.copy(), node.lower.copy()
        below[i], above[i] = np.floor(value), np.floor(value) + 1
        children = self.solved([(node.lower, below), (above, node.upper)], node.bound)
        gains = [self._far(node) if c is None else max(c.bound - node.bound, 0.0) for c in children]
        down = value - np.floor(value)
        self.gains[i].append(np.array([gains[0] / down, gains[1] / (1 - down)]))
        return children

    def _far(self, node: Node) -> float:
        """What a closed side counts as: the way to the best plan."""
        best = self.search.best
        return 0.0 if best is None else max(float(self.cost @ best) - node.bound, 0.0)

    def solved(self, sides: list[tuple[Floats, Floats]], above: float) -> list[Node | None]:
        """A node for each pair of sides, as many at once as there are machines; None where no better plan can be."""
        if len(self.machines) == 1 or len(sides) == 1:
            return [self._solve(self.machines[0], *pair, above) for pair in sides]
        with ThreadPoolExecutor(len(sides)) as pool:
            pairs = zip(self.machines, sides, strict=True)
            tasks = [pool.submit(self._solve, machine, *pair, above) for machine, pair in pairs]
            return [task.result() for task in tasks]

    def _solve(self, machine: Machine, lower: Floats, upper: Floats, above: float) -> Node | None:
        search, form = self.search, self.search.form
        at = np.arange(self.count, dtype=np.int64) + form.matrix.shape[0]
        machine.set_sides(at, lower, upper)
        answer = machine.run(search.deadline, {"solver": "simplex", "simplex_iteration_limit": MOST_PIVOTS})
        machine.highs.setOptionValue("simplex_iteration_limit", NO_LIMIT)
        self.made += 1
        if answer.status == "infeasible":
            return None
        if answer.status != "optimal" or answer.x is None or answer.row_dual is None:
            return Node(above, self.made, lower, upper)
        bound = max(above, self._proven(answer.row_dual, lower, upper))
        best = search.best
        if best is not None and bound >= float(self.cost @ best):
            return None
        return Node(bound, self.made, lower, upper, self.rows @ answer.x)

    def _proven(self, dual: Floats, lower: Floats, upper: Floats) -> float:
        """Lagrangian bound of a node (see `bound`), the sums' rows with the node's sides."""
        form = self.search.form
        low, high = np.concatenate([form.row_lower, lower]), np.concatenate([form.row_upper, upper])
        dual = np.where((dual > 0) & ~np.isfinite(low) | (dual < 0) & ~np.isfinite(high), 0.0, dual)
        side = np.where(dual > 0, low, high)
        reduced = self.cost - self.matrix.T @ dual
        end = np.where(reduced > 0, form.lower, form.upper)
        used, priced = reduced != 0, dual != 0
        if not np.all(np.isfinite(end[used])):
            return -np.inf
        return float(np.sum(dual[priced] * side[priced]) + np.sum(reduced[used] * end[used]))


def _score(gains: Floats) -> float:
    """How good a pair of gains is: their product, the lesser one counting even where the other is nothing."""
    low, high = float(gains.min()), float(gains.max())
    return float(max(low, 1e-6) * max(min(high, 1e12), 1e-6))


def totals(form: Form) -> tuple[sp.csr_matrix, NDArray[np.int64]]:
    """((sums, columns), tier of each): first places opened by each year and phases built by each year, in all and of
    each place; then pods of each place and year, and of each year; then every whole number by itself."""
    period, place = form.column_period(), form.column_place()
    parts: list[tuple[int, NDArray[np.int64]]] = []
    for name, by_then in (("open", True), ("built", True), ("bought", False)):
        if name not in form.labels:
            continue
        span = form.labels.span(name)
        columns = np.arange(span.start, span.stop)
        columns = columns[form.integer[columns]]
        for year in np.unique(period[columns]):
            some = columns[period[columns] <= year] if by_then else columns[period[columns] == year]
            parts.append((TIERS[name], some))
            if name != "open":
                parts += [(TIERS[name], some[place[some] == p]) for p in np.unique(place[some])]
    parts = [(tier, some) for tier, some in parts if len(some) > 1]
    parts += [(TIERS["alone"], np.array([i])) for i in np.flatnonzero(form.integer)]
    sizes = np.array([len(some) for _, some in parts], dtype=np.int64)
    columns = np.concatenate([some for _, some in parts]) if parts else np.zeros(0, dtype=np.int64)
    rows = sp.csr_matrix((np.ones(len(columns)), columns, np.r_[0, np.cumsum(sizes)]), shape=(len(parts), form.columns))
    return rows, np.array([tier for tier, _ in parts], dtype=np.int64)
