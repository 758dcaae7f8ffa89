"""Cut-set inequalities: whatever must leave a set of places needs rooms across its border, in whole modules.

Sum the rooms across the border of a set of places and drop what else they carry; then for every divisor d
    sum_c capacity[c] x[c]  >=  b  =  demand across - existing
gives by mixed-integer rounding (MIR), with r = b/d - (ceil(b/d) - 1),
    sum_whole ( r * floor(capacity/d) + min(r, frac(capacity/d)) ) x  +  sum_other capacity/d x   >=   r * ceil(b/d)
with d one of the modules' capacities. Magnanti & Mirchandani (1993), Bienstock & Gunluk (1996), Atamturk (2002),
Raack, Koster, Orlowski & Wessaly, "On cut-based inequalities for capacitated network design polyhedra" (2011).

Sets are all there are in small networks, and else found by moving single places while the violation grows, from single
places, pairs and connected sets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity.solving.networks import Network

Floats = NDArray[np.float64]
Sets = NDArray[np.bool_]

ALL_SETS_UP_TO = 13
"""Places up to which every set is looked at: 4,095 of them."""
WIDTH, STEPS = 60, 3
"""Sets that are moved on at each step, and steps, of the search in larger networks."""
MOST = 200
"""Sets of each kind that may become rows in one round."""
DIVISORS = 12
"""Most divisors tried for one network."""
FEW_SIZES = 8
"""Distinct fractions of a divisor up to which they are summed one by one."""
CLOSE = 1e-7


@dataclass(frozen=True)
class Cut:
    """A row `coefficients @ x[columns] >= lower`; `depth`: distance of the point from it."""

    columns: NDArray[np.int64]
    coefficients: Floats
    lower: float
    depth: float


@dataclass(frozen=True)
class Border:
    """For each set: (sets, rooms) 1 where a room crosses its border, and the demand across it."""

    crosses: Floats
    demand: Floats


def first_sets(network: Network, rng: np.random.Generator) -> Sets:
    """Sets to begin with, (sets, places); the first place is never in one, since a set and its complement are alike."""
    n = network.places
    if n <= ALL_SETS_UP_TO:
        return ((np.arange(1, 2 ** (n - 1))[:, None] << 1 >> np.arange(n)) & 1).astype(bool)
    near = np.zeros((n, n), dtype=bool)
    near[network.ends[:, 0], network.ends[:, 1]] = near[network.ends[:, 1], network.ends[:, 0]] = True
    single = np.eye(n, dtype=bool)
    found = [single, single[network.ends[:, 0]] | single[network.ends[:, 1]]]
    for place in range(n):
        grown = single[place]
        for _ in range(n // 2):
            around = np.flatnonzero(near[grown].any(axis=0) & ~grown)
            if not len(around):
                break
            grown = grown | single[rng.choice(around)]
            found.append(grown[None, :])
    return alike(np.vstack(found))


def alike(sets: Sets) -> Sets:
    """Each set once, as the side without the first place; the empty one left out."""
    sets = np.unique(np.where(sets[:, :1], ~sets, sets), axis=0)
    return sets[sets.any(axis=1)]


def borders(network: Network, sets: Sets) -> list[Border]:
    """Borders that capacity must cross: both ways together, and each way where rooms tell them apart."""
    start, end = sets[:, network.ends[:, 0]], sets[:, network.ends[:, 1]]
    inside, wanted = sets.astype(float), network.demand()
    leaves = np.einsum("sp,sp->s", inside @ wanted, 1 - inside)
    enters = np.einsum("sp,sp->s", (1 - inside) @ wanted, inside)
    out = [Border((start ^ end).astype(float), leaves + enters)]
    if not (network.onward & network.homeward).all():
        outward = (start & ~end & network.onward) | (end & ~start & network.homeward)
        inward = (end & ~start & network.onward) | (start & ~end & network.homeward)
        out += [Border(outward.astype(float), leaves), Border(inward.astype(float), enters)]
    return out


def divisors(network: Network) -> Floats:
    """Capacities of whole modules, the largest dozen where there are more."""
    return np.unique(np.round(network.supplier_capacity[network.supplier_whole], 9))[-DIVISORS:]


@dataclass(frozen=True)
class Rounding:
    """The borders of many sets rounded with one divisor: r, r * ceil(b/d), and the left side at a point."""

    divisor: float
    part: Floats
    lower: Floats
    reached: Floats


def rounded(network: Network, border: Border, divisor: float, x: Floats) -> Rounding:
    """MIR of each border's row, evaluated at x."""
    need = (border.demand - border.crosses @ network.existing) / divisor
    ceiling = np.ceil(need - CLOSE)
    part = np.where(need - ceiling + 1 > 1 - CLOSE, 1.0, need - ceiling + 1)
    value = x[network.supplier_column]
    floor, rest = parts_of(network, divisor)
    whole = network.supplier_whole
    reached = part * (border.crosses @ network.by_room(np.where(whole, floor * value, 0.0)))
    if not whole.all():
        reached += border.crosses @ network.by_room(np.where(whole, 0.0, network.supplier_capacity / divisor * value))
    parts = np.flatnonzero(whole & (rest > 0) & (value > 0))
    sizes = np.unique(rest[parts])
    if len(sizes) <= FEW_SIZES:
        for size in sizes:
            same = np.where(whole & (rest == size), value, 0.0)
            reached += np.minimum(part, size) * (border.crosses @ network.by_room(same))
    else:
        counted = np.minimum(part[:, None], rest[parts][None, :]) * value[parts]
        reached += np.einsum("sp,sp->s", counted, border.crosses[:, network.supplier_room[parts]])
    return Rounding(divisor, part, np.where(ceiling > 0, part * ceiling, 0.0), reached)


def parts_of(network: Network, divisor: float) -> tuple[Floats, Floats]:
    """(whole multiples of the divisor in each supplier's capacity, the fraction left)"""
    ratio = network.supplier_capacity / divisor
    floor = np.floor(ratio + 1e-9)
    return floor, np.where(ratio - floor < 1e-9, 0.0, np.round(ratio - floor, 9))


def violations(network: Network, sets: Sets, x: Floats) -> Floats:
    """The largest violation of each set's rows, in modules over the square root of the rooms they cross."""
    worst = np.full(len(sets), -np.inf)
    for border in borders(network, sets):
        size = np.sqrt(np.maximum(border.crosses.sum(axis=1), 1.0))
        for divisor in divisors(network):
            found = rounded(network, border, divisor, x)
            worst = np.maximum(worst, (found.lower - found.reached) / size)
    return worst


def promising(network: Network, sets: Sets, x: Floats) -> Sets:
    """Sets near the given ones whose rows x violates most; the given ones where they are all there are."""
    if network.places <= ALL_SETS_UP_TO:
        return sets
    moves = np.eye(network.places, dtype=bool)[None, :, :]
    worst = violations(network, sets, x)
    found, known = [(sets, worst)], sets
    front = sets[np.argsort(-worst, kind="stable")[:WIDTH]]
    for _ in range(STEPS):
        near = _unknown(alike((front[:, None, :] ^ moves).reshape(-1, network.places)), known)
        if not len(near):
            break
        worst = violations(network, near, x)
        found.append((near, worst))
        known = np.vstack([known, near])
        front = near[np.argsort(-worst, kind="stable")[:WIDTH]]
    best = np.argsort(-np.concatenate([w for _, w in found]), kind="stable")[: 2 * MOST]
    return np.vstack([s for s, _ in found])[best]


def _unknown(sets: Sets, known: Sets) -> Sets:
    """The sets that are not among the known ones."""
    packed, old = (np.ascontiguousarray(np.packbits(s, axis=1)) for s in (sets, known))
    as_one = np.dtype((np.void, packed.shape[1]))
    return sets[~np.isin(packed.view(as_one).ravel(), old.view(as_one).ravel())]


def cut_sets(network: Network, sets: Sets, x: Floats, least: float = 1e-3) -> list[Cut]:
    """Rows of these sets that x violates by more than `least` of their right side."""
    cuts = []
    for border in borders(network, sets):
        for divisor in divisors(network):
            found = rounded(network, border, divisor, x)
            short = (found.lower - found.reached) / np.maximum(found.lower, CLOSE)
            short[found.lower <= 0] = 0.0
            for at in np.argsort(-short, kind="stable")[:MOST]:
                if short[at] < least:
                    break
                cuts.append(_row(network, border.crosses[at] > 0, found, int(at), x))
    return cuts


def _row(network: Network, crossed: NDArray[np.bool_], found: Rounding, at: int, x: Floats) -> Cut:
    """The row of one set, scaled so that its largest coefficient is 1."""
    floor, rest = parts_of(network, found.divisor)
    part = float(found.part[at])
    each = np.where(
        network.supplier_whole, part * floor + np.minimum(part, rest), network.supplier_capacity / found.divisor
    )
    used = crossed[network.supplier_room] & (each > 1e-9)
    return gathered(network.supplier_column[used], each[used], float(found.lower[at]), x)


def gathered(columns: NDArray[np.int64], coefficients: Floats, lower: float, x: Floats) -> Cut:
    """A row from entries that may name a column twice."""
    columns, at = np.unique(columns, return_inverse=True)
    total = np.asarray(np.bincount(at, coefficients, len(columns)), dtype=float)
    size = float(np.abs(total).max(initial=0.0)) or 1.0
    total, lower = total / size, lower / size
    depth = (lower - float(total @ x[columns])) / max(float(np.linalg.norm(total)), 1e-12)
    return Cut(columns, total, lower, depth)
