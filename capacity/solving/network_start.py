"""A network's first plan: demands on single ways (`network_plans`), completed to a plan of the whole program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capacity.solving.network_plans import Effort, Ways, best_by_prices, settled, shaken
from capacity.solving.network_steps import steps_of
from capacity.solving.networks import Network, networks

if TYPE_CHECKING:
    from capacity.solving.search import Search

Floats = NDArray[np.float64]

RUNS, RUNS_A_LINK = 8000, 150
"""Shortest ways looked for at most, and for each link."""
NEAR_ENOUGH = 0.01
"""Gap to the bound at which a first plan is left to branch and bound."""


def start_network(search: Search, goal: str) -> None:
    """Offer a first plan where there is none and all that must be whole are the modules of one network.

    What else the program asks for is left to the linear program around these modules, which may have no solution.
    """
    form, cost = search.form, search.form.cost[goal]
    found = networks(search.problem, form) if search.best is None else []
    if len(found) != 1 or not np.isin(np.flatnonzero(form.integer), found[0].supplier_column).all():
        return
    steps, ways = steps_of(found[0], form, cost), ways_of(found[0], cost)
    if steps is None or ways is None:
        return
    search.tell_of(goal, "a first plan, demand by demand")
    rng, runs = np.random.default_rng(0), min(RUNS, RUNS_A_LINK * steps.links)

    def stop() -> bool:
        return search.deadline.left() <= 0

    routed = best_by_prices(ways, steps, Effort(runs // 2, -np.inf, stop))
    value = settled(routed, rng, Effort(runs, -np.inf, stop))
    if not np.isfinite(value):
        value = shaken(routed, rng, Effort(ways.runs + runs, np.inf, stop))
        if not np.isfinite(value):
            return
    search.offer(steps.lit(steps.need(routed.load), form.lower), cost, goal)
    if search.best is None or search.gap(goal, float(cost @ search.best)) <= NEAR_ENOUGH:
        return
    apart = value - float(cost @ search.best)
    enough = search.bound + NEAR_ENOUGH * abs(search.bound) + apart
    value = shaken(routed, rng, Effort(ways.runs + runs, enough, stop))
    if value - apart < float(cost @ search.best):
        search.offer(steps.lit(steps.need(routed.load), form.lower), cost, goal)


def ways_of(network: Network, cost: Floats) -> Ways | None:
    """Demands and arcs of a network; None where a demand's source is where it must arrive, or a way earns money."""
    key = np.stack([network.arc_room, network.arc_back, network.arc_toward], axis=1)
    arcs, number = np.unique(key, axis=0, return_inverse=True)
    price = np.full((len(network.source), len(arcs)), np.inf)
    price[network.arc_flow, number.ravel()] = cost[network.arc_column]
    source = network.source[network.sink_flow]
    if np.any(source == network.sink_place) or price.min(initial=0.0) < 0:
        return None
    return Ways(network.places, network.sink_flow, source, network.sink_place, network.sink_amount,
                arcs[:, 0], arcs[:, 1], arcs[:, 2], price)
