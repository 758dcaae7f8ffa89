"""Figures of a fabric by structure, without a graph: for any size, and the graph's own on small ones (tested).

    Clos         counts of `clos.py`, plane by plane
    dragonfly+   groups of leaves and spines, every two groups joined by as many cables (Shpiner et al. 2017);
                 mean hops as if groups and leaves were equally full
    torus        rings in two or three dimensions; uniform traffic fills a ring at 2 links * capacity / mean distance
                 (Dally & Towles 2004, chapter 3)
    full mesh    every two accelerators joined
    scale-up     every accelerator in each of several planes, its links shared out over them (NVLink switches)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from math import ceil

from capacity.errors import InputError
from capacity.network.clos import Clos, lay_out


@dataclass(frozen=True)
class Structure:
    """What a fabric is made of, and what follows from its shape alone.

    `access_cables` touch an accelerator, `trunk_cables` join switches. `max_hops` and `mean_hops` count switches passed
    (without switches: cables followed). `bisection_share` is the bandwidth between halves over that of the accelerators
    of one half; `uniform_share` the share of its own bandwidth each accelerator gets when all send to all. `near`
    neighbours meet in one switch of each plane; 0 where there are no switches.
    """

    kind: str
    size: int
    tiers: int
    switches: int
    access_cables: int
    trunk_cables: int
    max_hops: int
    mean_hops: float
    bisection_share: float
    uniform_share: float
    near: int = 0
    sides: tuple[Clos, ...] = field(default=(), compare=False, repr=False)
    """The planes of a fat-tree."""
    rails: int = 1
    """In one plane: neighbours that hang on leaves of their own and meet the others of their rail there."""

    def group(self, members: int) -> tuple[int, float]:
        """(switches on the longest way, share of its bandwidth each gets) when so many neighbours send to all."""
        if self.sides:
            each = ceil(members / (len(self.sides) * self.rails))
            found = [side.group(min(each, side.endpoints)) for side in self.sides]
            return max(hops for hops, _ in found), min(share for _, share in found)
        return (1, 1.0) if members <= self.near else (self.max_hops, self.uniform_share)


def planes_of(size: int, planes: int) -> list[int]:
    """Endpoints of each plane: accelerator n uses plane n modulo `planes`."""
    return [size // planes + (n < size % planes) for n in range(planes)]


def clos_structure(kind: str, size: int, planes: int, radix: int, max_tiers: int, oversubscription: float = 1.0,
                   upper: float = 1.0, rails: int = 1) -> Structure:
    """Figures of a fat-tree of one or more planes, each accelerator in one of them."""
    known = {n: lay_out(n, radix, max_tiers, oversubscription, upper) for n in set(planes_of(size, planes)) if n}
    sides: list[Clos] = [known[n] for n in planes_of(size, planes) if n]
    return Structure(
        kind, size, max(side.tiers for side in sides), sum(sum(side.switches) for side in sides), size,
        sum(side.trunk_cables for side in sides), max(side.max_hops for side in sides),
        sum(side.mean_hops * side.endpoints for side in sides) / size,
        min(side.bisection_share for side in sides), min(side.uniform_share for side in sides),
        planes * rails * min(side.endpoints // side.leaves for side in sides), tuple(sides), rails,
    )


def scale_up_structure(size: int, planes: int, radix: int, max_tiers: int) -> Structure:
    """Figures of a scale-up domain: every accelerator in each of `planes` alike; a bundle of its links counts once."""
    side = lay_out(size, radix, max_tiers)
    return Structure("scale-up", size, side.tiers, planes * sum(side.switches), planes * size,
                     planes * side.trunk_cables, side.max_hops, side.mean_hops, side.bisection_share,
                     side.uniform_share, side.endpoints // side.leaves, (side,))


@dataclass(frozen=True)
class Dragonfly:
    """Layout of a dragonfly+: equal groups, the last ones possibly short of endpoints."""

    endpoints: int
    groups: int
    leaves: int
    """Leaves of one group."""
    uplinks: int
    """Cables from one leaf to the spines of its group."""
    spines: int
    between: int
    """Cables between two groups."""


def lay_out_dragonfly(endpoints: int, radix: int, taper: float = 1.0) -> Dragonfly:
    """As few full groups as hold the endpoints; half of a leaf's ports face down, half of a spine's face other groups.

    `taper` divides the bandwidth between groups. Raises InputError when groups have too few ports to reach each other.
    """
    half = radix // 2
    if endpoints < 1 or half < 1 or taper < 1:
        raise InputError(f"dragonfly-plus of {endpoints} endpoints, radix {radix}, taper {taper:g}: allowed are 1 "
                         "endpoint or more, radix 2 or more and a taper of 1 or more")
    groups = ceil(endpoints / half**2)
    in_group = ceil(endpoints / groups)
    leaves = ceil(in_group / half)
    uplinks = ceil(in_group / leaves)
    spines = ceil(leaves * uplinks / half)
    if groups == 1:
        return Dragonfly(endpoints, 1, leaves, uplinks if leaves > 1 else 0, spines if leaves > 1 else 0, 0)
    between = int(leaves * uplinks / taper) // (groups - 1)
    if not between:
        raise InputError(f"dragonfly-plus of {endpoints} endpoints: {groups} groups of radix {radix} at taper "
                         f"{taper:g} have too few ports to join every two of them; take a smaller pod or taper")
    return Dragonfly(endpoints, groups, leaves, uplinks, spines, between)


def dragonfly_structure(size: int, radix: int, taper: float = 1.0) -> Structure:
    """Figures of a dragonfly+ with minimal routing."""
    plan = lay_out_dragonfly(size, radix, taper)
    group = ceil(size / plan.groups)
    trunk = plan.groups * plan.leaves * plan.uplinks + plan.groups * (plan.groups - 1) // 2 * plan.between
    one, other = plan.groups // 2, plan.groups - plan.groups // 2
    bisection = uniform = 1.0
    if plan.groups > 1:
        bisection = min(1.0, one * other * plan.between / (size / 2))
        uniform = min(1.0, plan.between * (size - 1) / group**2)
    leaf = size / (plan.groups * plan.leaves)
    same_leaf, same_group = leaf - 1, group - leaf
    far = size - group
    mean = (same_leaf + 3 * same_group + 4 * far) / (size - 1) if size > 1 else 0.0
    hops = 4 if plan.groups > 1 else (3 if plan.leaves > 1 else 1)
    return Structure("dragonfly-plus", size, 2 if plan.spines else 1, plan.groups * (plan.leaves + plan.spines), size,
                     trunk, hops, mean, bisection, uniform, int(leaf))


@lru_cache(maxsize=256)
def torus_sides(size: int, dimensions: int) -> tuple[int, ...]:
    """The most even sides of a torus of exactly `size` nodes, longest first. Raises InputError when there is none."""
    found = _sides(size, dimensions)
    if found is None:
        near = next(n for step in range(1, size + 2**dimensions) for n in (size - step, size + step)
                    if n >= 2**dimensions and _sides(n, dimensions))
        raise InputError(f"torus of {size} nodes in {dimensions} dimensions: no sides of 2 or more multiply to it; "
                         f"nearest size that has them: {near}")
    return found


def _sides(size: int, dimensions: int) -> tuple[int, ...] | None:
    if dimensions == 1:
        return (size,) if size > 1 else None
    best: tuple[int, ...] | None = None
    for side in range(2, int(size ** (1 / dimensions) + 1e-9) + 1):  # the shortest side is at most the root
        rest = _sides(size // side, dimensions - 1) if size % side == 0 else None
        if rest and (best is None or max(rest) < max(best)):
            best = tuple(sorted((*rest, side), reverse=True))
    return best


def torus_structure(size: int, dimensions: int) -> Structure:
    """Figures of a torus whose accelerators share their bandwidth out over two links per dimension."""
    sides = torus_sides(size, dimensions)
    link = 1 / (2 * dimensions)
    cables = sum(size // 2 if k == 2 else size for k in sides)
    apart = [k * k // 4 / k for k in sides]
    uniform = min((1 if k == 2 else 2) * link / mean for k, mean in zip(sides, apart, strict=True))
    crossing = (1 if sides[0] == 2 else 2) * (size // sides[0]) * link
    return Structure("torus", size, 0, 0, cables, 0, sum(k // 2 for k in sides), sum(apart) * size / (size - 1),
                     min(1.0, crossing / (size / 2)), min(1.0, uniform * (size - 1) / size))


def mesh_structure(size: int) -> Structure:
    """Figures of a full mesh whose accelerators share their bandwidth out over a link to each other one."""
    if size < 2:
        raise InputError(f"full mesh of {size} nodes: allowed are 2 or more")
    half = size // 2
    share = half * (size - half) / (size - 1) / (size / 2)
    return Structure("full-mesh", size, 0, 0, size * (size - 1) // 2, 0, 1, 1.0, min(1.0, share), 1.0)


