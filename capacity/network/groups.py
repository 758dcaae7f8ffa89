"""Collectives of a group on a fabric: latency and rate of an all-reduce by algorithm, from the fabric's structure.

With d accelerators of a group in each of m scale-up domains (n = d m), a the latency of a message and b the rate of a
link, inside (in) and outside (out), outside at the hops and share that a group of that spread finds:

    ring          laps of n - 1 steps, two of them; one ring for each port of a domain
                  latency 2 ((n - m) a_in + m a_out) (n - 1) / n        rate n / (2 (n - 1)) min(b_in, d b_out)
    tree          a chain inside each domain, a double binary tree across them (Sanders et al. 2009)
                  latency 2 ((d - 1) a_in + ceil(log2 m) a_out)         rate min(b_in, d b_out) / 2
    hierarchical  reduced inside, then across in d groups side by side, then gathered (Thakur et al. 2005 in each)
                  latency (1 + log2 d) a_in + 2 log2(m) a_out
                  rate 1 / (2 (1 - 1/d) / b_in + 2 (1 - 1/m) / (d b_out))

A ring's neighbours are neighbours in the fabric, so it keeps their rate where the fabric is thin above its leaves.
Groups are `contiguous` (whole domains side by side) or `rail-aligned` (one accelerator of each of n domains): the
latter meets under one leaf per n domains on rails and spreads over n domains' worth of leaves elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log2

import pandas as pd

from capacity.catalogue.cards import Accelerator
from capacity.catalogue.catalogue import Catalogue
from capacity.network.designs import FabricDesign, interconnect
from capacity.network.structure import Structure

ALGORITHMS = ("ring", "tree", "hierarchical")
CONTIGUOUS, RAIL_ALIGNED = "contiguous", "rail-aligned"
MICRO = 1e6


@dataclass(frozen=True)
class Group:
    """Members in each domain, domains, and the links that they find; seconds, GB/s."""

    inside: int
    domains: int
    up_alpha_s: float
    up_gb_s: float
    out_alpha_s: float
    out_gb_s: float
    neighbour_alpha_s: float
    neighbour_gb_s: float

    @property
    def members(self) -> int:
        """Accelerators of the group."""
        return self.inside * self.domains


def group_of(members: int, domain: int, aligned: bool) -> tuple[int, int]:
    """(members in each domain, domains) of a group; a last domain that is not full counts as full."""
    inside = 1 if aligned else min(members, max(domain, 1))
    return inside, ceil(members / inside)


def all_reduce(group: Group, algorithm: str) -> tuple[float, float]:
    """(latency in seconds, bytes summed per second in GB/s at large sizes) of a group by one of ALGORITHMS."""
    d, m, n = group.inside, group.domains, group.members
    if n == 1:
        return 0.0, float("inf")
    up = group.up_gb_s if d > 1 else float("inf")
    if algorithm == "ring":
        out = d * group.neighbour_gb_s if m > 1 else float("inf")
        crossings = m if m > 1 else 0
        lap = (n - crossings) * group.up_alpha_s + crossings * group.neighbour_alpha_s
        return 2 * (n - 1) / n * lap, n / (2 * (n - 1)) * min(up, out)
    if algorithm == "tree":
        out = d * group.out_gb_s if m > 1 else float("inf")
        return 2 * ((d - 1) * group.up_alpha_s + ceil(log2(m)) * group.out_alpha_s), min(up, out) / 2
    latency = (1 + log2(d) if d > 1 else 0.0) * group.up_alpha_s + 2 * log2(m) * group.out_alpha_s
    return latency, 1 / (2 * (1 - 1 / d) / up + 2 * (1 - 1 / m) / (d * group.out_gb_s))


def spread_of(members: int, domain: int, aligned: bool, rails: int) -> int:
    """Neighbouring accelerators whose switches a group uses: its own span, or on rails a span as if full."""
    if not aligned:
        return members
    return members * (rails if rails > 1 else max(domain, 1))


def collective_table(cat: Catalogue, accelerator: Accelerator, fabric: FabricDesign, shape: Structure,
                     groups: Sequence[int]) -> pd.DataFrame:
    """A row per group size, placement and algorithm: `accelerators`, `placement`, `algorithm`, `alpha_us`, `gb_s`
    (bytes summed per second at large sizes), `switches` on the longest way and `share` of the ports' rate outside.

    Group sizes above the fabric's own are left out. Rail-aligned groups have one accelerator in each domain, so they
    are as large as the fabric has domains at most.
    """
    links, row = interconnect(cat, accelerator, fabric), cat.row("fabric_designs", fabric.design)
    rails = max(int(row["planes"]), int(row["rails"])) if fabric.kind == "rail" else 1
    hop = (fabric.alpha_s - fabric.near_alpha_s) / max(fabric.max_hops - 1, 1)
    rows = []
    for placement in (CONTIGUOUS, RAIL_ALIGNED):
        aligned = placement == RAIL_ALIGNED
        if aligned and (links.domain <= 1 or fabric.kind == "scale-up"):
            continue
        for size in groups:
            inside, domains = group_of(size, links.domain, aligned)
            if size < 2 or inside * domains * (links.domain if aligned else 1) > max(fabric.size, links.domain):
                continue
            hops, share = shape.group(min(spread_of(size, links.domain, aligned, rails), fabric.size))
            port = fabric.neighbour_gb_s * fabric.efficiency
            group = Group(inside, domains, links.up_alpha_s, links.up_gb_s * links.up_efficiency,
                          fabric.near_alpha_s + (hops - 1) * hop, port * share, fabric.near_alpha_s, port)
            for algorithm in ALGORITHMS:
                if algorithm == "hierarchical" and (inside == 1 or domains == 1):
                    continue
                alpha, rate = all_reduce(group, algorithm)
                rows.append((size, placement, algorithm, alpha * MICRO, rate, hops if domains > 1 else 0,
                             share if domains > 1 else 1.0))
    columns = ["accelerators", "placement", "algorithm", "alpha_us", "gb_s", "switches", "share"]
    return pd.DataFrame(rows, columns=columns)
