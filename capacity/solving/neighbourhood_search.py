"""Better plans from neighbourhoods of the best one, and when a network's are searched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capacity.solving.compile import Form
from capacity.solving.loading import loading_of
from capacity.solving.loading_search import hunt_loading
from capacity.solving.neighbourhoods import around_places, windows
from capacity.solving.network_start import start_network
from capacity.solving.networks import networks
from capacity.solving.separation import RULE
from capacity.solving.tightened import SMALL

if TYPE_CHECKING:
    from capacity.solving.search import Search

Floats = NDArray[np.float64]

LOOKS_OF_NEIGHBOURHOOD = 60
"""Effort of one neighbourhood of a network: how often its search may ask whether to stop (`Machine.most_looks`)."""

LOOKS_OF_ONE = 150
"""Effort of one neighbourhood of anything else."""

NEARLY_PROVEN = 0.01
"""Gap up to which a network's plan is left to branch and bound alone."""

LOOKS_OF_ROUNDING, LOOKS_OF_USED = 300, (1000, 2000)
"""Effort of the first rounding, and of searching what the relaxation uses, first and again."""

LOOKS_OF_ALL, LOOKS_FROM_PLAN, LOOKS_OF_NEIGHBOURHOODS = 120, 600, 600
"""Effort of a network's first search, of that which starts from a plan, and of all its neighbourhoods."""

SHARE_OF_ALL, SHARE_FROM_PLAN, SHARE_OF_NEIGHBOURHOODS = 0.1, 0.5, 0.3
"""Share of the time that is left which each of these may take where that is less."""


def hunt_around(search: Search, goal: str, guide: Floats, point: Floats) -> None:
    """Search a program of the kind that it is: network loading, a network, or anything else, if it is large, in boxes.

    A small program without a network is left to branch and bound.
    """
    alone = len(search.goals) == 1 and search.cases is None
    loading = loading_of(search.problem, search.form, search.form.cost[goal]) if alone else None
    if alone:
        start_network(search, goal)
    if loading is not None:
        hunt_loading(search, goal, loading)
    elif search.form.columns <= SMALL or (alone and only_a_network(search) and not has_cuts(search.form)):
        hunt_network(search, goal)
    else:
        hunt_in_boxes(search, goal, guide, point)


def only_a_network(search: Search) -> bool:
    """Whether every column carries traffic or widens what carries it."""
    found = networks(search.problem, search.form)
    if len(found) != 1:
        return False
    return len(np.unique(np.concatenate([found[0].arc_column, found[0].supplier_column]))) == search.form.columns


def has_cuts(form: Form) -> bool:
    """Whether rows were added for networks: where none was violated, everything is best searched at once (c35, c41);
    else what the relaxation uses is searched first (germany50)."""
    return any(name.startswith(f"{RULE}[") for name in form.row_names)


def hunt_in_boxes(search: Search, goal: str, guide: Floats, point: Floats) -> None:
    """Whole numbers within one of the relaxation, then what it uses, then neighbourhoods of the best plan."""
    whole = search.form.integer
    near = (np.floor(point + 1e-6), np.ceil(point - 1e-6))
    box = (np.where(whole, near[0], search.form.lower), np.where(whole, near[1], search.form.upper))
    search.branch(goal, guide, box, "rounding", looks=LOOKS_OF_ROUNDING)
    pure = search.form.cost[goal]
    dearer = pure if guide is pure else guide + 99 * search.price * pure
    for effort in LOOKS_OF_USED:
        if search.closed(goal) or search.deadline.left() <= 0:
            break
        unused = whole & (point < 1e-6) & ~search.in_use()
        box = (search.form.lower, np.where(unused, 0.0, search.form.upper))
        search.branch(goal, dearer, box, "searching what the relaxation uses", looks=effort)
        dearer = pure
    years = windows(search.form, np.random.default_rng(0))
    improve(search, goal, guide if guide is pure else dearer, years, (LOOKS_OF_ONE, np.inf))


def hunt_network(search: Search, goal: str) -> None:
    """A short search of everything, then the modules near one place after the other; nothing without a network."""
    nets = networks(search.problem, search.form)
    if not nets:
        return
    cost, left = search.form.cost[goal], search.deadline.left()
    share, looks = (SHARE_OF_ALL, LOOKS_OF_ALL) if search.best is None else (SHARE_FROM_PLAN, LOOKS_FROM_PLAN)
    search.branch(goal, cost, (search.form.lower, search.form.upper), "searching all", share * left, looks)
    if search.best is not None and search.gap(goal, float(cost @ search.best)) > NEARLY_PROVEN:
        places = around_places(search.form, nets, np.random.default_rng(0))
        improve(search, goal, cost, places, (LOOKS_OF_NEIGHBOURHOOD, LOOKS_OF_NEIGHBOURHOODS),
                SHARE_OF_NEIGHBOURHOODS * left)


def improve(
    search: Search, goal: str, guide: Floats, turns: Iterator[tuple[NDArray[np.bool_], str, int]],
    looks: tuple[float, float], seconds: float = np.inf,
) -> None:
    """Neighbourhoods of the best plan: whole numbers move within a few years, or at a few places, as `turns` has it.

    Stops when the gap is proven, when a round of all windows brought nothing, or when its effort is spent: so many
    looks for each, so many in all. Seconds are for who set a time limit.
    """
    if search.best is None:
        return
    ends, idle, (each, left) = search.deadline.elapsed() + seconds, 0, looks
    for free, phase, in_round in turns:
        late = search.deadline.left() <= 0 or search.deadline.elapsed() > ends
        if search.closed(goal) or late or left <= 0 or idle >= in_round:
            return
        before = float(guide @ search.best)
        held = search.form.integer & ~free
        box = (np.where(held, search.best, search.form.lower), np.where(held, search.best, search.form.upper))
        search.branch(goal, guide, box, phase, looks=min(each, left))
        left -= search.machine.looks
        idle = 0 if float(guide @ search.best) < before * (1 - 1e-5) else idle + 1
