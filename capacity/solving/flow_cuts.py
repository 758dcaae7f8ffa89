"""Flow cut-set inequalities: of the rooms across a border some are counted by what is lit, the others by their flow.

For a set of places and some of the flows, let b be what these flows must carry over the border. Of the rooms across it
count those in E by what is lit and the others by what those flows send outward; then for every divisor d
    sum_{E} capacity[c] x[c]  +  sum_{others} flow  >=  b - existing of E
gives by mixed-integer rounding, with r as in `cutsets` and n the right side over d,
    sum_{E} ( r * floor(capacity/d) + min(r, frac(capacity/d)) ) x  +  sum_{others} flow / d  >=  r * ceil(n)
For given sets, flows and d the best E has each room whose lit part counts for less than its flow. The flows are all of
them (or, where rooms tell directions apart, all that begin on one side), or those of one source. Chopra, Gilboa &
Sastry (1998); Atamturk, "On capacitated network design cut-set polyhedra" (2002); Raack, Koster, Orlowski & Wessaly
(2011), who find these the ones that pay.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from capacity.solving.cutsets import CLOSE, Cut, Floats, Sets, divisors, gathered, parts_of
from capacity.solving.networks import Network

MOST_SETS = 250
"""Sets looked at in one round, those that the flows of all sources come nearest to violating first."""
MOST = 12
"""Rows of one group of flows and one divisor that may come out of a round."""
MOST_DIVISORS = 4
"""Divisors tried, spread over all sizes of modules where there are more."""
MOST_SOURCES = 12
"""Single sources looked at in one round; the others take their turn in the next."""
FEW_SIZES = 4
"""Parts of a divisor up to which modules of one part are summed before they are counted; else each counts alone."""


@dataclass(frozen=True)
class Outward:
    """What crosses each set's border: `away` and `home` (sets, rooms) tell whether a room's first end or its last one
    is in the set; `inside` (sets, flows) whether a flow begins in it; `need` (sets, flows) what it must carry across;
    `sent` (flows, rooms, 2) what it sends from a room's first end to the last, and back."""

    away: Sets
    home: Sets
    inside: Sets
    need: Floats
    sent: Floats

    def of(self, chosen: Sets) -> Floats:
        """(sets, rooms): what the chosen flows (sets, flows) send away from the side they begin on."""
        within, beyond = (chosen & self.inside).astype(float), (chosen & ~self.inside).astype(float)
        onward, homeward = self.sent[:, :, 0], self.sent[:, :, 1]
        used = chosen.any(axis=0)
        within, beyond, onward, homeward = within[:, used], beyond[:, used], onward[used], homeward[used]
        return np.asarray(self.away * (within @ onward + beyond @ homeward)
                          + self.home * (within @ homeward + beyond @ onward))


def outward(network: Network, sets: Sets, x: Floats) -> Outward:
    """What crosses the borders of these sets at a point."""
    first, last = sets[:, network.ends[:, 0]], sets[:, network.ends[:, 1]]
    flows = len(network.source)
    wanted, sent = np.zeros((flows, network.places)), np.zeros((flows, network.rooms, 2))
    np.add.at(wanted, (network.sink_flow, network.sink_place), network.sink_amount)
    back = (network.arc_back > network.arc_toward).astype(np.int64)
    np.add.at(sent, (network.arc_flow, network.arc_room, back), x[network.arc_column])
    inside, members = sets[:, network.source], sets.astype(float)
    need = np.where(inside, (1 - members) @ wanted.T, members @ wanted.T)
    return Outward(first & ~last, last & ~first, inside, need, sent)


def flow_cuts(network: Network, sets: Sets, x: Floats, turn: int, least: float = 1e-3) -> list[Cut]:
    """Rows of these sets that x violates by more than `least` of their right side; `turn`: number of the round."""
    border = outward(network, sets, x)
    if len(sets) > MOST_SETS:
        every = np.ones_like(border.inside)
        slack = _slack(network, border, every, x)
        kept = np.argsort(slack, kind="stable")[:MOST_SETS]
        sets, border = sets[kept], outward(network, sets[kept], x)
    cuts: list[Cut] = []
    for chosen in _groups(network, border, turn):
        need, sent = (border.need * chosen).sum(axis=1), border.of(chosen)
        for divisor in _spread(network):
            found = _Rounded.at(network, border, need, sent, divisor, x)
            short = (found.lower - found.reached) / np.maximum(found.lower, CLOSE)
            short[(found.lower <= CLOSE) | ~found.lit.any(axis=1)] = 0.0
            for at in np.argsort(-short, kind="stable")[:MOST]:
                if short[at] < least:
                    break
                cuts.append(_row(network, border, sets[at], chosen[at], found, int(at), x))
    return [cut for cut in cuts if cut.depth > 1e-6]


def _spread(network: Network) -> Floats:
    """A few of the modules' capacities, the smallest and the largest among them."""
    every = divisors(network)
    return np.asarray(every[np.unique(np.linspace(0, len(every) - 1, min(len(every), MOST_DIVISORS)).astype(int))])


def _slack(network: Network, border: Outward, chosen: Sets, x: Floats) -> Floats:
    """(sets,) least over divisors of what is left of each set's row, relative to its right side."""
    need, sent = (border.need * chosen).sum(axis=1), border.of(chosen)
    out = np.full(len(need), np.inf)
    for divisor in _spread(network):
        found = _Rounded.at(network, border, need, sent, divisor, x)
        out = np.minimum(out, (found.reached - found.lower) / np.maximum(found.lower, CLOSE))
    return out


def _groups(network: Network, border: Outward, turn: int) -> Iterator[Sets]:
    """Groups of flows, each (sets, flows): which count, for every set."""
    flows = len(network.source)
    if (network.onward & network.homeward).all():
        yield np.ones_like(border.inside)
    else:
        yield border.inside
        yield ~border.inside
    sources = np.unique(network.source)
    if len(sources) > MOST_SOURCES:
        sources = np.roll(sources, -turn * MOST_SOURCES)[:MOST_SOURCES]
    for source in sources if flows > 1 else ():
        yield np.broadcast_to(network.source == source, border.inside.shape)


@dataclass(frozen=True)
class _Rounded:
    """Each set's row with one divisor at a point: which rooms count by what is lit, r, r * ceil(n), the left side."""

    divisor: float
    lit: Sets
    part: Floats
    lower: Floats
    reached: Floats

    @staticmethod
    def at(network: Network, border: Outward, need: Floats, sent: Floats, divisor: float, x: Floats) -> _Rounded:
        """Rooms are chosen as if none of what stands had to be taken off, and what stands is then taken off."""
        crosses = border.away | border.home
        part, _ = _split_need(need / divisor)
        counted = _counted(network, divisor, part, x)
        lit = crosses & (counted + part[:, None] * network.existing / divisor < sent / divisor - CLOSE)
        part, ceiling = _split_need((need - lit @ network.existing) / divisor)
        counted = _counted(network, divisor, part, x)
        reached = np.where(lit, counted, np.where(crosses, sent / divisor, 0.0)).sum(axis=1)
        return _Rounded(divisor, lit, part, np.where(ceiling > 0, part * ceiling, 0.0), reached)


def _split_need(need: Floats) -> tuple[Floats, Floats]:
    """(r, ceiling) of each right side over the divisor."""
    ceiling = np.ceil(need - CLOSE)
    part = need - ceiling + 1
    return np.where(part > 1 - CLOSE, 1.0, part), ceiling


def _counted(network: Network, divisor: float, part: Floats, x: Floats) -> Floats:
    """(sets, rooms): what is lit in each room counts for, with each set's r."""
    floor, rest = parts_of(network, divisor)
    value, whole = x[network.supplier_column], network.supplier_whole
    out = part[:, None] * network.by_room(np.where(whole, floor * value, 0.0))
    if not whole.all():
        out = out + network.by_room(np.where(whole, 0.0, network.supplier_capacity / divisor * value))
    partly = np.flatnonzero(whole & (rest > 0) & (value > 0))
    sizes = np.unique(rest[partly])
    if len(sizes) > FEW_SIZES:
        each = np.minimum(part[:, None], rest[partly]) * value[partly]
        in_room = (np.ones(len(partly)), (np.arange(len(partly)), network.supplier_room[partly]))
        return np.asarray(out + each @ sp.csr_matrix(in_room, shape=(len(partly), network.rooms)))
    for size in sizes:
        same = network.by_room(np.where(whole & (rest == size), value, 0.0))
        out = out + np.minimum(part, size)[:, None] * same
    return np.asarray(out)


def _row(
    network: Network, border: Outward, inside: NDArray[np.bool_], chosen: NDArray[np.bool_], found: _Rounded, at: int,
    x: Floats,
) -> Cut:
    """The row of one set and group of flows."""
    floor, rest = parts_of(network, found.divisor)
    part, lit = float(found.part[at]), found.lit[at]
    each = np.where(
        network.supplier_whole, part * floor + np.minimum(part, rest), network.supplier_capacity / found.divisor
    )
    lights = lit[network.supplier_room] & (each > 1e-9)
    begins = border.inside[at][network.arc_flow]
    leaves = (inside[network.arc_back] == begins) & (inside[network.arc_toward] != begins)
    by_flow = chosen[network.arc_flow] & leaves & ~lit[network.arc_room]
    return gathered(
        np.concatenate([network.supplier_column[lights], network.arc_column[by_flow]]),
        np.concatenate([each[lights], np.full(int(by_flow.sum()), 1 / found.divisor)]), float(found.lower[at]), x,
    )
