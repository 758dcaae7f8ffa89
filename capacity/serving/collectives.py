"""Time of a collective among the accelerators of one copy: alpha-beta, hierarchical beyond the scale-up domain.

    all-reduce, n ranks, V bytes each      (1 + log2 n) * alpha + 2 (n-1)/n * V / (eff * bandwidth)
    all-to-all                              2 * alpha            +   (n-1)/n * V / (eff * bandwidth)
    point to point                              alpha            +             V / (eff * bandwidth)
The bandwidth terms are the bounds of Patarasuk & Yuan (2009); the latency of an all-reduce grows with the depth of a
tree in a switched domain, and twice that (up and down) over the scale-out fabric. An all-reduce over n_in accelerators
of a domain and n_out domains reduces inside first, so each accelerator carries V / n_in outside.

Libraries change protocol with the size: the quick one sends a flag with every word of data and so reaches half of the
rate (NCCL's LL); the bulk one reaches all of it and takes `bulk` times the latency. The functions below give the bulk
rate at the quick latency; `faster_s` makes of the two parts what the faster protocol takes, so that a collective's time
is the lower of two straight lines. Today's engines have kernels of their own for a step's all-reduces, whose latency
does not grow with the group (`own_reduce_s`). Ranks that share a host's bridges instead of a switch get less each:
rate * up_doubling^(log2 n - 1). On a fabric that is thinner above its leaves, groups of at most `near` accelerators
meet under one leaf and keep the figures of neighbours.
"""

from __future__ import annotations

import numpy as np

from capacity.catalogue.cards import Interconnect
from capacity.serving.architecture import Array

GIGA = 1e9
FLAGGED = 0.5
"""Share of the bytes that are data where each word carries a flag of its own length."""


def faster_s(latency: Array, moving: Array, bulk: float) -> Array:
    """Seconds of collectives of so much latency and so much moving of bytes, by the faster protocol."""
    return np.minimum(by_protocol(latency, moving, bulk, 1), by_protocol(latency, moving, bulk, 2))


def by_protocol(latency: Array, moving: Array, bulk: float, which: int) -> Array:
    """Seconds by the quick protocol (1) or by the bulk one (2)."""
    return latency + moving / FLAGGED if which == 1 else latency * bulk + moving


def _inside(ranks: Array, links: Interconnect) -> tuple[Array, Array]:
    """Ranks inside one domain, and how many domains the group spans; a part of an accelerator is a rank alone."""
    inside = np.clip(ranks, 1.0, max(links.domain, 1))
    return inside, np.ceil(ranks / inside)


def _up_rate(links: Interconnect, inside: Array | float = 2.0) -> Array | float:
    """Bytes/s of each of so many ranks of a domain."""
    if links.domain <= 1:
        return np.inf
    rate = links.up_gb_s * links.up_efficiency * GIGA
    if np.all(links.up_doubling == 1.0):
        return rate
    return rate * links.up_doubling ** np.log2(np.maximum(inside, 2.0) / 2.0)


def _outside(links: Interconnect, group: Array) -> tuple[Array | float, Array | float]:
    """(latency, bytes/s) outside the domain for accelerators of groups of a size."""
    rate = links.out_gb_s * links.out_efficiency * GIGA
    if links.near <= links.domain:
        return links.out_alpha_s, rate
    close, near = group <= links.near, links.near_gb_s * links.out_efficiency * GIGA
    return np.where(close, links.near_alpha_s, links.out_alpha_s), np.where(close, near, rate)


def all_reduce_s(ranks: Array, volume: Array, links: Interconnect, latency: float = 1.0) -> Array:
    """Seconds to sum `volume` bytes over each group of `ranks` as NCCL does; 0 for a group of one.

    `latency`: of a call from an engine's step, against NCCL's own tests.
    """
    inside, outside = _inside(ranks, links)
    up = np.where(inside > 1, (1 + np.log2(inside)) * links.up_alpha_s * latency, 0.0)
    up = up + 2 * (1 - 1 / inside) * volume / _up_rate(links, inside)
    return np.asarray(up + _beyond_s(ranks, inside, outside, volume, links, latency))


def own_reduce_s(ranks: Array, volume: Array, links: Interconnect, latency: float, shots: int) -> Array:
    """Seconds of an engine's own kernel for the same: every rank of a domain writes into all others' memory.

    One shot: all that a rank has goes to every other, (n-1) V bytes after one exchange of signals. Two shots: each
    sums its part and sends it back, 2 (n-1)/n V after two. `latency`: seconds of an exchange. Beyond the domain: NCCL.
    """
    inside, outside = _inside(ranks, links)
    sent = (inside - 1.0) * (1.0 if shots == 1 else 2.0 / inside)
    up = np.where(inside > 1, shots * latency, 0.0) + sent * volume / _up_rate(links, inside)
    return np.asarray(up + _beyond_s(ranks, inside, outside, volume, links))


def _beyond_s(ranks: Array, inside: Array, outside: Array, volume: Array, links: Interconnect,
              latency: float = 1.0) -> Array:
    """Seconds of an all-reduce across domains, each accelerator with its part of what its domain has summed."""
    alpha, rate = _outside(links, ranks)
    return np.asarray(2 * np.log2(outside) * alpha * latency + 2 * (1 - 1 / outside) * volume / inside / rate)


def collective_s(kind: str, ranks: Array, volume: Array, links: Interconnect) -> Array:
    """Seconds of one of NCCL's collectives with `volume` bytes a rank, by the faster protocol.

    all_gather and reduce_scatter are the halves of an all-reduce; its latency is that of either.
    """
    seconds = all_to_all_s if kind == "alltoall" else all_reduce_s
    passes = 0.5 if kind in ("all_gather", "reduce_scatter") else 1.0
    latency = seconds(ranks, np.zeros_like(volume), links)
    return faster_s(latency, seconds(ranks, passes * volume, links) - latency, links.bulk)


def all_to_all_s(ranks: Array, volume: Array, links: Interconnect) -> Array:
    """Seconds for each rank to send `volume` bytes spread evenly over its group; inside and outside run together."""
    inside, outside = _inside(ranks, links)
    out_alpha, rate = _outside(links, ranks)
    alpha = np.where(inside > 1, 2 * links.up_alpha_s, 0.0) + np.where(outside > 1, 2 * out_alpha, 0.0)
    up = volume * (inside - 1) / ranks / _up_rate(links, inside)
    out = volume * (1 - inside / ranks) / rate
    return np.asarray(alpha + np.maximum(up, out))


def hand_over_s(stages: Array, stage_size: Array, volume: Array, links: Interconnect) -> Array:
    """Seconds that a token spends between pipeline stages, all boundaries of one step (the way back included)."""
    domain = max(links.domain, 1)
    accelerators = stages * stage_size
    crossings = np.where(stage_size > domain, stages, np.ceil(accelerators / domain))
    outside = np.where(accelerators > domain, np.minimum(crossings, stages), 0.0)
    inside = np.where(stages > 1, stages - outside, 0.0)
    up = inside * (links.up_alpha_s + volume / _up_rate(links))
    alpha, rate = _outside(links, accelerators)
    out = outside * (alpha + volume / rate)
    return np.asarray(np.where(stages > 1, up + out, 0.0))
