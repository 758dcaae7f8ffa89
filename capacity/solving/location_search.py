"""The search of a location problem: prices, plans, and branch and bound on places.

At every node prices are raised (`location_bound`); places whose opening or shutting would cost more than the best plan
are decided; what is left is branched on, the most undecided place of the averaged choices first, the node of the least
bound first, the latest of equals. Nodes are small and none needs a linear program: the bound of a node is that of the
relaxation with every linking row.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capacity.solving.highs import Deadline
from capacity.solving.location import Location
from capacity.solving.location_bound import NODE_STEPS, ROOT_STEPS, Bounded, Pricing
from capacity.solving.location_plans import Plans, reachable
from capacity.solving.on_demand_search import offer_rounded
from capacity.solving.options import Progress

if TYPE_CHECKING:
    from capacity.solving.search import Search

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

EXACT = 1e-9
"""Share of the best plan's cost below which a node can bring nothing worth having."""


@dataclass(frozen=True)
class Node:
    """Places shut and kept open, and the prices of its parent."""

    shut: Flags
    kept: Flags
    prices: Floats


@dataclass
class Tree:
    """Branch and bound: `bound` and `plans.cost` close in on the optimum."""

    problem: Location
    gap: float
    deadline: Deadline
    tell: Callable[[str, float, float], None]
    """Told of (what is done, cost of the best plan, bound)."""
    pricing: Pricing = field(init=False)
    whole_costs: bool = field(init=False)
    plans: Plans = field(init=False)
    bound: float = -np.inf
    nodes: list[tuple[float, int, Node]] = field(default_factory=list)
    number: Iterator[int] = field(default_factory=count)
    seen: int = 0

    def __post_init__(self) -> None:
        self.pricing, self.whole_costs = Pricing(self.problem), self.problem.whole_costs()
        self.plans = Plans(self.problem, self.pricing)

    def enough(self) -> float:
        """The bound from which on a node holds nothing better than the best plan."""
        if not np.isfinite(self.plans.cost):
            return np.inf
        if self.whole_costs:
            return self.plans.cost - 1 + 1e-6
        return self.plans.cost - EXACT * abs(self.plans.cost)

    def closed(self) -> bool:
        """Whether the best plan is within the asked gap of the bound."""
        return self.plans.cost - self.bound <= max(self.gap * abs(self.plans.cost), EXACT * abs(self.plans.cost))

    def run(self) -> None:
        """Until the gap is proven or time is up."""
        places = len(self.problem.open_cost)
        nothing = np.zeros(places, dtype=bool)
        (self.plans.offer if self.problem.limited else self.plans.descend)(self._greedy())
        root = Node(nothing, nothing, self.pricing.first_prices())
        self._treat(root, -np.inf, ROOT_STEPS)
        self._note()
        while self.nodes and not self.closed() and self.deadline.left() > 0:
            bound, _, node = heapq.heappop(self.nodes)
            if bound < self.enough():
                self._treat(node, bound, NODE_STEPS)
            self._note()
        if not self.nodes:
            self.bound = max(self.bound, self.plans.cost if np.isfinite(self.plans.cost) else np.inf)

    def _note(self) -> None:
        """The bound: the least of all nodes to come and of the best plan."""
        least = min(self.nodes[0][0] if self.nodes else np.inf, self.plans.cost)
        self.bound = max(self.bound, least)
        self.seen += 1
        if self.seen % 50 == 1:
            self.tell(f"{len(self.nodes)} choices of places left", self.plans.cost, self.bound)

    def _treat(self, node: Node, bound: float, steps: int) -> None:
        """Bound a node, decide what it decides, and branch."""
        tries: list[Flags] = []
        made = self.pricing.raised(node.prices, self.plans.cost, self.enough(), node.shut, node.kept, steps, tries)
        self._try(tries, made)
        if max(made.choice.bound, bound) >= self.enough():
            return
        shut, kept = self._decided(made, node)
        free = ~(shut | kept)
        if not free.any():
            self.plans.offer(kept)
            return
        undecided = np.where(free, np.abs(made.average - 0.5), np.inf)
        branch = np.arange(len(free)) == int(np.argmin(undecided))
        for child in (Node(shut, kept | branch, made.prices), Node(shut | branch, kept, made.prices)):
            heapq.heappush(self.nodes, (self._known(max(made.choice.bound, bound)), -next(self.number), child))

    def _known(self, bound: float) -> float:
        """A bound, rounded up where every plan costs a whole number."""
        return float(np.ceil(bound - 1e-6)) if self.whole_costs and np.isfinite(bound) else bound

    def _try(self, tries: list[Flags], made: Bounded) -> None:
        """Offer the choices met on the way that the bound does not rule out, and what they can be improved to."""
        better = False
        for opened in tries:
            if float(made.prices.sum() + made.choice.price[opened].sum()) + self.problem.constant < self.enough():
                better |= self.plans.offer(opened) if self.problem.limited else self.plans.descend(opened, True)
        if not self.problem.limited:
            better |= self.plans.descend(self.pricing.rounded(made.average))
        elif better:
            self.plans.improve(made.prices)
        if better:
            self.tell("better plan", self.plans.cost, self.bound)

    def _decided(self, made: Bounded, node: Node) -> tuple[Flags, Flags]:
        """(shut, kept) with the places added that no better plan opens, or shuts."""
        choice = made.choice
        free = ~(node.shut | node.kept)
        inside, outside = choice.opened & free, ~choice.opened & free
        number, price = int(choice.opened.sum()), choice.price
        worst = price[inside].max(initial=-np.inf)
        following = price[outside].min(initial=np.inf)
        price = np.where(node.shut, 0.0, price)
        opening = np.minimum(price if number < self.problem.most else np.inf, price - worst)
        shutting = np.minimum(-price if number > self.pricing.fewest else np.inf, following - price)
        enough = self.enough()
        return (node.shut | outside & (choice.bound + opening >= enough),
                node.kept | inside & (choice.bound + shutting >= enough))

    def _greedy(self) -> Flags:
        """Places opened one after the other, the one that saves most first, until opening costs more."""
        given = self.problem
        reach, far = reachable(given)
        nearest = np.full(reach.shape[1], far)
        opened = np.zeros(len(reach), dtype=bool)
        while int(opened.sum()) < given.most:
            saved = np.maximum(nearest - reach, 0.0).sum(axis=1) - given.open_cost
            if given.limited:
                saved = np.where(opened, -np.inf, saved)
            best = int(np.argmax(saved))
            enough = int(opened.sum()) >= self.pricing.fewest and given.room[opened].sum() >= given.load.sum()
            if (saved[best] <= 0 and enough) or opened[best]:
                break
            opened[best] = True
            nearest = np.minimum(nearest, reach[best])
        return opened


def hunt_location(search: Search, goal: str, location: Location) -> bool:
    """Search the location problem that the program is; False when that brought no plan, and the usual way is left."""
    cost, offset = search.form.cost[goal], search.form.offset[goal]

    def tell(phase: str, value: float, bound: float) -> None:
        gap = (value - bound) / abs(value) if np.isfinite(value) and value else np.nan
        search.tell(Progress(search.deadline.elapsed(), goal, phase, value, bound, gap))

    given = replace(location, constant=location.constant + offset)
    tree = Tree(given, search.options.gap, search.deadline, tell)
    try:
        tree.run()
    except KeyboardInterrupt:
        search.deadline.interrupted = True
    if tree.plans.opened is None:
        return False
    offer_rounded(search, location.columns(tree.plans.opened, search.form), cost, goal)
    if search.best is not None:
        search.bound = min(tree.bound - offset, float(cost @ search.best))
    return search.best is not None
