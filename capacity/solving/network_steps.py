"""What it costs to light a link for its load: the cheapest choice of whole modules for each width."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from capacity.solving.compile import Form
from capacity.solving.networks import Network

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Choice = tuple[Floats, Floats, Ints]
"""(choices,) width, (choices,) cost, (choices, modules) counts: width and cost rise."""

CHOICES = 2000
"""Most choices of one link that are told apart; the widest are left out beyond."""


@dataclass
class Steps:
    """Links with their rooms and the choices of modules for each width.

    A link is the rooms that the same modules widen: one if both directions share it, two if each has it whole.
    `link` (rooms,), `existing` (rooms,); `columns`: modules of each link.
    """

    link: Ints
    existing: Floats
    columns: list[Ints]
    choices: list[Choice]
    nothing: float = field(init=False)
    """So little that it only breaks ties: ways of fewer arcs come first."""
    begins: Ints = field(init=False)
    width: Floats = field(init=False)
    price: Floats = field(init=False)
    span: float = field(init=False)

    def __post_init__(self) -> None:
        self.begins = np.cumsum([0, *(len(c[0]) + 1 for c in self.choices)])[:-1]
        self.span = 2.0 * max((float(c[0][-1]) for c in self.choices), default=1.0) + 2.0
        # the last choice of each link is one that nothing fits
        self.width = np.concatenate([np.append(c[0], self.span / 2) + at * self.span
                                     for at, c in enumerate(self.choices)])
        self.price = np.concatenate([np.append(c[1], np.inf) for c in self.choices])
        self.nothing = 1e-9 * max(float(self.price[np.isfinite(self.price)].max(initial=0.0)), 1e-3)

    @property
    def links(self) -> int:
        """Number of links."""
        return len(self.choices)

    @property
    def rooms(self) -> int:
        """Number of rooms."""
        return len(self.link)

    def need(self, load: Floats) -> Floats:
        """(links,) width that loads (rooms,) ask for beyond what exists, not below zero."""
        out = np.zeros(self.links)
        np.maximum.at(out, self.link, load - self.existing)
        return out

    def at(self, link: Ints, need: Floats) -> Floats:
        """Cost of links at these widths, infinite beyond the widest choice."""
        return np.asarray(self.price[self._choice(link, need)])

    def cost(self, need: Floats) -> Floats:
        """(links,) cost at these widths."""
        return self.at(np.arange(self.links), need)

    def _choice(self, link: Ints, need: Floats) -> Ints:
        within = np.minimum(need - 1e-7, self.span / 2 - 1e-6)
        return np.asarray(np.searchsorted(self.width, within + link * self.span), dtype=np.int64)

    def lit(self, need: Floats, point: Floats) -> Floats:
        """A copy of a point with the modules of these widths."""
        out = point.copy()
        chosen = self._choice(np.arange(self.links), need) - self.begins
        for columns, choice, at in zip(self.columns, self.choices, chosen, strict=True):
            out[columns] = choice[2][at]
        return out

    def least_price(self) -> Floats:
        """(links,) the least that a unit of width costs; zero for a link that costs nothing."""
        return np.array([float(np.min(c[1][c[0] > 0] / c[0][c[0] > 0], initial=np.inf)) if (c[0] > 0).any() else 1e9
                         for c in self.choices])

    def narrower(self, link: int, need: float) -> Iterator[float]:
        """Widths to try below the one that a link has: one choice less, and none at all."""
        width = self.choices[link][0]
        at = int(np.searchsorted(width, need - 1e-7))
        if at > 0:
            yield float(width[min(at, len(width)) - 1])
        if at > 1:
            yield float(width[0])


def steps_of(network: Network, form: Form, cost: Floats) -> Steps | None:
    """The links of a network with their choices; None where some module need not be whole, or is in no link alone."""
    if not network.supplier_whole.all() or not len(network.supplier_column):
        return None
    columns, number = np.unique(network.supplier_column, return_inverse=True)
    rooms, n = network.rooms, network.rooms + len(columns)
    joins = csr_array((np.ones(len(number)), (network.supplier_room, rooms + number)), shape=(n, n))
    _, part = connected_components(joins, directed=False)
    names, link = np.unique(part[:rooms], return_inverse=True)
    if len(np.unique(part)) != len(names):
        return None
    capacity = np.zeros(len(columns))
    np.maximum.at(capacity, number, network.supplier_capacity)
    if not np.allclose(capacity[number], network.supplier_capacity):
        return None
    most = _demanded(network)
    of_link = [np.flatnonzero(part[rooms:] == name) for name in names]
    alone = _at_most_one(form, columns, of_link)
    choices = [
        _choices(capacity[m], cost[columns[m]], form.lower[columns[m]], form.upper[columns[m]], most, one)
        for m, one in zip(of_link, alone, strict=True)
    ]
    return Steps(link.astype(np.int64), network.existing, [columns[m] for m in of_link], choices)


def _demanded(network: Network) -> float:
    return float(network.sink_amount.sum())


def _at_most_one(form: Form, columns: Ints, of_link: list[Ints]) -> list[bool]:
    """Whether a row allows no more than one of a link's modules."""
    number = np.full(form.columns, -1)
    for at, modules in enumerate(of_link):
        number[columns[modules]] = at
    entries = form.matrix.tocsr()
    link = number[entries.indices]
    count = np.diff(entries.indptr)
    row = np.repeat(np.arange(entries.shape[0]), count)
    foreign = np.bincount(row, (link < 0) | (entries.data != 1.0), entries.shape[0]) > 0
    one = (form.row_upper == 1.0) & ~foreign & (count > 0)
    first = link[np.minimum(entries.indptr[:-1], max(len(link) - 1, 0))]
    size = np.array([len(m) for m in of_link])
    whole = one & (first >= 0) & (count == size[np.maximum(first, 0)])
    found = set(first[whole].tolist())
    return [at in found for at in range(len(of_link))]


def _choices(capacity: Floats, cost: Floats, lower: Floats, upper: Floats, most: float, one: bool) -> Choice:
    """The choices of one link that are worth having: none wider costs less."""
    n = len(capacity)
    if one:
        counts = np.vstack([np.zeros(n, dtype=np.int64), np.eye(n, dtype=np.int64)])
        return _undominated(counts @ capacity, counts @ cost, counts)
    counts = np.round(lower).astype(np.int64)[None, :]
    found: Choice = (counts @ capacity, counts @ cost, counts)
    for module in np.argsort(-capacity, kind="stable"):
        if capacity[module] <= 0:
            continue
        room = int(min(upper[module] - round(float(lower[module])), np.ceil(most / capacity[module])))
        times = np.arange(max(room, 0) + 1)
        width = (found[0][:, None] + times * capacity[module]).ravel()
        price = (found[1][:, None] + times * cost[module]).ravel()
        counts = np.repeat(found[2], len(times), axis=0)
        counts[:, module] += np.tile(times, len(found[0]))
        found = _undominated(width, price, counts)
    return found


def _undominated(width: Floats, price: Floats, counts: Ints) -> Choice:
    order = np.lexsort((-width, price))
    width, price, counts = width[order], price[order], counts[order]
    wider = np.append(True, width[1:] > np.maximum.accumulate(width)[:-1] + 1e-9)
    kept = np.flatnonzero(wider)[:CHOICES]
    return width[kept], price[kept], counts[kept]
